"""Segments and playlists of one stream, without HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from media_standin.hls import Muxer
from media_standin.options import global_defaults
from media_standin.stream import Stream, Track


def muxer(clip: Any, variant: str, **options: object) -> tuple[Muxer, Stream, list[str]]:
    closed: list[str] = []
    stream = Stream(Track(96, clip.sps, clip.pps))
    made = Muxer(stream, {**global_defaults(), "hlsVariant": variant, **options}, lambda: closed.append("closed"))
    return made, stream, closed


async def test_segments_of_a_group_each(clip: Any, tmp_path: Path) -> None:
    made, stream, _ = muxer(clip, "fmp4")
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
    parts = [await made.wait_part(name) for name in (init, *names)]
    film = tmp_path / "film.mp4"
    film.write_bytes(b"".join(part for part in parts if part))
    with av.open(str(film)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 50
    assert await made.wait_part("nothing.mp4") is None


async def test_a_late_viewer_gets_the_group_under_way(clip: Any) -> None:
    made, stream, _ = muxer(clip, "fmp4")
    for packets in clip.packets(end=24):
        stream.push(packets, 1, 0.0)
    made.start()
    first = sum(len(one) for one in clip.packets(end=24))
    for packets in clip.packets(start=24, end=27, first_sequence=65_500 + first):
        stream.push(packets, 1, 0.0)
    assert made.ready
    assert "#EXTINF:1.00000," in made.media("")


async def test_parts_for_low_latency(clip: Any) -> None:
    made, stream, _ = muxer(clip, "lowLatency")
    made.start()
    for packets in clip.packets():
        stream.push(packets, 1, 0.0)
    text = made.media("")
    assert text.count("#EXT-X-GAP") == 5
    assert "PART-TARGET=0.20000" in text
    assert text.count("INDEPENDENT=YES") == 3
    assert "#EXT-X-PRELOAD-HINT" in text
    assert f'CODECS="avc1.{clip.sps[1:4].hex()}"' in made.multivariant("")
    assert "RESOLUTION=320x192" in made.multivariant("")


async def test_old_segments_go(clip: Any) -> None:
    made, stream, _ = muxer(clip, "fmp4", hlsSegmentCount=1)
    made.start()
    for packets in clip.packets():
        stream.push(packets, 1, 0.0)
    assert made.media("").count("#EXTINF") == 1
    assert "#EXT-X-MEDIA-SEQUENCE:1" in made.media("")


async def test_the_end_of_the_stream_closes(clip: Any) -> None:
    made, stream, closed = muxer(clip, "fmp4")
    made.start()
    stream.close()
    await made.wait_ready()
    assert closed == ["closed"]
