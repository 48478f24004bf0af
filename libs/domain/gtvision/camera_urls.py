"""Which addresses a camera may have. The server connects to what a user typed: without rules that is a door into its own network.

Parsers disagree about strange URLs, and the one that checks is never the one that connects. So whatever two parsers could read
differently is refused: control characters, backslashes, two `@`, hosts that look like numbers, queries without a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NoReturn
from urllib.parse import unquote_to_bytes

from gtvision.addresses import AddressPolicy, IpAddress
from gtvision.errors import InvalidCameraUrl

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

    def at(self, address: IpAddress) -> str:
        """The text with an address in place of the host, and every other character as it was."""
        match = _SHAPE.fullmatch(self.text)
        assert match is not None  # it was parsed
        place = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.text[: match.start('host')]}{place}{self.text[match.end('host') :]}"


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


def check_places(policy: AddressPolicy, found: Iterable[IpAddress]) -> None:
    """Every address of a name must be acceptable where a camera is taken in. Raises: InvalidCameraUrl."""
    places = list(found)
    if not places:
        _refuse("has a host name without an address")
    if not all(policy.accepts(place) for place in places):
        _refuse("leads to a network that cameras may not be in")
