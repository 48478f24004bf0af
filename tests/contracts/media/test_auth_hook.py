"""Tests of the auth hook: it is asked with ten fields, and requests wait until it has answered."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.contracts.media.conftest import PATIENCE_S, Hook, MediaServer

pytestmark = pytest.mark.media

FIELDS = {"ip", "user", "password", "token", "action", "path", "protocol", "id", "query", "userAgent"}


def test_ten_fields(server: MediaServer, live: str, hook: Hook) -> None:
    httpx.get(
        f"{server.hls_url}/{live}/index.m3u8",
        params={"cookieCheck": "1", "ticket": "good-ten"},
        headers={"user-agent": "player"},
        timeout=PATIENCE_S,
    )
    question = next(one for one in hook.asked("read", live) if "good-ten" in one["query"])
    assert set(question) == FIELDS
    assert (question["ip"], question["userAgent"], question["user"], question["token"]) == ("127.0.0.1", "player", "", "")


def test_bearer_tokens_and_passwords_arrive_as_token(server: MediaServer, live: str, hook: Hook) -> None:
    url = f"{server.hls_url}/{live}/index.m3u8?cookieCheck=1"
    httpx.get(url + "&try=bearer", headers={"authorization": "Bearer some.token.here"}, timeout=PATIENCE_S)
    httpx.get(url + "&try=basic", auth=("someone", "a-password"), timeout=PATIENCE_S)
    asked = {one["query"]: one for one in hook.asked("read", live)}
    assert (asked["try=bearer"]["token"], asked["try=bearer"]["password"]) == ("some.token.here", "")
    assert (asked["try=basic"]["user"], asked["try=basic"]["password"], asked["try=basic"]["token"]) == (
        "someone",
        "a-password",
        "a-password",
    )


def test_api_metrics_and_playback_are_asked_for_too(server: MediaServer, live: str, hook: Hook) -> None:
    httpx.get(server.metrics_url, auth=("operator", "operator-secret"), timeout=PATIENCE_S)
    httpx.get(f"{server.playback_url}/list", params={"path": live}, auth=("operator", "operator-secret"), timeout=PATIENCE_S)
    assert hook.asked("api", "")[-1]["id"] is None
    assert hook.asked("metrics", "")[-1]["protocol"] == ""
    assert hook.asked("playback", live)


def test_rtsp_readers_are_asked_for_their_password_first(server: MediaServer, live: str, hook: Hook) -> None:
    hook.questions.clear()
    subprocess.run(["ffprobe", "-v", "quiet", "-rtsp_transport", "tcp", server.rtsp(live)], check=True, timeout=PATIENCE_S)
    asked = [one for one in hook.asked("read", live) if one["protocol"] == "rtsp"]
    assert (asked[0]["user"], asked[1]["user"]) == ("", "reader")


def test_a_slow_hook_delays_every_request(server: MediaServer, live: str, hook: Hook, eventually: Callable[..., Any]) -> None:
    server.add("slow")
    hook.slow_path, hook.slow_s = "slow", 8.0
    try:
        viewer = threading.Thread(
            target=httpx.get, args=(f"{server.hls_url}/slow/index.m3u8?cookieCheck=1&ticket=good",), kwargs={"timeout": PATIENCE_S}
        )
        viewer.start()
        eventually(lambda: hook.asked("read", "slow"))
        before = time.monotonic()
        server.client.get("/paths/list")
        waited = time.monotonic() - before
        viewer.join()
    finally:
        hook.slow_path = ""
        server.delete("slow")
    assert waited > 1.0


def test_without_a_hook_every_request_is_refused(kind: str, start_server: Callable[..., Any]) -> None:
    with pytest.raises(pytest.fail.Exception):
        start_server(kind, "http://127.0.0.1:1/auth", patience_s=3.0)
