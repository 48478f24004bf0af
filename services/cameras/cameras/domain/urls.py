"""Which addresses a camera may have. The server connects to what a user typed: without rules that is a door into its own network.

Parsers disagree about strange URLs, and the one that checks is never the one that connects. So whatever two parsers could read
differently is refused: control characters, backslashes, two `@`, hosts that look like numbers, queries without a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NoReturn
from urllib.parse import unquote_to_bytes

from gtvision.errors import InvalidCameraUrl

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

MAX_URL = 2_048
DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}

_SHAPE = re.compile(
    r"(?P<scheme>rtsps?)://"
    r"(?:(?P<userinfo>[^@/?#\\\[\]]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#\\]*)?"
    r"(?:\?(?P<query>[^#\\]*))?",
    re.IGNORECASE,
)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_TELLING_NAME = r"((?:user|usr|login|pass|pwd|auth|token|key|secret)[A-Za-z0-9.-]*=)"
_SECRET_IN_QUERY = re.compile(_TELLING_NAME + r"[^&;]*", re.IGNORECASE)
_SECRET_IN_PATH = re.compile(_TELLING_NAME + r"(?:(?!_[A-Za-z]+=)[^&;/])*", re.IGNORECASE)
"""Some makers put them there: /user=admin_password=x_channel=1. The value ends at the next `_name=`."""
_MASKED = r"\1***"


def _networks(*texts: str) -> tuple[IpNetwork, ...]:
    return tuple(ip_network(text) for text in texts)


_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
_NEVER = _networks(
    "0.0.0.0/8",  # this host
    "169.254.0.0/16",  # link-local, and the metadata service of most clouds
    "100.100.100.200/32",  # metadata, Alibaba
    "168.63.129.16/32",  # metadata, Azure
    "192.0.0.0/24",  # protocol assignments, and the metadata service of Oracle
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
    "::/128",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "fd00:ec2::254/128",  # metadata, AWS
    "fd20:ce::254/128",  # metadata, Google
)
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


@dataclass(frozen=True, slots=True)
class CameraUrl:
    """An address that every parser reads alike. `text` may hold credentials: it is sealed, never shown."""

    text: str
    scheme: str
    host: str
    """A name or an IP address, without brackets, in lower case."""
    port: int
    shown: str
    """Without credentials: what answers and logs may say."""

    def __repr__(self) -> str:
        return f"CameraUrl({self.shown!r})"


def parse_camera_url(text: str) -> CameraUrl:
    """Raises: InvalidCameraUrl, whose message never repeats the text."""
    if not text or len(text) > MAX_URL:
        _refuse("is empty or longer than 2048 characters")
    if not _PRINTABLE.fullmatch(text):
        _refuse("has spaces, control or non-ASCII characters; write them as %XX")
    match = _SHAPE.fullmatch(text)
    if match is None:
        _refuse("does not look like rtsp://[user:password@]host[:port]/path; write @ / ? # in a password as %XX")
    path, query, userinfo = match["path"] or "", match["query"], match["userinfo"]
    if query is not None and not path:
        _refuse("has a query but no path")
    for part in (path, query or "", userinfo or ""):
        _check_escapes(part)
    host = _host(match["host"])
    port = int(match["port"] or DEFAULT_PORTS[match["scheme"].lower()])
    if not 1 <= port <= 65_535:
        _refuse("has a port outside 1 to 65535")
    place = match["host"] + (f":{match['port']}" if match["port"] else "")
    shown = f"{match['scheme'].lower()}://{place}{_SECRET_IN_PATH.sub(_MASKED, path)}"
    if query is not None:
        shown += "?" + _SECRET_IN_QUERY.sub(_MASKED, query)
    return CameraUrl(text, match["scheme"].lower(), host, port, shown)


def _check_escapes(part: str) -> None:
    if _BAD_PERCENT.search(part) or any(byte < 0x20 or byte == 0x7F for byte in unquote_to_bytes(part)):
        _refuse("hides control characters or a broken %XX")


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            _refuse("has no valid IPv6 address in brackets")
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse("has no valid host name")
    if labels[-1][0].isdigit():
        # 2130706433, 0177.0.0.1, 0x7f.1 and 127.1 are 127.0.0.1 to many resolvers, and a name to others.
        try:
            return str(IPv4Address(text))
        except ValueError:
            _refuse("has a host that looks like a number but is no IPv4 address a.b.c.d")
    return text.lower()


def _refuse(why: str) -> NoReturn:
    raise InvalidCameraUrl(f"The camera address {why}.")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Where cameras may be. Private networks are allowed: that is where cameras are."""

    allow_loopback: bool = False
    """For demo cameras on the same machine."""
    allowed: tuple[IpNetwork, ...] = ()
    """Exceptions to everything that is refused."""
    denied: tuple[IpNetwork, ...] = ()
    """The installation's own service networks."""

    def check(self, addresses: Iterable[IpAddress]) -> None:
        """Every address of a name must be acceptable. Raises: InvalidCameraUrl."""
        found = list(addresses)
        if not found:
            _refuse("has a host name without an address")
        for address in found:
            if not all(self._accepts(each) for each in _readings(address)):
                _refuse("leads to a network that cameras may not be in")

    def _accepts(self, address: IpAddress) -> bool:
        if _inside(address, self.allowed):
            return True
        if _inside(address, self.denied) or _inside(address, _NEVER):
            return False
        return self.allow_loopback or not _inside(address, _LOOPBACK)


def _inside(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _readings(address: IpAddress) -> list[IpAddress]:
    """The address, and the IPv4 address that an IPv6 one carries: mapped, compatible, NAT64, 6to4, Teredo."""
    if isinstance(address, IPv4Address):
        return [address]
    plain = IPv6Address(int(address))  # without a zone
    inside: list[IPv4Address | None] = [plain.ipv4_mapped, plain.sixtofour, plain.teredo[1] if plain.teredo else None]
    if plain in _NAT64 or (plain in _COMPATIBLE and int(plain) > 1):
        inside.append(IPv4Address(int(plain) & 0xFFFF_FFFF))
    return [plain, *(each for each in inside if each is not None)]


def literal_address(host: str) -> IpAddress | None:
    """The address, where the host is one."""
    try:
        return ip_address(host)
    except ValueError:
        return None
