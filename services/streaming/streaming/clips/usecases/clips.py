"""Clips as callers see them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from chassis.auth import RevocationList
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from chassis.live import LivePublisher
from chassis.origin import origin
from chassis.vault import Unsealable, Vault
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Invalid, NotFound, SessionRevoked, TokenExpired, Unauthenticated
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat
from streaming.clips.domain import (
    Clip,
    ClipEnded,
    ClipNotReady,
    ClipsFull,
    ClipState,
    ClipTooLong,
    Request,
    TooManyClips,
    live_message,
)
from streaming.playback.domain import NoRecording

if TYPE_CHECKING:
    from streaming.clips.repository import PostgresClips
    from streaming.gateways.object_files import ObjectFiles
    from streaming.streams.usecases import Streams

Repository = Callable[[UnitOfWork], "PostgresClips"]
IsRecorded = Callable[[UnitOfWork, UUID, datetime, datetime], Awaitable[bool]]
"""(uow, camera, from, to) -> whether there is a recording."""

WeighRecordings = Callable[[UnitOfWork, UUID, datetime, datetime], Awaitable[int]]
"""(uow, camera, from, to) -> bytes of the recordings in the range, as far as they are indexed."""

LINK_LASTS = timedelta(minutes=5)
SIGNED_FOR = timedelta(seconds=60)
"""The store knows nothing of sessions: its link goes on after one has ended. A download that has begun is not cut off at its end."""
_LINK = "clip download"


@dataclass(frozen=True, slots=True)
class ClipBounds:
    """What may be asked for."""

    longest: timedelta
    waiting: int
    """Clips of one city that may wait."""
    city_bytes: int
    """What the files of one city may take together."""


@dataclass(frozen=True, slots=True)
class Download:
    """Where a clip's file is fetched without a token, and until when. `ticket` is None where the object store gives it by itself."""

    url: str | None
    ticket: str | None
    expires_at: datetime


