"""What identity needs of people: their rows, their passwords, and patience with their attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from identity.domain.users import User


class UserRows(Protocol):
    """People."""

    async def find_login(self, email_key: str) -> User | None:
        """Across tenants: who logs in with this address."""
        ...

    async def add_user(self, user: User) -> None:
        """Raises: EmailTaken."""
        ...

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None: ...

    async def set_disabled(self, user_id: UUID, at: datetime | None) -> None: ...

    async def users(self, after: UUID | None, limit: int) -> list[User]:
        """In order of id, which is the order of creation."""
        ...


class Passwords(Protocol):
    """A slow hash, off the event loop."""

    async def hash(self, password: str) -> str:
        """Raises: RateLimited, where too many wait."""
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """As slow for None (no such user) as for a hash. Raises: RateLimited."""
        ...


class Throttle(Protocol):
    """Counts attempts, so that guessing is slow for the guesser and for nobody else."""

    async def attempt(self, account: str, address: str) -> None:
        """Count one. Raises: RateLimited, Unavailable."""
        ...

    async def succeeded(self, account: str, address: str) -> None:
        """Forget the attempts of this pair."""
        ...
