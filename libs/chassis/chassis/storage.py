"""Objects: pictures, clips and exports, in a folder or in a bucket that speaks S3, behind one port.

Keys look like `evidence/<tenant>/<camera>/<yyyy>/<mm>/<dd>/<name>.jpg`; a key that could leave its folder is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from chassis.settings import ObjectsSettings
from gtvision.errors import GTVisionError, Invalid, NotFound, Unavailable

MAX_KEY: Final = 512
_SEGMENT = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*")

T = TypeVar("T")


class InvalidObjectKey(Invalid):
    """The object's key is not acceptable."""

    code = "invalid_object_key"


class ObjectCorrupt(GTVisionError):
    """The object is not what was stored."""

    code = "object_corrupt"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing."""

    key: str
    size_bytes: int
    modified_at: datetime


def object_key(prefix: str, tenant_id: UUID, camera_id: UUID, day: datetime, name: str) -> str:
    """`<prefix>/<tenant>/<camera>/<yyyy>/<mm>/<dd>/<name>`. Raises: InvalidObjectKey."""
    return checked_key(f"{prefix}/{tenant_id}/{camera_id}/{day:%Y/%m/%d}/{name}")


def checked_key(key: str) -> str:
    """Returns the key itself, if it has no empty, hidden or dotted segment and no special character. Raises: InvalidObjectKey."""
    if not 0 < len(key) <= MAX_KEY or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise InvalidObjectKey
    return key


class ObjectStore:
    """Objects under one URL: `file:///folder` or `s3://bucket[/prefix]`. Every call ends within its time or is Unavailable."""

    def __init__(self, settings: ObjectsSettings | str) -> None:
        self._settings = settings if isinstance(settings, ObjectsSettings) else ObjectsSettings(url=settings)
        self._store: Any = _open(self._settings)

    async def put(self, key: str, data: bytes, sha256: str | None = None) -> str:
        """Stores whole or not at all; the same key again replaces. Returns the SHA-256 (hex); a given one is checked first.

        Raises: InvalidObjectKey, ObjectCorrupt, Unavailable.
        """
        digest = hashlib.sha256(data).hexdigest()
        if sha256 is not None and sha256 != digest:
            raise ObjectCorrupt
        attributes = {"sha256": digest} if isinstance(self._store, S3Store) else None  # a folder has no metadata
        await self._within(self._store.put_async(checked_key(key), data, attributes=attributes), key)
        return digest

    async def get(self, key: str, sha256: str | None = None) -> bytes:
        """Returns the whole object, compared with the hash where one is given. Raises: NotFound, ObjectCorrupt, Unavailable."""
        result = await self._within(self._store.get_async(checked_key(key)), key)
        data = bytes(await self._within(result.bytes_async(), key))
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise ObjectCorrupt
        return data

    async def delete(self, key: str) -> None:
        """Deletes the object, if it is there. Raises: Unavailable."""
        try:
            await self._within(self._store.delete_async(checked_key(key)), key)
        except NotFound:
            return

    async def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Returns all objects below a folder, in no order. Raises: Unavailable."""
        pages = aiter(self._store.list(checked_key(prefix.rstrip("/"))))
        while True:
            page = await self._within(anext(pages, None), prefix)
            if page is None:
                return
            for item in page:
                yield StoredObject(item["path"], item["size"], item["last_modified"])

    async def folders(self, prefix: str) -> tuple[str, ...]:
        """Returns the names of the folders right below a folder, in order. Raises: Unavailable."""
        found = await self._within(self._store.list_with_delimiter_async(checked_key(prefix.rstrip("/"))), prefix)
        return tuple(sorted(each.rstrip("/").rpartition("/")[2] for each in found["common_prefixes"]))

    async def check(self) -> None:
        """For readiness. Raises: Unavailable."""
        with suppress(NotFound):
            await self._within(self._store.head_async("health"), "health")

    async def _within(self, work: Awaitable[T], key: str, timeout_s: float | None = None) -> T:
        try:
            async with asyncio.timeout(timeout_s or self._settings.timeout_s):
                return await work
        except FileNotFoundError as error:  # obstore's NotFoundError is one
            raise NotFound(f"There is no object '{key}'.") from error
        except (BaseError, OSError, TimeoutError) as error:
            raise Unavailable("The object store does not answer.") from error


def _open(settings: ObjectsSettings) -> LocalStore | S3Store:
    parts = urlsplit(settings.url)
    if parts.scheme == "file" and not parts.netloc:
        return LocalStore(Path(unquote(parts.path)), mkdir=True, automatic_cleanup=True)
    if parts.scheme == "s3" and parts.netloc:
        return _open_s3(settings, parts.netloc, parts.path.strip("/"))
    raise ValueError("OBJECTS_URL must be file:///folder or s3://bucket[/prefix]")


def _open_s3(settings: ObjectsSettings, bucket: str, prefix: str) -> S3Store:
    config: dict[str, Any] = {"region": settings.s3_region}
    if settings.s3_endpoint:
        config["endpoint"] = settings.s3_endpoint
        config["virtual_hosted_style_request"] = False
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        config["access_key_id"] = settings.s3_access_key_id.get_secret_value()
        config["secret_access_key"] = settings.s3_secret_access_key.get_secret_value()
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={"allow_http": True, "timeout": timedelta(seconds=settings.timeout_s), "connect_timeout": timedelta(seconds=2)},
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=settings.timeout_s)},
        **config,
    )
