"""What is done with cameras: registered, changed, removed, found, seen and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cameras import metrics
from cameras.cameras.domain import (
    EVERY_CAMERA,
    Camera,
    CameraSettings,
    ExternalIdTaken,
    Fleet,
    ListedCamera,
    Sighting,
    Wanted,
    check_groups,
    desired,
    differences,
    live_message,
)
from cameras.cameras.usecases.fleets import RecentFleets
from cameras.cameras.usecases.urls import UrlGuard
from cameras.history.domain import HistoryQuery, StateChange
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim, release
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.camera_urls import CameraUrl
from gtvision.errors import NotFound
from gtvision.events import CameraRegistered, CameraRemoved, CameraUpdated, Event, TenantRemoved
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat

if TYPE_CHECKING:
    from cameras.cameras.repository import PostgresCameraList, PostgresCameras
    from cameras.history.repository import PostgresHistory
    from chassis.live import LivePublisher
    from chassis.vault import Vault
    from city.tenants import TenantDirectory


@dataclass(frozen=True, slots=True)
class Cameras:
    """The cameras of the caller's tenant, within the groups that the caller may see. Others do not exist."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresCameras]
    history: Callable[[UnitOfWork], PostgresHistory]
    listed: PostgresCameraList
    tenants: TenantDirectory
    guard: UrlGuard
    vault: Vault
    live: LivePublisher
    clock: Clock
    fleets: RecentFleets

    async def register_camera(
        self, caller: Caller, settings: CameraSettings, url_text: str, once: Once | None = None
    ) -> tuple[Camera, bool]:
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
                await self._keep_state(uow, camera, now)
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

    async def list_cameras(self, caller: Caller, after: UUID | None, limit: int, wanted: Wanted = EVERY_CAMERA) -> list[ListedCamera]:
        """Returns at most `limit` cameras in order of registration."""
        return await self.listed.page(caller, after, limit, wanted)

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
            await self._keep_state(uow, changed, changed.updated_at)
            self._announce_change(uow, changed, CameraUpdated)
            record(uow, Action.CAMERA_CHANGED, caller, _audit(changed, changed=", ".join(differences(camera, changed))))
        return changed

    def _sealed_if_new(self, camera: Camera, url: CameraUrl | None) -> tuple[str, str] | None:
        """Returns (sealed, shown), or None where the address stays. One sent back as it was shown keeps its credentials."""
        if url is None or url.text in {camera.url_shown, self.vault.open(camera.url_sealed)}:
            return None
        return self.vault.seal(url.text), url.shown

    async def leave_group(self, uow: UnitOfWork, caller: Caller, group_id: UUID) -> int:
        """Takes every camera out of the group, in the transaction that removes the group. Returns how many were in it."""
        changed = await self.repository(uow).leave_group(group_id, self.clock.now())
        for camera in changed:
            self._announce_change(uow, camera, CameraUpdated)
            record(uow, Action.CAMERA_CHANGED, caller, _audit(camera, changed="groups"))
        return len(changed)

    async def count_by_group(self, uow: UnitOfWork) -> dict[UUID, int]:
        """Returns how many cameras are in each group that has any."""
        return await self.repository(uow).count_by_group()

    async def remove_camera(self, caller: Caller, camera_id: UUID, *, expected_revision: int | None = None) -> None:
        """Raises: NotFound, StaleRevision."""
        async with self.uow(caller.tenant_id) as uow:
            cameras = self.repository(uow)
            camera = await _visible(cameras, caller, camera_id, lock=True)
            camera.check_revision(expected_revision)
            await self._remove(uow, caller, camera)

    async def remove_cameras_of_city(self, consumer: str, event: Event[TenantRemoved]) -> None:
        """Removes every camera of a city that left, each as if by hand. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen(consumer, event.event_id):
                return
            while page := await self.repository(uow).page(None, None, 100):
                for camera in page:
                    await self._remove(uow, None, camera)

    async def _remove(self, uow: UnitOfWork, caller: Caller | None, camera: Camera) -> None:
        await self.repository(uow).remove(camera.id, camera.revision + 1, self.clock.now())
        await self.history(uow).forget(camera.id)
        uow.emit(CameraRemoved(camera_id=camera.id, revision=camera.revision + 1))
        record(uow, Action.CAMERA_REMOVED, caller, _audit(camera))
        self._tell(uow, camera.tenant_id, live_message(camera) | {"state": "removed", "since": isoformat(self.clock.now())})

    async def list_history(self, caller: Caller, camera_id: UUID, query: HistoryQuery) -> list[StateChange]:
        """Returns changes of the camera's state, newest first. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            await _visible(self.repository(uow), caller, camera_id)
            return await self.history(uow).page(camera_id, query)

    async def _keep_state(self, uow: UnitOfWork, camera: Camera, at: datetime) -> None:
        """Keeps the state that a screen shows from now on; the same one as before is kept once."""
        shown = camera.shown_sighting()
        await self.history(uow).add(StateChange(camera.id, at, shown.state, shown.cause))

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
                await self._keep_state(uow, camera, event.occurred_at)
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


def _audit(camera: Camera, **details: object) -> AuditEntry:
    return AuditEntry("camera", camera.id, camera.id, details={"name": camera.settings.name, **details})
