"""Names of tenants as folders: the one place that decides what may become part of a path."""

from __future__ import annotations

import re
from typing import Final

from contracts.table import SHARED_TENANT

_SLUG: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


def tenant_folder(slug: str) -> str:
    """The tenant's folder name under a lake's root, which is its slug.

    Raises:
        ValueError: neither a slug (lower-case letters, digits, underscores) nor the name of what is shared.
    """
    if slug != SHARED_TENANT and not _SLUG.fullmatch(slug):
        raise ValueError(f"not a tenant's name: {slug!r}")
    return slug
