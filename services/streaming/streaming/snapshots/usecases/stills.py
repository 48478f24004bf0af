"""Stills: single pictures, decoded beside the recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chassis.auth import RevocationList
from gtvision.errors import Invalid, SessionRevoked
from gtvision.time import Clock
from streaming import metrics
from streaming.playback.domain import NoRecording, TicketRefused
from streaming.snapshots.domain import Still, StillTicket, Wanted, is_fresh, recordings_before

if TYPE_CHECKING:
    from streaming.gateways.pyav_pictures import PyAvPictures
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.gateways.redis_still_tickets import RedisStillTickets


class Stills:
    """Takes pictures out of recordings, for tickets."""

    def __init__(
        self,
        tickets: RedisStillTickets,
        revocations: RevocationList,
        files: RecordingsFolder,
        pictures: PyAvPictures,
        clock: Clock,
    ) -> None:
        self._tickets, self._revocations, self._files, self._pictures, self._clock = tickets, revocations, files, pictures, clock

    async def redeem(self, camera_id: UUID, ticket: str) -> Still:
        """Spends a ticket and returns its picture.

        Raises: TicketRefused, SessionRevoked, NoRecording, Unavailable (also where too many wait).
        """
        allowed = await self._tickets.redeem(ticket)
        if allowed is None or allowed.camera_id != camera_id:
            raise TicketRefused
        if self._revocations.is_revoked(allowed.login_id):
            raise SessionRevoked
        with metrics.still_seconds.time():
            return await self._take(allowed)

    async def _take(self, allowed: StillTicket) -> Still:
        """A file that has no key frame yet, or none so early, leaves it to the file before."""
        names = await self._files.names(allowed.camera_id)
        for number, (path, started_at) in enumerate(recordings_before(allowed.camera_id, names, allowed.at)):
            offset = None if allowed.at is None else allowed.at - started_at
            try:
                picture = await self._pictures.still(path, Wanted(offset, allowed.width, allowed.exact))
            except (Invalid, OSError):  # damaged, or deleted since it was listed
                continue
            is_known = allowed.is_recorded and number == 0
            if picture is not None and (is_known or is_fresh(started_at + picture.at, allowed.at or self._clock.now())):
                return Still(allowed.camera_id, started_at + picture.at, picture.jpeg)
        raise NoRecording(reason=None if allowed.at else "not_recorded_now")
