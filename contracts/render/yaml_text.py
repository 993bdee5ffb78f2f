"""Plain data as YAML text: block style, quoted strings, the order given. What the rendered dbt files are written with.

Writing is all that rendering needs; reading YAML belongs to whoever owns the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain] | None"


def yaml_text(document: Mapping[str, Plain]) -> str:
    """The document as YAML. Strings are written as JSON strings, which YAML reads alike."""
    return "\n".join(_mapping(document, "")) + "\n"


def _mapping(value: Mapping[str, Plain], indent: str) -> list[str]:
    lines = []
    for key, item in value.items():
        if _is_block(item):
            lines += [f"{indent}{key}:", *_block(item, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_scalar(item)}")
    return lines


def _block(value: Plain, indent: str) -> list[str]:
    if isinstance(value, Mapping):
        return _mapping(value, indent)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no YAML block")
    lines = []
    for item in value:
        if _is_block(item):
            first, *rest = _block(item, indent + "  ")
            lines += [f"{indent}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{indent}- {_scalar(item)}")
    return lines


def _is_block(value: Plain) -> bool:
    if isinstance(value, Mapping):
        return bool(value)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    return any(isinstance(item, Mapping) for item in value)


def _scalar(value: Plain) -> str:
    return json.dumps(value, ensure_ascii=False)
