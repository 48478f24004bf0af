from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import logs
from gtvision.ids import new_id

CANARY = "c4n4ry-s3cr3t"


@pytest.fixture
def lines(capfdbinary: pytest.CaptureFixture[bytes]) -> Iterator[Any]:
    """Yields a function that returns the JSON lines written to stdout since its last call."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("tested", "debug")

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]

    yield read
    root.handlers[:], root.level = before
    logs.reset()


def test_a_line_is_json_with_service_level_time_and_correlation(lines: Any) -> None:
    with logs.correlated() as correlation:
        logs.get_logger("here").info("camera went online", camera="gate")
    (line,) = lines()
    assert line["event"] == "camera went online"
    assert (line["service"], line["level"], line["camera"], line["source"]) == ("tested", "info", "gate", "here")
    assert line["correlation_id"] == str(correlation)
    assert line["timestamp"].endswith("Z")


def test_the_standard_library_logs_in_the_same_way(lines: Any) -> None:
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7, extra={"color_message": "x"})
    logging.getLogger("another").warning("connecting to amqp://user:%s@host/", CANARY)
    logging.getLogger("uvicorn.access").info("GET /?ticket=%s", CANARY)
    started, connecting = lines()
    assert started["event"] == "Started server process [7]"
    assert started["source"] == "uvicorn.error"
    assert "color_message" not in started
    assert connecting["level"] == "warning"
    assert CANARY not in json.dumps(connecting)


def test_lines_below_the_level_are_not_written(lines: Any) -> None:
    logs.configure("tested", "warning")
    logs.get_logger("here").info("quiet")
    logs.access.line("request", {"status": 200})
    logs.get_logger("here").warning("loud")
    assert [line["event"] for line in lines()] == ["loud"]


@pytest.mark.parametrize(
    "text",
    [
        f"rtsp://admin:{CANARY}@10.0.0.7:554/stream1",
        f"rtsp://{CANARY}@10.0.0.7/stream1",
        f"rtsp://admin:p@ss/{CANARY}@10.0.0.7/stream1",
        f"GET /hls/cam_1/index.m3u8?ticket={CANARY} HTTP/1.1",
        f"opened 'https://host/path?X-Amz-Signature={CANARY}'",
        f"/ws/v1/live?ticket={CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"authorization: basic {CANARY}",
        f"header {{'Authorization': 'Bearer {CANARY}'}}",
        f"password={CANARY}",
        f"password: {CANARY}",
        f'{{"password": "{CANARY}"}}',
        f"user_password='{CANARY} with spaces'",
        f"jwt={CANARY}&x=1",
        f"session={CANARY};",
        f"access_token={CANARY}",
        f"client_secret = {CANARY}",
        f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIi{CANARY}.c2lnbmF0dXJl",
    ],
)
def test_no_secret_survives_in_text(text: str) -> None:
    assert CANARY not in logs.redact(text)


@pytest.mark.parametrize(
    "text",
    ["camera went online", "what? nothing", "see rtsp://10.0.0.7:554/stream1", "3 sessions ended", "a=b", "12:30", "plate ABC1D23 = 0.97"],
)
def test_ordinary_text_stays(text: str) -> None:
    assert logs.redact(text) == text


@given(st.text())
def test_redaction_takes_any_text(text: str) -> None:
    logs.redact(text)


def test_no_canary_reaches_the_output_by_any_field(lines: Any) -> None:
    log = logs.get_logger("here")
    log.info(
        "by key", password=CANARY, ticket=CANARY, refresh_token=CANARY, Authorization=CANARY, session=CANARY, jwt=CANARY, api_key=CANARY
    )
    log.info("by nesting", request={"headers": {"authorization": f"Bearer {CANARY}", "cookie": CANARY}, "urls": [f"rtsp://a:{CANARY}@h/"]})
    log.info("by bytes", body=CANARY.encode())
    log.info("by object", error=ValueError(f"bad url rtsp://a:{CANARY}@h/s?x={CANARY}"))
    log.info(f"by sentence rtsp://a:{CANARY}@h/")  # noqa: G004 - that is the mistake under test
    try:
        raise RuntimeError(f"connect postgresql://cameras:{CANARY}@127.0.0.1/gtvision failed")
    except RuntimeError:
        log.exception("by traceback")
        logging.getLogger("library").exception("by a library's traceback")
    written = lines()
    assert len(written) == 7
    assert CANARY not in json.dumps(written)
    assert written[0]["password"] == logs.REDACTED
    assert "RuntimeError" in written[-1]["exception"]


def test_outside_of_any_request_ids_are_new() -> None:
    assert logs.correlation_id() != logs.correlation_id()
    given_id = new_id()
    with logs.correlated(given_id), logs.correlated() as inner:
        assert logs.correlation_id() == inner != given_id
