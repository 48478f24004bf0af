"""What identity needs of sessions: their rows, the signer, and what every service reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from gtvision.tenancy import Caller
from identity.keys.domain.signing import OpenedKey
from identity.sessions.domain import ACCESS_LIFETIME, RefreshToken, Session

Chance = Callable[[int], bytes]
"""Unguessable bytes."""


class SessionRows(Protocol):
    """Sessions and their refresh tokens."""

    async def add_session(self, session: Session) -> None: ...

    async def session(self, session_id: UUID) -> Session | None: ...

    async def sessions_of(self, subject_id: UUID, now: datetime) -> list[Session]:
        """Those that still live."""
        ...

    async def page_of_sessions(self, subject_id: UUID, now: datetime, after: UUID | None, limit: int) -> list[Session]:
        """Those that still live, newest first; `after` is the last id of the page before."""
        ...

    async def use_session(self, session_id: UUID, address: str | None, at: datetime) -> bool:
        """Remember from where and when it was used last. False where it was ended meanwhile."""
        ...

    async def revoke_session(self, session_id: UUID, until: datetime) -> None: ...

    async def add_refresh_token(self, token: RefreshToken) -> None: ...

    async def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """Locked until the transaction ends, so that two uses of one token cannot both win."""
        ...

    async def use_refresh_token(self, token_hash: str, at: datetime) -> None: ...

    async def revocations(self, now: datetime) -> dict[UUID, datetime]:
        """Across tenants: revoked sessions with tokens that have not expired by themselves."""
        ...

    async def prune(self, before: datetime) -> int:
        """Across tenants: forget sessions that ended before. Returns how many."""
        ...


class Tokens(Protocol):
    """Signs with the newest key that may sign already."""

    @property
    def can_sign(self) -> bool:
        """Whether keys were ever loaded."""
        ...

    def access_token(self, caller: Caller, lifetime: timedelta = ACCESS_LIFETIME) -> str:
        """Raises: Unavailable, where there is no key yet."""
        ...

    def ticket(self, caller: Caller, purpose: str, camera_id: UUID | None = None) -> str:
        """Raises: Unavailable, where there is no key yet."""
        ...

    async def load(self, keys: Sequence[OpenedKey]) -> None:
        """All of them, newest first."""
        ...


class Registry(Protocol):
    """What every service reads about tokens: public keys, revoked sessions and the epoch."""

    async def is_whole(self) -> bool:
        """Whether the epoch is there, every write arrived and the keys are those that were written. Raises: Unavailable."""
        ...

    async def load(self, jwks: Mapping[str, object], revocations: Mapping[UUID, datetime], now: datetime) -> None:
        """Everything; the epoch last. Raises: Unavailable."""
        ...

    async def revoke(self, session_id: UUID, until: datetime) -> None:
        """One session, at once. Raises: Unavailable."""
        ...
