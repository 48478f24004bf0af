"""Tickets for recordings, as callers of the API get them, and the end of the sessions that they opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.origin import origin
from gtvision.errors import NotFound
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock
from streaming.playback.domain import TICKET_LIFETIME, NoRecording, PlaybackSession, check_range, hash_of, new_secret

if TYPE_CHECKING:
    from streaming.playback.repository import PostgresPlaybackSessions, PostgresPlayedFiles


@dataclass(frozen=True, slots=True)
class Offer:
    """A session that waits to be opened with its ticket, which is valid until `expires_at`, once."""

    session: PlaybackSession
    ticket: str = field(repr=False)
    expires_at: datetime


class PlaybackTickets:
    """Tickets for ranges of recordings."""

    def __init__(
        self,
        uow: UowFactory,
        sessions: Callable[[UnitOfWork], PostgresPlaybackSessions],
        index: Callable[[UnitOfWork], PostgresPlayedFiles],
        clock: Clock,
    ) -> None:
        self._uow, self._sessions, self._index, self._clock = uow, sessions, index, clock

    async def issue(self, caller: Caller, camera_id: UUID, since: datetime, until: datetime) -> Offer:
        """Offers a session; it goes on record when it is opened. Expired ones are forgotten.

        Raises: NotFound for a camera that the caller may not see, NoRecording, Invalid, RangeTooLong.
        """
        check_range(since, until)
        now, ticket = self._clock.now(), new_secret()
        expires_at = now + TICKET_LIFETIME
        session = PlaybackSession.of(caller, new_id(), camera_id, since, until, purpose=origin().purpose, expires_at=expires_at)
        async with self._uow(caller.tenant_id) as uow:
            sessions = self._sessions(uow)
            groups = await sessions.groups_of(camera_id)
            if groups is None or not caller.may_see(groups):
                raise NotFound("There is no such camera.")
            if not await self._is_recorded(uow, camera_id, since, until):
                raise NoRecording
            await sessions.forget_expired(now)
            await sessions.add(session, hash_of(ticket), expires_at)
        return Offer(session, ticket, expires_at)

    async def _is_recorded(self, uow: UnitOfWork, camera_id: UUID, since: datetime, until: datetime) -> bool:
        index = self._index(uow)
        return bool(await index.between(camera_id, since, until)) or await index.is_being_written(camera_id, since, until)

    async def end_login(self, tenant_id: UUID, login_id: UUID) -> None:
        """Ends what a login opened, for good: identity forgets that it was ended. Repeating it is harmless."""
        async with self._uow(tenant_id) as uow:
            await self._sessions(uow).end_login(login_id)

    async def end_user(self, tenant_id: UUID, user_id: UUID) -> None:
        """Ends what a user opened. Repeating it is harmless."""
        async with self._uow(tenant_id) as uow:
            await self._sessions(uow).end_user(user_id)
