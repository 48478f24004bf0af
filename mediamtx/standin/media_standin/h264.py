"""H264 as cameras send it: RTP payloads (RFC 6184) to access units, and what the parameter sets tell.

An access unit is one picture with everything that belongs to it. NAL units are kept without start codes and without lengths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import av

CLOCK_RATE = 90_000
"""Ticks per second of every H264 RTP clock (RFC 6184, section 8.2.1)."""
MAX_STEP_TICKS = 10 * CLOCK_RATE
"""A longer step of the camera's clock is a jump, not a picture's duration."""

IDR, SPS, PPS, AUD = 5, 7, 8, 9
STAP_A, FU_A = 24, 28

_SLICE = b"\x65\x88"
"""Beginning of an IDR slice: first macroblock 0, an I slice; the number of its PPS follows."""
_PROFILES = {66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10", 122: "High 4:2:2", 244: "High 4:4:4 Predictive"}


def annex_b(nals: list[bytes]) -> bytes:
    """NAL units with start codes."""
    return b"\x00\x00\x00\x01" + b"\x00\x00\x00\x01".join(nals)


@dataclass(slots=True)
class AccessUnit:
    """One picture: its NAL units, its time on the stream's own clock, and whether a decoder can start here."""

    nals: list[bytes]
    ticks: int
    """Unwrapped RTP time, 90 kHz."""
    key: bool
    arrived_at: float
    """Wall clock, Unix seconds, when its last packet came in."""

    def avcc(self) -> bytes:
        """NAL units with four-byte lengths, as MP4 stores them."""
        return b"".join([part for nal in self.nals for part in (len(nal).to_bytes(4, "big"), nal)])

    def annex_b(self) -> bytes:
        """NAL units with start codes, as libav reads them."""
        return annex_b(self.nals)

    def size(self) -> int:
        return sum(map(len, self.nals))


@dataclass(frozen=True, slots=True)
class Picture:
    """What the parameter sets say about a stream's pictures."""

    width_px: int
    height_px: int
    profile: str
    level: str


MAX_UNIT_PIECES = 16_384
"""NAL units of one picture, or packets of one NAL unit; beyond that a camera sends nonsense."""


class Depacketizer:
    """Framed RTP packets of one H264 track to access units. Feed it in order; TCP keeps the order, a gap drops the unit."""

    def __init__(self, sps: bytes = b"", pps: bytes = b"") -> None:
        self.sps = sps
        self.pps = pps
        self.frames_in_error = 0
        self._nals: list[bytes] = []
        self._fragments: list[bytes] = []
        self._key = False
        self._broken = False
        self._sequence = -1
        self._timestamp = -1
        self._ticks = 0

    def push(self, packets: Iterable[bytes], arrived_at: float) -> list[AccessUnit]:
        """Packets with their four-byte interleaved header, all of the video channel. Returns the units that they complete."""
        units: list[AccessUnit] = []
        for packet in packets:
            payload_at, end = 16, len(packet)
            if end < 17 or packet[4] != 0x80:  # cameras send no padding, extension or contributing sources
                payload_at, end = _payload_bounds(packet)
                if payload_at >= end:
                    continue
            self._check_sequence(packet[6] << 8 | packet[7])
            timestamp = int.from_bytes(packet[8:12], "big")
            if timestamp != self._timestamp:
                if self._nals:
                    self._finish(units, arrived_at)
                self._advance(timestamp)
            kind = packet[payload_at] & 0x1F
            if kind == FU_A:
                self._take_fragment(packet, payload_at, end)
            elif kind == STAP_A:
                self._take_aggregate(packet, payload_at + 1, end)
            elif 0 < kind < STAP_A:
                self._take_nal(packet[payload_at:end])
            if packet[5] & 0x80:
                self._finish(units, arrived_at)
        return units

    def _check_sequence(self, sequence: int) -> None:
        if self._sequence >= 0 and sequence != (self._sequence + 1) & 0xFFFF:
            self._broken = True
        self._sequence = sequence

    def _advance(self, timestamp: int) -> None:
        if self._timestamp < 0:
            self._ticks = 0
        else:
            step = (timestamp - self._timestamp) & 0xFFFFFFFF
            self._ticks += step - (1 << 32) if step & 0x80000000 else step
        self._timestamp = timestamp

    def _take_fragment(self, packet: bytes, at: int, end: int) -> None:
        header = packet[at + 1]
        if header & 0x80:
            self._fragments = [bytes((packet[at] & 0xE0 | header & 0x1F,)), packet[at + 2 : end]]
        elif 0 < len(self._fragments) < MAX_UNIT_PIECES:
            self._fragments.append(packet[at + 2 : end])
        else:
            self._broken = True
            return
        if header & 0x40:
            self._take_nal(b"".join(self._fragments))
            self._fragments = []

    def _take_aggregate(self, packet: bytes, at: int, end: int) -> None:
        while at + 2 < end:
            size = packet[at] << 8 | packet[at + 1]
            at += 2
            if size and at + size <= end:
                self._take_nal(packet[at : at + size])
            at += size

    def _take_nal(self, nal: bytes) -> None:
        kind = nal[0] & 0x1F
        if kind == AUD or (kind in {SPS, PPS} and nal in self._nals):
            return
        if kind == IDR:
            self._key = True
        elif kind == SPS:
            self.sps = nal
        elif kind == PPS:
            self.pps = nal
        if len(self._nals) < MAX_UNIT_PIECES:
            self._nals.append(nal)

    def _finish(self, units: list[AccessUnit], arrived_at: float) -> None:
        nals, key, broken = self._nals, self._key, self._broken
        self._nals, self._fragments, self._key, self._broken = [], [], False, False
        if broken:
            self.frames_in_error += 1
            return
        if not any(nal[0] & 0x1F in {1, IDR} for nal in nals):
            self._nals = nals[-8:]  # parameter sets sent ahead of their picture belong to it
            return
        if key and not any(nal[0] & 0x1F == SPS for nal in nals):
            nals = [nal for nal in (self.sps, self.pps) if nal] + nals
        units.append(AccessUnit(nals, self._ticks, key, arrived_at))


def _payload_bounds(packet: bytes) -> tuple[int, int]:
    """Where the payload of an unusual RTP packet starts and ends (RFC 3550, section 5.1)."""
    end = len(packet)
    if end < 16:
        return end, end
    flags = packet[4]
    at = 16 + 4 * (flags & 0x0F)
    if flags & 0x10 and at + 4 <= end:
        at += 4 + 4 * (packet[at + 2] << 8 | packet[at + 3])
    if flags & 0x20:
        end -= packet[-1]
    return at, end


@lru_cache(256)
def read_picture(sps: bytes, pps: bytes) -> Picture:
    """Size, profile and level of the pictures that two parameter sets describe. Raises ValueError for a damaged set.

    libav's parser tells the size when it meets a slice: it gets the beginning of one, whose reference to the PPS is the PPS's own number.
    """
    parser = av.CodecContext.create("h264", "r")
    parser.parse(annex_b([sps, pps, _SLICE + pps[1:]]))
    parser.parse(None)
    if len(sps) < 5 or not isinstance(parser, av.VideoCodecContext) or not parser.width:
        raise ValueError("damaged parameter set")
    major, minor = divmod(sps[3], 10)
    return Picture(parser.width, parser.height, _PROFILES.get(sps[1], str(sps[1])), f"{major}.{minor}" if minor else str(major))
