"""Tests of pictures made from RTP packets, and of parameter sets."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media_standin.conftest import Clip

from media_standin.h264 import AccessUnit, Depacketizer, read_picture


def feed(depacketizer: Depacketizer, pictures: list[list[bytes]]) -> list[AccessUnit]:
    return [unit for packets in pictures for unit in depacketizer.push(packets, 0.0)]


def test_pictures_come_out_as_they_went_in(clip: Clip) -> None:
    units = feed(Depacketizer(), clip.packets())
    assert [unit.nals for unit in units] == clip.pictures
    assert [unit.key for unit in units[:26]] == [True, *[False] * 24, True]
    assert [unit.ticks for unit in units[:3]] == [0, 3600, 7200]
    assert units[-1].ticks == 74 * 3600  # the 32-bit timestamp has wrapped around in between


def test_packets_in_one_burst_or_one_by_one_are_the_same(clip: Clip) -> None:
    packets = [packet for picture in clip.packets() for packet in picture]
    at_once = Depacketizer().push(packets, 0.0)
    one_by_one = feed(Depacketizer(), [[packet] for packet in packets])
    assert [unit.nals for unit in at_once] == [unit.nals for unit in one_by_one] == clip.pictures


def test_a_picture_with_a_lost_packet_is_dropped_and_counted(clip: Clip) -> None:
    pictures = clip.packets()
    del pictures[10][1]
    depacketizer = Depacketizer()
    assert len(feed(depacketizer, pictures)) == len(pictures) - 1
    assert depacketizer.frames_in_error == 1


def test_a_key_picture_gets_the_parameter_sets_of_the_description(clip: Clip) -> None:
    bare = type(clip)([[nal for nal in nals if nal[0] & 0x1F not in {7, 8}] for nals in clip.pictures], clip.sps, clip.pps)
    units = feed(Depacketizer(clip.sps, clip.pps), bare.packets())
    assert units[0].nals[:2] == [clip.sps, clip.pps]
    assert units[1].nals == clip.pictures[1]


def test_aggregates_and_unusual_headers(clip: Clip) -> None:
    """Parameter sets in one STAP-A packet, with a contributing source, an extension and padding."""
    sets = bytes((24,)) + b"".join(struct.pack(">H", len(nal)) + nal for nal in (clip.sps, clip.pps))
    rtp = struct.pack(">BBHII", 0xB1, 96, 1, 5, 7) + b"csrc" + struct.pack(">HHI", 1, 1, 0) + sets + b"\0\0\3"
    slices = [nal for nal in clip.pictures[0] if nal[0] & 0x1F == 5]
    end = struct.pack(">BBHII", 0x80, 0xE0, 2, 5, 7) + slices[0][:1000]
    units = Depacketizer().push([struct.pack(">BBH", 0x24, 0, len(one)) + one for one in (rtp, end)], 0.0)
    assert units[0].nals == [clip.sps, clip.pps, slices[0][:1000]]


@given(st.lists(st.binary(max_size=64), max_size=30))
def test_nonsense_is_survived(payloads: list[bytes]) -> None:
    depacketizer = Depacketizer()
    depacketizer.push([struct.pack(">BBH", 0x24, 0, len(payload)) + payload for payload in payloads], 0.0)


def test_parameter_sets_tell_the_picture(clip: Clip) -> None:
    info = read_picture(clip.sps, clip.pps)
    assert (info.width_px, info.height_px) == (320, 192)
    assert info.profile == "Baseline"


def test_cropping_and_high_profile() -> None:
    sps = bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658")
    info = read_picture(sps, bytes.fromhex("68ebecb22c"))
    assert (info.width_px, info.height_px, info.profile, info.level) == (1920, 1080, "High", "4")


def test_a_pps_of_another_number_does_as_well(clip: Clip) -> None:
    bits = f"{int.from_bytes(clip.pps[1:], 'big'):0{8 * len(clip.pps) - 8}b}"
    seventh = "00111" + bits[1:] + "000000" + "0"  # 6 as an Exp-Golomb code in place of 0, and padding
    pps = clip.pps[:1] + int(seventh[: len(seventh) // 8 * 8], 2).to_bytes(len(seventh) // 8, "big")
    assert read_picture(clip.sps, pps) == read_picture(clip.sps, clip.pps)


@given(st.binary(max_size=40), st.binary(max_size=10))
def test_damaged_parameter_sets_are_refused_or_read(sps: bytes, pps: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_picture(b"\x67" + sps, b"\x68" + pps)


def test_a_parameter_set_that_ends_early_is_refused(clip: Clip) -> None:
    for sps, pps in ((clip.sps[:3], clip.pps), (b"", b""), (clip.sps, b"")):
        with pytest.raises(ValueError, match="damaged"):
            read_picture(sps, pps)
