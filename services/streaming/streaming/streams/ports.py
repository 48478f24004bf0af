"""What streams need from the world. Each port has its fake in `fakes` and its real one in `streaming.gateways`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from streaming.streams.domain import Change, PathConfig, PathStatus


class MediaServer(Protocol):
    """A media server's control API. Every method raises `gtvision.errors.Unavailable` when it cannot be asked."""

    async def paths(self) -> list[PathConfig]:
        """The configured camera paths."""
        ...

    async def apply(self, change: Change) -> None:
        """Carry one change out. Repeating it is harmless. Raises also: Invalid, where the server refuses it."""
        ...

    async def statuses(self) -> dict[str, PathStatus]:
        """What every path is doing, by name."""
        ...


class EdgeMap(Protocol):
    """What one edge knows of which media node has a camera."""

    name: str

    async def sync(self, nodes: Mapping[str, str]) -> int:
        """Make it know exactly these (path -> node); how many entries changed. Repeating it is harmless. Raises: Unavailable."""
        ...
