"""Who acts, for which city hall, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from gtvision.errors import MissingScope


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
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"


_VIEWER = frozenset({Scope.CAMERAS_READ, Scope.LIVE_VIEW, Scope.STREAMS_READ, Scope.ALERTS_READ})
_OPERATOR = _VIEWER | {
    Scope.RECORDINGS_READ,
    Scope.STREAMS_CONTROL,
    Scope.DETECTIONS_READ,
    Scope.PLATES_SEARCH,
    Scope.ALERTS_ACKNOWLEDGE,
    Scope.WATCHLISTS_READ,
    Scope.AI_READ,
}
_ADMIN = frozenset(Scope)

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.PLATFORM_ADMIN: _ADMIN,
    Role.ADMIN: _ADMIN,
    Role.OPERATOR: _OPERATOR,
    Role.VIEWER: _VIEWER,
    Role.AUDITOR: frozenset({Scope.CAMERAS_READ, Scope.USERS_READ, Scope.ALERTS_READ}),
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
    purpose: str | None = None
    expires_at: float = field(default=0.0, compare=False)
    """Unix seconds at which the token ends."""

    def require(self, scope: Scope) -> None:
        """Raises: MissingScope."""
        if scope not in self.scopes:
            raise MissingScope(f"This needs the scope '{scope}'.", scope=scope)

    def may_see(self, camera_groups: frozenset[UUID]) -> bool:
        """Whether a camera of these groups lies inside the caller's limit."""
        return self.camera_groups is None or bool(self.camera_groups & camera_groups)
