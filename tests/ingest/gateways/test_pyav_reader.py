"""Tests of the stream reader on real RTSP cameras."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import SecretStr
from tests.ingest.camera import X264, X264_B, X264_NO_KEYS, camera_process

from gtvision.time import SystemClock
from ingest.gateways.pyav_reader import PyAvStreamReader, ReaderLimits
from ingest.grabbing.domain import Picture, StreamBroken
from servers import free_port


def reader(limits: ReaderLimits | None = None, user: str = "", password: str = "") -> PyAvStreamReader:
    return PyAvStreamReader(SystemClock(), user, SecretStr(password), limits or ReaderLimits(open_timeout_s=60, read_timeout_s=60))


def some(source: PyAvStreamReader, url: str, count: int) -> list[Picture]:
    found: list[Picture] = []
    for picture in source.pictures(url, lambda _: True, lambda: len(found) >= count):
        found.append(picture)
        if len(found) == count:
            break
    return found


@pytest.mark.media
class TestReader:
    @pytest.mark.parametrize("encoder", [X264, X264_B], ids=["no B-frames", "B-frames"])
    def test_key_frames_come_as_they_are_sent(self, encoder: str) -> None:
        with camera_process(encoder) as (url, _):
            asked: list[float] = []
            pictures: list[Picture] = []

            def wanted(stream_s: float) -> bool:
                asked.append(stream_s)
                return True

            for picture in reader().pictures(url, wanted, lambda: False):
                assert picture.stream_s == asked[-1], "none waits for its successor"
                pictures.append(picture)
                if len(pictures) == 4:
                    break
        assert [(picture.width_px, picture.height_px, picture.u.shape) for picture in pictures] == [(640, 360, (180, 320))] * 4
        steps = np.diff([picture.stream_s for picture in pictures])
        assert steps == pytest.approx([1.0] * 3, abs=0.15)

    def test_unwanted_key_frames_are_not_decoded(self) -> None:
        with camera_process(X264) as (url, _):
            asked: list[float] = []

            def wanted(stream_s: float) -> bool:
                asked.append(stream_s)
                return len(asked) % 2 == 0

            for _ in zip(range(2), reader().pictures(url, wanted, lambda: False), strict=False):
                pass
        assert len(asked) == 4

    def test_credentials_are_used_and_never_shown(self, capfd: pytest.CaptureFixture[str]) -> None:
        with camera_process(X264, "reader", "s3cr:et/@") as (url, _):
            assert some(reader(user="reader", password="s3cr:et/@"), url, 1)
            with pytest.raises(StreamBroken) as refused:
                some(reader(user="reader", password="wr0ng"), url, 1)
        assert refused.value.cause == "refused"
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__
        out = "".join(capfd.readouterr())
        assert "s3cr" not in out
        assert "wr0ng" not in out

    def test_a_frozen_camera_is_left_in_time(self) -> None:
        import signal

        with camera_process(X264) as (url, process):
            source = reader(ReaderLimits(open_timeout_s=60, read_timeout_s=20)).pictures(url, lambda _: True, lambda: False)
            next(source)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(StreamBroken, match=r"stalled_or_cut|ended"):
                for _ in source:
                    pass
            process.send_signal(signal.SIGCONT)

    def test_a_flood_is_cut(self) -> None:
        with camera_process(X264) as (url, _), pytest.raises(StreamBroken, match="flood"):
            some(reader(ReaderLimits(open_timeout_s=60, read_timeout_s=60, bytes_per_s=2_000)), url, 100)

    def test_a_camera_without_key_frames_is_broken(self) -> None:
        with camera_process(X264_NO_KEYS) as (url, _), pytest.raises(StreamBroken, match="no_key_frames"):
            some(reader(ReaderLimits(open_timeout_s=60, read_timeout_s=60, no_key_frame_s=2)), url, 100)

    def test_what_was_only_too_slow_is_waited_for_longer(self) -> None:
        """The camera sends a frame each second and a key frame each two; the first timeouts are half a second and a second."""
        slow = reader(ReaderLimits(open_timeout_s=0.5, read_timeout_s=0.5, no_key_frame_s=1))
        with camera_process(X264.replace("15", "2"), rate="1/1") as (url, _):
            found: list[Picture] = []
            patience = 0
            while len(found) < 2 and patience < 40:
                patience += 1
                found = self._two_at_once(slow, url, patience)
        assert patience > 1
        assert len(found) == 2
        apart_s = found[1].stream_s - found[0].stream_s
        assert apart_s > 1.5
        assert apart_s == pytest.approx(2 * round(apart_s / 2), abs=0.5), "a key frame each two seconds; a busy camera may leave some out"

    def _two_at_once(self, slow: PyAvStreamReader, url: str, patience: int) -> list[Picture]:
        """Returns the first two key frames of one connection, fewer where a timeout ended it."""
        found: list[Picture] = []
        try:
            for picture in slow.pictures(url, lambda _: True, lambda: False, patience=patience):
                found.append(picture)
                if len(found) == 2:
                    break
        except StreamBroken as broken:
            if not broken.slow:
                raise
        return found

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "concat:/etc/passwd", "http://127.0.0.1/x", "-f", "", "rtsp://", "rtsp:///x", "tcp://127.0.0.1:1/"]
    )
    def test_other_addresses_are_refused(self, url: str) -> None:
        with pytest.raises(StreamBroken, match="bad_url"):
            some(reader(), url, 1)

    def test_a_path_that_is_not_there(self) -> None:
        with camera_process(X264) as (url, _), pytest.raises(StreamBroken, match="not_found"):
            some(reader(), url + "x", 1)

    def test_a_closed_port(self) -> None:
        with pytest.raises(StreamBroken, match="unreachable"):
            some(reader(), f"rtsp://127.0.0.1:{free_port()}/cam", 1)
