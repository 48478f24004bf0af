"""Boxes are drawn over the picture in which they were seen: over no earlier one, and over a later one for a second at most."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page
from tests.console.ui.conftest import Stage, plays, watch

pytestmark = [pytest.mark.browser, pytest.mark.media]

CAR = {"object_class": "car", "box": [0.1, 0.2, 0.5, 0.8], "plate": "ABC1D23", "plate_box": None}
SEEN = """
([ago, object]) => {
  window.sentAt = performance.now();
  view.detected({ camera_id: "x", captured_at: new Date(Date.now() - ago).toISOString(), objects: [object] });
}
"""
RECORD = """
async () => {
  const { Player } = await import("/ui/player.js");
  const { Session } = await import("/shell/session.js");
  const pen = new OffscreenCanvas(160, 90).getContext("2d", { willReadFrequently: true });
  // where the ball is: the centre of what is not black
  const ball = (video) => {
    pen.drawImage(video, 0, 0, 160, 90);
    const { data } = pen.getImageData(0, 0, 160, 90);
    let x = 0, y = 0, count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] < 128) continue;
      x += (at / 4) % 160; y += Math.floor(at / 640); count += 1;
    }
    return [x / count, y / count];
  };
  window.seen = {};
  window.record = (id, protocol) => {
    const video = document.createElement("video");
    video.muted = video.autoplay = video.playsInline = true;
    document.body.append(video);
    const player = new Player(video, new Session(), id);
    const pictures = (seen[protocol] = []);
    const note = (_, metadata) => {
      if (player.protocol === protocol) {
        player.clock.prepare();
        const at = player.clock.at(metadata);
        if (at !== null) pictures.push([at, ...ball(video)]);
      }
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
    player.start();
  };
}
"""


@pytest.mark.parametrize(
    ("instants", "picture", "now", "waiting"),
    [
        ([1_000], 999, None, [1_000]),
        ([1_000], 1_000, 1_000, []),
        ([1_000], 1_999, 1_000, []),
        ([1_000], 2_000, None, []),
        ([1_000, 1_200, 1_400], 1_300, 1_200, [1_400]),
        ([1_200, 1_000], 1_300, 1_200, []),
        ([100_000], 1_000, None, []),
        ([], 1_000, None, []),
    ],
    ids=["not yet", "at its instant", "just so", "no longer", "newest that is due", "came out of order", "a wrong clock", "none"],
)
async def test_what_is_due(page: Page, instants: list[int], picture: int, now: int | None, waiting: list[int]) -> None:
    found: dict[str, Any] = await page.evaluate(
        """async ([instants, picture]) => {
          const { due } = await import("/ui/boxes.js");
          const { now, waiting } = due(instants.map(at => ({ at, objects: [] })), picture);
          return { now: now?.at ?? null, waiting: waiting.map(({ at }) => at) };
        }""",
        [instants, picture],
    )
    assert found == {"now": now, "waiting": waiting}


async def test_hls_draws_a_box_when_its_picture_comes_and_not_before(page: Page, stage: Stage, live: UUID) -> None:
    stage.streams[str(live)] = {"state": "online", "codecs": ["H264"], "webrtc": False}
    await watch(page, live)
    await plays(page, "HLS")
    await page.evaluate(SEEN, [0, CAR])
    # The pictures of now are still to come, by more than half a second: a segment has to be complete, and loaded.
    late, is_drawn = await page.evaluate(
        """async () => {
          while (canvas.dataset.boxes !== "1") await new Promise(resolve => setTimeout(resolve, 10));
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [performance.now() - sentAt, data.some(each => each)];
        }"""
    )
    assert late > 500
    assert is_drawn
    await page.wait_for_function("() => canvas.dataset.boxes === '0'")
    assert not await page.evaluate("() => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(each => each)")


async def test_webrtc_draws_what_was_just_seen_and_nothing_of_long_ago(page: Page, live: UUID) -> None:
    await watch(page, live)
    await plays(page, "WebRTC")
    # The sender's first report, without which no picture has a time, comes within some seconds.
    await page.wait_for_function(f"car => {{ ({SEEN})([300, car]); return canvas.dataset.boxes === '1'; }}", arg=CAR, polling=200)
    await page.wait_for_function("() => canvas.dataset.boxes === '0'")
    await page.evaluate(SEEN, [5_000, CAR])  # the picture itself may be late by seconds, where the machine is busy
    shown = await page.evaluate(
        """async () => {
          for (let count = 0; count < 25; count += 1) {
            await new Promise(resolve => video.requestVideoFrameCallback(resolve));
            if (canvas.dataset.boxes !== "0") return true;
          }
          return false;
        }"""
    )
    assert not shown


async def test_without_a_clock_of_the_picture_nothing_is_drawn(page: Page, live: UUID) -> None:
    await page.evaluate("() => { const own = RTCPeerConnection.prototype; own.getStats = async () => new Map(); }")
    await watch(page, live)
    await plays(page, "WebRTC")
    shown = await page.evaluate(
        """async (object) => {
          for (let count = 0; count < 25; count += 1) {
            view.detected({ captured_at: new Date(Date.now() - 300).toISOString(), objects: [object] });
            await new Promise(resolve => video.requestVideoFrameCallback(resolve));
            if ((canvas.dataset.boxes ?? "0") !== "0") return true;
          }
          return false;
        }""",
        CAR,
    )
    assert not shown


async def test_both_protocols_give_a_picture_the_same_time(page: Page, stage: Stage, live: UUID) -> None:
    await page.evaluate(RECORD)
    await page.evaluate("id => record(id, 'WebRTC')", str(live))
    await page.wait_for_function("() => seen.WebRTC?.length > 20")
    stage.streams[str(live)] = {"state": "online", "codecs": ["H264"], "webrtc": False}
    await page.evaluate("id => record(id, 'HLS')", str(live))
    await page.wait_for_function("() => seen.HLS?.filter(([at]) => at > seen.WebRTC[0][0]).length > 75")
    apart = await page.evaluate(
        """() => seen.HLS.filter(([at]) => at > seen.WebRTC[0][0]).map(([at, x, y]) => {
          // by how much the two times of the picture with this ball differ, looked for within two seconds
          const same = seen.WebRTC.filter(each => Math.abs(each[0] - at) < 2000)
            .reduce((best, each) => Math.hypot(each[1] - x, each[2] - y) < Math.hypot(best[1] - x, best[2] - y) ? each : best);
          return Math.abs(same[0] - at);
        }).sort((one, other) => one - other)"""
    )
    assert apart[len(apart) // 2] < 400, apart
