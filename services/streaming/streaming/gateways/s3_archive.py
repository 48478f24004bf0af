"""The bucket of the off-site copies, by aiobotocore.

`chassis.storage` stands on a library that all stores have in common; cold storage, and how objects come back from it, is S3's alone.
Importing this costs 0.2 s and 20 MB: only a recorder agent with an archive does it (see `app`).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from chassis.logs import get_logger
from chassis.settings import ObjectsSettings
from chassis.storage import checked_key
from gtvision.errors import GTVisionError, Invalid, NotFound, Unavailable
from gtvision.time import Clock
from streaming.archive.domain import Stored, Thaw

log = get_logger(__name__)

_CHUNK = 1 << 18
_STORE_TROUBLE = frozenset({401, 403, 408, 425, 429})
"""Answers that say something of the store or our rights in it, not of the object."""
_NOBODYS = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
"""The machine's own AWS configuration is another program's."""


Chunks = AsyncGenerator[bytes, None]


class ArchiveRefused(Invalid):
    """The store takes other objects, and not this one."""


class _Upload:
    """What is sent: the library takes for a file what has `read`, and sends what it iterates over."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def read(self, _size: int = -1) -> bytes:
        raise NotImplementedError("it is iterated over")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        """The library leaves what it does not need."""
        with suppress(RuntimeError):  # it runs: then it was cancelled, and ends by itself
            await self._chunks.aclose()


