"""A camera: what should be, and what was last seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from gtvision.camera import AiSettings, CameraState, RecordingSettings
from gtvision.errors import Conflict, Forbidden, StaleRevision
from gtvision.events import StreamCause
from gtvision.tenancy import Caller


class ExternalIdTaken(Conflict):
    """Another camera of yours has this external id, with other settings."""

    code = "external_id_taken"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What `streaming` last said. `revision` is the stream's own: 0 before the first word."""

    state: CameraState = CameraState.UNKNOWN
    since: datetime | None = None
    cause: StreamCause | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What somebody wants of a camera, its address aside."""

    name: str
    external_id: str | None = None
    groups: frozenset[UUID] = frozenset()
    enabled: bool = True
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    ai: AiSettings = field(default_factory=AiSettings)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of one tenant. `url_sealed` opens with the vault only; `url_shown` carries no credentials."""

    id: UUID
    tenant_id: UUID
    settings: Settings
    url_sealed: str = field(repr=False)
    url_shown: str
    revision: int
    created_at: datetime
    updated_at: datetime
    sighting: Sighting = Sighting()

    def shown_sighting(self) -> Sighting:
        """What a screen says: a camera that is switched off is not missing, and one just switched on is not off any more."""
        if not self.settings.enabled:
            since = self.sighting.since if self.sighting.state is CameraState.DISABLED else self.updated_at
            return Sighting(CameraState.DISABLED, since, StreamCause.DISABLED, self.sighting.revision)
        if self.sighting.state is CameraState.DISABLED:
            return Sighting(CameraState.UNKNOWN, self.updated_at, None, self.sighting.revision)
        return self.sighting

    def changed(self, settings: Settings, now: datetime, *, url: tuple[str, str] | None = None) -> Camera:
        """The next revision; itself where nothing changes. `url` is (sealed, shown)."""
        if url is None and settings == self.settings:
            return self
        sealed, shown = url or (self.url_sealed, self.url_shown)
        return replace(self, settings=settings, url_sealed=sealed, url_shown=shown, revision=self.revision + 1, updated_at=now)

    def check_revision(self, expected: int | None) -> None:
        """Raises: StaleRevision."""
        if expected is not None and expected != self.revision:
            raise StaleRevision(f"The camera is at revision {self.revision}.")


def check_groups(who: Caller, groups: frozenset[UUID]) -> None:
    """Whoever is limited to groups stays inside them, and does not lose sight of what they make. Raises: Forbidden."""
    if who.camera_groups is not None and not (groups and groups <= who.camera_groups):
        raise Forbidden("The camera must be in groups that you may see.")


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many cameras fare how."""

    total: int
    online: int
    degraded: int
    offline: int
    unknown: int
    disabled: int

    @classmethod
    def of(cls, states: dict[CameraState, int]) -> Fleet:
        return cls(
            total=sum(states.values()),
            online=states.get(CameraState.ONLINE, 0),
            degraded=states.get(CameraState.DEGRADED, 0),
            offline=states.get(CameraState.OFFLINE, 0),
            unknown=states.get(CameraState.UNKNOWN, 0),
            disabled=states.get(CameraState.DISABLED, 0),
        )
