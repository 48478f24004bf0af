"""What live views need from the world."""

from __future__ import annotations

from typing import Protocol

from streaming.live.domain import View


class Views(Protocol):
    """The viewers' sessions on a media server. Every method raises `gtvision.errors.Unavailable` when it cannot be asked."""

    async def views(self) -> list[View]:
        """Every session of a viewer."""
        ...

    async def end(self, view: View) -> None:
        """Ends a session; one that is gone is fine."""
        ...
