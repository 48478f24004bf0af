"""What names need from the world. Each port has its fake in `fakes` and its real one in `streaming.gateways`."""

from __future__ import annotations

from typing import Protocol

from gtvision.addresses import IpAddress


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
