"""Cameras as paths of a media server, and their health by progress. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.camera import CameraState, RecordingSettings, camera_of_path
from gtvision.events import StreamCause


@dataclass(frozen=True, slots=True)
class DesiredCamera:
    """A camera as the cameras service announced it last. `url_encrypted` is opened only on its way to the media server."""

    tenant_id: UUID
    camera_id: UUID
    revision: int
    name: str
    enabled: bool
    url_encrypted: str
    groups: frozenset[UUID]
    recording: RecordingSettings
    removed: bool = False

    @property
    def wanted(self) -> bool:
        """Whether the media server should hold a path for it."""
        return self.enabled and not self.removed


@dataclass(frozen=True, slots=True)
class KeptCamera:
    """What stays known of a camera for as long as its recordings are kept, also after its removal."""

    camera_id: UUID
    name: str
    groups: frozenset[UUID]
    retention_days: int
    known_since: datetime | None
    """None where the camera is older than this mark."""
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PathConfig:
    """The options of a media path that are ours to set. `source` may carry credentials: never log it."""

    name: str
    source: str = field(repr=False)
    record: bool
    fingerprint: str = ""
    """SHA-256 of the only certificate that the source may show; empty: one that the media server's authorities vouch for."""


class ChangeKind(StrEnum):
    """What has to be done to a path."""

    ADD = "add"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One step towards the desired state."""

    kind: ChangeKind
    path: PathConfig


def plan(desired: Iterable[PathConfig], actual: Iterable[PathConfig]) -> list[Change]:
    """The steps from `actual` to `desired`: deletions first, and never a change that changes nothing.

    A no-op change would restart MediaMTX's record cleaner wait and may drop viewers. Paths that are not named `cam_*` are left alone.
    """
    want = {path.name: path for path in desired}
    have = {path.name: path for path in actual if camera_of_path(path.name)}
    changes = [Change(ChangeKind.DELETE, path) for name, path in have.items() if name not in want]
    for name, path in want.items():
        if name not in have:
            changes.append(Change(ChangeKind.ADD, path))
        elif have[name] != path:
            changes.append(Change(ChangeKind.REPLACE, path))
    return changes


class Unplayable(StrEnum):
    """Why no browser can play a stream."""

    CODEC_UNSUPPORTED = "codec_unsupported"
    NO_VIDEO = "no_video"


_WEBRTC_CODECS = frozenset({"H264", "VP8", "VP9", "AV1"})
"""Video that every browser plays by WebRTC, as the media server names it. H265 it sends too; few browsers play it so."""
_HLS_CODECS = frozenset({"H264", "H265", "VP9", "AV1"})
"""Video that the media server puts into HLS."""
_NOT_RECORDED = frozenset({"VP8", "Generic"})
"""Video that the media server cannot put into its files."""
_AUDIO_CODECS = frozenset(
    ("Opus", "Vorbis", "MPEG-4 Audio", "MPEG-4 Audio LATM", "MPEG-1/2 Audio", "AC3", "Speex", "G711", "G722", "G726", "LPCM")
)


@dataclass(frozen=True, slots=True)
class Playability:
    """By what a browser can play a stream. Where its codecs are not known yet, nothing speaks against it."""

    webrtc: bool
    hls: bool
    reason: Unplayable | None = None

    @classmethod
    def of(cls, codecs: Sequence[str]) -> Playability:
        known = set(codecs)
        if not known:
            return cls(webrtc=True, hls=True)
        found = cls(webrtc=bool(known & _WEBRTC_CODECS), hls=bool(known & _HLS_CODECS))
        if found.playable:
            return found
        return replace(found, reason=Unplayable.NO_VIDEO if known <= _AUDIO_CODECS else Unplayable.CODEC_UNSUPPORTED)

    @property
    def playable(self) -> bool:
        return self.webrtc or self.hls


def why_not_recorded(codecs: Sequence[str]) -> Unplayable | None:
    """Why nothing of a stream can be recorded that can be played, by its codecs as far as they are known."""
    video = set(codecs) - _AUDIO_CODECS
    return Unplayable.CODEC_UNSUPPORTED if video and video <= _NOT_RECORDED else Playability.of(codecs).reason


@dataclass(frozen=True, slots=True)
class PathStatus:
    """One look at a path of the media server. `inbound_bytes` restarts at 0 after each reconnect."""

    name: str
    available: bool
    inbound_bytes: int
    codecs: tuple[str, ...] = ()
    connected_at: datetime | None = None
    """Since when it is available; another instant is another connection."""

    @property
    def can_be_shown(self) -> bool:
        """Whether the media server may have a picture or sound for a browser; otherwise it answers 404 or 400 by itself."""
        return self.available and (Playability.of(self.codecs).playable or not _AUDIO_CODECS.isdisjoint(self.codecs))


_ABOUT_ADDRESSES = {StreamCause.ADDRESS_REFUSED, StreamCause.ADDRESS_INVALID}
_UNPLAYABLE = {Unplayable.NO_VIDEO: StreamCause.NO_VIDEO, Unplayable.CODEC_UNSUPPORTED: StreamCause.CODEC_UNSUPPORTED}


@dataclass(frozen=True, slots=True)
class StreamView:
    """A stream as we know it: persistent `state`, `since`, `revision`; the rest lives in memory only."""

    camera_id: UUID
    tenant_id: UUID
    state: CameraState = CameraState.UNKNOWN
    cause: StreamCause | None = None
    since: datetime | None = None
    revision: int = 0
    codecs: tuple[str, ...] = ()
    last_bytes: int = -1
    progressed_at: datetime | None = None
    connected_at: datetime | None = None
    """The connection that made the last progress."""

    @property
    def advances(self) -> bool:
        """Whether its bytes advance, be it well or not."""
        return self.state in {CameraState.ONLINE, CameraState.DEGRADED}

    def observe(self, status: PathStatus | None, now: datetime, stall_after: timedelta, ailment: StreamCause | None = None) -> StreamView:
        """The stream after one look. `status` is None where the media server does not know the path (or cannot be asked); `ailment` is
        what is wrong with a stream that makes progress, beside what its codecs say."""
        if status is not None and status.available and status.inbound_bytes != self.last_bytes:
            seen = replace(self, last_bytes=status.inbound_bytes, progressed_at=now, connected_at=status.connected_at)
            # The first look only sets the mark: a counter that stands still says nothing about now.
            if self.last_bytes < 0:
                return seen
            reason = Playability.of(status.codecs).reason
            ailment = _UNPLAYABLE[reason] if reason else ailment
            return seen.become(CameraState.DEGRADED if ailment else CameraState.ONLINE, ailment, now, codecs=status.codecs)
        waiting_since = self.progressed_at or now
        seen = replace(self, progressed_at=waiting_since)
        if now - waiting_since < stall_after:
            return seen
        if status is None:
            cause = StreamCause.MEDIA_SERVER_DOWN
        else:
            cause = StreamCause.NO_PROGRESS if status.available else StreamCause.UNREACHABLE
        return seen.become(CameraState.OFFLINE, cause, now)

    def become(self, state: CameraState, cause: StreamCause | None, now: datetime, *, codecs: tuple[str, ...] | None = None) -> StreamView:
        """Changes state and revision. The same state again is news where an address is refused or no longer, where a degraded stream has
        another cause, and where codecs changed."""
        same = self.state is state
        news = bool(codecs and codecs != self.codecs)
        if cause is not self.cause:
            news = state is CameraState.DEGRADED or not _ABOUT_ADDRESSES.isdisjoint({cause, self.cause})
        if same and not news:
            return self
        return replace(
            self,
            state=state,
            cause=cause,
            since=self.since if same else now,
            revision=self.revision + 1,
            codecs=self.codecs if codecs is None else codecs,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one look found of a camera: its stream before and after, and the path that says so. It is None where the media server was not
    asked, or was restarted."""

    camera: DesiredCamera
    before: StreamView
    after: StreamView
    status: PathStatus | None


