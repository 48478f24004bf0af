"""What is done with cameras: registered, changed and removed, seen and counted, and announced to the other services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cameras import metrics
from cameras.domain import Camera, ExternalIdTaken, Fleet, Groups, ListedCamera, Settings, Sighting, check_groups
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim, release
from chassis.logs import get_logger
from city.audit import AuditEntry, record
from gtvision.addresses import AddressPolicy, IpAddress, literal_address
from gtvision.audit import Action
from gtvision.camera_urls import CameraUrl, check_places, parse_camera_url
from gtvision.errors import InvalidCameraUrl, NotFound, Unavailable
from gtvision.events import CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated, Event, EventData
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat

if TYPE_CHECKING:
    from cameras.repository.cameras import PostgresCameraList, PostgresCameras
    from chassis.live import LivePublisher
    from chassis.vault import Vault
    from city.tenants import TenantDirectory

log = get_logger(__name__)

ANNOUNCE_LEASE = "announce"
LEASE_LIFETIME = timedelta(seconds=30)
RENEW_EVERY = timedelta(seconds=10)
ANNOUNCE_EVERY_S = 600.0
_PAGE = 200
_OVERTAKING = timedelta(minutes=1)
"""Longer than any transaction may take (statements end after 30 s): a camera whose registration commits while we read is not listed,
and a listener that heard of it first must not take it for removed."""

FLEET_LIFETIME_S = 1.0
_MOST_FLEETS = 1_000
"""Tenants times sets of groups; the oldest is forgotten first."""

Resolve = Callable[[str, int], Awaitable[list[IpAddress]]]
"""Addresses of a host name (and a port); empty for an unknown name. Raises: InvalidCameraUrl, where no answer comes in time."""
Repository = Callable[[UnitOfWork], "PostgresCameras"]


@dataclass(frozen=True, slots=True)
class UrlGuard:
    """Decides whether the server may connect to a camera address."""

    resolve: Resolve
    policy: AddressPolicy

    async def check(self, text: str) -> CameraUrl:
        """Raises: InvalidCameraUrl."""
        try:
            url = parse_camera_url(text)
            literal = literal_address(url.host)
            found = [literal] if literal is not None else await self.resolve(url.host, url.port)
            check_places(self.policy, found)
        except InvalidCameraUrl:
            metrics.URLS_REFUSED.inc()
            raise
        return url


@dataclass(frozen=True, slots=True)
class RecentFleets:
    """Counts of cameras that are a second old at most. Callers that ask while they are counted wait for the same count."""

    clock: Clock
    _kept: dict[tuple[UUID, Groups], tuple[float, asyncio.Task[Fleet]]] = field(default_factory=dict, init=False)

    async def get(self, key: tuple[UUID, Groups], count: Callable[[], Coroutine[Any, Any, Fleet]]) -> Fleet:
        """Raises what `count` raises; that is not kept."""
        ends_at, task = self._kept.get(key, (0.0, None))
        if task is None or (task.done() and (self.clock.monotonic() >= ends_at or _failed(task))):
            if len(self._kept) >= _MOST_FLEETS:
                self._kept.pop(next(iter(self._kept)))
            task = asyncio.create_task(count())
            self._kept[key] = (self.clock.monotonic() + FLEET_LIFETIME_S, task)
        return await asyncio.shield(task)  # a caller who leaves does not take the answer from the others

    def forget(self, tenant_id: UUID) -> None:
        """Drops the tenant's counts after a change, also one that has begun: it may have missed the change."""
        for key in [key for key in self._kept if key[0] == tenant_id]:
            del self._kept[key]


def _failed(task: asyncio.Task[Fleet]) -> bool:
    return task.cancelled() or task.exception() is not None


