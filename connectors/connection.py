"""A tenant's agreement with one provider: which adapter, over which transport, under whose master accounts.

Loaded from the tenant's YAML file; credentials are named there, never written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.services import ServiceTransport

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LocalTransport(_Settings):
    """A folder of this machine."""

    kind: Literal["local"] = "local"
    path: Path


class SftpTransport(_Settings):
    """An SFTP server. ``*_ref`` names a secret: ``env:NAME`` or ``file:NAME`` inside the secrets folder."""

    kind: Literal["sftp"] = "sftp"
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: str
    path: str = "."
    known_hosts: Path
    password_ref: str | None = None
    private_key_ref: str | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0


class S3Transport(_Settings):
    """The objects of an S3 bucket below ``prefix``, of any server that speaks the S3 API.

    Attributes:
        endpoint_url: of another server than Amazon's.
        path_style: whether the bucket is named in the path and not in the host name, as most other servers want it.
        credentials: keys: those that ``access_key_ref`` and ``secret_key_ref`` name; role: what the machine is given
            by its environment or its instance; anonymous: none, for a public bucket.
        session_token_ref: for temporary keys.
    """

    kind: Literal["s3"] = "s3"
    bucket: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")]
    prefix: str = ""
    endpoint_url: Annotated[str, Field(pattern=r"^https?://[^/@\s]+(/[^@\s]*)?$")] | None = None
    region: str = "us-east-1"
    credentials: Literal["keys", "role", "anonymous"] = "keys"
    access_key_ref: str | None = None
    secret_key_ref: str | None = None
    session_token_ref: str | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    path_style: bool = False


FolderTransport = LocalTransport | SftpTransport | S3Transport
"""The kinds that look into a folder."""

AnyTransport = FolderTransport | ServiceTransport
"""Every kind of transport; a kind of its own is added here and in ``connectors.transport.opening``."""


class PgpSettings(_Settings):
    """How a feed's OpenPGP files are opened.

    Attributes:
        private_key_ref: names the armored private key; several, one after another, while a key is being replaced.
        passphrase_ref: names what unlocks it.
        signer_keys: public keys of those who may sign: references, or paths of armored files.
        require_signature: whether a file is refused that none of them signed, a file without OpenPGP among them.
            Without it a missing signature is no fault; one that is there must be valid if ``signer_keys`` are given.
    """

    private_key_ref: str
    passphrase_ref: str | None = None
    signer_keys: tuple[str, ...] = ()
    require_signature: bool = True


class Connection(_Settings):
    """One feed.

    Attributes:
        connection_id: the tenant's name for it, unique within the tenant.
        adapter: slug of the connector.
        transport: where its files are fetched.
        master_accounts: the master accounts that the tenant owns at the custodian; rows of others are refused.
            Empty: the feed names none.
        base_currency: for accounts whose feed states none.
        received_at: wall: the clock when the bytes came in; remote_mtime: the time that the server gives, for taking
            in an archive of past deliveries as if it had arrived day by day.
        max_file_bytes: bound on a file, and on what an archive may expand to.
        pgp: keys, for a feed whose files are encrypted or signed.
        last_line: of files without a trailer. closed: a last line without a line end may be cut, so it is held back;
            open: it is taken, for a provider that never writes the last line end.
        codes: the firm's own tables of codes: name of the connector's table to a CSV (``connectors.formats.codes``).
    """

    connection_id: Slug
    adapter: Slug
    transport: Annotated[AnyTransport, Field(discriminator="kind")]
    master_accounts: tuple[str, ...] = ()
    base_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    received_at: Literal["wall", "remote_mtime"] = "wall"
    max_file_bytes: Annotated[int, Field(gt=0)] = 8 * 1024**3
    last_line: Literal["closed", "open"] = "closed"
    pgp: PgpSettings | None = None
    codes: dict[Slug, Path] = Field(default_factory=dict)


class TenantSettings(_Settings):
    """A tenant and its feeds, as written in ``tenants/<slug>.yaml``. ``_shared`` holds the market-data feeds.

    ``price_sources``: connectors by rank, best first, after each custodian's own price.
    """

    tenant: Annotated[str, Field(pattern=r"^(_shared|[a-z][a-z0-9_]{0,62})$")]
    name: str
    base_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    calendar: str = "XNYS"
    price_sources: tuple[Slug, ...] = ()
    connections: tuple[Connection, ...] = ()
