"""Code tables: what a provider's codes mean, as data beside the connector, and as a firm completes them.

Much of what a provider's codes mean is not public. A table holds what is known, each row with its confidence; a code
that it lacks sends its record to quarantine as ``unknown_code``. A firm that knows better writes the same columns into
a CSV of its own and names it in the connection (``codes: {transactions: pershing_transactions.csv}``): its rows come
before the connector's, key by key.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from connectors.errors import PermanentError

MAX_ROWS: Final = 20_000
SEPARATOR: Final = "/"
_FEW: Final = 12

Row = Mapping[str, str]


@dataclass(frozen=True)
class CodeTable:
    """One table of codes of a connector.

    Attributes:
        name: how a connection's ``codes`` names it.
        path: the connector's CSV, UTF-8, with a header.
        key: columns that together are the code; a record's code is their texts joined with ``/``.
        meanings: columns that say what it means; a blank stands for none.
        vocabularies: meaning to its closed list, where it has one; a row that says something else is refused.
    """

    name: str
    path: Path
    key: tuple[str, ...]
    meanings: tuple[str, ...]
    vocabularies: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def rows(self, own: Path | None = None) -> Mapping[str, Row]:
        """Code to its row: the connector's, with the firm's ``own`` rows in their place where it has them.

        Raises:
            PermanentError: the firm's table cannot be used; file, line and column are named.
        """
        rows = dict(_read(self, self.path, _stamp(self.path)))
        if own is not None:
            rows.update(_read(self, own, _stamp(own)))
        return MappingProxyType(rows)

    def meaning(self, column: str, own: Path | None = None) -> dict[str, str]:
        """Code to what ``column`` says of it."""
        return {code: row[column] for code, row in self.rows(own).items()}


def code_of(columns: Sequence[str]) -> pl.Expr:
    """The code of a record: its text columns joined with ``/``, a blank one as nothing."""
    return pl.concat_str([pl.col(name).fill_null("") for name in columns], separator=SEPARATOR)


def meaning_of(code: pl.Expr, meanings: Mapping[str, str], dtype: pl.DataType | None = None) -> pl.Expr:
    """What ``meanings`` says of each code, as String or the Enum ``dtype``; null where it says nothing of it.

    The codes of a column are compared with a few one after the other: looking them up costs twenty times as much.
    """
    said = {key: text for key, text in meanings.items() if text}
    kind = dtype or pl.String()
    if len(said) > _FEW or not code.meta.is_column():
        keys, texts = pl.Series(list(said), dtype=pl.String), pl.Series(list(said.values()), dtype=kind)
        return code.replace_strict(keys, texts, default=None, return_dtype=kind)
    found: pl.Expr = pl.lit(None, dtype=kind)
    for key, text in said.items():
        found = pl.when(code == key).then(pl.lit(text, dtype=kind)).otherwise(found)
    return found


def digest(tables: Mapping[str, Path]) -> str:
    """A short digest of a firm's own tables: a change of any makes the files of the connection be read again."""
    told = hashlib.sha256()
    for name, path in sorted(tables.items()):
        told.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"") + b"\0")
    return told.hexdigest()[:8]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise PermanentError(f"{path.name}: the table of codes cannot be read ({error.strerror})") from None
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _cached(table: tuple[str, Path, tuple[str, ...], tuple[str, ...]], path: Path, stamp: tuple[int, int]) -> list[Row]:
    _, _, key, meanings = table
    wanted = [*key, *meanings]
    rows: list[Row] = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in wanted if name not in (reader.fieldnames or ())]
        if missing:
            raise PermanentError(f"{path.name}: the table of codes lacks the column(s) {', '.join(missing)}")
        for row in reader:
            if len(rows) >= MAX_ROWS:
                raise PermanentError(f"{path.name}: more than {MAX_ROWS} codes")
            rows.append({name: (row[name] or "").strip() for name in wanted} | {"line": str(reader.line_num)})
    return rows


def _read(table: CodeTable, path: Path, stamp: tuple[int, int]) -> dict[str, Row]:
    try:
        found = _cached((table.name, table.path, table.key, table.meanings), path, stamp)
    except (UnicodeDecodeError, csv.Error) as error:
        raise PermanentError(f"{path.name}: not a CSV of codes in UTF-8 ({type(error).__name__})") from None
    rows: dict[str, Row] = {}
    for row in found:
        code = SEPARATOR.join(row[name] for name in table.key)
        for column, allowed in table.vocabularies.items():
            if row[column] and row[column] not in allowed:
                raise PermanentError(f"{path.name} line {row['line']}: {column} must be one of {', '.join(allowed)}")
        if code in rows:
            raise PermanentError(f"{path.name} line {row['line']}: the code {code!r} stands twice")
        rows[code] = row
    return rows
