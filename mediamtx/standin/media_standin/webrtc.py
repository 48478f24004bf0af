"""One WebRTC viewer: a camera's H264 pictures over SRTP, unchanged, through aiortc."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

import aioice.ice
import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from gtvision.ids import new_id
from media_standin.auth import secret_id
from media_standin.h264 import CLOCK_RATE, AccessUnit
from media_standin.paths import Path, Reader
from media_standin.stream import Stream

log = logging.getLogger("media_standin.webrtc")

MAX_WAITING_UNITS = 250
"""Ten seconds at 25 pictures a second; a viewer further behind loses pictures up to the next key picture."""
CATCH_UP_S = 0.002
"""Between two pictures of the cached group, so that a burst fits into the socket buffers."""
CATCH_UP_TICKS = CLOCK_RATE // 1000
_TIME_BASE = Fraction(1, CLOCK_RATE)


def offer_loopback() -> None:
    """Makes aioice offer 127.0.0.1 too: it leaves loopback out, and a machine without a network has nothing else."""
    found = aioice.ice.get_host_addresses

    def with_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [*found(use_ipv4=use_ipv4, use_ipv6=use_ipv6), *(["127.0.0.1"] if use_ipv4 else [])]

    aioice.ice.get_host_addresses = with_loopback


class UnsupportedOffer(ValueError):
    """codecs not supported by client"""


def only_h264(offer: str) -> str:
    """The offer without video codecs other than H264, and without candidates that only a multicast query could resolve.

    The browser reaches us, so its own addresses are not needed; waiting for mDNS answers would cost the first second.
    Raises UnsupportedOffer.
    """
    wanted = _h264_payloads(offer)
    if not wanted:
        raise UnsupportedOffer("codecs not supported by client")
    lines: list[str] = []
    video = False
    for line in offer.splitlines():
        kept: str | None = line
        if line.startswith("m="):
            video = line.startswith("m=video")
            kept = " ".join([*line.split()[:3], *wanted]) if video else line
        elif line.startswith("a=end-of-candidates") or (line.startswith("a=candidate:") and ".local " in line):
            kept = None
        elif video and line.startswith(("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:")):
            number = line.partition(":")[2].partition(" ")[0]
            kept = line if number in {*wanted, "*"} else None
        if kept is not None:
            lines.append(kept)
    return "\r\n".join([*lines, ""])


def _h264_payloads(offer: str) -> list[str]:
    """Payload types of H264 in packetization mode 1, with their retransmission types."""
    formats: dict[str, str] = {}
    codecs: dict[str, str] = {}
    for line in offer.splitlines():
        head, _, value = line.partition(" ")
        name, _, number = head.partition(":")
        if name == "a=rtpmap":
            codecs[number] = value.upper()
        elif name == "a=fmtp":
            formats[number] = value.replace(" ", "")
    video = [n for n, codec in codecs.items() if codec.startswith("H264/") and "packetization-mode=1" in formats.get(n, "").split(";")]
    again = [n for n, codec in codecs.items() if codec.startswith("RTX/") and formats.get(n, "").removeprefix("apt=") in video]
    return video + again


class PictureTrack(MediaStreamTrack):
    """Hands pictures to aiortc as encoded packets. Begins, when it is first asked, with the cached group of pictures."""

    kind = "video"

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.outbound_bytes = 0
        self.units_sent = 0
        self.frames_discarded = 0
        self._stream = stream
        self._units: deque[AccessUnit] = deque()
        self._backlog = 0
        self._catch_up = 0
        self._arrived = asyncio.Event()
        self._started = False
        self._skipping = False

    async def recv(self) -> av.Packet[Any]:
        """The next picture."""
        if not self._started:
            self._begin()
        while not self._units:
            self._arrived.clear()
            await self._arrived.wait()
        unit = self._units.popleft()
        if self._backlog:
            await asyncio.sleep(CATCH_UP_S)
            self._backlog -= 1
            # The cached pictures are shown as fast as they can be decoded, so that the viewer ends up live.
            self._catch_up += CATCH_UP_TICKS
            ticks = self._catch_up
        else:
            ticks = unit.ticks
        packet = av.Packet(unit.annex_b())
        packet.pts = ticks
        packet.time_base = _TIME_BASE
        self.units_sent += 1
        self.outbound_bytes += packet.size
        self._stream.outbound_bytes += packet.size
        return packet

    def _begin(self) -> None:
        self._started = True
        self._units.extend(self._stream.group)
        self._backlog = len(self._units)
        self._skipping = not self._units
        if self._units:  # timestamps of the group end where the live ones go on
            self._catch_up = self._units[-1].ticks - self._backlog * CATCH_UP_TICKS
        self._stream.read_units(self, self._on_unit, self.stop)

    def _on_unit(self, unit: AccessUnit) -> None:
        if len(self._units) >= MAX_WAITING_UNITS:
            self._skipping = True
        if self._skipping and not unit.key:
            self.frames_discarded += 1
            return
        if self._skipping:
            self.frames_discarded += len(self._units)
            self._units.clear()
            self._skipping = False
            self._backlog = 0
        self._units.append(unit)
        self._arrived.set()

    def stop(self) -> None:
        """Stops reading the stream."""
        self._stream.forget(self)
        super().stop()


class Viewer:
    """One WHEP session."""

    def __init__(self, path: str, remote_addr: str, query: str, user_agent: str, created: datetime) -> None:
        self.id: UUID = new_id()
        self.secret: UUID = secret_id()
        self.path_name = path
        self.remote_addr = remote_addr
        self.query = query
        self.user_agent = user_agent
        self.user = ""
        self.created = created
        self.established = False
        self.path: Path | None = None
        self.reader: Reader | None = None
        self.track: PictureTrack | None = None
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.ended = asyncio.Event()

    async def answer(self, offer: str, stream: Stream) -> str:
        """Our session description. Raises UnsupportedOffer, ValueError."""
        self.track = PictureTrack(stream)
        self._peer.on("connectionstatechange", self._on_state)
        await self._peer.setRemoteDescription(RTCSessionDescription(only_h264(offer), "offer"))
        self._peer.addTrack(self.track)
        answer = await self._peer.createAnswer()
        if answer is None:
            raise UnsupportedOffer("codecs not supported by client")
        await self._peer.setLocalDescription(answer)
        return self._peer.localDescription.sdp

    async def add_candidates(self, fragment: str) -> None:
        """Trickled candidates of the viewer (RFC 8840). Raises ValueError."""
        media = "0"
        for line in fragment.splitlines():
            if line.startswith("a=mid:"):
                media = line[6:].strip()
            elif line.startswith("a=candidate:") and ".local " not in line:
                candidate = candidate_from_sdp(line[len("a=candidate:") :].strip())
                candidate.sdpMid = media
                await self._peer.addIceCandidate(candidate)

    async def _on_state(self) -> None:
        if self._peer.connectionState == "connected":
            self.established = True
            log.info("[session %s] is reading from path '%s'", self.id.hex[:8], self.path_name)
        elif self._peer.connectionState in {"failed", "closed"}:
            self.ended.set()

    def candidates(self) -> tuple[str, str]:
        """Local and remote candidate as the control API prints them, empty before the connection stands."""
        for transceiver in self._peer.getTransceivers():
            connection: Any = transceiver.sender.transport.transport._connection
            pair = connection._nominated.get(1)
            if pair:
                return _candidate(pair.local_candidate), _candidate(pair.remote_candidate)
        return "", ""

    async def close(self) -> None:
        """Ends the connection and leaves the path."""
        self.ended.set()
        if self.track:
            self.track.stop()
        if self.path and self.reader:
            self.path.dismiss(self.reader)
        await self._peer.close()


def _candidate(candidate: Any) -> str:
    return f"{candidate.type}/udp/{candidate.host}/{candidate.port}"
