"""Which addresses a camera may have. The server connects to what a user typed: without rules that is a door into its own network.

Parsers disagree about strange URLs, and the one that checks is never the one that connects. So whatever two parsers could read
differently is refused: control characters, backslashes, two `@`, hosts that look like numbers, queries without a path. What is accepted
here is accepted by the media server too: `CameraUrl.source` writes it in the media server's grammar (Go's `net/url`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

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
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PLAIN_IN_USERINFO = "-._~!$&'()*+,;=:%"
"""Beside letters and digits, what RFC 3986 lets stand as it is. Go refuses every other character, and so does the media server."""
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

    @property
    def source(self) -> str:
        """The text as the media server takes it: the scheme in lower case, and in user and password %XX for what Go refuses."""
        return self._source(_parts(self.text)["host"])

    def at(self, address: IpAddress) -> str:
        """As `source`, with an address in place of the host."""
        return self._source(f"[{address}]" if address.version == 6 else str(address))

    def _source(self, place: str) -> str:
        parts = _parts(self.text)
        userinfo = "" if parts["userinfo"] is None else quote(parts["userinfo"], safe=_PLAIN_IN_USERINFO) + "@"
        return f"{self.scheme}://{userinfo}{place}{self.text[parts.end('host') :]}"


def parse_camera_url(text: str) -> CameraUrl:
    """Raises: InvalidCameraUrl, whose message never repeats the text."""
    if not text or len(text) > MAX_URL:
        _refuse("is empty or longer than 2048 characters")
    if text != text.strip():
        _refuse("begins or ends with a space or a line break; remove it")
    if _CONTROL.search(text):
        _refuse("has control characters")
    if not _PRINTABLE.fullmatch(text):
        _refuse("has spaces or non-ASCII characters; write them as %XX (in a host name as xn--...)")
    match = _parts(text)
    path, query, userinfo = match["path"] or "", match["query"], match["userinfo"]
    if query is not None and not path:
        _refuse("has a query but no path")
    for part in (path, query or "", userinfo or ""):
        _check_escapes(part)
    user, _, password = (userinfo or "").partition(":")
    if bool(user) != bool(password):
        _refuse("has a user without a password or a password without a user; the media server takes both or neither")
    host = _host(match["host"])
    port = int(match["port"] or DEFAULT_PORTS[match["scheme"].lower()])
    if not 1 <= port <= 65_535:
        _refuse("has a port outside 1 to 65535")
    place = match["host"] + (f":{match['port']}" if match["port"] else "")
    shown = f"{match['scheme'].lower()}://{place}{_SECRET_IN_PATH.sub(_MASKED, path)}"
    if query is not None:
        shown += "?" + _SECRET_IN_QUERY.sub(_MASKED, query)
    return CameraUrl(text, match["scheme"].lower(), host, port, shown)


def _parts(text: str) -> re.Match[str]:
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise InvalidCameraUrl(f"The camera address {_trouble(text)}.")
    return match


def _trouble(text: str) -> str:
    """What is wrong with an address that has not the shape of one."""
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in DEFAULT_PORTS:
        return "does not begin with rtsp:// or rtsps://"
    if "#" in rest or "\\" in rest:
        return "has a # or a backslash; write them as %23 and %5C"
    userinfo, _, place = re.split("[/?]", rest, maxsplit=1)[0].rpartition("@")
    if any(mark in userinfo for mark in "@[]") or (not userinfo and "@" in rest):
        return "cannot be told apart into user, password and host; write @ / ? [ ] in a user or a password as %XX"
    return "has no valid host or port" if place else "has no host"


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
    refused = [place for place in places if not policy.accepts(place)]
    if not refused:
        return
    if all(replace(policy, allow_loopback=True).accepts(place) for place in refused):
        _refuse("leads to this server itself; the setting CAMERA_ALLOW_LOOPBACK allows that")
    _refuse("leads to a network that cameras may not be in; the setting CAMERA_ALLOWED_NETWORKS makes exceptions")
