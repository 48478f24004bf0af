"""Verbs: register, change and remove cameras, see how they fare, and tell the other services again and again what should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from cameras import metrics
from cameras.domain import Camera, ExternalIdTaken, Fleet, ListedCamera, Settings, Sighting, check_groups
from cameras.ports import Catalogue, Cities, Groups, Live, Resolver, Sealer, Store, StoreOf
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim, release
from city.audit import AuditEntry, record
from gtvision.addresses import AddressPolicy, literal_address
from gtvision.audit import Action
from gtvision.camera_urls import CameraUrl, check_places, parse_camera_url
from gtvision.errors import InvalidCameraUrl, NotFound
from gtvision.events import CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated, Event, EventData
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat

ANNOUNCE_LEASE = "announce"
LEASE_LIFETIME = timedelta(seconds=30)
_PAGE = 200
_OVERTAKING = timedelta(minutes=1)
"""Longer than any transaction may take (statements end after 30 s): a camera whose registration commits while we read is not listed,
and must not be taken for removed by whoever heard of it first."""

FLEET_LIFETIME_S = 1.0
_MOST_FLEETS = 1_000
"""Tenants times sets of groups; the oldest is forgotten first."""

UNSET: Any = object()


@dataclass(frozen=True, slots=True)
class Patch:
    """What to change; a field that is UNSET stays."""

    name: Any = UNSET
    external_id: Any = UNSET
    groups: Any = UNSET
    enabled: Any = UNSET
    recording: Any = UNSET
    ai: Any = UNSET

    def of(self, settings: Settings) -> Settings:
        wanted = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(settings, **{name: value for name, value in wanted.items() if value is not UNSET})


class UrlGuard:
    """Decides whether the server may connect to what somebody typed."""

    def __init__(self, resolver: Resolver, policy: AddressPolicy) -> None:
        self._resolver, self._policy = resolver, policy

    async def check(self, text: str) -> CameraUrl:
        """Raises: InvalidCameraUrl."""
        try:
            url = parse_camera_url(text)
            literal = literal_address(url.host)
            found = [literal] if literal is not None else await self._resolver.resolve(url.host, url.port)
            check_places(self._policy, found)
        except InvalidCameraUrl:
            metrics.URLS_REFUSED.inc()
            raise
        return url


Visible = tuple[UUID, Groups]
"""Which cameras: of a tenant, within groups."""


class RecentFleets:
    """Counts that are a second old at most. Whoever asks while they are counted waits for the same count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Visible, tuple[float, asyncio.Task[Fleet]]] = {}

    async def get(self, key: Visible, count: Callable[[], Coroutine[Any, Any, Fleet]]) -> Fleet:
        """Raises: what `count` raises; that is not kept."""
        ends_at, task = self._kept.get(key, (0.0, None))
        if task is None or (task.done() and (self._clock.monotonic() >= ends_at or _failed(task))):
            if len(self._kept) >= _MOST_FLEETS:
                self._kept.pop(next(iter(self._kept)))
            task = asyncio.create_task(count())
            self._kept[key] = (self._clock.monotonic() + FLEET_LIFETIME_S, task)
        return await asyncio.shield(task)  # a caller who leaves does not take the answer from the others

    def forget(self, tenant_id: UUID) -> None:
        """Something changed; also a count that has begun may have missed it."""
        for key in [key for key in self._kept if key[0] == tenant_id]:
            del self._kept[key]


def _failed(task: asyncio.Task[Fleet]) -> bool:
    return task.cancelled() or task.exception() is not None


@dataclass(frozen=True, slots=True)
class Tools:
    """What the verbs work with."""

    uow: UowFactory
    store: StoreOf
    catalogue: Catalogue
    cities: Cities
    guard: UrlGuard
    sealer: Sealer
    live: Live
    clock: Clock


