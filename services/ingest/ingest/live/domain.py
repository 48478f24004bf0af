"""The topics of the live socket, the scope that each needs, and why a connection ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gtvision.errors import Invalid
from gtvision.tenancy import Scope


class Kind(StrEnum):
    """The family of a topic."""

    DETECTIONS = "detections"
    CAMERAS = "cameras"
    ALERTS = "alerts"
    SYSTEM = "system"


SCOPES: dict[Kind, Scope] = {
    Kind.DETECTIONS: Scope.DETECTIONS_READ,
    Kind.CAMERAS: Scope.CAMERAS_READ,
    Kind.ALERTS: Scope.ALERTS_READ,
    Kind.SYSTEM: Scope.CAMERAS_READ,
}

MESSAGE_TYPES: dict[Kind, str] = {Kind.DETECTIONS: "detection", Kind.CAMERAS: "camera", Kind.ALERTS: "alert", Kind.SYSTEM: "system"}


class UnknownTopic(Invalid):
    """There is no such topic."""

    code = "unknown_topic"


@dataclass(frozen=True, slots=True)
class Topic:
    """`detections` (all cameras), `detections:<camera>`, `cameras`, `alerts` or `system`."""

    kind: Kind
    camera_id: UUID | None = None

    @classmethod
    def parse(cls, text: str) -> Topic:
        """Raises: UnknownTopic."""
        name, colon, camera = text.partition(":")
        try:
            topic = cls(Kind(name), UUID(camera) if colon else None)
        except ValueError:
            raise UnknownTopic from None
        if topic.camera_id is not None and topic.kind is not Kind.DETECTIONS:
            raise UnknownTopic
        return topic

    @property
    def scope(self) -> Scope:
        return SCOPES[self.kind]

    def __str__(self) -> str:
        return self.kind.value if self.camera_id is None else f"{self.kind.value}:{self.camera_id}"


class EndReason(StrEnum):
    """Why a connection is ended, in the words that its client gets."""

    TOO_SLOW = "reader too slow"
    TOO_LARGE = "message too large"
    TOO_MANY = "too many messages"
    EXPIRED = "token expired"
    REVOKED = "session ended"
