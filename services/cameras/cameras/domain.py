"""A camera: what should be, and what was last seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from gtvision.camera import AiSettings, CameraState, RecordingSettings
from gtvision.errors import Conflict, Forbidden, StaleRevision
from gtvision.events import StreamCause
from gtvision.tenancy import Caller

Groups = frozenset[UUID] | None
"""The groups that a caller is limited to; None for no limit."""

Shown = tuple[CameraState, datetime | None, StreamCause | None]
"""State, since when, and why."""


class ExternalIdTaken(Conflict):
    """Another camera of yours has this external id, with other settings."""

    code = "external_id_taken"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The state that `streaming` last told. `revision` is the stream's own: 0 before the first event."""

    state: CameraState = CameraState.UNKNOWN
    since: datetime | None = None
    cause: StreamCause | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What people set of a camera, its address aside."""

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
        """Returns what a screen shows."""
        seen = self.sighting
        shown = shown_as(self.settings.enabled, self.updated_at, (seen.state, seen.since, seen.cause))
        return Sighting(*shown, seen.revision)

    def changed(self, settings: Settings, now: datetime, *, url: tuple[str, str] | None = None) -> Camera:
        """Returns the next revision, or itself where nothing changes. `url` is (sealed, shown)."""
        if url is None and settings == self.settings:
            return self
        sealed, shown = url or (self.url_sealed, self.url_shown)
        return replace(self, settings=settings, url_sealed=sealed, url_shown=shown, revision=self.revision + 1, updated_at=now)

    def check_revision(self, expected: int | None) -> None:
        """Raises: StaleRevision."""
        if expected is not None and expected != self.revision:
            raise StaleRevision(f"The camera is at revision {self.revision}.")


def shown_as(enabled: bool, updated_at: datetime, seen: Shown) -> Shown:
    """Returns what a screen shows: a camera that is switched off is not missing, and one just switched on is not off any more."""
    if not enabled:
        return CameraState.DISABLED, seen[1] if seen[0] is CameraState.DISABLED else updated_at, StreamCause.DISABLED
    if seen[0] is CameraState.DISABLED:
        return CameraState.UNKNOWN, updated_at, None
    return seen


class ListedCamera(NamedTuple):
    """A camera as a list shows it. The settings are JSON already: a list only hands them on."""

    id: UUID
    name: str
    url_shown: str
    external_id: str | None
    groups: list[UUID]
    """In order."""
    enabled: bool
    recording: bytes
    ai: bytes
    state: CameraState
    """As it was last seen; `shown` returns what a screen shows."""
    since: datetime | None
    cause: StreamCause | None
    revision: int
    created_at: datetime
    updated_at: datetime

    def shown(self) -> Shown:
        """As `Camera.shown_sighting`."""
        return shown_as(self.enabled, self.updated_at, (self.state, self.since, self.cause))


def check_groups(caller: Caller, groups: frozenset[UUID]) -> None:
    """A caller who is limited to groups puts cameras into these only, and goes on to see them. Raises: Forbidden."""
    if caller.camera_groups is not None and not (groups and groups <= caller.camera_groups):
        raise Forbidden("The camera must be in groups that you may see.")


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many cameras are in each state."""

    total: int
    online: int
    degraded: int
    offline: int
    unknown: int
    disabled: int

    @classmethod
    def of(cls, states: dict[CameraState, int]) -> Fleet:
        named = {str(state): states.get(state, 0) for state in CameraState}
        return cls(total=sum(states.values()), **named)