@dataclass(frozen=True, slots=True)
class Cameras:
    """The cameras of the caller's tenant, within the groups that the caller may see. Others do not exist."""

    uow: UowFactory
    repository: Repository
    listed: PostgresCameraList
    tenants: TenantDirectory
    guard: UrlGuard
    vault: Vault
    live: LivePublisher
    clock: Clock
    fleets: RecentFleets

    async def register_camera(self, caller: Caller, settings: Settings, url_text: str, once: Once | None = None) -> tuple[Camera, bool]:
        """Returns the camera, and whether this request made it, now or earlier.

        The same external id with the same settings is the same camera.
        Raises: InvalidCameraUrl, ExternalIdTaken, QuotaReached, Forbidden, IdempotencyKeyReused, Gone.
        """
        check_groups(caller, settings.groups)
        url = await self.guard.check(url_text)
        now = self.clock.now()
        camera = Camera(new_id(), caller.tenant_id, settings, self.vault.seal(url.text), url.shown, 1, now, now)
        async with self.uow(caller.tenant_id) as uow:
            cameras = self.repository(uow)
            earlier = await claim(uow, caller, once, camera.id, now)
            if earlier is not None:
                return await _made_before(cameras, caller, earlier), True
            known = await self._known_or_room(cameras, camera)
            if known is None and await cameras.add(camera):
                self._announce_change(uow, camera, CameraRegistered)
                record(uow, Action.CAMERA_REGISTERED, caller, _audit(camera))
                return camera, True
            known = known or await cameras.by_external_id(settings.external_id or "")
            await release(uow, caller, once)  # a repeat finds it by its external id again
        if known is None or known.settings != settings or self.vault.open(known.url_sealed) != url.text:
            raise ExternalIdTaken
        return known, False

    async def _known_or_room(self, cameras: PostgresCameras, camera: Camera) -> Camera | None:
        """Returns the camera that has the external id already, where the tenant has a quota: a repeat takes no place.

        Where it returns None, there is room for this camera until the transaction ends. Raises: QuotaReached.
        """
        quotas = self.tenants.settings(camera.tenant_id).quotas
        if quotas.cameras is None:
            return None
        await cameras.lock_registrations()
        known = await cameras.by_external_id(camera.settings.external_id or "")
        if known is None:
            quotas.check_room("cameras", await cameras.count())
        return known

    async def get_camera(self, caller: Caller, camera_id: UUID) -> Camera:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            return await _visible(self.repository(uow), caller, camera_id)

    async def list_cameras(self, caller: Caller, after: UUID | None, limit: int) -> list[ListedCamera]:
        """Returns at most `limit` cameras in order of registration."""
        return await self.listed.page(caller.tenant_id, caller.camera_groups, after, limit)

    async def find_by_external_id(self, caller: Caller, external_id: str) -> list[Camera]:
        """Returns one camera or none."""
        async with self.uow(caller.tenant_id) as uow:
            camera = await self.repository(uow).by_external_id(external_id)
        return [camera] if camera is not None and caller.may_see(camera.settings.groups) else []

    async def update_camera(
        self, caller: Caller, camera_id: UUID, patch: Patch, *, url_text: str | None = None, expected_revision: int | None = None
    ) -> Camera:
        """Returns the camera as it is now; a change that changes nothing keeps the revision.

        Raises: NotFound, StaleRevision, InvalidCameraUrl, ExternalIdTaken, Forbidden.
        """
        url = None if url_text is None else await self.guard.check(url_text)
        async with self.uow(caller.tenant_id) as uow:
            cameras = self.repository(uow)
            camera = await _visible(cameras, caller, camera_id, lock=True)
            camera.check_revision(expected_revision)
            settings = patch.apply(camera.settings)
            if settings.groups != camera.settings.groups:
                check_groups(caller, settings.groups)
            changed = camera.changed(settings, self.clock.now(), url=self._sealed_if_new(camera, url))
            if changed is camera:
                return camera
            if not await cameras.save(changed):
                raise ExternalIdTaken
            self._announce_change(uow, changed, CameraUpdated)
            record(uow, Action.CAMERA_CHANGED, caller, _audit(changed, changed=", ".join(differences(camera, changed))))
        return changed

    def _sealed_if_new(self, camera: Camera, url: CameraUrl | None) -> tuple[str, str] | None:
        """Returns (sealed, shown), or None where the address stays. One sent back as it was shown keeps its credentials."""
        if url is None or url.text in {camera.url_shown, self.vault.open(camera.url_sealed)}:
            return None
        return self.vault.seal(url.text), url.shown

    async def remove_camera(self, caller: Caller, camera_id: UUID, *, expected_revision: int | None = None) -> None:
        """Raises: NotFound, StaleRevision."""
        async with self.uow(caller.tenant_id) as uow:
            cameras = self.repository(uow)
            camera = await _visible(cameras, caller, camera_id, lock=True)
            camera.check_revision(expected_revision)
            await cameras.remove(camera_id, camera.revision + 1, self.clock.now())
            uow.emit(CameraRemoved(camera_id=camera_id, revision=camera.revision + 1))
            record(uow, Action.CAMERA_REMOVED, caller, _audit(camera))
            self._tell(uow, caller.tenant_id, live_message(camera) | {"state": "removed", "since": isoformat(self.clock.now())})

    async def fleet_health(self, caller: Caller) -> Fleet:
        """Counts the cameras that the caller may see by state; what another process changed shows within a second."""
        tenant_id, groups = caller.tenant_id, caller.camera_groups

        async def count() -> Fleet:
            async with self.uow(tenant_id) as uow:
                return Fleet.of(await self.repository(uow).count_by_state(groups))

        return await self.fleets.get((tenant_id, groups), count)

    async def observe_stream(self, consumer: str, event: Event[Any], seen: Sighting) -> None:
        """Keeps what `streaming` saw. A repeat, an older state and a camera that is gone change nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen(consumer, event.event_id):
                return
            camera = await self.repository(uow).observe(event.data.camera_id, seen)
            if camera is not None:
                metrics.SIGHTINGS.labels(str(seen.state)).inc()
                self._tell(uow, event.tenant_id, live_message(camera))

    def _announce_change(self, uow: UnitOfWork, camera: Camera, kind: type[CameraRegistered | CameraUpdated]) -> None:
        uow.emit(desired(camera, kind))
        self._tell(uow, camera.tenant_id, live_message(camera))

    def _tell(self, uow: UnitOfWork, tenant_id: UUID, message: dict[str, Any]) -> None:
        """After the commit, counts are taken anew and open screens hear of the change."""

        async def tell() -> None:
            self.fleets.forget(tenant_id)
            await self.live.publish(tenant_id, "cameras", message)

        uow.after_commit(tell)


async def _visible(cameras: PostgresCameras, caller: Caller, camera_id: UUID, *, lock: bool = False) -> Camera:
    camera = await cameras.camera(camera_id, lock=lock)
    if camera is None or not caller.may_see(camera.settings.groups):
        raise NotFound
    return camera


async def _made_before(cameras: PostgresCameras, caller: Caller, camera_id: UUID) -> Camera:
    try:
        return await _visible(cameras, caller, camera_id)
    except NotFound:
        raise Gone from None


class Announcer:
    """Emits the desired state of all cameras again, so that a service that lost its copy has it back without asking.

    One replica at a time does so, under a lease: when it gets the lease, and every ten minutes from then on.
    """

    def __init__(self, uow: UowFactory, repository: Repository, clock: Clock, holder: UUID) -> None:
        self._uow, self._repository, self._clock, self._holder = uow, repository, clock, holder
        self._announced_at: float | None = None

    async def announce_when_due(self) -> bool:
        """Renews the lease, and announces where it is time. Returns whether it announced. Raises: Unavailable."""
        leads = await self._take_lease()
        metrics.ANNOUNCER.set(leads)
        if not leads:
            self._announced_at = None  # with the lease it begins anew
            return False
        if self._announced_at is not None and self._clock.monotonic() - self._announced_at < ANNOUNCE_EVERY_S:
            return False
        async with self._uow(None) as uow:
            tenants = await self._repository(uow).tenants()
        for tenant_id in tenants:
            await self.announce_cameras(tenant_id)
        self._announced_at = self._clock.monotonic()
        return True

    async def _take_lease(self) -> bool:
        now = self._clock.now()
        async with self._uow(None) as uow:
            return await self._repository(uow).take_lease(ANNOUNCE_LEASE, self._holder, now, now + LEASE_LIFETIME) is not None

    async def announce_cameras(self, tenant_id: UUID) -> int:
        """Emits every living camera, then the list of them. Returns how many. Raises: Unavailable."""
        as_of = self._clock.now() - _OVERTAKING
        living: list[UUID] = []
        async with self._uow(tenant_id) as uow:
            cameras = self._repository(uow)
            while page := await cameras.page(None, living[-1] if living else None, _PAGE):
                for camera in page:
                    uow.emit(desired(camera, CameraRegistered))
                    living.append(camera.id)
            uow.emit(CamerasAnnounced(camera_ids=tuple(living), as_of=as_of))
        metrics.ANNOUNCED.inc(len(living))
        return len(living)

    @asynccontextmanager
    async def leasing(self) -> AsyncIterator[None]:
        """A lifespan part: releases the lease at the end, so that the next process need not wait for it to run out."""
        try:
            yield
        finally:
            try:
                async with self._uow(None) as uow:
                    await self._repository(uow).release_lease(ANNOUNCE_LEASE, self._holder, self._clock.now())
            except Unavailable as error:
                log.warning("lease_not_released", reason=error.message)


def differences(before: Camera, after: Camera) -> list[str]:
    """Returns the names of what was changed; of the address only that it was."""
    changed = [each.name for each in fields(Settings) if getattr(before.settings, each.name) != getattr(after.settings, each.name)]
    return [*changed, "url"] if before.url_sealed != after.url_sealed else changed


def _audit(camera: Camera, **details: object) -> AuditEntry:
    return AuditEntry("camera", camera.id, camera.id, details={"name": camera.settings.name, **details})


def desired(camera: Camera, kind: type[CameraRegistered | CameraUpdated]) -> EventData:
    """Returns the event with the full desired state, the address sealed."""
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
    """Returns what an open screen is told."""
    seen = camera.shown_sighting()
    message: dict[str, Any] = {
        "camera_id": str(camera.id),
        "name": camera.settings.name,
        "state": str(seen.state),
        "since": isoformat(seen.since) if seen.since else None,
    }
    return message if seen.cause is None else message | {"cause": str(seen.cause)}
