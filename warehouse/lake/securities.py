"""The security master: every identifier that was ever seen, and which security it names on a day.

Securities are shared by all tenants. Their identifiers are rows of ``canonical.security_identifier``, appended with
the file and line that showed them and never changed; how they are matched is in ``warehouse.lake.matching``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import polars as pl

from contracts.table import SHARED_TENANT
from contracts.tables.canonical import SECURITY_IDENTIFIER
from contracts.tables.landing import ISSUED_KEY
from warehouse.lake.keys import KeyIssuer
from warehouse.lake.matching import COLUMNS, FIRST_KNOWN_FROM, Matching, match
from warehouse.lake.store import Lake

_LINEAGE: Final = ("source_file_id", "source_line", "known_at")
_SCOPED: Final = ("provider_security_id", "ticker")
_NAME: Final = ["scheme", "identifier", "security_key", "valid_from"]


class SecurityMaster:
    """Resolves identifiers to security keys and learns new ones.

    Args:
        lake: where the identifiers are.
        issuer: issues the keys; its lock keeps two runs from creating one security twice.
    """

    def __init__(self, lake: Lake, issuer: KeyIssuer) -> None:
        self.lake = lake
        self.issuer = issuer

    def resolve(
        self,
        frame: pl.DataFrame,
        *,
        create: bool = False,
        valid_on: date | None = None,
        at: datetime | None = None,
        source_file_id: int | None = None,
    ) -> pl.DataFrame:
        """The security that each row names.

        A row's valid CUSIP, ISIN, SEDOL and provider id must agree; its ticker decides only where none of them is
        known. Identifiers of a resolved row that were unknown are learnt. An identifier with a wrong check digit
        counts for nothing. Row order never matters, and resolving a frame again changes nothing.

        Args:
            frame: String columns cusip, isin, sedol, figi, ticker, provider_security_id (absent ones count as null),
                and source_line Int64. A ticker or provider id without the provider's slug ('slug:value') is given that
                of the column ``adapter``. Columns source_file_id and known_at stand in for the arguments of that name.
            create: whether a row that names nothing known makes a new security; only descriptions of securities do.
            valid_on: the day on which the identifiers must be valid; default: the row's day of known_at.
            at: known_at of what is learnt.
            source_file_id: the file that the rows are of.

        Returns:
            ``frame`` with security_key Int64, security_id String, and reason String: null, ``unknown_security`` or
            ``ambiguous_security``. A row that names nothing at all has neither key nor reason.

        Raises:
            ValueError: lineage is missing, or a ticker or provider id has no provider.
        """
        rows = _rows(frame, valid_on=valid_on, at=at, source_file_id=source_file_id)
        rows, matching = _matched(rows, self._known(), create=create)
        ids = pl.DataFrame(schema={"security_key": pl.Int64, "security_id": pl.String})
        if len(matching.additions):
            with self.issuer.lock("securities"):
                rows, matching = _matched(rows, self._known(), create=create)
                matching, ids = self._learn(matching, rows)
        found = matching.verdicts.join(self._ids(matching.verdicts, ids), on="security_key", how="left")
        verdict = rows.select("combination").join(found, on="combination", how="left", maintain_order="left")
        return frame.drop("security_key", "security_id", "reason", strict=False).hstack(
            verdict.select("security_key", "security_id", "reason")
        )

    def currency_key(self, code: str, at: datetime) -> int:
        """Security key of a currency's cash, issued on first use.

        Raises:
            ValueError: not three capital letters, or ``at`` has no time zone.
        """
        return int(self.currency_keys(pl.Series([code], dtype=pl.String), at)["security_key"][0])

    def currency_keys(self, codes: pl.Series, at: datetime) -> pl.DataFrame:
        """Security keys of several currencies' cash: [currency, security_key, security_id], a row per distinct code.

        Raises:
            ValueError: a code is null or not three capital letters, or ``at`` has no time zone.
        """
        wanted = codes.unique().sort()
        if wanted.null_count() or not wanted.str.contains("^[A-Z]{3}$").all():
            raise ValueError("a currency is three capital letters (ISO 4217)")
        if wanted.is_empty():
            return _CURRENCIES.clear()
        found = self._currencies(wanted)
        if len(found) == len(wanted):
            return found
        with self.issuer.lock("securities"):
            issued_for = ("CURRENCY|" + wanted).alias("issued_for")
            keys = self.issuer.issue("security", SHARED_TENANT, issued_for, at).select("issued_for")
            absent = wanted.filter(~wanted.is_in(self._currencies(wanted)["currency"].implode()))
            issues = self.lake.scan(ISSUED_KEY, SHARED_TENANT).filter(pl.col("key_kind") == "security")
            rows = issues.join(keys.lazy(), on="issued_for", how="semi").select(
                pl.lit("CURRENCY").alias("scheme"),
                pl.col("issued_for").str.strip_prefix("CURRENCY|").alias("identifier"),
                pl.col("surrogate_key").alias("security_key"),
                pl.lit(FIRST_KNOWN_FROM).alias("valid_from"),
                pl.col("public_id").alias("security_id"),
                *_LINEAGE,
            )
            learnt = rows.filter(pl.col("identifier").is_in(absent.implode())).collect()
            self.lake.append(SECURITY_IDENTIFIER, SHARED_TENANT, learnt)
        return self._currencies(wanted)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _known(self) -> pl.DataFrame:
        """Identifiers with their validity, codes as text; of rows with one key the last known stands."""
        rows = self.lake.read(SECURITY_IDENTIFIER, SHARED_TENANT).with_columns(pl.col("scheme").cast(pl.String))
        if rows.select(pl.struct(_NAME).is_duplicated().any()).item():
            rows = rows.sort("known_at", "source_file_id", "source_line")
            rows = rows.unique(_NAME, keep="last", maintain_order=True)
        return rows

    def _currencies(self, wanted: pl.Series) -> pl.DataFrame:
        rows = self._known().filter(pl.col("scheme") == "CURRENCY", pl.col("identifier").is_in(wanted.implode()))
        return rows.select(pl.col("identifier").alias("currency"), "security_key", "security_id").sort("currency")

    def _learn(self, matching: Matching, rows: pl.DataFrame) -> tuple[Matching, pl.DataFrame]:
        """Issue keys for new securities and record the identifiers; the matching with those keys, and their ids."""
        shown = (
            matching.additions.explode("combinations")
            .rename({"combinations": "combination"})
            .join(rows.select("combination", *_LINEAGE), on="combination")
            .sort("known_at", "source_file_id", "source_line")
            .unique(_NAME, keep="first", maintain_order=True)
        )
        issued = pl.DataFrame(schema={"security_key": pl.Int64, "issued_key": pl.Int64, "security_id": pl.String})
        if len(matching.creations):
            first_known_at = shown.filter(pl.col("security_key") < 0)["known_at"].to_list()[0]
            keys = self.issuer.issue("security", SHARED_TENANT, matching.creations["issued_for"], first_known_at)
            issued = matching.creations.join(keys, on="issued_for").select(
                "security_key", pl.col("surrogate_key").alias("issued_key"), pl.col("public_id").alias("security_id")
            )
        final = pl.coalesce("issued_key", "security_key").alias("security_key")
        learnt = shown.join(issued.drop("security_id"), on="security_key", how="left").with_columns(final)
        verdicts = matching.verdicts.join(issued.drop("security_id"), on="security_key", how="left").select(
            "combination", final, "reason"
        )
        ids = issued.select(pl.col("issued_key").alias("security_key"), "security_id")
        learnt = learnt.join(self._ids(learnt, ids), on="security_key", how="left")
        self.lake.append(SECURITY_IDENTIFIER, SHARED_TENANT, learnt)
        return Matching(verdicts, learnt, matching.creations), ids

    def _ids(self, frame: pl.DataFrame, issued: pl.DataFrame) -> pl.DataFrame:
        """[security_key, security_id] of the keys in ``frame``: those just issued, and those on record."""
        wanted = frame.select(pl.col("security_key").unique()).drop_nulls()
        there = self.lake.scan(SECURITY_IDENTIFIER, SHARED_TENANT).select("security_key", "security_id")
        recorded = there.join(wanted.lazy(), on="security_key", how="semi").collect()
        return pl.concat([issued, recorded]).unique("security_key", keep="first", maintain_order=True)


_CURRENCIES: Final = pl.DataFrame(schema={"currency": pl.String, "security_key": pl.Int64, "security_id": pl.String})


def _matched(rows: pl.DataFrame, known: pl.DataFrame, *, create: bool) -> tuple[pl.DataFrame, Matching]:
    """The rows with the number of their ``combination``, and what the combinations come to.

    Rows with the same identifiers are one combination as long as no validity begins or ends between their days: a year
    of rows costs as much as a day of them. Where matching itself makes a validity begin, it is done again with that.
    """
    starts = known["valid_from"], known["valid_to"].drop_nulls().dt.offset_by("1d")
    epochs = pl.concat([pl.Series([FIRST_KNOWN_FROM]), *starts]).unique().sort()
    while True:
        epoch = epochs.search_sorted(rows["valid_on"], side="right").alias("epoch")
        named = rows.drop("combination", strict=False).with_columns(epoch)
        key = [*COLUMNS, "epoch"]
        combinations = (
            named.group_by(key).agg(pl.col("valid_on").min()).sort(key).with_row_index("combination")
        ).with_columns(pl.col("combination").cast(pl.Int64))
        matching = match(combinations, known, create=create)
        begun = matching.additions["valid_from"].unique()
        if begun.is_in(epochs.implode()).all():
            numbers = combinations.select("combination", *key)
            numbered = named.join(numbers, on=key, how="left", nulls_equal=True, maintain_order="left")
            return numbered.drop("epoch"), matching
        epochs = pl.concat([epochs, begun]).unique().sort()


def _rows(
    frame: pl.DataFrame, *, valid_on: date | None, at: datetime | None, source_file_id: int | None
) -> pl.DataFrame:
    """Identifiers in normal form, validity day and lineage of each row."""
    given = {
        "source_file_id": pl.lit(source_file_id, dtype=pl.Int64),
        "known_at": pl.lit(at, dtype=pl.Datetime("us", "UTC")),
        "adapter": pl.lit(None, dtype=pl.String),
        **{column: pl.lit(None, dtype=pl.String) for column in COLUMNS},
    }
    absent = [value.alias(name) for name, value in given.items() if name not in frame.columns]
    rows = frame.with_columns(absent)
    day = pl.col("known_at").dt.date() if valid_on is None else pl.lit(valid_on, dtype=pl.Date)
    rows = rows.select(
        *(_normal(column) for column in COLUMNS),
        day.alias("valid_on"),
        pl.col("source_file_id").cast(pl.Int64),
        pl.col("source_line").cast(pl.Int64),
        pl.col("known_at").cast(pl.Datetime("us", "UTC")),
    )
    if rows.select(pl.any_horizontal(pl.col(*_LINEAGE, "valid_on").is_null().any())).item():
        raise ValueError("every row needs source_file_id, source_line, known_at and a day of validity")
    if rows.select(pl.any_horizontal((~pl.col(_SCOPED).str.contains(":")).any())).item():
        raise ValueError("a ticker or provider id is told apart by its provider ('slug:value'); name the adapter")
    return rows


def _normal(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String).str.strip_chars()
    text = pl.when(text != "").then(text)
    if column not in _SCOPED:
        return text.str.to_uppercase().alias(column)
    scoped = pl.when(text.str.contains(":") | pl.col("adapter").is_null()).then(text)
    return scoped.otherwise(pl.format("{}:{}", pl.col("adapter"), text)).alias(column)
