"""Who acts, for which city hall, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gtvision.errors import MissingScope, QuotaReached
from gtvision.names import clean_name


class Role(StrEnum):
    """A bundle of scopes that people know by name."""

    PLATFORM_ADMIN = "platform_admin"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    AUDITOR = "auditor"
    PARTNER = "partner"


class Scope(StrEnum):
    """One right, `<noun>:<verb>`. A route declares the one it needs."""

    CAMERAS_READ = "cameras:read"
    CAMERAS_WRITE = "cameras:write"
    LIVE_VIEW = "live:view"
    RECORDINGS_READ = "recordings:read"
    EXPORTS_MAKE = "exports:make"
    HOLDS_READ = "holds:read"
    HOLDS_WRITE = "holds:write"
    STREAMS_READ = "streams:read"
    STREAMS_CONTROL = "streams:control"
    DETECTIONS_READ = "detections:read"
    PLATES_SEARCH = "plates:search"
    DETECT_RUN = "detect:run"
    AI_READ = "ai:read"
    ALERTS_READ = "alerts:read"
    ALERTS_ACKNOWLEDGE = "alerts:acknowledge"
    WATCHLISTS_READ = "watchlists:read"
    WATCHLISTS_WRITE = "watchlists:write"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    CHANNELS_READ = "channels:read"
    CHANNELS_WRITE = "channels:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    API_KEYS_READ = "api-keys:read"
    API_KEYS_WRITE = "api-keys:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"
    AUDIT_EXPORT = "audit:export"
    TENANTS_READ = "tenants:read"
    TENANTS_WRITE = "tenants:write"


_VIEWER = frozenset({Scope.CAMERAS_READ, Scope.LIVE_VIEW, Scope.STREAMS_READ, Scope.ALERTS_READ})
_OPERATOR = _VIEWER | {
    Scope.RECORDINGS_READ,
    Scope.EXPORTS_MAKE,
    Scope.HOLDS_READ,
    Scope.STREAMS_CONTROL,
    Scope.DETECTIONS_READ,
    Scope.PLATES_SEARCH,
    Scope.ALERTS_ACKNOWLEDGE,
    Scope.WATCHLISTS_READ,
    Scope.RULES_READ,
    Scope.CHANNELS_READ,
    Scope.AI_READ,
    Scope.SETTINGS_READ,
}
_PLATFORM = frozenset({Scope.TENANTS_READ, Scope.TENANTS_WRITE})
_ADMIN = frozenset(Scope) - _PLATFORM

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.PLATFORM_ADMIN: _ADMIN | _PLATFORM,
    Role.ADMIN: _ADMIN,
    Role.OPERATOR: _OPERATOR,
    Role.VIEWER: _VIEWER,
    Role.AUDITOR: frozenset(
        {
            *(Scope.CAMERAS_READ, Scope.USERS_READ, Scope.ALERTS_READ, Scope.API_KEYS_READ),
            *(Scope.RULES_READ, Scope.CHANNELS_READ),
            *(Scope.SETTINGS_READ, Scope.AUDIT_READ, Scope.AUDIT_EXPORT),
        }
    ),
    Role.PARTNER: frozenset({Scope.CAMERAS_READ, Scope.DETECTIONS_READ, Scope.PLATES_SEARCH, Scope.DETECT_RUN, Scope.ALERTS_READ}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified bearer of a token or ticket.

    `camera_groups` is None where the caller is not limited to groups. `session_id` is what a revocation names.
    """

    tenant_id: UUID
    user_id: UUID
    role: Role
    scopes: frozenset[str]
    session_id: UUID
    camera_groups: frozenset[UUID] | None = None
    expires_at: float = field(default=0.0, compare=False)
    """Unix seconds at which the token ends."""
    issued_at: float = field(default=0.0, compare=False)
    """Unix second in which the token was made, with the rights of then."""

    def require(self, scope: Scope) -> None:
        """Raises: MissingScope."""
        if scope not in self.scopes:
            raise MissingScope(f"This needs the scope '{scope}'.", scope=scope)

    def may_see(self, camera_groups: frozenset[UUID]) -> bool:
        """Returns whether the caller may see a camera of these groups."""
        return self.camera_groups is None or bool(self.camera_groups & camera_groups)


# --- settings of a city ------------------------------------------------------------------------------------------------

Days = Annotated[int, Field(ge=1, le=3_650)]


class _Part(BaseModel):
    """A field that we do not know is passed over: events and copies of a newer release stay readable. The API refuses it."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Retention(_Part):
    """Days that each kind of data is kept."""

    video_days: Days = 90
    offsite_days: Days = 3_650  # of copies of recordings: the days of the camera hold where they are fewer
    passages_days: Days = 90
    evidence_days: Days = 90
    detections_days: Days = 30
    audit_days: Annotated[int, Field(ge=365, le=3_650)] = 1_826  # five years; never less than one


class Quotas(_Part):
    """Most of what a city may use. None: no limit.

    `users` is enforced by identity (who is not disabled counts), `cameras` by cameras (all that are registered count): what is there
    when a quota is lowered stays. `storage_gb` is kept by streaming: a city's oldest recordings go. `detections_per_minute` is kept and
    announced but not enforced yet.
    """

    cameras: Annotated[int | None, Field(ge=0, le=100_000)] = None
    users: Annotated[int | None, Field(ge=1, le=100_000)] = None
    storage_gb: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    detections_per_minute: Annotated[int | None, Field(ge=1, le=10_000_000)] = None

    def check_room(self, name: Literal["cameras", "users"], there: int) -> None:
        """Whether one more fits beside those that are there. Raises: QuotaReached."""
        most = self.cameras if name == "cameras" else self.users
        if most is not None and there >= most:
            raise QuotaReached(f"The city has as many {name} as it may have (quotas.{name}: {most}).", quota=name)


class AiBudget(_Part):
    """What cloud AI may cost and whether pictures may leave the city's own machines."""

    daily_usd: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    allow_cloud: bool = False
    """International transfer of pictures: off until the city says otherwise (LGPD)."""


class Purposes(_Part):
    """Declared legal purposes: codes that a search or a playback may name."""

    codes: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")], ...], Field(max_length=100)] = ()
    required: bool = False
    """Whether plate search, playback and export are refused without one."""


def _display_name(text: str | None) -> str | None:
    return clean_name(text) if text and text.strip() else None


class TenantSettings(_Part):
    """What a city decides for itself."""

    retention: Retention = Retention()
    quotas: Quotas = Quotas()
    ai_budget: AiBudget = AiBudget()
    purposes: Purposes = Purposes()
    channels: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,19}$")], ...], Field(max_length=20)] = ("console",)
    """Kinds of channel that alerts may use."""
    display_name: Annotated[str | None, Field(min_length=1, max_length=200), AfterValidator(_display_name)] = None
    logo_key: Annotated[str | None, Field(max_length=300)] = None
    """Object of the picture; set by uploading one."""
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$", max_length=60)] = "America/Sao_Paulo"
