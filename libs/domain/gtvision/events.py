"""Every event that crosses a service's border. Past tense, versioned, additive once listened to.

Event[DataT]                      the envelope; `data` is one of
├── CameraRegistered  CameraUpdated  CameraRemoved  CamerasAnnounced      emitted by cameras
├── StreamWentOnline  StreamWentOffline  StreamDegraded                   emitted by streaming
├── RecordingSegmentClosed  RecordingStopped  RecordingResumed  RecordingGapClosed   emitted by streaming
├── HoldPlaced  HoldLifted  StorageRanLow                                 emitted by streaming
├── DetectionMade                                                         emitted by ai-detect
├── DetectionsStored                                                      emitted by ingest
├── BudgetExhausted  ProviderSwitched                                         emitted by ai-detect
├── AlertRaised  AlertAcknowledged  AlertEscalated  AlertResolved         emitted by alerts
├── NotificationFailed                                                    emitted by alerts
├── TenantCreated  TenantUpdated  TenantRemoved                           emitted by identity
├── UserDisabled  UserRightsChanged  SessionRevoked  KeysRotated          emitted by identity
└── AuditRecorded                                                         emitted by every-service

State events carry the aggregate's `revision`: a listener takes only a newer one, and a removal leaves a tombstone.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gtvision.alerting import AlertAcknowledged as AlertAcknowledged  # noqa: PLC0414 - every listener finds it here
from gtvision.alerting import AlertEscalated as AlertEscalated  # noqa: PLC0414
from gtvision.alerting import AlertRaised as AlertRaised  # noqa: PLC0414
from gtvision.alerting import AlertResolved as AlertResolved  # noqa: PLC0414
from gtvision.alerting import BudgetExhausted as BudgetExhausted  # noqa: PLC0414
from gtvision.alerting import NotificationFailed as NotificationFailed  # noqa: PLC0414
from gtvision.alerting import ProviderSwitched as ProviderSwitched  # noqa: PLC0414
from gtvision.alerting import Severity as Severity  # noqa: PLC0414
from gtvision.alerting import StorageRanLow as StorageRanLow  # noqa: PLC0414
from gtvision.audit import Outcome
from gtvision.camera import AiSettings, RecordingSettings
from gtvision.causes import GapCause as GapCause  # noqa: PLC0414
from gtvision.causes import StreamCause as StreamCause  # noqa: PLC0414
from gtvision.detection import DetectedObject
from gtvision.envelope import DataT as DataT  # noqa: PLC0414
from gtvision.envelope import Envelope as Envelope  # noqa: PLC0414
from gtvision.envelope import Event as Event  # noqa: PLC0414
from gtvision.envelope import EventData as EventData  # noqa: PLC0414
from gtvision.tenancy import TenantSettings
from gtvision.time import Instant, RecordedInstant

# --- cameras -----------------------------------------------------------------------------------------------------------


class CameraDesired(EventData):
    """The full desired state of a camera. `url_encrypted` opens with `chassis.vault` only."""

    emitter = "cameras"

    camera_id: UUID
    revision: Annotated[int, Field(ge=1)]
    name: str
    enabled: bool = True
    url_encrypted: str
    groups: tuple[UUID, ...] = ()
    recording: RecordingSettings = RecordingSettings()
    ai: AiSettings = AiSettings()


class CameraRegistered(CameraDesired):
    """A camera was added; also re-announced at start and every ten minutes."""

    key = "camera.registered.v1"


class CameraUpdated(CameraDesired):
    """A camera's desired state changed."""

    key = "camera.updated.v1"


class CameraRemoved(EventData):
    """A camera was removed. Its revision is higher than any before."""

    key = "camera.removed.v1"
    emitter = "cameras"

    camera_id: UUID
    revision: Annotated[int, Field(ge=1)]


class CamerasAnnounced(EventData):
    """Every living camera of the tenant: what is not listed was removed. `as_of` guards against overtaking."""

    key = "cameras.announced.v1"
    emitter = "cameras"

    camera_ids: tuple[UUID, ...]
    as_of: Instant


# --- streaming ---------------------------------------------------------------------------------------------------------


class StreamWentOnline(EventData):
    """Bytes of the camera advance at the media server. `read_url` carries no credentials."""

    key = "stream.went_online.v1"
    emitter = "streaming"

    camera_id: UUID
    revision: Annotated[int, Field(ge=1)]
    read_url: str
    codecs: tuple[str, ...] = ()


class StreamWentOffline(EventData):
    """The camera makes no progress any more."""

    key = "stream.went_offline.v1"
    emitter = "streaming"

    camera_id: UUID
    revision: Annotated[int, Field(ge=1)]
    cause: StreamCause


class StreamDegraded(EventData):
    """Bytes of the camera advance, but it is not recorded as it should be, or cannot be played. Otherwise as `StreamWentOnline`."""

    key = "stream.degraded.v1"
    emitter = "streaming"

    camera_id: UUID
    revision: Annotated[int, Field(ge=1)]
    cause: StreamCause
    read_url: str | None = None
    codecs: tuple[str, ...] = ()


class RecordingSegmentClosed(EventData):
    """A recorded file is complete. `sha256` is of the file, `chain` of (previous chain, sha256)."""

    key = "recording.segment_closed.v1"
    emitter = "streaming"

    camera_id: UUID
    segment_id: UUID
    started_at: Instant
    ended_at: Instant
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    chain: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RecordingStopped(EventData):
    """Nothing is written of a camera that should be recorded and whose stream is online. `detail` is the exact cause."""

    key = "recording.stopped.v1"
    emitter = "streaming"

    camera_id: UUID
    since: Instant
    cause: GapCause
    detail: str = ""


