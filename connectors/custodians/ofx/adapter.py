"""The OFX connector: statements of any broker or bank in OFX 1.x or 2.x, files named ``*.ofx`` or ``*.qfx``.

The records of the count law are transactions, positions, balances and securities, and a statement that the provider
could not give. Accounts and windows are the head of a statement, not records.
"""

from __future__ import annotations

import re
from typing import Final

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.ofx.document import RECORD_TAGS, DocumentReader
from connectors.custodians.ofx.frames import feed_frames, reject_frame
from connectors.errors import FeedFault
from connectors.formats.ofx import cycle_search_paused, read_document, tags_in

MAX_BYTES: Final = 512 * 1024**2
"""A document is read whole; a statement larger than this is none."""

STATEMENT: Final = FileKind(
    name="STATEMENT",
    pattern=re.compile(r"(?:.*_(?P<date>\d{8}|\d{4}-\d{2}-\d{2})|.*)\.(?:ofx|qfx)", re.IGNORECASE | re.DOTALL),
    is_refresh=True,
    is_expected=False,
)


def parse(raw: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of one statement file.

    Raises:
        FeedFault: the document cannot be read, is larger than ``MAX_BYTES`` or holds no statement at all.
    """
    if raw.path.stat().st_size > min(MAX_BYTES, connection.max_file_bytes):
        raise FeedFault("too_large", "larger than a statement may be; ask for a shorter period")
    try:
        with cycle_search_paused():
            reader = DocumentReader(read_document(raw.path.read_bytes()), connection)
            reader.read(raw)
    except FeedFault as fault:
        count = tags_in(raw.path.read_bytes(), RECORD_TAGS)
        raise FeedFault(fault.reason, fault.detail, line=fault.line, record_count=count) from fault
    intake = reader.intake
    return ParsedFile(
        frames=feed_frames(intake.rows),
        rejects=reject_frame(intake.rejects()),
        record_count=intake.record_count,
        quarantined_count=intake.quarantined_count,
        business_date=reader.business_date,
    )


ADAPTER: Final = Adapter(
    slug="ofx",
    market="custodian",
    kinds=(STATEMENT,),
    parse=parse,
    parser_version="1",
    title="OFX 1.x and 2.x statements",
    confidence="DOC: public specification; SAMPLE: four real statements (see README.md)",
    has_shared_lines=True,
)
