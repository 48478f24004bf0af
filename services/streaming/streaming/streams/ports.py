"""What streams need from the world. Each port has its fake in `fakes` and its real one in `streaming.gateways`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gtvision.addresses import IpAddress
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


class Names(Protocol):
    """Names to addresses."""

    async def addresses(self, host: str) -> list[IpAddress]:
        """As this machine resolves it. Raises: Unavailable, where there is no answer in time or no such name."""
        ...


class Certificates(Protocol):
    """The certificates of cameras that speak TLS."""

    async def fingerprint(self, address: IpAddress, port: int, name: str) -> str:
        """SHA-256 of the certificate there, which names `name` and is vouched for. Raises: Unavailable, also for any other one."""
        ...


class EdgeMap(Protocol):
    """What one edge knows of which media node has a camera."""

    name: str

    async def sync(self, nodes: Mapping[str, str]) -> int:
        """Make it know exactly these (path -> node); how many entries changed. Repeating it is harmless. Raises: Unavailable."""
        ...
