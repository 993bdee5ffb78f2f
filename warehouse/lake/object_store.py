"""Settings of an object store: the one set that Delta, Arrow and DuckDB are given alike.

Delta and Arrow read the environment by themselves, but each in its own way; a lake whose tables go to one endpoint and
whose raw files go to another would be torn in two.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import pyarrow.fs

NAMES: Final = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL",
    "AWS_ALLOW_HTTP", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
)  # fmt: skip
"""Variables that count. What none of them says (a role of the instance) both libraries find by themselves."""


def storage_options(root: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Options of the store at ``root``: those ``given``, else of the environment; none for a folder.

    An endpoint without TLS has to be named as ``http://``, which is what allows it.
    """
    if given is not None or not root.startswith("s3://"):
        found = dict(given or {})
    else:
        found = {name: os.environ[name] for name in NAMES if os.environ.get(name)}
        if "AWS_REGION" not in found and os.environ.get("AWS_DEFAULT_REGION"):
            found["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"]
    if found.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        found.setdefault("AWS_ALLOW_HTTP", "true")
    return found


def filesystem(root: str, options: Mapping[str, str]) -> tuple[Any, str]:
    """The Arrow file system of a URL, and the path inside it."""
    if not root.startswith("s3://"):
        opened, base = pyarrow.fs.FileSystem.from_uri(root)
        return opened, str(base)
    endpoint = options.get("AWS_ENDPOINT_URL")
    settings = {
        "access_key": options.get("AWS_ACCESS_KEY_ID"),
        "secret_key": options.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": options.get("AWS_SESSION_TOKEN"),
        "region": options.get("AWS_REGION"),
        "endpoint_override": endpoint,
        "scheme": "http" if endpoint and endpoint.startswith("http://") else None,
        "force_virtual_addressing": options.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() == "true" or None,
    }
    given = {key: value for key, value in settings.items() if value is not None}
    return pyarrow.fs.S3FileSystem(**given), root.removeprefix("s3://")
