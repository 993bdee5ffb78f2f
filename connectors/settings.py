"""Tenants' settings: ``<folder>/<slug>.yaml`` read into ``TenantSettings``, or refused with file and field named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable
from pathlib import Path

import yaml
from pydantic import ValidationError

from connectors.connection import AnyTransport, Connection, LocalTransport, S3Transport, SftpTransport, TenantSettings
from connectors.errors import PermanentError
from connectors.services import ServiceTransport, StreamTransport

_KINDS = {
    "transport": ("local", "sftp", "s3", "rest", "soap", "stream"),
    "auth": ("none", "api_key", "basic", "oauth2_client_credentials", "oauth2_refresh", "session_token", "ws_security"),
    "backfill": ("message", "http"),
}
"""Fields that come in several kinds. Pydantic names the kind as a step of its own, which nobody wrote."""


class SettingsError(PermanentError):
    """Settings that cannot be used: one line per fault, each with file and field; never a value."""


def load_tenants(folder: Path, *, known_adapters: Collection[str] | None = None) -> dict[str, TenantSettings]:
    """Slug to settings of every ``*.yaml`` in ``folder``, in order of slug.

    Args:
        folder: the folder of settings.
        known_adapters: slugs of the connectors that exist; None leaves the names of connectors unchecked.

    Raises:
        SettingsError: the folder is not there, or a file is faulty; the faults of all files are listed.
    """
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder of tenants' settings")
    tenants: dict[str, TenantSettings] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            tenants[path.stem] = load_tenant(path, known_adapters=known_adapters)
        except SettingsError as error:
            faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return tenants


def load_tenant(path: Path, *, known_adapters: Collection[str] | None = None) -> TenantSettings:
    """The settings of one tenant. Relative paths in it are taken from the folder of ``path``.

    Raises:
        SettingsError: the file cannot be read or does not make sense.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 (derived from SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: {_yaml_fault(error)}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: must be a mapping with the fields tenant, name and connections")
    try:
        settings = TenantSettings.model_validate(document)
    except ValidationError as error:
        # The offending values stay out of the text: one of them may be a password written in the wrong place.
        lines = [f"{path}: {_field(fault['loc'])}: {fault['msg']}" for fault in error.errors(include_url=False)]
        raise SettingsError("\n".join(lines)) from None
    if faults := _faults(path, settings, known_adapters):
        raise SettingsError("\n".join(f"{path}: {fault}" for fault in faults))
    connections = tuple(_anchored(connection, path.parent) for connection in settings.connections)
    return settings.model_copy(update={"connections": connections})


class _StrictLoader(yaml.SafeLoader):
    """YAML's plain types only, and no key twice in one mapping (YAML itself would let the last one win)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(None, None, "a field is given twice", key_node.start_mark)
            if isinstance(key_node.value, str):
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _yaml_fault(error: Exception) -> str:
    """What is wrong and where, without the snippet of the file that the error would print."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem or error.context}"
    return "not a YAML document"


def _field(location: tuple[int | str, ...]) -> str:
    """A pydantic location as one writes it: connections[0].transport.host."""
    text = ""
    for i, step in enumerate(location):
        if isinstance(step, int):
            text += f"[{step}]"
        elif not (i and step in _KINDS.get(str(location[i - 1]), ())):
            text += f".{step}" if text else step
    return text or "the document"


def _faults(path: Path, settings: TenantSettings, known_adapters: Collection[str] | None) -> list[str]:
    faults = []
    if settings.tenant != path.stem:
        faults.append(f"tenant: is {settings.tenant!r} but the file is called {path.name}")
    occurrences = Counter(connection.connection_id for connection in settings.connections)
    faults += [f"connections: {name!r} is defined {count} times" for name, count in occurrences.items() if count > 1]
    for i, connection in enumerate(settings.connections):
        if known_adapters is not None and connection.adapter not in known_adapters:
            there_are = ", ".join(sorted(known_adapters))
            faults.append(f"connections[{i}].adapter: no connector {connection.adapter!r}; there are: {there_are}")
        transport = connection.transport
        if isinstance(transport, SftpTransport) and not (transport.password_ref or transport.private_key_ref):
            faults.append(f"connections[{i}].transport: give password_ref or private_key_ref")
        if isinstance(transport, S3Transport) and (fault := _credential_fault(transport)):
            faults.append(f"connections[{i}].transport: {fault}")
        if connection.pgp and connection.pgp.require_signature and not connection.pgp.signer_keys:
            faults.append(f"connections[{i}].pgp: give signer_keys, or require_signature: false")
    return faults


def _credential_fault(transport: S3Transport) -> str | None:
    has_keys = bool(transport.access_key_ref and transport.secret_key_ref)
    names_any = bool(transport.access_key_ref or transport.secret_key_ref or transport.session_token_ref)
    if transport.credentials == "keys" and not has_keys:
        return "give access_key_ref and secret_key_ref, or credentials: role or anonymous"
    if transport.credentials != "keys" and names_any:
        return f"credentials: {transport.credentials} takes no keys"
    return None


def _anchored(connection: Connection, folder: Path) -> Connection:
    transport = connection.transport
    if isinstance(transport, LocalTransport):
        anchored: AnyTransport = transport.model_copy(update={"path": folder / transport.path})
    elif isinstance(transport, S3Transport):
        anchored = transport
    elif isinstance(transport, ServiceTransport):
        anchored = _anchored_service(transport, folder)
    else:
        anchored = transport.model_copy(update={"known_hosts": folder / transport.known_hosts})
    codes = {table: folder / path for table, path in connection.codes.items()}
    pgp = connection.pgp
    if pgp is not None:
        signers = (key if key.startswith(("env:", "file:")) else str(folder / key) for key in pgp.signer_keys)
        pgp = pgp.model_copy(update={"signer_keys": tuple(signers)})
    return connection.model_copy(update={"transport": anchored, "codes": codes, "pgp": pgp})


def _anchored_service(transport: ServiceTransport, folder: Path) -> ServiceTransport:
    if transport.ca_file is not None:
        transport = transport.model_copy(update={"ca_file": folder / transport.ca_file})
    if isinstance(transport, StreamTransport):
        return transport.model_copy(update={"spool": folder / transport.spool})
    return transport
