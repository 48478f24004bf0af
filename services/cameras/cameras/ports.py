"""What cameras needs from the world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from cameras.domain import Camera, ListedCamera, Sighting
from gtvision.addresses import IpAddress
from gtvision.camera import CameraState
from gtvision.tenancy import TenantSettings

Groups = frozenset[UUID] | None
"""The groups that a caller is limited to; None for no limit."""


class Store(Protocol):
    """Rows of one unit of work; sees its tenant's living cameras only, unless a method says otherwise."""

    async def lock_registrations(self) -> None:
        """Until the transaction ends, no other one that asks registers a camera of the tenant."""
        ...

    async def count(self) -> int:
        """How many live."""
        ...

    async def add(self, camera: Camera) -> bool:
        """False where a living camera has the external id."""
        ...

    async def camera(self, camera_id: UUID, *, lock: bool = False) -> Camera | None: ...

    async def by_external_id(self, external_id: str) -> Camera | None: ...

    async def save(self, camera: Camera) -> bool:
        """Everything but what was seen. False where a living camera has the external id."""
        ...

    async def remove(self, camera_id: UUID, revision: int, at: datetime) -> None:
        """Leave a tombstone without an address."""
        ...

    async def page(self, groups: Groups, after: UUID | None, limit: int) -> list[Camera]:
        """In order of id, which is the order of registration."""
        ...

    async def count_by_state(self, groups: Groups) -> dict[CameraState, int]:
        """By the state that is shown."""
        ...

    async def observe(self, camera_id: UUID, seen: Sighting) -> Camera | None:
        """Keep a newer sighting; `since` moves only when the state does. None where it is not newer, or the camera not there."""
        ...

    async def tenants(self) -> list[UUID]:
        """Across tenants: who has or had cameras."""
        ...

    async def take_lease(self, name: str, holder: UUID, now: datetime, until: datetime) -> int | None:
        """The fencing number, or None where somebody else holds it."""
        ...

    async def release_lease(self, name: str, holder: UUID, now: datetime) -> None: ...


StoreOf = Callable[[Any], Store]
"""Makes the store of one unit of work."""


class Catalogue(Protocol):
    """Cameras as lists show them, outside of any unit of work."""

    async def page(self, tenant_id: UUID, groups: Groups, after: UUID | None, limit: int) -> list[ListedCamera]:
        """Living cameras in order of id, which is the order of registration. Raises: Unavailable."""
        ...


class Cities(Protocol):
    """What each city decided for itself."""

    def settings(self, tenant_id: UUID) -> TenantSettings:
        """The defaults where it was never heard of."""
        ...


class Resolver(Protocol):
    """Names to addresses."""

    async def resolve(self, host: str, port: int) -> list[IpAddress]:
        """Empty for an unknown name. Raises: InvalidCameraUrl, where there is no answer in time."""
        ...


class Sealer(Protocol):
    """Keeps addresses at rest."""

    def seal(self, text: str) -> str: ...

    def open(self, sealed: str) -> str: ...


class Live(Protocol):
    """Screens that are open now. Never raises."""

    async def publish(self, tenant_id: UUID, topic: str, message: dict[str, Any]) -> None: ...
