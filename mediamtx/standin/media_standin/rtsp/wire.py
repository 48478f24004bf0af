"""RTSP messages: parsing, printing, and a client's authorization (Basic by RFC 7617, Digest by RFC 7616 with MD5)."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from http import HTTPStatus

MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 128 * 1024
_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^,\s]+))')

_REASONS = {454: "Session Not Found", 455: "Method Not Valid in This State", 461: "Unsupported Transport"}


class ProtocolError(ConnectionError):
    """The other side does not speak RTSP as we know it."""


@dataclass(slots=True)
class Message:
    """A request or a response. Header names are lower case."""

    start: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    challenges: list[str] = field(default_factory=list)
    """All WWW-Authenticate headers; a camera may offer Digest and Basic."""

    @property
    def status(self) -> int:
        """The status code of a response."""
        try:
            return int(self.start.split(" ", 2)[1])
        except (IndexError, ValueError) as error:
            raise ProtocolError(f"bad status line: {self.start[:80]!r}") from error


def parse(data: bytes) -> tuple[Message, int] | None:
    """The first message in `data` and its size, None if it is not complete yet. Raises ProtocolError."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > MAX_HEADER_BYTES:
            raise ProtocolError("header is too long")
        return None
    lines = data[:end].decode("utf-8", "replace").split("\r\n")
    message = Message(lines[0])
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ProtocolError(f"bad header line: {line[:80]!r}")
        key = name.strip().lower()
        if key == "www-authenticate":
            message.challenges.append(value.strip())
        message.headers[key] = value.strip()
    length = _content_length(message)
    total = end + 4 + length
    if len(data) < total:
        return None
    message.body = data[end + 4 : total]
    return message, total


def _content_length(message: Message) -> int:
    text = message.headers.get("content-length", "0")
    if not text.isdigit() or int(text) > MAX_BODY_BYTES:
        raise ProtocolError("bad content length")
    return int(text)


def encode(start: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A message as bytes."""
    if body:
        headers = {**headers, "Content-Length": str(len(body))}
    lines = [start, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def response(status: int, cseq: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """A response as bytes."""
    reason = _REASONS.get(status) or HTTPStatus(status).phrase
    return encode(f"RTSP/1.0 {status} {reason}", {"CSeq": cseq, "Server": "media-standin", **(headers or {})}, body)


class Authorization:
    """Answers a camera's challenge: Digest where it is offered, Basic otherwise."""

    def __init__(self, user: str, password: str, challenges: list[str]) -> None:
        self._user = user
        self._password = password
        digest = next((text for text in challenges if text.lower().startswith("digest")), "")
        self._digest = {name: quoted or bare for name, quoted, bare in _PARAMETER.findall(digest)}

    def header(self, method: str, uri: str) -> str:
        """The Authorization header of one request."""
        if not self._digest:
            return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        realm, nonce = self._digest.get("realm", ""), self._digest.get("nonce", "")
        first = _md5(f"{self._user}:{realm}:{self._password}")
        second = _md5(f"{method}:{uri}")
        fields = {"username": self._user, "realm": realm, "nonce": nonce, "uri": uri}
        quality = "auth" in self._digest.get("qop", "").split(",")
        if quality:
            client_nonce = hashlib.sha256(f"{nonce}{uri}{method}".encode()).hexdigest()[:16]
            fields["response"] = _md5(f"{first}:{nonce}:00000001:{client_nonce}:auth:{second}")
            extra = f', qop=auth, nc=00000001, cnonce="{client_nonce}"'
        else:
            fields["response"] = _md5(f"{first}:{nonce}:{second}")
            extra = ""
        if "opaque" in self._digest:
            extra += f', opaque="{self._digest["opaque"]}"'
        return "Digest " + ", ".join(f'{name}="{value}"' for name, value in fields.items()) + extra


def _md5(text: str) -> str:
    """The hash that cameras expect; the link is not encrypted either."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
