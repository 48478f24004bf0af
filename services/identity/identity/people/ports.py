"""What identity needs of people: their rows, their passwords, and patience with their attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from identity.people.domain.users import User


class UserRows(Protocol):
    """People."""

    async def find_login(self, email_key: str) -> User | None:
        """Across tenants: who logs in with this address."""
        ...

    async def add_user(self, user: User) -> None:
        """Raises: EmailTaken."""
        ...

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None: ...

    async def save_user(self, user: User) -> None:
        """Everything but the e-mail address, which never changes."""
        ...

    async def lock_admins(self) -> list[User]:
        """Those who run the tenant, locked in order of id until the transaction ends, so that no two can remove each other."""
        ...

    async def replace_recovery_codes(self, user_id: UUID, code_hashes: list[str]) -> None:
        """The old ones are gone; with an empty list, all."""
        ...

    async def use_recovery_code(self, user_id: UUID, code_hash: str, at: datetime) -> bool:
        """Whether it was there and unused. Each is good once, also for two at the same time."""
        ...

    async def recovery_codes_left(self, user_id: UUID) -> int: ...

    async def write_nothing(self) -> None:
        """As slow as a record of somebody's refused login, for the login of nobody."""
        ...

    async def count_enabled(self) -> int:
        """How many of the tenant are not disabled."""
        ...

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
        """Forget the attempts of this pair, and remember that the account is at home at this address.

        Never raises: what was allowed is done by now, and its answer may be told only this once.
        """
        ...
