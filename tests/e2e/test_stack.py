"""Tests of the whole stack: a passing car's plate is read, stored, found, shown live and raises an alert, also after faults.

The demo camera's ground truth says which plate passed and when. The tests share one stack and run in this order.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.async_api import async_playwright, expect
from tests.e2e.conftest import Deployment
from tests.e2e.stack import CLOCK, PATIENCE_S, RETRY_STEPS_S, instant, until, usurped
from tests.fixtures import needs

from gtvision.plate import to_old
from gtvision.time import isoformat

pytestmark = [pytest.mark.e2e, pytest.mark.media, pytest.mark.db, pytest.mark.broker]

MOST = 0.8
"""One of seven plates may be misread each time. The accuracy of reading is measured elsewhere, on a larger set."""
NOTHING_DEAD = "No message has failed for good."
JPEG = {"content-type": "image/jpeg"}


# --- the main job ----------------------------------------------------------------------------------------------------------


async def test_the_plates_that_pass_are_found_by_search(deployment: Deployment) -> None:
    await until(deployment.online, "the camera is online")
    began = CLOCK.now()
    found: set[str] = set()

    async def most_were_found() -> bool:
        for passage in await deployment.camera.passages(began):
            reads = await deployment.person.plate(passage["plate"], passage)
            assert all(read["camera_id"] == deployment.camera_id and read["plate"] == passage["plate"] for read in reads)
            found.update(read["plate"] for read in reads)
        return len(found) >= MOST * len(deployment.camera.plates)

    await until(most_were_found, f"most of {deployment.camera.plates} are found")


async def test_they_are_seen_live(deployment: Deployment) -> None:
    async def most_were_told() -> bool:
        return len(deployment.feed.plates() & set(deployment.camera.plates)) >= MOST * len(deployment.camera.plates)

    await until(most_were_told, f"most of {deployment.camera.plates} were on the live feed")


async def test_a_watched_plate_raises_an_alert(deployment: Deployment) -> None:
    async def raised() -> list[dict[str, Any]]:
        return [each for each in deployment.feed.alerts if each["plate"] == deployment.watched]

    alert = (await until(raised, f"{deployment.watched} raises an alert on the live feed"))[0]
    assert alert["camera_id"] == deployment.camera_id
    assert alert["severity"] == "critical"
    assert alert["reason"] == "Furto"
    listed = await deployment.person.every("/alerts")
    assert alert["alert_id"] in {each["alert_id"] for each in listed}
    assert {each["plate"] for each in listed} == {deployment.watched}


async def test_an_older_shape_finds_the_same_vehicle_with_its_picture(deployment: Deployment) -> None:
    older = to_old(deployment.watched)
    assert not (await deployment.person.get(f"/plates/{older}", mode="exact"))["items"]
    reads = (await deployment.person.get(f"/plates/{older}"))["items"]
    assert {read["plate"] for read in reads} == {deployment.watched}
    evidence = await deployment.person.ask("GET", reads[0]["evidence_url"].removeprefix("/api/v1"))
    assert evidence.headers["content-type"] == "image/jpeg"
    stored = {each["detection_id"]: each for each in await deployment.person.every("/detections")}
    assert hashlib.sha256(evidence.content).hexdigest() == stored[reads[0]["detection_id"]]["evidence_sha256"]


CAMERA = {"name": "Praça", "url": "rtsp://10.1.2.3/live"}
WRONG: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "a bad camera address": ("POST", "/cameras", {"json": CAMERA | {"url": "file:///etc/passwd"}}, 422, "invalid_camera_url"),
    "the machine's own metadata": ("POST", "/cameras", {"json": CAMERA | {"url": "rtsp://169.254.169.254/x"}}, 422, "invalid_camera_url"),
    "an unknown field": ("POST", "/cameras", {"json": CAMERA | {"colour": "red"}}, 422, "invalid"),
    "no JSON": ("POST", "/cameras", {"content": b'{"name": ', "headers": {"content-type": "application/json"}}, 400, "malformed_json"),
    "an unknown id": ("GET", "/cameras/0191d1a0-0000-7000-8000-000000000000", {}, 404, "not_found"),
    "no id": ("GET", "/cameras/1", {}, 422, "invalid"),
    "no plate": ("GET", "/plates/%21%21", {}, 422, "invalid_plate"),
    "a made-up cursor": ("GET", "/detections?cursor=abc", {}, 422, "invalid_cursor"),
    "a picture of 20 MB": ("POST", "/detect/frame", {"content": b"0" * 20_000_000, "headers": JPEG}, 413, "too_large"),
    "no picture": ("POST", "/detect/frame", {"content": b"not a picture", "headers": JPEG}, 422, "invalid_image"),
    "no path": ("GET", "/nothing/here", {}, 404, "not_found"),
    "another method": ("PUT", "/cameras", {"json": CAMERA}, 405, "method_not_allowed"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_wrong_input_is_refused_in_one_shape(deployment: Deployment, what: str) -> None:
    method, path, request, status, code = WRONG[what]
    _refused(await deployment.person.ask(method, path, **request), status, code)


async def test_a_bad_token_is_refused_in_one_shape(deployment: Deployment) -> None:
    for headers in ({}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic eDp5"}):
        _refused(await deployment.person.http.get("/cameras", headers=headers), 401, "unauthenticated")
    _refused(
        await deployment.person.http.post("/auth/login", json={"email": deployment.stack.email, "password": "wrong"}),
        401,
        "bad_credentials",
    )


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert problem["code"] == code
    assert problem["type"] == f"urn:gtvision:problem:{code}"
    assert problem["correlation_id"]


async def test_a_second_stack_on_the_same_data_is_refused(deployment: Deployment) -> None:
    refused = await asyncio.to_thread(deployment.stack.gtv, "up", check=False)
    assert refused.returncode == 1
    assert "already running" in refused.stderr


# --- the page --------------------------------------------------------------------------------------------------------------

FRAMES = """async () => {
  const video = document.querySelector('.tile video');
  let seen = 0;
  return await new Promise(resolve => {
    const count = () => { seen += 1; if (seen >= 30) resolve(seen); else video.requestVideoFrameCallback(count); };
    video.requestVideoFrameCallback(count);
    setTimeout(() => resolve(seen), 600000);
  });
}"""


def as_written(plate: str) -> str:
    """As the page writes it: those of the era before have a hyphen."""
    return f"{plate[:3]}-?{plate[3:]}"


@pytest.mark.browser
async def test_the_page_plays_the_camera_and_takes_an_acknowledgement(deployment: Deployment) -> None:
    chromium = needs.program("chromium")
    patience_ms = PATIENCE_S * 1_000
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], timeout=patience_ms)
        page = await browser.new_page(ignore_https_errors=True)  # this browser does not have the authority's certificate
        page.set_default_timeout(patience_ms)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{deployment.stack.address}/mural")
        await page.get_by_label("E-mail").fill(deployment.stack.email)
        await page.get_by_label("Senha").fill(deployment.stack.password)
        await page.get_by_role("button", name="Entrar", exact=True).click()
        await expect(page.locator(".badge.link")).to_have_attribute("data-state", "on", timeout=patience_ms)
        tile = page.locator(f".tile[data-camera='{deployment.camera_id}']")
        await expect(tile).to_have_attribute("data-protocol", "WebRTC", timeout=patience_ms)
        assert await page.evaluate(FRAMES) >= 30, "the tile does not move"
        await page.wait_for_function("document.querySelector('.tile video').videoWidth === 1280")
        reads = page.get_by_role("region", name="Últimas placas lidas").locator(".plate")
        passing = reads.filter(has_text=re.compile("|".join(map(as_written, deployment.camera.plates))))
        await expect(passing.first).to_be_visible(timeout=patience_ms)  # other plates in the list may be misread
        newest = page.get_by_role("region", name="Alertas abertos mais novos").locator("li[data-alert]").first
        await expect(newest).to_be_visible(timeout=patience_ms)
        alert_id = await newest.get_attribute("data-alert")
        await page.goto(f"{deployment.stack.address}/alertas/{alert_id}")
        chosen = page.get_by_role("article", name="Alerta escolhido")
        await chosen.get_by_role("button", name="Ciente").click()
        await expect(chosen.get_by_role("button", name="Ciente")).to_have_count(0, timeout=patience_ms)
        await browser.close()
    assert not complaints
    states = {each["alert_id"]: each["state"] for each in await deployment.person.every("/alerts")}
    assert states[alert_id] == "acknowledged"


# --- faults ----------------------------------------------------------------------------------------------------------------


@pytest.mark.fault
async def test_what_was_acknowledged_survives_the_worker_and_the_broker(deployment: Deployment) -> None:
    for name in ("ai-worker", "rabbitmq"):
        killed = await deployment.stack.kill(name)
        await deployment.stack.is_back(name, killed)
        await until(_fresh_plate(deployment, CLOCK.now()), f"plates are read again after {name} was killed")
    await _everything_in_the_ledger_is_stored(deployment)
    assert NOTHING_DEAD in (await asyncio.to_thread(deployment.stack.gtv, "dead", "list")).stdout


@pytest.mark.fault
async def test_a_frozen_process_is_replaced(deployment: Deployment) -> None:
    pid = (await deployment.stack.processes())["alerts"]["pid"]
    psutil.Process(pid).suspend()
    await deployment.stack.is_back("alerts", pid)

    async def listed() -> list[dict[str, Any]]:
        return await deployment.person.every("/alerts")

    await until(listed, "alerts are listed again")


@pytest.mark.fault
async def test_a_long_outage_of_the_database_loses_nothing(deployment: Deployment) -> None:
    async with usurped(deployment.stack, "postgres") as killed:
        away_since = CLOCK.now()
        await until(_passed(deployment, away_since, longer_than=3 * sum(RETRY_STEPS_S)), "plates passed while the database was away")
        back_at = CLOCK.now()
    await deployment.stack.is_back("postgres", killed)
    # passages at the edges of the outage are left out, as they may have been stored before or after it
    meanwhile = await deployment.camera.passages(away_since + timedelta(seconds=2), back_at - timedelta(seconds=2))

    async def stored() -> list[str]:
        return [passage["plate"] for passage in meanwhile if await deployment.person.plate(passage["plate"], passage)]

    await until(stored, f"one of {[passage['plate'] for passage in meanwhile]} that passed meanwhile is stored")
    await until(_fresh_plate(deployment, CLOCK.now()), "plates are read again after the database came back")
    await _everything_in_the_ledger_is_stored(deployment)
    assert NOTHING_DEAD in (await asyncio.to_thread(deployment.stack.gtv, "dead", "list")).stdout


@pytest.mark.fault
async def test_a_camera_that_stops_is_seen_to_stop_and_to_come_back(deployment: Deployment) -> None:
    await until(deployment.online, "the camera is online")

    async def counted() -> bool:
        return (await deployment.person.get("/cameras/health"))["offline"] == 1

    told = _told(deployment, "offline")
    await deployment.camera.fault("refuse")
    try:
        await until(told, "the live feed says offline")
        await until(counted, "it is counted as offline")
    finally:
        told = _told(deployment, "online")
        await deployment.camera.fault("none")
    await until(told, "the live feed says online")
    await until(_fresh_plate(deployment, CLOCK.now()), "plates are read again after the camera came back")


# --- recordings ------------------------------------------------------------------------------------------------------------


def _nearest(paths: list[Path], segment: dict[str, Any]) -> Path:
    """Returns the file that was written when the segment ended: the camera's clip repeats itself, so two files may have equal bytes."""
    end = instant(segment["ended_at"]).timestamp()
    return min(paths, key=lambda path: abs(path.stat().st_mtime - end))