class Cameras:
    """The cameras of the caller's tenant, within the groups that the caller may see. Others do not exist."""

    def __init__(self, tools: Tools) -> None:
        self._uow, self._store, self._catalogue, self._guard = tools.uow, tools.store, tools.catalogue, tools.guard
        self._sealer, self._live, self._clock, self._cities = tools.sealer, tools.live, tools.clock, tools.cities
        self._fleets = RecentFleets(tools.clock)

    async def register_camera(self, who: Caller, settings: Settings, url_text: str, once: Once | None = None) -> tuple[Camera, bool]:
        """The camera, and whether this request made it, now or earlier: the same external id with the same settings is the same camera.

        Raises: InvalidCameraUrl, ExternalIdTaken, QuotaReached, Forbidden, IdempotencyKeyReused, Gone.
        """
        check_groups(who, settings.groups)
        url = await self._guard.check(url_text)
        now = self._clock.now()
        camera = Camera(new_id(), who.tenant_id, settings, self._sealer.seal(url.text), url.shown, 1, now, now)
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            earlier = await claim(work, who, once, camera.id, now)
            if earlier is not None:
                return await self._made_before(store, who, earlier), True
            known = await self._known_or_room(store, camera)
            if known is None and await store.add(camera):
                self._announce_change(work, camera, CameraRegistered)
                record(work, Action.CAMERA_REGISTERED, who, _audit(camera))
                return camera, True
            known = known or await store.by_external_id(settings.external_id or "")
            await release(work, who, once)  # a repeat finds it by its external id again
        if known is None or known.settings != settings or self._sealer.open(known.url_sealed) != url.text:
            raise ExternalIdTaken
        return known, False

    async def _made_before(self, store: Store, who: Caller, camera_id: UUID) -> Camera:
        try:
            return await self._visible(store, who, camera_id)
        except NotFound:
            raise Gone from None

    async def _known_or_room(self, store: Store, camera: Camera) -> Camera | None:
        """Where the city has a quota: the camera that has the external id already, for a repeat takes no place, or else room for this one,
        which nobody takes before we are done. Raises: QuotaReached.
        """
        quotas = self._cities.settings(camera.tenant_id).quotas
        if quotas.cameras is None:
            return None
        await store.lock_registrations()
        known = await store.by_external_id(camera.settings.external_id or "")
        if known is None:
            quotas.check_room("cameras", await store.count())
        return known

    async def get_camera(self, who: Caller, camera_id: UUID) -> Camera:
        """Raises: NotFound."""
        async with self._uow(who.tenant_id) as work:
            return await self._visible(self._store(work), who, camera_id)

    async def list_cameras(self, who: Caller, after: UUID | None, limit: int) -> list[ListedCamera]:
        """At most `limit`, in order of registration."""
        return await self._catalogue.page(who.tenant_id, who.camera_groups, after, limit)

    async def find_by_external_id(self, who: Caller, external_id: str) -> list[Camera]:
        """One or none."""
        async with self._uow(who.tenant_id) as work:
            camera = await self._store(work).by_external_id(external_id)
        return [camera] if camera is not None and who.may_see(camera.settings.groups) else []

    async def update_camera(
        self, who: Caller, camera_id: UUID, patch: Patch, *, url_text: str | None = None, expected_revision: int | None = None
    ) -> Camera:
        """The camera as it is now; a change that changes nothing keeps the revision.

        Raises: NotFound, StaleRevision, InvalidCameraUrl, ExternalIdTaken, Forbidden.
        """
        url = None if url_text is None else await self._guard.check(url_text)
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            camera = await self._visible(store, who, camera_id, lock=True)
            camera.check_revision(expected_revision)
            settings = patch.of(camera.settings)
            if settings.groups != camera.settings.groups:
                check_groups(who, settings.groups)
            changed = camera.changed(settings, self._clock.now(), url=self._sealed_if_new(camera, url))
            if changed is camera:
                return camera
            if not await store.save(changed):
                raise ExternalIdTaken
            self._announce_change(work, changed, CameraUpdated)
            record(work, Action.CAMERA_CHANGED, who, _audit(changed, changed=", ".join(differences(camera, changed))))
        return changed

    def _sealed_if_new(self, camera: Camera, url: CameraUrl | None) -> tuple[str, str] | None:
        """None where the address stays. One sent back as it was shown keeps its credentials: nobody typed a new one."""
        if url is None or url.text in {camera.url_shown, self._sealer.open(camera.url_sealed)}:
            return None
        return self._sealer.seal(url.text), url.shown

    async def remove_camera(self, who: Caller, camera_id: UUID, *, expected_revision: int | None = None) -> None:
        """Raises: NotFound, StaleRevision."""
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            camera = await self._visible(store, who, camera_id, lock=True)
            camera.check_revision(expected_revision)
            await store.remove(camera_id, camera.revision + 1, self._clock.now())
            work.emit(CameraRemoved(camera_id=camera_id, revision=camera.revision + 1))
            record(work, Action.CAMERA_REMOVED, who, _audit(camera))
            message = live_message(camera) | {"state": "removed", "since": isoformat(self._clock.now())}
            self._told(work, who.tenant_id, message)

    async def fleet_health(self, who: Caller) -> Fleet:
        """How the cameras fare that the caller may see; what another process changed shows within a second."""
        return await self._fleets.get((who.tenant_id, who.camera_groups), lambda: self._count(who.tenant_id, who.camera_groups))

    async def _count(self, tenant_id: UUID, groups: Groups) -> Fleet:
        async with self._uow(tenant_id) as work:
            return Fleet.of(await self._store(work).count_by_state(groups))

    def _told(self, work: UnitOfWork, tenant_id: UUID, message: dict[str, Any]) -> None:
        """After the commit: whoever asks sees it, and open screens hear of it."""

        async def tell() -> None:
            self._fleets.forget(tenant_id)
            await self._live.publish(tenant_id, "cameras", message)

        work.after_commit(tell)

    async def _visible(self, store: Store, who: Caller, camera_id: UUID, *, lock: bool = False) -> Camera:
        camera = await store.camera(camera_id, lock=lock)
        if camera is None or not who.may_see(camera.settings.groups):
            raise NotFound
        return camera

    def _announce_change(self, work: UnitOfWork, camera: Camera, kind: type[CameraRegistered | CameraUpdated]) -> None:
        work.emit(desired(camera, kind))
        self._told(work, camera.tenant_id, live_message(camera))

    async def observe_stream(self, consumer: str, event: Event[Any], seen: Sighting) -> None:
        """Keep what `streaming` saw. A repeat, an older word and a camera that is gone change nothing."""
        async with self._uow(event.tenant_id) as work:
            if await work.seen(consumer, event.event_id):
                return
            camera = await self._store(work).observe(event.data.camera_id, seen)
            if camera is not None:
                metrics.SIGHTINGS.labels(str(seen.state)).inc()
                self._told(work, event.tenant_id, live_message(camera))