class S3Archive:
    """Objects under `s3://bucket[/prefix]`. Each wait for the store is bounded, and a store that is away is Unavailable."""

    def __init__(self, settings: ObjectsSettings, clock: Clock, *, storage_class: str = "", max_mbps: float = 0) -> None:
        """`max_mbps` bounds uploads, megabits a second; 0: no bound. Without `storage_class` the bucket's own holds."""
        parts = urlsplit(settings.url)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._settings, self._clock, self._storage_class = settings, clock, storage_class
        self._bytes_per_s = max_mbps * 1_000_000 / 8
        self._opening, self._open = asyncio.Lock(), AsyncExitStack()
        self._client: Any = None

    async def put(self, key: str, chunks: Chunks, size_bytes: int, sha256: str) -> None:
        """Stores whole or not at all; the same key again replaces. A store that knows checksums refuses what arrives changed.

        Raises: ArchiveRefused, Unavailable, and OSError where the chunks do.
        """
        stored = {"StorageClass": self._storage_class} if self._storage_class else {}
        checksum = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode()}
        faults: list[OSError] = []
        try:
            async with self._asked() as (client, limit), aclosing(_Upload(self._paced(chunks, limit, faults))) as upload:
                kept = {"ContentType": "video/mp4", "Metadata": {"sha256": sha256}, "ContentLength": size_bytes}
                await client.put_object(**self._of(key), **stored, **checksum, **kept, Body=upload)
        except Unavailable:
            if faults:
                raise faults[0] from None
            raise

    async def head(self, key: str) -> Stored:
        """What the store says of an object. Raises: NotFound, ArchiveRefused, Unavailable."""
        async with self._asked() as (client, _):
            told = await client.head_object(**self._of(key), ChecksumMode="ENABLED")
        return Stored(
            size_bytes=told["ContentLength"],
            sha256=_sha256(told),
            storage_class=told.get("StorageClass", "STANDARD"),
            thaw=thaw_of(told.get("Restore")),
        )

    async def verified(self, key: str) -> Stored:
        """As `head`, with the hash of what arrived: recordings are deleted on its word. A store that computes none is read back; where it
        keeps the object cold too, the hash that it was told has to do. Raises: NotFound, ArchiveRefused, Unavailable."""
        stored = await self.head(key)
        if stored.sha256 is not None:
            return stored
        if not stored.is_cold:
            return replace(stored, sha256=await self.sha256(key))
        log.warning("copy_not_verified", key=key, storage_class=stored.storage_class)
        async with self._asked() as (client, _):
            told = await client.head_object(**self._of(key))
        return replace(stored, sha256=told["Metadata"].get("sha256"))

    async def sha256(self, key: str) -> str:
        """Reads the content, and hashes it. Raises: as `get`."""
        digest = hashlib.sha256()
        async for chunk in self.get(key):
            digest.update(chunk)
        return digest.hexdigest()

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The content. Raises: NotFound, ArchiveRefused (also where it is in cold storage), Unavailable."""
        async with self._asked() as (client, limit):
            answer = await client.get_object(**self._of(key))
            limit.reschedule(None)  # from here on the library bounds each wait
            async with answer["Body"] as body:
                async for chunk in body.iter_chunks(_CHUNK):
                    yield chunk

    async def thaw(self, key: str, days: int) -> None:
        """Asks for an object in cold storage to be readable, for so many days. Raises: NotFound, ArchiveRefused, Unavailable."""
        asked = {"Days": days, "GlacierJobParameters": {"Tier": "Standard"}}
        async with self._asked(fine="RestoreAlreadyInProgress") as (client, _):
            await client.restore_object(**self._of(key), RestoreRequest=asked)

    async def delete(self, key: str) -> None:
        """Deletes the object, if it is there. Raises: ArchiveRefused, Unavailable."""
        async with self._asked(fine="NoSuchKey") as (client, _):
            await client.delete_object(**self._of(key))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._open.aclose()

    async def _paced(self, chunks: Chunks, limit: asyncio.Timeout, faults: list[OSError]) -> Chunks:
        """Moves the limit with each chunk: it bounds the wait for the store, not the whole of a large file. `faults` gets what ends it."""
        loop, began, sent = asyncio.get_running_loop(), self._clock.monotonic(), 0
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
                    sent += len(chunk)
                    pause = max(0.0, sent / self._bytes_per_s - (self._clock.monotonic() - began)) if self._bytes_per_s else 0.0
                    limit.reschedule(loop.time() + pause + self._settings.timeout_s)
                    await asyncio.sleep(pause)
        except OSError as error:
            faults.append(error)
            raise

    @asynccontextmanager
    async def _asked(self, *, fine: str | None = None) -> AsyncIterator[tuple[Any, asyncio.Timeout]]:
        """Yields the client, and the limit of its time. `fine` is an error of the store that counts as success."""
        try:
            client = await self._connected()
            async with asyncio.timeout(self._settings.timeout_s) as limit:
                yield client, limit
        except ClientError as error:
            status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"].get("Code", "")
            if code != fine:
                raise trouble(status, code) from None
        except (BotoCoreError, aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"The archive does not answer ({type(error).__name__}).") from error

    async def _connected(self) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await self._open.enter_async_context(_new_client(self._settings))
                self._client.meta.events.register("before-sign.s3.PutObject", _ask_nothing)
        return self._client

    def _of(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": "/".join(filter(None, (self._prefix, checked_key(key))))}


def _new_client(settings: ObjectsSettings) -> Any:
    """Each call is made once: what calls tries again by itself. Nothing is read from the machine's AWS configuration or its metadata."""
    key_id, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    config = AioConfig(
        connect_timeout=settings.timeout_s,
        read_timeout=settings.timeout_s,
        retries={"total_max_attempts": 1},
        proxies={},
        signature_version="s3v4",
        # What is sent is read once, as it goes out; its hash is known, and signed with the headers.
        s3={"payload_signing_enabled": False, "addressing_style": "path" if settings.s3_endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
        warm_up_loader_caches=True,
    )
    session = AioSession(session_vars={name: (None, None, value, None) for name, value in _NOBODYS.items()})
    return session.create_client(
        "s3",
        region_name=settings.s3_region,
        endpoint_url=settings.s3_endpoint or None,
        aws_access_key_id=key_id.get_secret_value() if key_id else "",
        aws_secret_access_key=secret.get_secret_value() if secret else "",
        config=config,
    )


def _ask_nothing(request: Any, **_: Any) -> None:
    """A body that is iterated over goes out once the store has said `100 Continue`, and there are stores that never say it."""
    del request.headers["Expect"]


def _sha256(told: Mapping[str, Any]) -> str | None:
    """The hash as the store computed it. What is written down with the object came from us, and says nothing of what arrived."""
    computed = told.get("ChecksumSHA256", "")
    return base64.b64decode(computed).hex() if computed and "-" not in computed else None  # "-": of parts


def thaw_of(told: str | None) -> Thaw:
    """Reads the header `x-amz-restore`."""
    if told is None:
        return Thaw.NONE
    return Thaw.UNDER_WAY if 'ongoing-request="true"' in told else Thaw.READY


def trouble(status: int, code: str) -> GTVisionError:
    """Tells trouble of the store, which concerns every object, from trouble of one object."""
    what = f"{status} {code}" if code not in {str(status), ""} else str(status)
    if status == 404 and code != "NoSuchBucket":
        return NotFound(f"The archive has no such object ({what}).")
    if status >= 500 or (status in {404, *_STORE_TROUBLE} and code != "InvalidObjectState"):
        return Unavailable(f"The archive does not answer as it should ({what}).")
    return ArchiveRefused(f"The archive refuses the object ({what}).")
