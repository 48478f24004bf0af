"""Tests of the segments and playlists of one stream, without HTTP."""

from __future__ import annotations

from pathlib import Path

import av
from tests.media_standin.conftest import Clip

from media_standin.h264 import AccessUnit
from media_standin.hls import Muxer
from media_standin.options import global_defaults
from media_standin.stream import Stream, Track


def muxer(clip: Clip, **options: object) -> tuple[Muxer, Stream, list[str]]:
    closed: list[str] = []
    stream = Stream(Track(96, clip.sps, clip.pps))
    made = Muxer(stream, {**global_defaults(), **options}, lambda: closed.append("closed"))
    return made, stream, closed


async def test_segments_of_a_group_each(clip: Clip, tmp_path: Path) -> None:
    made, stream, _ = muxer(clip)
    made.start()
    assert not made.ready
    for packets in clip.packets():
        stream.push(packets, 1, 0.0)
    assert made.ready
    lines = made.media("?s=1").splitlines()
    assert "#EXT-X-MEDIA-SEQUENCE:0" in lines
    names = [line.partition("?")[0] for line in lines if line.endswith("?s=1")]
    assert len(names) == 2
    init = made.media("").partition('URI="')[2].partition('"')[0]
    parts = [made.file(name) for name in (init, *names)]
    film = tmp_path / "film.mp4"
    film.write_bytes(b"".join(part for part in parts if part))
    with av.open(str(film)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 50
    assert made.file("nothing.mp4") is None


async def test_a_late_viewer_gets_the_group_under_way(clip: Clip) -> None:
    made, stream, _ = muxer(clip)
    for packets in clip.packets(end=24):
        stream.push(packets, 1, 0.0)
    made.start()
    first = sum(len(one) for one in clip.packets(end=24))
    for packets in clip.packets(start=24, end=27, first_sequence=65_500 + first):
        stream.push(packets, 1, 0.0)
    assert made.ready
    assert "#EXTINF:1.00000," in made.media("")


async def test_the_multivariant_playlist_names_the_picture(clip: Clip) -> None:
    made, stream, _ = muxer(clip)
    made.start()
    for packets in clip.packets():
        stream.push(packets, 1, 0.0)
    assert f'CODECS="avc1.{clip.sps[1:4].hex()}"' in made.multivariant("")
    assert "RESOLUTION=320x192" in made.multivariant("")
    assert "FRAME-RATE=25.000" in made.multivariant("")
    made.stop()


async def test_a_key_picture_of_another_size_closes(clip: Clip) -> None:
    made, stream, closed = muxer(clip)
    made.start()
    for packets in clip.packets(end=26):
        stream.push(packets, 1, 0.0)
    sps = clip.sps[:-1] + bytes((clip.sps[-1] ^ 8,))
    stream._depacketizer.sps = sps
    made._on_unit(AccessUnit(clip.pictures[0], 10**6 + 3600, True, 0.0))
    assert closed == ["closed"]
    made.stop()


async def test_old_segments_go(clip: Clip) -> None:
    made, stream, _ = muxer(clip, hlsSegmentCount=1)
    made.start()
    for packets in clip.packets():
        stream.push(packets, 1, 0.0)
    assert made.media("").count("#EXTINF") == 1
    assert "#EXT-X-MEDIA-SEQUENCE:1" in made.media("")


async def test_the_end_of_the_stream_closes(clip: Clip) -> None:
    made, stream, closed = muxer(clip)
    made.start()
    stream.close()
    await made.wait_ready()
    assert closed == ["closed"]
