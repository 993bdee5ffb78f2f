"""A bucket of any S3 API: what is asked of it, and what its failures mean. boto3 is known here only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3
import botocore
from botocore import exceptions as faults
from botocore.config import Config

from connectors.connection import S3Transport
from connectors.errors import PermanentError, RetryableError
from connectors.secrets import resolve
from connectors.transport.base import FileNotTaken
from connectors.transport.walk import Entry

CHUNK_BYTES: Final = 1 << 20

_THROTTLES: Final = frozenset(
    {
        "SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
        "TooManyRequests", "RequestTimeout", "RequestTimeoutException", "InternalError", "ServiceUnavailable",
        "BandwidthLimitExceeded", "OperationAborted",
    }
)  # fmt: skip
"""Codes of the S3 API that may pass, whatever HTTP status they come with."""

_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound"})
_CHANGED: Final = frozenset({"PreconditionFailed", "412", "InvalidRange", "416", "ConditionalRequestConflict"})
_ARCHIVED: Final = frozenset({"InvalidObjectState"})
_ELSEWHERE: Final = frozenset({"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"})


class AnswerLost(RetryableError):
    """The server did not answer, or not to the end. Asking again may help."""


class S3Session:
    """A bucket's objects below a prefix, as folders.

    Requests are not retried here; the caller does, with what it already has.

    Raises:
        PermanentError: settings that make no sense, or a credential that is not there.
    """

    def __init__(self, transport: S3Transport, secrets_dir: Path) -> None:
        self._where = f"s3://{transport.bucket}"
        self._bucket = transport.bucket
        self._root = f"{transport.prefix.strip('/')}/" if transport.prefix.strip("/") else ""
        with self._faults(""):
            self._client: Any = _client(transport, secrets_dir)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def page(self, at: str, token: str) -> tuple[list[Entry], str]:
        """One page of the folder at a relative path ('' is the root), and the token of the next one, '' at the end.

        A prefix without objects is an empty folder: S3 knows no other.
        """
        prefix = f"{self._root}{at}/" if at else self._root
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix, "Delimiter": "/"}
        if token:
            request["ContinuationToken"] = token
        with self._faults(""):
            page = self._client.list_objects_v2(**request)
        entries = [
            Entry(folder["Prefix"][len(prefix) : -1], "folder", 0, datetime.fromtimestamp(0, UTC))
            for folder in page.get("CommonPrefixes", ())
        ]
        entries += [
            _entry(found["Key"][len(prefix) :], found["Size"], found)
            for found in page.get("Contents", ())
            if found["Key"] != prefix or found["Size"]  # consoles mark an empty folder by an empty object of its name
        ]
        following = str(page.get("NextContinuationToken") or "") if page.get("IsTruncated") else ""
        if page.get("IsTruncated") and following in ("", token):
            raise AnswerLost(f"{self._where}: a page of the listing does not say where the next one begins")
        return entries, following

    def described(self, path: str) -> Entry:
        """The object at a relative path, as it is now.

        Raises:
            FileNotTaken: it is not there any more.
        """
        with self._faults(path):
            found = self._client.head_object(Bucket=self._bucket, Key=self._root + path)
        return _entry(path, found["ContentLength"], found)

    def chunks(self, path: str, start: int, version: str) -> Iterator[bytes]:
        """The bytes of that version of an object from ``start`` on; of any version when ``version`` is empty.

        Raises:
            FileNotTaken: it is not there any more, or another version is.
        """
        request: dict[str, Any] = {"Bucket": self._bucket, "Key": self._root + path}
        if version:
            request["IfMatch"] = version
        if start:
            request["Range"] = f"bytes={start}-"
        with self._faults(path):
            answer = self._client.get_object(**request)
            with contextlib.closing(answer["Body"]) as body:
                if start and not str(answer.get("ContentRange", "")).startswith(f"bytes {start}-"):
                    # Servers may ignore a range (RFC 9110 section 14.2); the bytes would be put in the wrong place.
                    raise FileNotTaken(f"{path}: the server does not give parts of it")
                while chunk := body.read(CHUNK_BYTES):
                    yield chunk

    @contextlib.contextmanager
    def _faults(self, path: str) -> Iterator[None]:
        """Turn what goes wrong while the server is asked about ``path`` into our faults.

        The text of a fault holds codes only: a server's message may quote the credential or the signed request.
        """
        try:
            yield
        except faults.ClientError as error:
            raise self._refusal(error, path) from None
        except (
            faults.NoCredentialsError,
            faults.PartialCredentialsError,
            faults.ProfileNotFound,
            faults.ConfigParseError,
        ):
            raise PermanentError(f"{self._where}: this machine has no role or credential for it") from None
        except (faults.ParamValidationError, faults.InvalidEndpointConfigurationError, ValueError) as error:
            raise PermanentError(f"{self._where}: settings that S3 does not take ({type(error).__name__})") from None
        except RecursionError:
            # boto3 follows a bucket to its region as often as it is sent on.
            raise PermanentError(f"{self._where}: the server sends every request elsewhere; set region") from None
        except faults.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise PermanentError(f"{self._where}: the server's certificate is not trusted") from None
            raise AnswerLost(f"{self._where}: no secure connection ({type(error).__name__})") from None
        except (faults.BotoCoreError, OSError) as error:
            # Refused connections, time-outs, bodies that end too early or fail their checksum.
            raise AnswerLost(f"{self._where}: no whole answer ({type(error).__name__})") from None

    def _refusal(self, error: faults.ClientError, path: str) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))[:64]
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _THROTTLES or status == 429 or status >= 500:
            return AnswerLost(f"{self._where}: the server asks to come back later ({code or status})")
        if code == "NoSuchBucket" or (not path and status == 404):
            return PermanentError(f"{self._where}: there is no such bucket")
        if path and code in _GONE:
            return FileNotTaken(f"{path}: not there any more")
        if path and code in _CHANGED:
            return FileNotTaken(f"{path}: replaced by another version since the listing")
        if path and code in _ARCHIVED:
            return FileNotTaken(f"{path}: in an archive from which it must be restored first")
        if code in _ELSEWHERE:
            return PermanentError(f"{self._where}: the bucket is in another region ({code}); set region")
        if status in (401, 403):
            return PermanentError(f"{self._where}: the server refused the credential or its rights ({code or status})")
        return PermanentError(f"{self._where}: the server refused the request ({code or status})")


def _client(transport: S3Transport, secrets_dir: Path) -> Any:
    settings: dict[str, Any] = {
        "connect_timeout": transport.timeout_seconds,
        "read_timeout": transport.timeout_seconds,
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "max_pool_connections": 1,
        "s3": {"addressing_style": "path" if transport.path_style else "auto"},
        # The machine's own settings must not send one tenant's requests to another place.
        "ignore_configured_endpoint_urls": True,
        "user_agent_appid": "wealthnexus",
    }
    keys: dict[str, str | None] = {}
    if transport.credentials == "anonymous":
        settings["signature_version"] = botocore.UNSIGNED
    elif transport.credentials == "keys":
        if not (transport.access_key_ref and transport.secret_key_ref):
            raise PermanentError(f"s3://{transport.bucket}: give access_key_ref and secret_key_ref")
        keys["aws_access_key_id"] = resolve(transport.access_key_ref, secrets_dir)
        keys["aws_secret_access_key"] = resolve(transport.secret_key_ref, secrets_dir)
        if transport.session_token_ref:
            keys["aws_session_token"] = resolve(transport.session_token_ref, secrets_dir)
    session = boto3.session.Session(region_name=transport.region, **keys)
    return session.client("s3", endpoint_url=transport.endpoint_url, config=Config(**settings))


def _entry(name: str, size_bytes: int, described: dict[str, Any]) -> Entry:
    """An object, whose time S3 states in whole seconds and whose ETag is the mark of its content."""
    at = described["LastModified"].astimezone(UTC).replace(microsecond=0)
    return Entry(name, "file", size_bytes, at, described["ETag"])