async def test_recorded_segments_play_and_tell_the_true_time(deployment: Deployment) -> None:
    now = CLOCK.now()
    span = {"from": isoformat(now - timedelta(days=1)), "to": isoformat(now + timedelta(hours=1))}

    async def indexed() -> list[dict[str, Any]]:
        return await deployment.person.every("/recordings", camera_id=deployment.camera_id, **span)

    segments = await until(indexed, "a recorded segment is indexed")
    files: dict[str, list[Path]] = {}
    for path in (deployment.stack.folder / "recordings").rglob("*.mp4"):
        files.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), []).append(path)
    kept = [(segment, _nearest(files[segment["sha256"]], segment)) for segment in segments if segment["sha256"] in files]
    assert kept, "no file on the disk is the one that the index speaks of"
    differences = []
    for segment, path in kept:
        shown = await asyncio.to_thread(_ffprobe, path)
        video = next(each for each in shown["streams"] if each["codec_type"] == "video")
        assert (video["codec_name"], video["width"], video["height"]) == ("h264", 1280, 720)
        assert int(video["nb_read_packets"]) > 0
        start, end = instant(segment["started_at"]), instant(segment["ended_at"])
        assert segment["size_bytes"] == path.stat().st_size
        difference = float(shown["format"]["duration"]) - (end - start).total_seconds()
        assert difference > -1.0, "the index speaks of time that is not in the file"
        differences.append(difference)
        # by the writer's clock: a file holds nothing later than its last change, and little that is much older
        written = datetime.fromtimestamp(path.stat().st_mtime, start.tzinfo)
        assert end <= written + timedelta(seconds=2)
        assert start >= written - timedelta(minutes=10)
    assert min(differences) < 1.0, "video that comes late, in a burst, is longer than it took to write; not in every segment"
    ordered = sorted(segments, key=lambda each: each["started_at"])
    for before, after in itertools.pairwise(ordered):
        assert instant(before["ended_at"]) <= instant(after["started_at"]) + timedelta(seconds=1), "two segments claim the same time"


