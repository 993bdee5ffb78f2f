"""Quality: what was refused, what disagrees, and what may be relied on."""

from __future__ import annotations

import dataframely as dy

from contracts import columns as c
from contracts.table import Table


class Reject(dy.Schema):
    """A record or file that was held back, with the reason and the place."""

    tenant_key = c.tenant_key(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    source_line = c.source_line(primary_key=True)
    reason = c.reason(primary_key=True)
    field_name = c.field_name(primary_key=True)
    table_name = c.table_name(nullable=True)
    disposition = c.disposition()
    detail = c.detail()
    raw_text = c.raw_text(nullable=True)
    connection_id = c.connection_id()
    logical_name = c.logical_name()
    business_date = c.business_date(nullable=True)
    known_at = c.known_at()


class PositionBreak(dy.Schema):
    """A holding or cash balance on which our ledger and the custodian disagree, over the union of both sides' keys."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    as_of_date = c.as_of_date(primary_key=True)
    known_from = c.known_from(primary_key=True)
    methodology_version = c.methodology_version(primary_key=True)
    quantity = c.quantity(nullable=True)
    custodian_quantity = c.custodian_quantity(nullable=True)
    quantity_difference = c.quantity_difference()
    break_cause = c.break_cause(nullable=True)


class FeedReadiness(dy.Schema):
    """Whether one kind of file of one connection is in for a day."""

    tenant_key = c.tenant_key(primary_key=True)
    connection_id = c.connection_id(primary_key=True)
    data_type = c.data_type(primary_key=True)
    as_of_date = c.as_of_date(primary_key=True)
    known_from = c.known_from(primary_key=True)
    methodology_version = c.methodology_version(primary_key=True)
    readiness = c.readiness()
    readiness_reasons = c.readiness_reasons(nullable=True)


REJECT = Table(
    "quality", "reject", Reject,
    grain="one row per source line, reason and field",
    scope="either", kind="canonical", date_column=None, warehouse="appended",
)  # fmt: skip
POSITION_BREAK = Table(
    "quality", "position_break", PositionBreak,
    grain="one row per account, security and day on which the sides disagree, or agree again",
    scope="tenant", kind="computed", date_column="as_of_date", warehouse="loaded",
)  # fmt: skip
FEED_READINESS = Table(
    "quality", "feed_readiness", FeedReadiness,
    grain="one row per connection, kind of file and business day",
    scope="tenant", kind="computed", date_column="as_of_date", warehouse="loaded",
)  # fmt: skip
