"""The ways in which a feed can fail: a data fault, a fault that a retry may cure, and one that only a person can mend.

They are three types because they take three paths: a data fault goes to quarantine and blocks its file alone; a
retryable fault is tried again with back-off; a permanent fault stops every retry of its connection at once.
"""

from __future__ import annotations


class FeedFault(Exception):
    """A file whose content as a whole cannot be trusted. Nothing is taken from it.

    Attributes:
        reason: a code of ``contracts.vocabularies.FILE_REASONS``.
        detail: what is wrong and what to do, without client data.
        line: 1-based line at which it shows, 0 for the file as a whole.
        record_count: data records seen before the fault, for the count law (they are all held back).
    """

    def __init__(self, reason: str, detail: str, *, line: int = 0, record_count: int = 0) -> None:
        super().__init__(f"{reason}: {detail} (line {line})" if line else f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.line = line
        self.record_count = record_count


class RetryableError(Exception):
    """A transport fault that may pass: a refused connection, a time-out, a session closed in the middle of a file."""


class PermanentError(Exception):
    """A fault that no retry cures: a changed host key, a refused credential, a setting that makes no sense."""
