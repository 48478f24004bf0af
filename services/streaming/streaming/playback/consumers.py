"""Events in: whose sessions end. The agent notices a revoked login by itself; this makes it last longer than the revocation."""

from __future__ import annotations

from chassis.bus import Bus
from gtvision.events import Event, SessionRevoked
from streaming.playback.usecases import PlaybackTickets


class PlaybackEvents:
    """Ends what a revoked login opened."""

    def __init__(self, tickets: PlaybackTickets) -> None:
        self._tickets = tickets

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(SessionRevoked, self.on_session_revoked)

    async def on_session_revoked(self, event: Event[SessionRevoked]) -> None:
        await self._tickets.end_login(event.tenant_id, event.data.session_id)
