"""A camera: what should be, and what was last seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from gtvision.camera import AiSettings, CameraState, RecordingSettings
from gtvision.errors import Conflict, Forbidden, StaleRevision
from gtvision.events import CameraRegistered, CameraUpdated, EventData, StreamCause
from gtvision.tenancy import Caller
from gtvision.time import isoformat

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
class CameraSettings:
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
    settings: CameraSettings
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

    def changed(self, settings: CameraSettings, now: datetime, *, url: tuple[str, str] | None = None) -> Camera:
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cameras a list is asked for: those that fulfil everything that is set."""

    text: str | None = None
    """A part of the name or of the external id, whatever its case and accents."""
    states: frozenset[CameraState] | None = None
    """As a screen shows them."""
    group: UUID | None = None
    enabled: bool | None = None
    external_id: str | None = None


EVERY_CAMERA = Wanted()


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


def differences(before: Camera, after: Camera) -> list[str]:
    """Returns the names of what was changed; of the address only that it was."""
    changed = [each.name for each in fields(CameraSettings) if getattr(before.settings, each.name) != getattr(after.settings, each.name)]
    return [*changed, "url"] if before.url_sealed != after.url_sealed else changed


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
