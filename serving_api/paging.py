"""Keyset paging: a page is asked for by the last key of the one before, so that it stays true while rows are added."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from serving_api.problems import Problem

Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows at most in one page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Ask for the next page with it; null on the last one.")


def encode(key: str) -> str:
    """An opaque cursor for a key."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def decode(cursor: str | None) -> str | None:
    """The key of a cursor.

    Raises:
        Problem: 422 when it is none of ours.
    """
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor: not one that this API gave") from None


def page(items: list[Item], keys: list[str], limit: int) -> Page[Item]:
    """The page of at most ``limit`` items out of ``limit + 1`` fetched ones."""
    if len(items) <= limit:
        return Page(items=items, next_cursor=None)
    return Page(items=items[:limit], next_cursor=encode(keys[limit - 1]))
