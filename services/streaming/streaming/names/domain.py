"""Where a camera's name leads. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gtvision.addresses import AddressPolicy, IpAddress, literal_address
from gtvision.camera_urls import CameraUrl, parse_camera_url
from gtvision.errors import InvalidCameraUrl


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host name, and for `rtsps` the port whose certificate is checked. Cameras that share it are looked up once."""

    host: str
    tls_port: int | None

    @classmethod
    def of(cls, url: CameraUrl) -> Endpoint:
        return cls(url.host, url.port if url.scheme == "rtsps" else None)


class Progress(StrEnum):
    """What the cameras at a pinned address are doing."""

    ADVANCING = "advancing"
    """At least one makes progress."""
    UNKNOWN = "unknown"
    """None was seen to make progress, but not for long."""
    STALLED = "stalled"
    """None made progress over two look-ups."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The address that a name stands for until it is looked up again. The media server gets the address, so it never resolves names."""

    address: IpAddress | None = None
    """None: not known yet, or refused."""
    refused: bool = False
    fingerprint: str = ""
    """SHA-256 of the certificate that proved to be the name's, hexadecimal; for `rtsps` only."""

    def after(self, answers: Sequence[IpAddress], policy: AddressPolicy, progress: Progress = Progress.UNKNOWN) -> Pin:
        """Returns the pin after a look-up. DNS does not disturb recording: an address stays while a camera there makes progress, while it
        is among the answers in any order, and while there is no answer. A stalled one is replaced by the next answer."""
        if not answers:
            return self
        accepted = [address for address in answers if policy.accepts(address)]
        if not accepted:
            return Pin(refused=True)
        if self.address is None:
            return Pin(accepted[0])
        if self.address not in accepted:
            return self if progress is Progress.ADVANCING else Pin(accepted[0])
        return self if progress is not Progress.STALLED or len(accepted) == 1 else Pin(_next(self.address, accepted))

    def is_complete_for(self, endpoint: Endpoint) -> bool:
        """Whether there is all that the media server has to be told."""
        return self.address is not None and (endpoint.tls_port is None or bool(self.fingerprint))

    @classmethod
    def adopted(cls, url: CameraUrl, source: str, fingerprint: str, policy: AddressPolicy) -> Pin:
        """Returns the pin that the media server holds from before this process started, if the policy accepts its address."""
        try:
            address = literal_address(parse_camera_url(source).host)
        except InvalidCameraUrl:
            return cls()
        if address is None or url.at(address) != source or not policy.accepts(address):
            return cls()
        return cls(address, fingerprint=fingerprint)


def _next(address: IpAddress, answers: Iterable[IpAddress]) -> IpAddress:
    """Returns the address after this one, in numeric order and from the last to the first: answers come in any order."""
    ordered = sorted(answers, key=lambda each: (each.version, int(each)))
    return ordered[(ordered.index(address) + 1) % len(ordered)]
