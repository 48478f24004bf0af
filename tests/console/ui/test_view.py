"""A view of a camera: what it asks for, what it says where no picture comes, and that it leaves nothing behind."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.async_api import Page
from tests.console.ui.conftest import ONLINE, Stage, listeners, plays, watch
from tests.console.ui.withheld import Sender

pytestmark = [pytest.mark.browser, pytest.mark.media]

NO_PICTURE = "() => video.srcObject === null && !video.hasAttribute('src') && view.protocol === null"


async def status(page: Page, wanted: str) -> str:
    """Waits until the view has this status, and returns its reason."""
    await page.wait_for_function("wanted => view.status === wanted", arg=wanted)
    return str(await page.evaluate("() => view.reason"))


async def test_plays_by_webrtc_and_says_so(page: Page, stage: Stage, live: UUID) -> None:
    await watch(page, live)
    await plays(page, "WebRTC")
    assert await page.evaluate("() => [view.reason, view.firstFrameMs > 0]") == ["baixa latência", True]
    assert len(stage.tickets) == 1
    assert not await page.evaluate("() => performance.getEntriesByType('resource').some(({ name }) => name.includes('hls-'))")


async def test_plays_by_hls_where_webrtc_does_not_and_says_why(page: Page, stage: Stage, live: UUID) -> None:
    stage.whep_status = 400
    await watch(page, live)
    await plays(page, "HLS")
    assert await page.evaluate("() => view.reason") == "modo estável: baixa latência indisponível para esta câmera"
    assert len(stage.offers) == len(stage.manifests) == 1


async def test_each_try_takes_a_new_ticket_and_a_spent_one_is_no_lack_of_permission(page: Page, stage: Stage, live: UUID) -> None:
    stage.whep_status = 401
    await watch(page, live)
    await plays(page, "HLS")
    asked = stage.offers + stage.manifests
    assert len(asked) == len(set(asked)) == 4
    assert not [reason for _, reason in await page.evaluate("() => said") if "permiss" in reason.lower()]


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        (
            {"state": "offline", "cause": "unreachable", "since": "2026-01-02T03:04:05Z"},
            ["offline", "a câmera não responde: verifique energia, rede e endereço"],
        ),
        ({"state": "disabled"}, ["disabled", "Câmera desativada"]),
        ({"state": "online", "enabled": False}, ["disabled", "Câmera desativada"]),
        ({"state": "unknown"}, ["unknown", "Aguardando a câmera…"]),
    ],
    ids=["offline", "disabled", "not enabled", "never seen"],
)
async def test_a_camera_without_signal_is_not_asked_for_a_picture_until_it_has_one(
    page: Page, stage: Stage, live: UUID, camera: dict[str, object], said: list[str]
) -> None:
    await page.clock.install()
    await watch(page, live, camera)
    await page.clock.run_for(120_000)
    assert await page.evaluate("() => [view.status, view.reason]") == said
    assert await page.evaluate("() => view.since") == camera.get("since")
    assert stage.asked == 0
    await page.clock.resume()
    await page.evaluate("camera => view.camera(camera)", ONLINE)
    await plays(page, "WebRTC")
    assert stage.asked == 1


async def test_a_camera_that_goes_offline_is_left_alone(page: Page, stage: Stage, live: UUID) -> None:
    await watch(page, live)
    await plays(page, "WebRTC")
    await page.evaluate("() => view.camera({ state: 'offline', cause: 'no_progress', since: null })")
    assert await page.evaluate(NO_PICTURE)
    assert await page.evaluate("() => view.status") == "offline"
    assert stage.asked == 1


async def test_tries_that_fail_come_less_and_less_often(page: Page, stage: Stage, live: UUID) -> None:
    await page.clock.install()
    stage.whep_status = 404
    await watch(page, live)
    assert await status(page, "offline") == "câmera sem sinal"
    waits = []
    for count in range(2, 7):
        before = await page.evaluate("() => performance.now()")  # the page's own clock, which also runs by itself
        while len(stage.offers) < count:
            await page.clock.run_for(250)
        waits.append(await page.evaluate("before => performance.now() - before", before))
    # a wait is never shorter; it is longer by the time that the answer took meanwhile
    assert all(waited >= least for waited, least in zip(waits, [4_000, 8_000, 16_000, 30_000, 30_000], strict=True)), waits
    assert len(set(stage.offers)) == 6
    stage.whep_status = 0
    while len(stage.offers) == 6:
        await page.clock.run_for(250)
    await page.clock.resume()
    await plays(page, "WebRTC")


async def test_what_is_forbidden_is_said_and_not_asked_for_again(page: Page, stage: Stage, live: UUID) -> None:
    await page.clock.install()
    stage.ticket_status = 403
    await watch(page, live)
    assert await status(page, "forbidden") == "Sem permissão para ver esta câmera"
    await page.clock.run_for(120_000)
    await page.evaluate("() => { view.visible(false); view.visible(true) }")
    await page.clock.run_for(120_000)
    assert stage.asked == 1
    assert not stage.offers


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (
            {"codecs": ["M-JPEG", "G711"], "playable": False, "unplayable_reason": "codec_unsupported", "webrtc": False, "hls": False},
            "Codec não suportado pelo navegador (M-JPEG)",
        ),
        (
            {"codecs": ["MPEG-4 Audio"], "playable": False, "unplayable_reason": "no_video", "webrtc": False, "hls": False},
            "A câmera envia somente áudio",
        ),
        # Chromium without a decoder of the machine
        (
            {"codecs": ["H265"], "playable": True, "unplayable_reason": None, "webrtc": False, "hls": True},
            "Codec não suportado pelo navegador (H265)",
        ),
    ],
    ids=["codec", "audio only", "not by this browser"],
)
async def test_what_no_browser_plays_is_said_and_asked_for_when_it_has_changed(
    page: Page, stage: Stage, live: UUID, stream: dict[str, object], reason: str
) -> None:
    await page.clock.install()
    stage.streams[str(live)] = {"state": "online", **stream}
    await watch(page, live)
    assert await status(page, "unplayable") == reason
    await page.clock.run_for(120_000)
    await page.evaluate("() => { view.visible(false); view.visible(true) }")
    await page.clock.run_for(120_000)
    assert stage.asked == 0
    stage.streams[str(live)] = {"state": "online", "codecs": ["H264", "MPEG-4 Audio"], "playable": True}
    await page.clock.resume()
    await page.evaluate("camera => view.camera({ ...camera, revision: 2 })", ONLINE)
    await plays(page, "WebRTC")


async def test_a_connection_without_a_key_frame_waits_for_it(page: Page, stage: Stage, live: UUID, camera_url: str) -> None:
    sender = Sender(camera_url)
    stage.answer = sender.answer
    await watch(page, live)
    await page.wait_for_function("() => view.reason === 'aguardando quadro-chave'", polling=100)
    sender.key_frames.set()
    await plays(page, "WebRTC")
    said = await page.evaluate("() => said")
    assert ["connecting", "sem imagem"] not in said[said.index(["connecting", "aguardando quadro-chave"]) :]
    await sender.close()


@pytest.mark.parametrize("protocol", ["WebRTC", "HLS"])
async def test_the_picture_ends_with_the_session_at_once_and_for_good(page: Page, stage: Stage, live: UUID, protocol: str) -> None:
    stage.whep_status = 400 if protocol == "HLS" else 0
    await watch(page, live)
    await plays(page, protocol)
    assert await page.evaluate(f"() => {{ session.dispatchEvent(new Event('ended')); return ({NO_PICTURE})(); }}")
    asked = stage.asked
    await page.evaluate("camera => { view.visible(true); view.camera({ ...camera, revision: 7 }) }", ONLINE)
    assert await page.evaluate(NO_PICTURE)
    assert stage.asked == asked


async def test_a_hidden_page_gives_its_streams_back_and_plays_when_it_is_seen_again(page: Page, stage: Stage, live: UUID) -> None:
    await page.clock.install()
    await watch(page, live)
    await plays(page, "WebRTC")
    hide = """hidden => {
      Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await page.evaluate(hide, True)
    await page.clock.run_for(5_000)
    assert not await page.evaluate(NO_PICTURE)
    await page.clock.run_for(6_000)
    assert await page.evaluate(NO_PICTURE)
    await page.evaluate(hide, False)
    await plays(page, "WebRTC")
    assert stage.asked == 2


async def test_a_view_that_is_out_of_sight_and_back_in_the_same_moment_plays(page: Page, live: UUID) -> None:
    await watch(page, live)
    await page.evaluate("() => { view.visible(false); view.visible(true); view.visible(false); view.visible(true) }")
    # by which protocol is the machine's speed: one that is slow to connect goes on by HLS
    await page.wait_for_function("() => view.status === 'playing'", polling=50)


@pytest.mark.parametrize("question", ["setLocalDescription", "setRemoteDescription"])
async def test_a_connection_that_is_closed_before_it_answers_does_not_keep_the_next_from_playing(
    page: Page, live: UUID, question: str
) -> None:
    await page.evaluate(
        """question => {
          const own = RTCPeerConnection.prototype[question];
          RTCPeerConnection.prototype[question] = function () {
            RTCPeerConnection.prototype[question] = own;
            window.isAsked = true;
            return new Promise(() => {}); // as of a connection that was closed meanwhile
          };
        }""",
        question,
    )
    await watch(page, live)
    await page.wait_for_function("() => window.isAsked", polling=20)
    await page.evaluate("() => { view.visible(false); view.visible(true) }")
    await page.wait_for_function("() => view.status === 'playing'", polling=50)


async def test_a_connection_that_is_closed_while_it_counts_its_bytes_does_not_keep_the_next_from_playing(
    page: Page, stage: Stage, live: UUID, camera_url: str
) -> None:
    await page.evaluate(
        """() => {
          const own = RTCPeerConnection.prototype.getStats;
          RTCPeerConnection.prototype.getStats = function () {
            RTCPeerConnection.prototype.getStats = own;
            window.isAsked = true;
            return new Promise(() => {});
          };
        }"""
    )
    sender = Sender(camera_url)
    stage.answer = sender.answer
    await watch(page, live)
    await page.wait_for_function("() => window.isAsked", polling=20)
    stage.answer = None
    await page.evaluate("() => { view.visible(false); view.visible(true) }")
    await page.wait_for_function("() => view.status === 'playing'", polling=50)
    await sender.close()


async def test_waiting_leaves_no_listener_behind(page: Page) -> None:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    wait = """async () => {
      const { orAborted, pause, when } = await import("/ui/waiting.js");
      window.lasting ??= new AbortController();
      for (let count = 0; count < 300; count += 1) {
        await pause(0, lasting.signal);
        await orAborted(Promise.resolve(), lasting.signal);
        const target = new EventTarget();
        let is = false;
        setTimeout(() => { is = true; target.dispatchEvent(new Event("news")); });
        await when(target, "news", () => is, lasting.signal);
      }
    }"""
    await page.evaluate(wait)
    before = await listeners(page, devtools)
    await page.evaluate(wait)
    assert await listeners(page, devtools) == before


async def test_views_that_come_and_go_leave_no_listener_behind(page: Page, live: UUID) -> None:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    await watch(page, live)

    async def cycle(times: int) -> None:
        for _ in range(times):
            await plays(page, "WebRTC")
            await page.evaluate("() => { view.visible(false); view.visible(true) }")
        await plays(page, "WebRTC")

    await cycle(3)
    before = await listeners(page, devtools)
    await cycle(12)
    # what the browser has not cleared away of the last connection may still count
    assert await listeners(page, devtools) <= before + 3
