"""Files in the object store that are too large for memory: sent from a disk, read in parts, fetched from the store by a signed link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.store import S3Store

from chassis.settings import ObjectsSettings
from chassis.storage import ObjectStore, checked_key
from gtvision.errors import Unavailable

_PART = 8_388_608
"""S3 takes 10,000 parts of a file."""
_AT_ONCE = 4
_READ = 1_048_576
_SLOWEST = 500_000
"""Bytes a second."""


class ObjectFiles(ObjectStore):
    """The object store with files."""

    def __init__(self, settings: ObjectsSettings, public_endpoint: str | None = None) -> None:
        """`public_endpoint` is the S3 endpoint as browsers reach it; AWS's own is public."""
        super().__init__(settings)
        self._signing: Any = None
        if isinstance(self._store, S3Store) and (public_endpoint or not settings.s3_endpoint):
            public = settings.model_copy(update={"s3_endpoint": public_endpoint}) if public_endpoint else settings
            self._signing = ObjectStore(public)._store

    async def put_file(self, key: str, path: Path, size_bytes: int, attributes: dict[str, str], sent: Callable[[int], None]) -> None:
        """Stores a file whole or not at all; `sent` is told how many bytes are on their way. A folder keeps no attributes.

        Raises: OSError, Unavailable.
        """
        kept = attributes if isinstance(self._store, S3Store) else None
        is_over = False

        async def parts() -> AsyncIterator[bytes]:
            total = 0
            while part := await asyncio.to_thread(file.read, _PART):
                if is_over:
                    raise Unavailable("The upload was given up.")
                total += len(part)
                yield part
                sent(total)

        with await asyncio.to_thread(path.open, "rb") as file:
            put = self._store.put_async(checked_key(key), parts(), attributes=kept, chunk_size=_PART, max_concurrency=_AT_ONCE)
            upload = asyncio.ensure_future(put)
            try:
                await self._within(asyncio.shield(upload), key, self._settings.timeout_s + size_bytes / _SLOWEST)
            finally:
                # Where this is cancelled, the upload ends by an error: only then the store throws away the parts that it has.
                is_over = True
                for each in (await asyncio.wait({upload}, timeout=self._settings.timeout_s))[0]:
                    each.exception()

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yields the bytes from `start` up to `end`, in parts of a megabyte. Raises: NotFound, Unavailable."""
        result = await self._within(self._store.get_async(checked_key(key), options={"range": (start, end)}), key)
        parts = aiter(result.stream(min_chunk_size=_READ))
        while (part := await self._within(anext(parts, None), key)) is not None:
            yield bytes(part)

    async def link(self, key: str, lasts: timedelta) -> str | None:
        """Returns an address of the store itself, good for so long; None where browsers do not reach the store."""
        if self._signing is None:
            return None
        signed: str = await self._within(obstore.sign_async(self._signing, "GET", checked_key(key), lasts), key)
        return signed
