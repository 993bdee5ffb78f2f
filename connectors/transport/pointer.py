"""A place in a JSON document (RFC 6901), as settings and extractions name it: ``/meta/pagination/total``."""

from __future__ import annotations


def pointed(document: object, pointer: str) -> object | None:
    """What ``document`` holds at ``pointer`` ('' is the document itself), or None when it holds nothing there."""
    found = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found