def _ffprobe(path: Path) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_format", "-show_streams", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)


# --- the end ---------------------------------------------------------------------------------------------------------------


@pytest.mark.fault
async def test_down_and_up_keep_the_data_and_down_leaves_no_process(deployment: Deployment) -> None:
    await until(_something_was_told(deployment), "a detection is on the live feed")
    ledger = dict(deployment.feed.detections)
    ports = await deployment.stack.ports()
    await asyncio.to_thread(deployment.stack.gtv, "down")
    assert not deployment.stack.left_over()
    for name, port in ports.items():
        assert not await _listens(port), f"a process still listens on the port of {name}"
    await asyncio.to_thread(deployment.stack.gtv, "up")
    await _everything_in_the_ledger_is_stored(deployment)
    assert deployment.feed.detections.items() >= ledger.items()
    await asyncio.to_thread(deployment.stack.gtv, "down")
    assert not deployment.stack.left_over()


# --- asking ----------------------------------------------------------------------------------------------------------------


def _told(deployment: Deployment, state: str) -> Any:
    """Returns a condition: the live feed tells that state from now on, or the list shows it where the socket was opened again."""
    since, opened = len(deployment.feed.states), deployment.feed.opened

    async def was_told() -> bool:
        told = any(each["state"] == state and each["camera_id"] == deployment.camera_id for each in deployment.feed.states[since:])
        return told or (deployment.feed.opened != opened and await deployment.state() == state)

    return was_told