class Announcer:
    """Tells every listener again what should be, so that one that lost everything is whole again without asking."""

    def __init__(self, uow: UowFactory, store: StoreOf, clock: Clock, holder: UUID) -> None:
        self._uow, self._store, self._clock, self._holder = uow, store, clock, holder

    async def take_lease(self) -> bool:
        """Whether this process is the one that announces, for the next half minute. Raises: Unavailable."""
        now = self._clock.now()
        async with self._uow(None) as work:
            return await self._store(work).take_lease(ANNOUNCE_LEASE, self._holder, now, now + LEASE_LIFETIME) is not None

    async def release_lease(self) -> None:
        """So that the next process need not wait. Raises: Unavailable."""
        async with self._uow(None) as work:
            await self._store(work).release_lease(ANNOUNCE_LEASE, self._holder, self._clock.now())

    async def tenants(self) -> list[UUID]:
        """Who has or had cameras. Raises: Unavailable."""
        async with self._uow(None) as work:
            return await self._store(work).tenants()

    async def announce_cameras(self, tenant_id: UUID) -> int:
        """Every living camera, then the list of them. Returns how many. Raises: Unavailable."""
        as_of = self._clock.now() - _OVERTAKING
        living: list[UUID] = []
        async with self._uow(tenant_id) as work:
            store = self._store(work)
            while page := await store.page(None, living[-1] if living else None, _PAGE):
                self._emit_each(work, page)
                living.extend(camera.id for camera in page)
            work.emit(CamerasAnnounced(camera_ids=tuple(living), as_of=as_of))
        metrics.ANNOUNCED.inc(len(living))
        return len(living)

    @staticmethod
    def _emit_each(work: UnitOfWork, cameras: Iterable[Camera]) -> None:
        for camera in cameras:
            work.emit(desired(camera, CameraRegistered))


def differences(before: Camera, after: Camera) -> list[str]:
    """Names of what was changed; of the address only that it was."""
    changed = [each.name for each in fields(Settings) if getattr(before.settings, each.name) != getattr(after.settings, each.name)]
    return [*changed, "url"] if before.url_sealed != after.url_sealed else changed


def _audit(camera: Camera, **details: object) -> AuditEntry:
    return AuditEntry("camera", camera.id, camera.id, details={"name": camera.settings.name, **details})


def desired(camera: Camera, kind: type[CameraRegistered | CameraUpdated]) -> EventData:
    """The full desired state, the address sealed."""
    settings = camera.settings
    return kind(
        camera_id=camera.id,
        revision=camera.revision,
        name=settings.name,
        enabled=settings.enabled,
        url_encrypted=camera.url_sealed,
        groups=tuple(sorted(settings.groups)),
        recording=settings.recording,
        ai=settings.ai,
    )


def live_message(camera: Camera) -> dict[str, Any]:
    """What an open screen is told."""
    seen = camera.shown_sighting()
    message: dict[str, Any] = {
        "camera_id": str(camera.id),
        "name": camera.settings.name,
        "state": str(seen.state),
        "since": isoformat(seen.since) if seen.since else None,
    }
    if seen.cause is not None:
        message["cause"] = str(seen.cause)
    return message
