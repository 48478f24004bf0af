"""Tests of the fan-out of a stream to its readers, and of the group of pictures that is kept for new ones."""

from __future__ import annotations

import pytest
from tests.media_standin.conftest import Clip

from media_standin.h264 import AccessUnit
from media_standin.stream import Stream, Track
from media_standin.webrtc import PictureTrack, UnsupportedOffer, only_h264

OFFER = """v=0
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 H264/90000
a=fmtp:98 packetization-mode=1;profile-level-id=42e01f
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=candidate:1 1 udp 1 abc.local 9 typ host
a=candidate:2 1 udp 1 192.0.2.1 9 typ host
a=end-of-candidates
"""


def push(stream: Stream, pictures: list[list[bytes]]) -> None:
    for packets in pictures:
        stream.push(packets, sum(map(len, packets)), 0.0)


def test_the_last_group_is_kept(clip: Clip) -> None:
    stream = Stream(Track(96))
    push(stream, clip.packets(end=30))
    assert len(stream.group) == 5
    assert stream.group[0].key


def test_a_group_that_is_too_large_is_not_kept(clip: Clip) -> None:
    stream = Stream(Track(96), max_group_bytes=10)
    push(stream, clip.packets(end=20))
    assert stream.group == []


def test_readers_come_and_go(clip: Clip) -> None:
    stream = Stream(Track(96))
    units: list[AccessUnit] = []
    packets: list[bytes] = []
    ended: list[str] = []
    stream.read_units("a", units.append, lambda: ended.append("a"))
    stream.read_packets("b", packets.extend, lambda: ended.append("b"))
    push(stream, clip.packets(end=3))
    assert len(units) == 3
    assert packets == [packet for picture in clip.packets(end=3) for packet in picture]
    stream.forget("a")
    stream.close()
    stream.close()
    assert ended == ["b"]
    assert stream.inbound_bytes == sum(map(len, packets))


async def test_a_viewer_starts_with_the_group_and_goes_on_live(clip: Clip) -> None:
    stream = Stream(Track(96))
    push(stream, clip.packets(end=30))
    track = PictureTrack(stream)
    packets = [await track.recv() for _ in range(5)]
    assert bytes(packets[0])[4] & 0x1F == 7
    push(stream, clip.packets(start=30, end=32, first_sequence=65_500 + sum(len(one) for one in clip.packets(end=30))))
    packets += [await track.recv() for _ in range(2)]
    times = [packet.pts for packet in packets if packet.pts is not None]
    assert times == sorted(set(times))
    assert times[5] - times[4] == 3600
    assert times[4] - times[0] == 4 * 90
    track.stop()


async def test_a_slow_viewer_loses_pictures_up_to_the_next_key_picture(clip: Clip) -> None:
    stream = Stream(Track(96))
    push(stream, clip.packets(end=1))
    track = PictureTrack(stream)
    await track.recv()
    for number in range(400):
        for read in list(stream._units.values()):
            read(AccessUnit([b"\x41"], number, False, 0.0))
    assert track.frames_discarded > 100
    for read in list(stream._units.values()):
        read(AccessUnit([b"\x65"], 400, True, 0.0))
    assert bytes(await track.recv()).endswith(b"\x65")
    track.stop()


def test_an_offer_is_reduced_to_h264() -> None:
    offer = OFFER.replace("\n", "\r\n")
    reduced = only_h264(offer)
    assert "m=video 9 UDP/TLS/RTP/SAVPF 98 99" in reduced
    assert "VP8" not in reduced
    assert ".local" not in reduced
    assert "192.0.2.1" in reduced
    with pytest.raises(UnsupportedOffer):
        only_h264(offer.replace("H264", "VP9"))
