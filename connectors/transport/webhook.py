"""One POST of a small JSON document to an address that is itself a secret."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from connectors.errors import PermanentError, RetryableError
from connectors.secrets import resolve

TIMEOUT_SECONDS: Final = 10.0

logging.getLogger("httpx").setLevel(logging.WARNING)  # it writes addresses into the log


def post_json(address_ref: str, secrets_dir: Path, document: Mapping[str, str]) -> None:
    """Post the document; any answer of the 200s is well. Redirects are not followed.

    Args:
        address_ref: secret that holds the address; ``https``, or ``http`` to this machine.
        secrets_dir: folder of ``file:`` secrets.
        document: what to say.

    Raises:
        RetryableError: no answer, or one of the 500s.
        PermanentError: no such secret, an address that may not be used, or another answer. The address is not shown.
    """
    try:
        url = httpx.URL(resolve(address_ref, secrets_dir))
    except httpx.InvalidURL:
        raise PermanentError(f"{address_ref}: not an address") from None
    if url.scheme != "https" and not (url.scheme == "http" and url.host in ("localhost", "127.0.0.1", "::1")):
        raise PermanentError(f"{address_ref}: the address must be https")
    try:
        answer = httpx.post(url, json=dict(document), timeout=TIMEOUT_SECONDS, follow_redirects=False)
    except httpx.HTTPError as error:
        raise RetryableError(f"{address_ref}: the webhook does not answer ({type(error).__name__})") from None
    if answer.status_code >= 500:
        raise RetryableError(f"{address_ref}: the webhook answers {answer.status_code}")
    if not answer.is_success:
        raise PermanentError(f"{address_ref}: the webhook answers {answer.status_code}")
