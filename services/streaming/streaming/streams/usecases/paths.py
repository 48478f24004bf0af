"""The media server's paths: brought to what is desired, one change at a time."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from uuid import UUID

from chassis.logs import get_logger
from chassis.vault import Unsealable, Vault
from gtvision.camera import path_name
from gtvision.camera_urls import CameraUrl, parse_camera_url
from gtvision.errors import Invalid, InvalidCameraUrl, Unavailable
from streaming import metrics
from streaming.streams.domain import Change, DesiredCamera, PathConfig, plan
from streaming.streams.ports import MediaServer
from streaming.streams.usecases.names import CameraNames

log = get_logger(__name__)


class Paths:
    """The camera paths of one media server."""

    def __init__(self, media: MediaServer, vault: Vault, names: CameraNames) -> None:
        self._media, self._vault, self._names = media, vault, names

    async def reconcile(self, cameras: Sequence[DesiredCamera], well: Container[UUID]) -> set[UUID]:
        """Brings the media server to what is wanted; returns the cameras whose addresses are refused.

        A camera whose address cannot be opened, leads where it must not or is not known yet, or that the server refuses, is left out: it
        must not hold up the others. `well` are the cameras whose streams make progress.
        """
        actual = {path.name: path for path in await self._media.paths()}
        urls: list[CameraUrl] = []
        desired: list[PathConfig] = []
        refused: set[UUID] = set()
        for camera in cameras:
            if not camera.wanted:
                continue
            try:
                urls.append(parse_camera_url(self._vault.open(camera.url_encrypted)))
                name = path_name(camera.camera_id)
                source, fingerprint = self._names.source(urls[-1], actual.get(name), well=camera.camera_id in well)
                desired.append(PathConfig(name, source, camera.recording.enabled, fingerprint))
            except Unsealable:
                log.error("camera_url_cannot_be_opened", camera_id=str(camera.camera_id))
            except InvalidCameraUrl:
                refused.add(camera.camera_id)
            except Unavailable:
                log.debug("camera_name_unknown", camera_id=str(camera.camera_id))
        self._names.keep(urls)
        await self._apply(plan(desired, actual.values()))
        return refused

    async def _apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            try:
                await self._media.apply(change)
            except Invalid as refused:
                metrics.path_changes.labels(change.kind.value, "refused").inc()
                log.error("path_change_refused", path=change.path.name, change=change.kind.value, reason=refused.message)
                continue
            metrics.path_changes.labels(change.kind.value, "done").inc()
            log.info("path_changed", path=change.path.name, change=change.kind.value)
