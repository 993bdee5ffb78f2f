"""Keyset paging: a page is asked for by the last key of the one before, so that it stays true while rows are added."""

from __future__ import annotations

import base64
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from serving_api.problems import Problem

Item = TypeVar("Item")
Key = TypeVar("Key")
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows at most in one page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item] = Field(description="Rows of this page, in the order that the endpoint states.")
    next_cursor: str | None = Field(description="Ask for the next page with it; null on the last one.")


def encode(key: object) -> str:
    """An opaque cursor for a key, whose text form it carries."""
    return base64.urlsafe_b64encode(str(key).encode()).decode()


def decode(cursor: str | None, key: Callable[[str], Key]) -> Key | None:
    """The key of a cursor, None for no cursor.

    Args:
        cursor: as the caller sent it.
        key: reads a key from its text, and raises ValueError when it is none.

    Raises:
        Problem: 422 when it is none of ours.
    """
    if cursor is None:
        return None
    try:
        return key(base64.b64decode(cursor, altchars=b"-_", validate=True).decode())
    except ValueError:  # not base64, not text, or not a key
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor: not one that this API gave") from None


def page(items: list[Item], key: Callable[[Item], object], limit: int) -> Page[Item]:
    """The page of at most ``limit`` items out of ``limit + 1`` fetched ones."""
    if len(items) <= limit:
        return Page(items=items, next_cursor=None)
    return Page(items=items[:limit], next_cursor=encode(key(items[limit - 1])))
