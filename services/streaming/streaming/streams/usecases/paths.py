"""The media server's paths: brought to what is desired, one change at a time."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.logs import get_logger
from chassis.vault import Unsealable, Vault
from gtvision.camera import path_name
from gtvision.camera_urls import CameraUrl, parse_camera_url
from gtvision.errors import Invalid, InvalidCameraUrl, Unavailable
from gtvision.events import StreamCause
from gtvision.time import Clock
from streaming import metrics
from streaming.streams.domain import Change, ChangeKind, DesiredCamera, PathConfig, plan
from streaming.streams.ports import MediaServer

if TYPE_CHECKING:
    from streaming.names.usecases import CameraNames

log = get_logger(__name__)


_REFUSED_AGAIN_S = 60.0
"""A path that the media server refused is offered again after this time: another release of it may take it."""


class Paths:
    """The camera paths of one media server."""

    def __init__(self, media: MediaServer, vault: Vault, names: CameraNames, clock: Clock) -> None:
        self._media, self._vault, self._names, self._clock = media, vault, names, clock
        self._refused: dict[str, tuple[PathConfig, float]] = {}
        """What the media server refused, and when it was offered last."""
        self._shown: dict[str, str] = {}
        """The camera's own URL by the path that shows it. Never log it."""
        self.were_lost = False
        """Whether the media server had forgotten all paths at the last `reconcile`: it was restarted since the one before."""

    async def reconcile(self, cameras: Sequence[DesiredCamera], advancing: Container[UUID]) -> dict[UUID, StreamCause]:
        """Brings the media server to what is wanted; returns the cameras whose addresses are refused, with the cause.

        A camera whose address cannot be opened, leads where it must not or is not known yet, or that the server refuses, has no path: what
        was played and recorded before under its name ends. It does not hold up the others. Where the server refuses a change of a path that
        goes on showing the same camera, the path stays as it is. `advancing` are the cameras whose streams make progress.
        """
        actual = {path.name: path for path in await self._media.paths()}
        self.were_lost = bool(self._shown) and self._shown.keys().isdisjoint(actual)
        urls: dict[str, CameraUrl] = {}
        desired: dict[UUID, PathConfig] = {}
        refused: dict[UUID, StreamCause] = {}
        for camera in cameras:
            if not camera.wanted:
                continue
            try:
                url = parse_camera_url(self._vault.open(camera.url_encrypted))
            except Unsealable:
                log.error("camera_url_cannot_be_opened", camera_id=str(camera.camera_id))
                continue
            except InvalidCameraUrl:
                refused[camera.camera_id] = StreamCause.ADDRESS_INVALID
                continue
            name = path_name(camera.camera_id)
            urls[name] = url
            try:
                source, fingerprint = self._names.source(url, _held(actual.get(name)), advancing=camera.camera_id in advancing)
            except InvalidCameraUrl:
                refused[camera.camera_id] = StreamCause.ADDRESS_REFUSED
            except Unavailable:
                log.debug("camera_name_unknown", camera_id=str(camera.camera_id))
            else:
                desired[camera.camera_id] = PathConfig(name, source, camera.recording.enabled, fingerprint)
        self._names.keep(list(urls.values()))
        self._refused = {path.name: self._refused[path.name] for path in desired.values() if self._is_refused(path)}
        kept = {path.name for path in desired.values() if path.name in actual and self._is_same(actual[path.name], path, urls[path.name])}
        for change in plan(desired.values(), actual.values()):
            await self._try(change, kept)
        lost = {path.name for path in desired.values() if self._is_refused(path)}
        self._shown = {name: self._shown[name] for name in self._shown.keys() & lost} | {
            path.name: urls[path.name].text for path in desired.values() if path.name not in lost
        }
        return refused | {camera_id: StreamCause.ADDRESS_INVALID for camera_id, path in desired.items() if path.name in lost - kept}

    async def remove(self, camera_ids: Sequence[UUID]) -> None:
        """Takes the cameras' paths away; the next `reconcile` makes them anew. Raises: Unavailable."""
        for name in map(path_name, camera_ids):
            await self._apply(Change(ChangeKind.DELETE, PathConfig(name, "", False)))
            self._shown.pop(name, None)
            metrics.paths_remade.inc()

    def _is_same(self, actual: PathConfig, desired: PathConfig, url: CameraUrl) -> bool:
        """Whether a path shows the camera that is wanted, perhaps at another address of its name."""
        return actual.source == desired.source or self._shown.get(actual.name) == url.text

    def _is_refused(self, path: PathConfig) -> bool:
        return path.name in self._refused and self._refused[path.name][0] == path

    async def _try(self, change: Change, kept: Container[str]) -> None:
        path, now = change.path, self._clock.monotonic()
        if self._is_refused(path) and now - self._refused[path.name][1] < _REFUSED_AGAIN_S:
            return
        if await self._apply(change):
            self._refused.pop(path.name, None)
        elif change.kind is not ChangeKind.DELETE:
            self._refused[path.name] = path, now
            if change.kind is ChangeKind.REPLACE and path.name not in kept:  # the camera that it showed before is no longer wanted
                await self._apply(Change(ChangeKind.DELETE, path))

    async def _apply(self, change: Change) -> bool:
        kind = change.kind.value
        try:
            await self._media.apply(change)
        except Invalid as refused:
            metrics.path_changes.labels(kind, "refused").inc()
            log.error("path_change_refused", path=change.path.name, change=kind, reason=refused.message)
            return False
        metrics.path_changes.labels(kind, "done").inc()
        log.info("path_changed", path=change.path.name, change=kind)
        return True


def _held(path: PathConfig | None) -> tuple[str, str] | None:
    return (path.source, path.fingerprint) if path else None
