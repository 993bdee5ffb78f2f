"""The inbox: files that a person hands over, laid out as a feed of their own, so that they take every feed's way.

Belongs here: where such a file is put, and the connection that reads it. Does not belong here: reading it.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from connectors.adapter import Adapter
from connectors.archive import stem_of
from connectors.connection import TenantSettings
from connectors.examination import SNIFFED_BYTES
from connectors.registry import adapters
from connectors.settings import SettingsError, load_tenant

DIGEST_LENGTH = 12


class UnknownFileError(ValueError):
    """A file that is not there, or of which no connector, or more than one, can be told."""


def inbox_connection(slug: str) -> str:
    """The connection that reads a tenant's inbox for one connector."""
    return f"files_{slug}"


def connector_for(file: Path, slug: str = "") -> Adapter:
    """The custodians' connector that reads files of this name, or the one called ``slug``.

    Raises:
        UnknownFileError: the file is not there, or the connector cannot be told.
    """
    custodians = {name: source for name, source in adapters().items() if source.market == "custodian"}
    there_are = ", ".join(custodians)
    if not file.is_file():
        raise UnknownFileError(f"{file}: no such file")
    if slug and slug not in custodians:
        raise UnknownFileError(f"no connector {slug!r}; there are: {there_are}")
    candidates = [custodians[slug]] if slug else list(custodians.values())
    found = [source for source in candidates if source.kind_of(stem_of(file.name))]
    if len(found) > 1:  # a name may suit several providers; the first lines then tell
        found = [source for source in found if _begins_as(source, file)] or found
    if len(found) != 1:
        who = (
            f"connector {slug!r} does not read"
            if slug
            else "several connectors read"
            if found
            else "no connector reads"
        )
        hint = "see its README for the names" if slug else f"pass --adapter ({there_are})"
        raise UnknownFileError(f"{file.name}: {who} files of such a name; {hint}")
    return found[0]


def _begins_as(source: Adapter, file: Path) -> bool:
    """Whether the file's first bytes say that it is one of the connector's."""
    if source.sniff is None:
        return False
    with file.open("rb") as stream:
        return source.sniff(stream.read(SNIFFED_BYTES).decode("latin-1")) is not None


def deliver(home: Path, tenant: str, source: Adapter, file: Path) -> str:
    """Put a copy of the file into the tenant's inbox; its path there, which becomes its logical name.

    Banks call every month's statement the same, and new bytes under an old name replace the older delivery. So a file
    that restates its window lies in a folder named by its content, while one that only adds keeps its own name.
    The same file again is the same path and is not written.
    """
    named = source.kind_of(stem_of(file.name))
    content = file.read_bytes()
    folder = hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH] if named and named[0].is_refresh else ""
    path = PurePosixPath(folder, file.name)
    place = home / "inbox" / tenant / source.slug / path
    if place.is_file() and place.read_bytes() == content:
        return str(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.part")
    shutil.copy2(file, partial)
    partial.replace(place)
    return str(path)


def connect_inbox(home: Path, tenant: str, slug: str, base_currency: str) -> None:
    """Make sure that the tenant's settings name its inbox; what else stands in them, comments too, is kept.

    Raises:
        SettingsError: the settings do not make sense, or would not with the names given.
    """
    path = home / "tenants" / f"{tenant}.yaml"
    name = inbox_connection(slug)
    document: dict[str, Any] = {"tenant": tenant, "name": tenant, "base_currency": base_currency, "connections": []}
    if path.exists():
        if name in {connection.connection_id for connection in load_tenant(path).connections}:
            return
        try:
            document = YAML().load(path)
        except (OSError, YAMLError) as error:
            raise SettingsError(f"{path}: cannot be read") from error
    transport = {"kind": "local", "path": f"../inbox/{tenant}/{slug}"}
    connection = {"connection_id": name, "adapter": slug, "transport": transport, "base_currency": base_currency}
    document["connections"] = [*(document.get("connections") or []), connection]
    _checked(path, document)
    text = io.StringIO()
    YAML().dump(document, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(text.getvalue())
    partial.replace(path)


def _checked(path: Path, document: object) -> None:
    try:
        TenantSettings.model_validate(document)
    except ValueError as error:
        fields = [".".join(str(step) for step in fault["loc"]) for fault in getattr(error, "errors", list)()]
        raise SettingsError(f"{path.name}: not usable: {', '.join(fields) or 'the document'}") from None
