"""The bucket of the off-site copies, by the S3 API itself.

`chassis.storage` stands on a library that all stores have in common; bringing objects back from cold storage (RestoreObject) is S3's alone.
Each upload is signed with the hash of its content (Signature Version 4), so the store itself refuses what arrives changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NoReturn
from urllib.parse import quote, urlsplit

import httpx

from chassis.settings import ObjectsSettings
from chassis.storage import checked_key
from gtvision.errors import Invalid, NotFound, Unavailable
from gtvision.time import Clock
from streaming.archive.domain import Stored, Thaw

_ALGORITHM = "AWS4-HMAC-SHA256"
_NOTHING = hashlib.sha256(b"").hexdigest()
_CHUNK = 1 << 18
_STORE_TROUBLE = frozenset({401, 403, 408, 425, 429})
"""Answers that say something of the store or our rights in it, not of the object."""
_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,80})</Code>")


class ArchiveRefused(Invalid):
    """The store takes other objects, and not this one."""


class S3Archive:
    """Objects under `s3://bucket[/prefix]`. Each wait for the store is bounded, and a store that is away is Unavailable."""

    def __init__(self, settings: ObjectsSettings, clock: Clock, *, storage_class: str = "", max_mbps: float = 0) -> None:
        """`max_mbps` bounds uploads, megabits a second; 0: no bound. Without `storage_class` the bucket's own holds."""
        parts = urlsplit(settings.url)
        bucket, self._prefix = parts.netloc, parts.path.strip("/")
        endpoint = (settings.s3_endpoint or "").rstrip("/")
        self._base = f"{endpoint}/{bucket}" if endpoint else f"https://{bucket}.s3.{settings.s3_region}.amazonaws.com"
        self._region, self._clock, self._storage_class = settings.s3_region, clock, storage_class
        self._bytes_per_s = max_mbps * 1_000_000 / 8
        key_id, secret = settings.s3_access_key_id, settings.s3_secret_access_key
        self._key_id, self._secret = (each.get_secret_value() if each else "" for each in (key_id, secret))
        self._client = httpx.AsyncClient(timeout=settings.timeout_s, trust_env=False)

    async def put(self, key: str, chunks: AsyncIterator[bytes], size_bytes: int, sha256: str) -> None:
        """Stores whole or not at all; the same key again replaces. Raises: ArchiveRefused, Unavailable."""
        headers = {"content-type": "video/mp4", "x-amz-meta-sha256": sha256}
        if self._storage_class:
            headers["x-amz-storage-class"] = self._storage_class
        signed = self._signed("PUT", self._url(key), headers, sha256) | {"content-length": str(size_bytes)}
        async with self._answer("PUT", self._url(key), signed, content=self._paced(chunks)):
            pass

    async def head(self, key: str) -> Stored:
        """What the store says of an object. Raises: NotFound, ArchiveRefused, Unavailable."""
        url = self._url(key)
        async with self._answer("HEAD", url, self._signed("HEAD", url)) as answer:
            told = answer.headers
            return Stored(
                size_bytes=int(told.get("content-length", -1)),
                sha256=told.get("x-amz-meta-sha256"),
                storage_class=told.get("x-amz-storage-class", "STANDARD"),
                thaw=_thaw(told.get("x-amz-restore")),
            )

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The content. Raises: NotFound, ArchiveRefused (also where it is in cold storage), Unavailable."""
        url = self._url(key)
        async with self._answer("GET", url, self._signed("GET", url)) as answer:
            async for chunk in answer.aiter_raw(_CHUNK):
                yield chunk

    async def thaw(self, key: str, days: int) -> None:
        """Asks for an object in cold storage to be readable, for so many days. Raises: NotFound, ArchiveRefused, Unavailable."""
        body = (
            '<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Days>{days}</Days><GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>"
        ).encode()
        url = self._url(key) + "?restore="
        signed = self._signed("POST", url, {"content-type": "application/xml"}, hashlib.sha256(body).hexdigest())
        async with self._answer("POST", url, signed, content=body, fine=409):  # asked for before
            pass

    async def delete(self, key: str) -> None:
        """Deletes the object, if it is there. Raises: ArchiveRefused, Unavailable."""
        url = self._url(key)
        async with self._answer("DELETE", url, self._signed("DELETE", url), fine=404):
            pass

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _paced(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        began, sent = self._clock.monotonic(), 0
        async for chunk in chunks:
            yield chunk
            sent += len(chunk)
            if self._bytes_per_s:
                await asyncio.sleep(max(0.0, sent / self._bytes_per_s - (self._clock.monotonic() - began)))

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        content: AsyncIterator[bytes] | bytes | None = None,
        fine: int = 200,
    ) -> AsyncIterator[httpx.Response]:
        """`fine` is an answer that counts as success beside those that do."""
        try:
            async with self._client.stream(method, url, headers=dict(headers), content=content) as answer:
                if not answer.is_success and answer.status_code != fine:
                    _raise(answer.status_code, await answer.aread())
                yield answer
        except httpx.HTTPError as error:
            raise Unavailable("The archive does not answer.") from error

    def _url(self, key: str) -> str:
        path = "/".join(filter(None, (self._prefix, checked_key(key))))
        return f"{self._base}/{quote(path, safe='/-_.~')}"

    def _signed(self, method: str, url: str, headers: Mapping[str, str] | None = None, sha256: str = _NOTHING) -> dict[str, str]:
        whole = {**(headers or {}), "host": urlsplit(url).netloc, "x-amz-content-sha256": sha256}
        return signed(method, url, whole, self._clock.now(), region=self._region, key_id=self._key_id, secret=self._secret)


def signed(  # noqa: PLR0913 - what a signature is made of
    method: str, url: str, headers: Mapping[str, str], at: datetime, *, region: str, key_id: str, secret: str
) -> dict[str, str]:
    """Returns the headers with date and signature (AWS Signature Version 4 for S3). All given are signed; their names are lower case.

    `headers` hold `host` and `x-amz-content-sha256`; the URL is quoted, and its query in order.
    """
    moment = f"{at:%Y%m%dT%H%M%SZ}"
    whole = {**headers, "x-amz-date": moment}
    names = sorted(whole)
    parts = urlsplit(url)
    lines = [method, parts.path or "/", parts.query, *(f"{name}:{whole[name].strip()}" for name in names), ""]
    request = "\n".join([*lines, ";".join(names), whole["x-amz-content-sha256"]])
    scope = f"{at:%Y%m%d}/{region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    whole["authorization"] = f"{_ALGORITHM} Credential={key_id}/{scope},SignedHeaders={';'.join(names)},Signature={signature}"
    return whole


def _thaw(told: str | None) -> Thaw:
    if told is None:
        return Thaw.NONE
    return Thaw.UNDER_WAY if 'ongoing-request="true"' in told else Thaw.READY


def _raise(status: int, body: bytes) -> NoReturn:
    found = _ERROR_CODE.search(body)
    what = f"{status} {found[1].decode()}" if found else str(status)
    if status == 404 and (found is None or found[1] != b"NoSuchBucket"):
        raise NotFound(f"The archive has no such object ({what}).")
    if status >= 500 or status in _STORE_TROUBLE or status == 404:
        raise Unavailable(f"The archive does not answer as it should ({what}).")
    raise ArchiveRefused(f"The archive refuses the object ({what}).")