class RecordingResumed(EventData):
    """The camera is written again. `since` is that of the stop."""

    key = "recording.resumed.v1"
    emitter = "streaming"

    camera_id: UUID
    since: Instant
    resumed_at: Instant


class RecordingGapClosed(EventData):
    """Between two recorded files nothing was recorded; the cause is that of the longest part."""

    key = "recording.gap_closed.v1"
    emitter = "streaming"

    camera_id: UUID
    started_at: Instant
    ended_at: Instant
    cause: GapCause
    detail: str = ""


class HoldPlaced(EventData):
    """Recordings of a range are kept, whatever retention says; and what was seen in them."""

    key = "hold.placed.v1"
    emitter = "streaming"

    hold_id: UUID
    camera_id: UUID | None = None
    """None: every camera of the tenant."""
    range_from: Instant
    range_to: Instant
    until: Instant | None = None
    """When the hold ends by itself."""


class HoldLifted(HoldPlaced):
    """The hold ended before its time. It says what was held, so that it may come first."""

    key = "hold.lifted.v1"

    lifted_at: Instant


# --- ai-detect, ingest -------------------------------------------------------------------------------------------------


class DetectionMade(EventData):
    """What a provider saw in one frame. The event id derives from camera and capture time, so a redelivered frame repeats it."""

    key = "detection.made.v1"
    emitter = "ai-detect"

    camera_id: UUID
    captured_at: Instant
    arrived_at: Instant
    width_px: Annotated[int, Field(gt=0)]
    height_px: Annotated[int, Field(gt=0)]
    objects: tuple[DetectedObject, ...]
    provider: str
    model: str
    evidence_key: str | None = None
    evidence_sha256: str | None = None
    clock_skew_ms: int = 0
    """From the frame's headers: stream clock minus arrival, where that was more than 5 s and the capture time is the arrival time."""


class StoredDetection(BaseModel):
    """One row that ingest committed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    detection_id: UUID
    camera_id: UUID
    captured_at: Instant
    object: DetectedObject
    evidence_key: str | None = None


class DetectionsStored(EventData):
    """A committed batch, at most 500 rows."""

    key = "detections.stored.v1"
    emitter = "ingest"

    detections: Annotated[tuple[StoredDetection, ...], Field(max_length=500)]


# --- identity ----------------------------------------------------------------------------------------------------------


class TenantCreated(EventData):
    """A city hall joined, with these settings."""

    key = "tenant.created.v1"
    emitter = "identity"

    name: str
    revision: Annotated[int, Field(ge=1)]
    settings: TenantSettings = TenantSettings()


class TenantUpdated(EventData):
    """The full settings of a city; also re-announced at start and every ten minutes."""

    key = "tenant.updated.v1"
    emitter = "identity"

    name: str
    revision: Annotated[int, Field(ge=1)]
    settings: TenantSettings = TenantSettings()


class TenantRemoved(EventData):
    """A city left: its people, sessions and keys are erased, and what services made for it goes with it. Recordings and detections age."""

    key = "tenant.removed.v1"
    emitter = "identity"

    name: str
    revision: Annotated[int, Field(ge=1)]
    """Higher than any before."""


class UserDisabled(EventData):
    """A user, or an API key, may not act any more; their sessions are revoked."""

    key = "user.disabled.v1"
    emitter = "identity"

    user_id: UUID


class UserRightsChanged(EventData):
    """What a user may do changed, or how they sign in. Their sessions are revoked, and what they opened before has to end."""

    key = "user.rights_changed.v1"
    emitter = "identity"

    user_id: UUID


class SessionRevoked(EventData):
    """A session ended before its time."""

    key = "session.revoked.v1"
    emitter = "identity"

    session_id: UUID
    until: Instant
    """When the last token of the session would have expired by itself."""


class KeysRotated(EventData):
    """The set of signing keys changed. Emitted for the tenant of the caller that asked for it."""

    key = "keys.rotated.v1"
    emitter = "identity"

    kid: str
    """The new key."""
    signs_from: Instant
    """When identity begins to sign with it: every verifier knows it long before."""


# --- every service -----------------------------------------------------------------------------------------------------


class AuditRecorded(EventData):
    """An act that is put on record. `occurred_at`, tenant, camera and correlation id are those of the envelope."""

    key = "audit.recorded.v1"
    emitter = "every-service"

    action: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60)]
    outcome: Outcome = Outcome.ALLOWED
    actor_id: UUID | None = None
    """A user or an API key; None where nobody is known."""
    actor_role: Annotated[str | None, Field(max_length=40)] = None
    session_id: UUID | None = None
    object_kind: Annotated[str | None, Field(max_length=60)] = None
    object_id: Annotated[str | None, Field(max_length=200)] = None
    purpose: Annotated[str | None, Field(max_length=40)] = None
    range_from: RecordedInstant | None = None
    range_to: RecordedInstant | None = None
    address: Annotated[str | None, Field(max_length=64)] = None
    user_agent: Annotated[str | None, Field(max_length=300)] = None
    service: Annotated[str | None, Field(max_length=40)] = None
    """Whose request it was done in; None outside of one."""
    details: Annotated[dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=10_000)]], Field(max_length=30)] = {}  # noqa: RUF012
    """What else is worth knowing, never a secret."""


def event_types() -> dict[str, type[EventData]]:
    """Every event by routing key."""
    found: dict[str, type[EventData]] = {}
    pending: list[type[EventData]] = [EventData]
    while pending:
        cls = pending.pop()
        pending.extend(cls.__subclasses__())
        key = cls.__dict__.get("key")
        if isinstance(key, str):
            found[key] = cls
    return dict(sorted(found.items()))