class Clips:
    """A city's clips."""

    def __init__(  # noqa: PLR0913 - what a clip needs
        self,
        uow: UowFactory,
        repository: Repository,
        streams: Streams,
        is_recorded: IsRecorded,
        weigh: WeighRecordings,
        store: ObjectFiles,
        *,
        vault: Vault,
        revocations: RevocationList,
        live: LivePublisher,
        clock: Clock,
        bounds: ClipBounds,
    ) -> None:
        self._uow, self._repository, self._streams, self._store = uow, repository, streams, store
        self._is_recorded, self._weigh = is_recorded, weigh
        self._vault, self._revocations, self._live, self._clock, self._bounds = vault, revocations, live, clock, bounds

    async def make_clip(
        self, caller: Caller, camera_id: UUID, span: tuple[datetime, datetime], name: str, once: Once | None = None
    ) -> Clip:
        """Queues a clip; what lies in the future is cut off.

        Raises: NotFound, NoRecording, ClipTooLong, TooManyClips, ClipsFull, Gone, Invalid.
        """
        now, (since, until) = self._clock.now(), span
        if until <= since:
            raise Invalid("`to` must be after `from`.")
        if until - since > self._bounds.longest:
            raise ClipTooLong(f"A clip is {self._bounds.longest} long at most: ask for several.")
        await self._streams.find_kept(caller, camera_id)
        until = min(until, now)
        async with self._uow(caller.tenant_id) as uow:
            if until <= since or not await self._is_recorded(uow, camera_id, since, until):
                raise NoRecording
            estimated = await self._weigh(uow, camera_id, since, until)
        asked = Request(camera_id, since, until, name, caller.user_id, str(caller.role), caller.session_id, origin().purpose)
        clip = Clip(caller.tenant_id, new_id(), asked, now, estimated_bytes=estimated)
        async with self._uow(caller.tenant_id) as uow:
            clips = self._repository(uow)
            earlier = await claim(uow, caller, once, clip.clip_id, now)
            if earlier is not None:
                made = await clips.get(earlier)
                if made is None:
                    raise Gone
                return made
            if await clips.count_waiting() >= self._bounds.waiting:
                raise TooManyClips(retry_after=timedelta(seconds=30))
            await self._check_room(clips, estimated, now)
            await clips.add(clip)
            self._announce(uow, clip)
        return clip

    async def list_clips(self, caller: Caller, camera_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int) -> list[Clip]:
        """Clips of the cameras that the caller may see, newest first."""
        visible = await self._visible(caller)
        if camera_id is not None:
            visible = {camera_id} if visible is None else visible & {camera_id}
        async with self._uow(caller.tenant_id) as uow:
            return await self._repository(uow).list_newest(visible, before, limit)

    async def find_clip(self, caller: Caller, clip_id: UUID) -> Clip:
        """Raises: NotFound, also for a clip of a camera that the caller may not see."""
        async with self._uow(caller.tenant_id) as uow:
            clip = await self._repository(uow).get(clip_id)
        return await self._seen(caller, clip)

    async def cancel_clip(self, caller: Caller, clip_id: UUID) -> Clip:
        """Ends a clip that waits or is being made; its worker notices within a second. Raises: NotFound, ClipEnded."""
        await self.find_clip(caller, clip_id)
        now = self._clock.now()
        async with self._uow(caller.tenant_id) as uow:
            clips = self._repository(uow)
            clip = await clips.get(clip_id, lock=True)
            if clip is None:
                raise NotFound
            if clip.state is ClipState.CANCELLED:
                return clip
            if not clip.is_waiting:
                raise ClipEnded
            clip = replace(clip, state=ClipState.CANCELLED, finished_at=now)
            await clips.end(clip_id, clip.state, now)
            self._announce(uow, clip)
        return clip

    async def delete_clip(self, caller: Caller, clip_id: UUID) -> None:
        """Ends a ready clip before it expires, on record: the recorder agent deletes the file within two minutes. What has no file any
        more stays as it is. Raises: NotFound, ClipNotReady (it is still to be made, and can be cancelled)."""
        await self.find_clip(caller, clip_id)
        async with self._uow(caller.tenant_id) as uow:
            clips = self._repository(uow)
            clip = await clips.get(clip_id, lock=True)
            if clip is None:
                raise NotFound
            if clip.is_waiting:
                raise ClipNotReady("It is still to be made: cancel it.")
            if clip.state is not ClipState.READY:
                return
            clip = replace(clip, state=ClipState.DELETED)
            await clips.end(clip_id, clip.state, clip.finished_at or self._clock.now())
            record(uow, Action.EXPORT_DELETED, caller, _entry(clip))
            self._announce(uow, clip)

    async def download_clip(self, caller: Caller, clip_id: UUID) -> Download:
        """Returns a link for a short time; on record, or not given. Raises: NotFound, ClipNotReady."""
        clip = await self.find_clip(caller, clip_id)
        key, now = self._key_of(clip), self._clock.now()
        url = await self._store.link(key, SIGNED_FOR)
        expires_at = now + (SIGNED_FOR if url else LINK_LASTS)
        says = {"tenant": str(clip.tenant_id), "clip": str(clip_id), "session": str(caller.session_id), "until": expires_at.timestamp()}
        async with self._uow(caller.tenant_id) as uow:
            record(uow, Action.EXPORT_DOWNLOADED, caller, _entry(clip))
        return Download(url, None if url else self._vault.seal(orjson.dumps(says).decode(), _LINK), expires_at)

    async def open_link(self, clip_id: UUID, ticket: str) -> Clip:
        """Returns the clip whose link this is. Raises: Unauthenticated, TokenExpired, SessionRevoked, ClipNotReady."""
        try:
            says = orjson.loads(self._vault.open(ticket, _LINK))
        except Unsealable:
            raise Unauthenticated("This link is not one of ours.") from None
        if says["clip"] != str(clip_id):
            raise Unauthenticated("This link is another clip's.")
        if says["until"] <= self._clock.now().timestamp():
            raise TokenExpired("This link has expired: ask for the download again.")
        if self._revocations.is_revoked(UUID(says["session"])):
            raise SessionRevoked
        async with self._uow(UUID(says["tenant"])) as uow:
            clip = await self._repository(uow).get(clip_id)
        if clip is None:
            raise NotFound
        self._key_of(clip)
        return clip

    async def read(self, clip: Clip, start: int, end: int) -> AsyncIterator[bytes]:
        """Yields the bytes of its file from `start` up to `end`. Raises: NotFound, Unavailable."""
        async for part in self._store.read(self._key_of(clip), start, end):
            yield part

    async def _check_room(self, clips: PostgresClips, estimated: int, now: datetime) -> None:
        """Raises: ClipsFull."""
        kept = await clips.kept_bytes()
        if kept + estimated <= self._bounds.city_bytes:
            return
        sizes = [f"{size / 1_000_000_000:.1f} GB" for size in (kept, self._bounds.city_bytes, estimated)]
        expiry = await clips.next_expiry(now)
        wait = f", or wait: the next one expires at {isoformat(expiry)}" if expiry else ""
        told = "Clips take {} of the {} of your city, and this one needs about {}: delete some".format(*sizes)
        raise ClipsFull(f"{told}{wait}.")

    async def _seen(self, caller: Caller, clip: Clip | None) -> Clip:
        if clip is None:
            raise NotFound("There is no such clip.")
        visible = await self._visible(caller)
        if visible is not None and clip.request.camera_id not in visible:
            raise NotFound("There is no such clip.")
        return clip

    async def _visible(self, caller: Caller) -> set[UUID] | None:
        """None: all."""
        return None if caller.camera_groups is None else await self._streams.visible(caller)

    def _key_of(self, clip: Clip) -> str:
        if clip.state is not ClipState.READY or clip.object_key is None or (clip.expires_at or self._clock.now()) <= self._clock.now():
            raise ClipNotReady
        return clip.object_key

    def _announce(self, uow: UnitOfWork, clip: Clip) -> None:
        uow.after_commit(lambda: self._live.publish(clip.tenant_id, "system", live_message(clip)))


def _entry(clip: Clip) -> AuditEntry:
    asked, details = clip.request, {"sha256": clip.sha256, "size_bytes": clip.size_bytes}
    return AuditEntry("clip", clip.clip_id, asked.camera_id, asked.since, asked.until, details)
