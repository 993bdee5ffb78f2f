"""Landing: what arrived, and how reading it ended."""

from __future__ import annotations

import dataframely as dy

from contracts import columns as c
from contracts.table import Table


class FileArrival(dy.Schema):
    """One delivery of bytes by a provider, whether new or seen before."""

    tenant_key = c.tenant_key(primary_key=True)
    connection_id = c.connection_id(primary_key=True)
    remote_path = c.remote_path(primary_key=True)
    received_at = c.received_at(primary_key=True)
    adapter = c.adapter()
    file_kind = c.file_kind(nullable=True)
    logical_name = c.logical_name()
    business_date = c.business_date(nullable=True)
    source_file_id = c.source_file_id()
    sha256 = c.sha256()
    size_bytes = c.size_bytes()
    remote_modified_at = c.remote_modified_at(nullable=True)
    arrival_status = c.arrival_status()


class FileParse(dy.Schema):
    """How one landed file was read. A file without a row here has not been read yet."""

    tenant_key = c.tenant_key(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    parser_version = c.parser_version(primary_key=True)
    connection_id = c.connection_id()
    adapter = c.adapter()
    file_kind = c.file_kind(nullable=True)
    logical_name = c.logical_name()
    business_date = c.business_date(nullable=True)
    parse_status = c.parse_status()
    is_refresh = c.is_refresh()
    record_count = c.record_count()
    parsed_count = c.parsed_count()
    quarantined_count = c.quarantined_count()
    first_effective_date = c.first_effective_date(nullable=True)
    last_effective_date = c.last_effective_date(nullable=True)
    known_at = c.known_at()


class IssuedKey(dy.Schema):
    """A surrogate key, issued once. Its record lands as an immutable file, so that a rebuild gives the same keys."""

    key_kind = c.key_kind(primary_key=True)
    issued_for = c.issued_for(primary_key=True)
    surrogate_key = c.surrogate_key()
    public_id = c.public_id()
    known_at = c.known_at()
    source_file_id = c.source_file_id()
    source_line = c.source_line()


FILE_ARRIVAL = Table(
    "landing", "file_arrival", FileArrival,
    grain="one row per delivery of a file over a connection",
    scope="either", kind="ledger", date_column=None, warehouse="appended",
)  # fmt: skip
FILE_PARSE = Table(
    "landing", "file_parse", FileParse,
    grain="one row per landed file and parser version",
    scope="either", kind="canonical", date_column=None, warehouse="appended",
)  # fmt: skip
ISSUED_KEY = Table(
    "landing", "issued_key", IssuedKey,
    grain="one row per key",
    scope="either", kind="ledger", date_column=None, warehouse=None,
)  # fmt: skip