def _something_was_told(deployment: Deployment) -> Any:
    async def is_told() -> bool:
        return bool(deployment.feed.detections)

    return is_told


def _fresh_plate(deployment: Deployment, since: datetime) -> Any:
    """Returns a condition: a plate that the camera showed after that moment is on the live feed."""

    async def is_there() -> bool:
        plates = {passage["plate"] for passage in await deployment.camera.passages(since)}
        fresh = [each for each in deployment.feed.detections.values() if instant(each["captured_at"]) > since]
        return any(each.get("plate") in plates for each in fresh)

    return is_there


def _passed(deployment: Deployment, since: datetime, *, longer_than: float) -> Any:
    """Returns a condition: several plates have passed, as a worker on a busy machine may miss a single one."""

    async def enough() -> bool:
        passages = await deployment.camera.passages(since + timedelta(seconds=2), CLOCK.now() - timedelta(seconds=2))
        return len(passages) >= 4 and CLOCK.now() - since > timedelta(seconds=longer_than)

    return enough


async def _everything_in_the_ledger_is_stored(deployment: Deployment) -> None:
    await until(_something_was_told(deployment), "a detection is on the live feed")
    ledger = dict(deployment.feed.detections)

    async def can_be_read() -> bool:
        """Returns whether the list can be read, without which a missing detection would prove nothing."""
        return (await deployment.person.ask("GET", "/detections", params={"limit": 1})).is_success

    await until(can_be_read, "detections can be listed")
    stored = {each["detection_id"]: each for each in await deployment.person.every("/detections", camera_id=deployment.camera_id)}
    assert not ledger.keys() - stored.keys(), "detections were told and are lost"
    for detection_id, told in ledger.items():
        assert stored[detection_id]["plate"] == told.get("plate")
        assert instant(stored[detection_id]["captured_at"]) == instant(told["captured_at"])


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
