"""The dictionary of columns as data and as dbt doc blocks: a mart's YAML refers to a meaning, and never repeats it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType

import dataframely as dy

from contracts import columns as dictionary
from contracts.render.dbt_sources import HEADER


def dictionary_columns() -> Mapping[str, dy.Column]:
    """Every column of ``contracts/columns.py`` by name."""
    return MappingProxyType(
        {
            name: function()
            for name, function in list(vars(dictionary).items())
            if inspect.isfunction(function) and function.__module__ == dictionary.__name__ and not name.startswith("_")
        }
    )


def column_docs() -> str:
    """One dbt doc block a column: its description, with its unit in brackets."""
    blocks = []
    for name, column in sorted(dictionary_columns().items()):
        unit = (column.metadata or {}).get("unit")
        text = f"{column.description} [{unit}]" if unit else f"{column.description}"
        blocks.append(f"{{% docs {name} %}}\n{text}\n{{% enddocs %}}\n")
    return f"<!-- {HEADER} -->\n\n" + "\n".join(blocks)
