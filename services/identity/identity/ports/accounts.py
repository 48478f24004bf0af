"""What identity needs from the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from gtvision.tenancy import Caller
from identity.domain.accounts import ApiKey, RefreshToken, Session, SigningKey, Tenant, User


class Store(Protocol):
    """Rows of one transaction. Methods that take no tenant see the unit of work's own, unless they say otherwise."""

    async def find_login(self, email_key: str) -> User | None:
        """Across tenants: who logs in with this address."""
        ...

    async def find_api_key(self, key_hash: str) -> ApiKey | None:
        """Across tenants: whose key this is."""
        ...

    async def find_tenant(self, name: str) -> Tenant | None:
        """Across tenants: the tenant of this name."""
        ...

    async def add_tenant(self, tenant: Tenant) -> None: ...

    async def tenant(self, tenant_id: UUID) -> Tenant | None: ...

    async def add_user(self, user: User) -> None:
        """Raises: EmailTaken."""
        ...

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None: ...

    async def set_disabled(self, user_id: UUID, at: datetime | None) -> None: ...

    async def users(self, after: UUID | None, limit: int) -> list[User]:
        """In order of id, which is the order of creation."""
        ...

    async def add_api_key(self, key: ApiKey) -> None: ...

    async def api_key(self, key_id: UUID) -> ApiKey | None: ...

    async def add_session(self, session: Session) -> None: ...

    async def session(self, session_id: UUID) -> Session | None: ...

    async def sessions_of(self, subject_id: UUID, now: datetime) -> list[Session]:
        """Those that still live."""
        ...

    async def revoke_session(self, session_id: UUID, until: datetime) -> None: ...

    async def add_refresh_token(self, token: RefreshToken) -> None: ...

    async def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """Locked until the transaction ends, so that two uses of one token cannot both win."""
        ...

    async def use_refresh_token(self, token_hash: str, at: datetime) -> None: ...

    async def add_signing_key(self, key: SigningKey) -> bool:
        """Whether it was added: False where another process was first."""
        ...

    async def signing_keys(self) -> list[SigningKey]:
        """Newest first. They belong to no tenant."""
        ...

    async def revocations(self, now: datetime) -> dict[UUID, datetime]:
        """Across tenants: revoked sessions with tokens that have not expired by themselves."""
        ...

    async def prune(self, before: datetime) -> int:
        """Across tenants: forget sessions that ended before. Returns how many."""
        ...


StoreOf = Callable[[Any], Store]
"""Makes the store of one unit of work."""


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


class Tokens(Protocol):
    """Signs with the newest key."""

    def access_token(self, caller: Caller) -> str:
        """Raises: Unavailable, where there is no key yet."""
        ...

    def ticket(self, caller: Caller, purpose: str, camera_id: UUID | None = None) -> str:
        """Raises: Unavailable, where there is no key yet."""
        ...

    def load(self, keys: Sequence[tuple[str, str]]) -> None:
        """(kid, private PEM), newest first."""
        ...


class Registry(Protocol):
    """What every service reads about tokens: public keys, revoked sessions and the epoch."""

    async def is_whole(self) -> bool:
        """Whether the epoch is there and every write arrived. Raises: Unavailable."""
        ...

    async def load(self, jwks: Mapping[str, object], revocations: Mapping[UUID, datetime], now: datetime) -> None:
        """Everything; the epoch last. Raises: Unavailable."""
        ...

    async def revoke(self, session_id: UUID, until: datetime) -> None:
        """One session, at once. Raises: Unavailable."""
        ...


class KeyMaker(Protocol):
    """Makes signing keys."""

    async def make(self) -> tuple[str, str, dict[str, str]]:
        """(kid, private PEM, public JWK). Takes a second; off the event loop."""
        ...


class Sealer(Protocol):
    """Keeps secrets at rest."""

    def seal(self, text: str) -> str: ...

    def open(self, text: str) -> str: ...
