"""Session descriptions (RFC 4566): finding the H264 track in a camera's, and printing ours for readers."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import urljoin

from media_standin.rtsp.wire import ProtocolError
from media_standin.stream import Track


@dataclass(slots=True)
class Offer:
    """The camera's H264 track and where to set it up."""

    track: Track
    control_url: str
    skipped: list[str]
    """Codecs of the tracks that are left out."""


def read(body: bytes, base_url: str) -> Offer:
    """The first H264 track. Raises ProtocolError if there is none."""
    session_control, medias = _sections(body.decode("utf-8", "replace"))
    base = urljoin(base_url, session_control) if session_control not in {"", "*"} else base_url
    offer: Offer | None = None
    skipped: list[str] = []
    for media in medias:
        payload_type, codec = _codec(media)
        if codec.upper() == "H264" and offer is None:
            track = Track(payload_type)
            _read_parameters(track, media.get(f"fmtp:{payload_type}", ""))
            offer = Offer(track, _join(base, media.get("control", "")), skipped)
        else:
            skipped.append(codec)
    if offer is None:
        raise ProtocolError(f"the camera offers no H264 track, only {', '.join(skipped) or 'nothing'}")
    return offer


def _sections(text: str) -> tuple[str, list[dict[str, str]]]:
    session: dict[str, str] = {}
    medias: list[dict[str, str]] = []
    current = session
    for line in text.splitlines():
        if line.startswith("m="):
            current = {"m": line[2:]}
            medias.append(current)
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            if name in {"rtpmap", "fmtp"}:
                payload_type, _, value = value.partition(" ")
                name = f"{name}:{payload_type}"
            current[name] = value.strip()
    return session.get("control", ""), medias


def _codec(media: dict[str, str]) -> tuple[int, str]:
    parts = media["m"].split()
    if len(parts) < 4 or not parts[3].isdigit():
        return -1, parts[0] if parts else "unknown"
    payload_type = int(parts[3])
    return payload_type, media.get(f"rtpmap:{payload_type}", parts[0]).partition("/")[0]


def _read_parameters(track: Track, text: str) -> None:
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            track.format_parameters[name] = value
    for encoded in track.format_parameters.get("sprop-parameter-sets", "").split(","):
        try:
            nal = base64.b64decode(encoded)
        except (ValueError, binascii.Error):
            continue
        if nal and nal[0] & 0x1F == 7:
            track.sps = nal
        elif nal and nal[0] & 0x1F == 8:
            track.pps = nal


def _join(base: str, control: str) -> str:
    if control in {"", "*"}:
        return base
    if control.startswith(("rtsp://", "rtsps://")):
        return control
    if control.startswith("/"):
        return urljoin(base, control)
    return base + control if base.endswith("/") else f"{base}/{control}"


def describe(track: Track, sps: bytes, pps: bytes) -> bytes:
    """Our description of a stream for a reader; packets keep the camera's payload type."""
    number = track.payload_type
    parameters = {"packetization-mode": "1", **track.format_parameters}
    if sps and pps:
        parameters["profile-level-id"] = sps[1:4].hex().upper()
        parameters["sprop-parameter-sets"] = f"{base64.b64encode(sps).decode()},{base64.b64encode(pps).decode()}"
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=Stream",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        f"m=video 0 RTP/AVP {number}",
        "a=control:trackID=0",
        f"a=rtpmap:{number} H264/90000",
        f"a=fmtp:{number} " + "; ".join(f"{name}={value}" for name, value in parameters.items()),
        "",
    ]
    return "\r\n".join(lines).encode()
