"""Ports in memory, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from gtvision.addresses import IpAddress
from gtvision.errors import Unavailable


@dataclass
class FakeNames:
    """A name server whose answers a test sets; names that it does not know are not answered."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host: str) -> list[IpAddress]:
        self.asked.append(host)
        if host not in self.answers:
            raise Unavailable
        return [ip_address(text) for text in self.answers[host]]


@dataclass
class FakeCertificates:
    """Cameras by address, and the certificate that each shows for its name."""

    shown: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, int, str]] = field(default_factory=list)

    async def fingerprint(self, address: IpAddress, port: int, name: str) -> str:
        self.asked.append((str(address), port, name))
        if str(address) not in self.shown:
            raise Unavailable
        return self.shown[str(address)]
