"""Fixtures: a short H264 clip, as pictures and as the RTP packets that a camera would send."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import pytest

FPS = 25
WIDTH, HEIGHT = 320, 192


@dataclass(frozen=True)
class Clip:
    """A clip of three seconds with a key picture each second."""

    pictures: list[list[bytes]]
    sps: bytes
    pps: bytes

    def packets(self, start: int = 0, end: int | None = None, *, channel: int = 0, first_sequence: int = 65_500) -> list[list[bytes]]:
        """Returns interleaved RTP packets for each picture: small NAL units in one packet, large ones in fragments."""
        sequence = first_sequence
        result: list[list[bytes]] = []
        for number in range(start, len(self.pictures) if end is None else end):
            payloads = [payload for nal in self.pictures[number] for payload in _fragments(nal)]
            timestamp = (0xFFFF_0000 + number * 90_000 // FPS) & 0xFFFF_FFFF
            packets: list[bytes] = []
            for index, payload in enumerate(payloads):
                marker = 0x80 if index == len(payloads) - 1 else 0
                rtp = struct.pack(">BBHII", 0x80, 96 | marker, sequence & 0xFFFF, timestamp, 7) + payload
                packets.append(struct.pack(">BBH", 0x24, channel, len(rtp)) + rtp)
                sequence += 1
            result.append(packets)
        return result


def _fragments(nal: bytes, size: int = 200) -> list[bytes]:
    if len(nal) <= size:
        return [nal]
    chunks = [nal[at : at + size] for at in range(1, len(nal), size)]
    indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 0x1F
    return [
        bytes((indicator, kind | (0x80 if index == 0 else 0) | (0x40 if index == len(chunks) - 1 else 0))) + chunk
        for index, chunk in enumerate(chunks)
    ]


@pytest.fixture(scope="session")
def clip() -> Clip:
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS, 1)
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"keyint={FPS}:bframes=0:sliced-threads=0:repeat-headers=1",
    }
    noise = np.random.default_rng(1)
    data: list[bytes] = []
    for _ in range(3 * FPS):
        image = noise.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        data += [bytes(packet) for packet in codec.encode(av.VideoFrame.from_ndarray(image, format="rgb24"))]
    data += [bytes(packet) for packet in codec.encode(None)]
    pictures = [[nal for nal in _split(one) if nal[0] & 0x1F not in {6, 9}] for one in data]
    sps, pps = pictures[0][0], pictures[0][1]
    return Clip(pictures, sps, pps)


def _split(data: bytes) -> list[bytes]:
    return [part.rstrip(b"\x00") for part in data.split(b"\x00\x00\x01") if part.strip(b"\x00")]
