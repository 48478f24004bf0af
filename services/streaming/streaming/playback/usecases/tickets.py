"""Tickets for recordings, as callers of the API get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.origin import origin
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock
from streaming.playback.domain import TICKET_LIFETIME, NoRecording, PlaybackSession, check_range, hash_of, new_secret

if TYPE_CHECKING:
    from streaming.playback.repository import PostgresPlaybackSessions, PostgresPlayedFiles
    from streaming.rights.repository import PostgresRights


@dataclass(frozen=True, slots=True)
class Ticket:
    """What opens a session until `expires_at`, once."""

    session: PlaybackSession
    text: str = field(repr=False)
    expires_at: datetime


class PlaybackTickets:
    """Tickets for ranges of recordings."""

    def __init__(
        self,
        uow: UowFactory,
        sessions: Callable[[UnitOfWork], PostgresPlaybackSessions],
        index: Callable[[UnitOfWork], PostgresPlayedFiles],
        rights: Callable[[UnitOfWork], PostgresRights],
        clock: Clock,
    ) -> None:
        self._uow, self._sessions, self._index, self._rights, self._clock = uow, sessions, index, rights, clock

    async def issue(self, caller: Caller, camera_id: UUID, since: datetime, until: datetime) -> Ticket:
        """Offers a session; it goes on record when it is opened. Expired ones are forgotten.

        Raises: NotFound for a camera that the caller may not see, SessionRevoked, NoRecording, Invalid, RangeTooLong.
        """
        check_range(since, until)
        now, ticket = self._clock.now(), new_secret()
        expires_at = now + TICKET_LIFETIME
        session = PlaybackSession.of(caller, new_id(), camera_id, since, until, purpose=origin().purpose, expires_at=expires_at)
        async with self._uow(caller.tenant_id) as uow:
            sessions = self._sessions(uow)
            await self._rights(uow).check(caller, camera_id)
            if not await self._is_recorded(uow, camera_id, since, until):
                raise NoRecording
            await sessions.forget_expired(now)
            await sessions.add(session, hash_of(ticket), expires_at)
        return Ticket(session, ticket, expires_at)

    async def _is_recorded(self, uow: UnitOfWork, camera_id: UUID, since: datetime, until: datetime) -> bool:
        index = self._index(uow)
        return bool(await index.between(camera_id, since, until)) or await index.is_being_written(camera_id, since, until)
