"""Tests of cameras with a trouble, as the recorder agent sees them: what is still written, and by what it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contracts.media.conftest import PATIENCE_S, Camera, MediaServer
from tests.contracts.media.relay import Relay
from tests.contracts.media.test_recording import files, moment, packets

from gtvision.errors import Invalid
from streaming.progress.parts import Growth, read_on

pytestmark = pytest.mark.media

SECOND = timedelta(seconds=1)


@pytest.fixture
def relay(camera: Camera) -> Iterator[Relay]:
    made = Relay(camera.port)
    yield made
    made.close()


@pytest.fixture
def recorded(server: MediaServer, relay: Relay, request: pytest.FixtureRequest, eventually: Callable[..., Any]) -> Iterator[str]:
    """A path that is recorded into long files, some seconds of one by now."""
    name = f"trouble/{request.node.originalname}"
    server.add(name, source=relay.url(), record=True, recordSegmentDuration="600s")
    eventually(lambda: pictures(files(server, name)) > 5 * SECOND)
    yield name
    server.delete(name)


def growth(file: Path) -> Growth:
    try:
        with file.open("rb") as opened:
            return read_on(opened, file.stat().st_size, Growth())
    except Invalid:
        return Growth()


def pictures(found: list[Path]) -> timedelta:
    return sum((growth(file).pictures for file in found), timedelta(0))


@pytest.mark.parametrize("jump_s", [-600, -2, 600])
def test_after_a_step_of_the_clock_another_file_begins_and_both_can_be_played(
    server: MediaServer, relay: Relay, recorded: str, jump_s: int, eventually: Callable[..., Any]
) -> None:
    before = files(server, recorded)
    relay.late_s = jump_s
    eventually(lambda: pictures(files(server, recorded)[len(before) :]) > 5 * SECOND)
    broken_off, going_on = before[-1], files(server, recorded)[-1]
    for file in (broken_off, going_on):
        times = [time for time, _ in packets(file)]
        assert times == sorted(times)
        assert packets(file)[0][1], "it begins with a key frame"
    # a jump forward may be the length of the last picture; the watch counts no part for more than ten seconds
    assert growth(broken_off).pictures <= moment(going_on) - moment(broken_off) + 10 * SECOND
    assert server.path(recorded)["available"] is True


def test_a_clock_that_stands_still_adds_bytes_at_most(
    server: MediaServer, relay: Relay, recorded: str, eventually: Callable[..., Any]
) -> None:
    relay.stands = True
    came_in = server.path(recorded)["inboundBytes"]
    eventually(lambda: server.path(recorded)["inboundBytes"] > came_in + 50_000)
    before = pictures(files(server, recorded))
    eventually(lambda: server.path(recorded)["inboundBytes"] > came_in + 300_000)
    assert pictures(files(server, recorded)) - before < SECOND
    relay.stands = False
    eventually(lambda: pictures(files(server, recorded)) - before > 5 * SECOND)


def test_without_key_frames_the_file_grows_and_says_so(
    server: MediaServer, relay: Relay, recorded: str, eventually: Callable[..., Any]
) -> None:
    [file] = files(server, recorded)
    assert growth(file).keyless < 3 * SECOND
    relay.keys = False
    eventually(lambda: growth(file).keyless > 10 * SECOND)
    relay.keys = True
    eventually(lambda: growth(file).interval > 0 and growth(file).keyless < 3 * SECOND)


def test_another_connection_is_known_by_its_instant(
    server: MediaServer, relay: Relay, recorded: str, eventually: Callable[..., Any]
) -> None:
    first = server.path(recorded)["availableTime"]
    came_in = server.path(recorded)["inboundBytes"]
    eventually(lambda: server.path(recorded)["inboundBytes"] > came_in)
    assert server.path(recorded)["availableTime"] == first
    relay.cut()
    eventually(lambda: server.path(recorded)["availableTime"] not in {None, first})


def test_a_path_that_is_made_anew_can_be_seen_again_after_the_clock_was_set_back(
    server: MediaServer, relay: Relay, recorded: str, eventually: Callable[..., Any]
) -> None:
    def playlist() -> int:
        return httpx.get(f"{server.hls_url}/{recorded}/index.m3u8?cookieCheck=1&ticket=good", timeout=PATIENCE_S).status_code

    assert playlist() == 200
    before = files(server, recorded)
    relay.late_s = -600
    eventually(lambda: pictures(files(server, recorded)[len(before) :]) > 2 * SECOND)
    server.delete(recorded)
    server.add(recorded, source=relay.url(), record=True, recordSegmentDuration="600s")
    server.wait_available(recorded)
    eventually(lambda: playlist() == 200)
