"""One look at the media server: its paths corrected, every stream judged by its progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.logs import get_logger
from gtvision.camera import CameraState, path_name
from gtvision.errors import Unavailable
from gtvision.events import StreamCause
from gtvision.time import Clock
from streaming import metrics
from streaming.streams.domain import DesiredCamera, Judgement, PathStatus, StreamView
from streaming.streams.ports import MediaServer
from streaming.streams.usecases.healing import Healing
from streaming.streams.usecases.paths import Paths
from streaming.streams.usecases.streams import Streams

if TYPE_CHECKING:
    from streaming.streams.repository import PostgresFleet

log = get_logger(__name__)

Listener = Callable[[Sequence[DesiredCamera]], None]
Watcher = Callable[[Mapping[str, PathStatus]], None]
Ailments = Callable[[], Awaitable[Mapping[UUID, StreamCause]]]
Follower = Callable[[Sequence[Judgement], datetime], Awaitable[None]]


class Reconciler:
    """Reads the desired cameras, corrects the media server's paths and judges every stream by its progress."""

    def __init__(  # noqa: PLR0913 - what one look needs
        self,
        fleet: PostgresFleet,
        media: MediaServer,
        paths: Paths,
        streams: Streams,
        *,
        clock: Clock,
        stall_after: timedelta,
        listeners: Sequence[Listener] = (),
        watchers: Sequence[Watcher] = (),
        followers: Sequence[Follower] = (),
        ailments: Ailments | None = None,
    ) -> None:
        """`listeners` are told the desired cameras at each look, `watchers` what the media server's paths are doing, and `followers` how
        every stream was judged, once that is announced. `ailments` says what is wrong with streams that advance, by camera."""
        self._fleet, self._media, self._paths, self._streams, self._clock = fleet, media, paths, streams, clock
        self._stall_after, self._listeners, self._watchers, self._followers = stall_after, listeners, watchers, followers
        self._views: dict[UUID, StreamView] | None = None
        self._ailments, self._ailing, self._healing = ailments, dict[UUID, StreamCause](), Healing()

    async def reconcile(self) -> None:
        """One look and its corrections. Raises: Unavailable, where the database cannot be asked."""
        try:
            asked = await self._look()
        except Unavailable:
            metrics.reconcile_failures.inc()
            raise
        if not asked:
            metrics.reconcile_failures.inc()

    async def _look(self) -> bool:
        """Returns whether the media server could be asked."""
        if self._views is None:
            self._views = {view.camera_id: view for view in await self._fleet.streams()}
        cameras = await self._fleet.cameras()
        for listener in self._listeners:
            listener(cameras)
        statuses: Mapping[str, PathStatus] | None = None
        refused: Mapping[UUID, StreamCause] = {}
        if self._ailments is not None:
            self._ailing = dict(await self._ailments())
        advancing = {view.camera_id for view in self._views.values() if view.advances}
        try:
            await self._paths.remove(self._healing.due(self._views.values(), self._clock.now()))
            refused = await self._paths.reconcile(cameras, advancing)
            statuses = await self._media.statuses()
        except Unavailable as error:
            log.warning("media_server_unavailable", reason=error.message)
        else:
            for watcher in self._watchers:
                watcher(statuses)
        now = self._clock.now()
        # a server that was restarted says of its streams that they are not there, which is no fault of the cameras
        judged = await self._judge(self._views, cameras, None if self._paths.were_lost else statuses, refused, now)
        for follower in self._followers:
            await follower(judged, now)
        return statuses is not None

    async def _judge(
        self,
        views: dict[UUID, StreamView],
        cameras: Sequence[DesiredCamera],
        statuses: Mapping[str, PathStatus] | None,
        refused: Mapping[UUID, StreamCause],
        now: datetime,
    ) -> list[Judgement]:
        judged: list[Judgement] = []
        living = {camera.camera_id: camera for camera in cameras if not camera.removed}
        for gone in views.keys() - living.keys():
            del views[gone]
        for camera in living.values():
            before = views.get(camera.camera_id) or StreamView(camera_id=camera.camera_id, tenant_id=camera.tenant_id)
            status = _status(camera, statuses)
            if not camera.enabled:
                after = before.become(CameraState.DISABLED, StreamCause.DISABLED, now)
            elif camera.camera_id in refused:
                after = before.become(CameraState.OFFLINE, refused[camera.camera_id], now)
            else:
                after = before.observe(status, now, self._stall_after, self._ailing.get(camera.camera_id))
            if after.revision != before.revision:
                await self._streams.announce(after)
            views[camera.camera_id] = after
            judged.append(Judgement(camera, before, after, status))
        for state in CameraState:
            metrics.streams.labels(state.value).set(sum(view.state is state for view in views.values()))
        return judged


def _status(camera: DesiredCamera, statuses: Mapping[str, PathStatus] | None) -> PathStatus | None:
    """None where the media server cannot be asked, or was restarted."""
    if statuses is None:
        return None
    name = path_name(camera.camera_id)
    # A path that was added a moment ago is not listed yet: the answer comes before the effect.
    return statuses.get(name) or PathStatus(name=name, available=False, inbound_bytes=0)