_UNSTABLE, _WITHIN = 3, timedelta(minutes=2)
_YOUNG = timedelta(seconds=75)


class Connections:
    """The streams' connections: since when each lasts, and which break off again and again: three times within two minutes, until they go
    on for as long."""

    def __init__(self) -> None:
        self._since: dict[UUID, datetime] = {}
        self._breaks: defaultdict[UUID, deque[datetime]] = defaultdict(lambda: deque(maxlen=_UNSTABLE))
        """When each camera's stream came back last."""
        self.unstable: set[UUID] = set()
        self.young: set[UUID] = set()
        """Of the last minute and a little more."""

    def is_later(self, camera_id: UUID, instant: datetime) -> bool:
        """Whether the camera's connection is of after an instant."""
        return camera_id in self._since and self._since[camera_id] > instant

    def came_back(self, camera_id: UUID, now: datetime) -> None:
        """A stream goes on that had broken off."""
        self._breaks[camera_id].append(now)

    def look(self, judged: Iterable[Judgement], now: datetime) -> None:
        """Learns what a look found."""
        self._since = {each.camera.camera_id: each.after.connected_at for each in judged if each.after.connected_at is not None}
        self.young = {camera_id for camera_id, since in self._since.items() if now - since < _YOUNG}
        for camera_id, breaks in list(self._breaks.items()):
            if now - breaks[-1] >= _WITHIN:
                del self._breaks[camera_id]
                self.unstable.discard(camera_id)
            elif len(breaks) == _UNSTABLE and now - breaks[0] < _WITHIN:
                self.unstable.add(camera_id)
