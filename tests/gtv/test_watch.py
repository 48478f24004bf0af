"""Tests of the lines that `gtv watch` prints for live messages."""

from __future__ import annotations

from datetime import timedelta

from gtv.status import span
from gtv.watch import REPEAT_S, Screen
from gtvision.time import FakeClock, isoformat

CAMERA = "0190a5c2-0000-7000-8000-000000000001"


def _seen(clock: FakeClock, plate: str | None) -> dict[str, object]:
    objects = [{"object_class": "car", "confidence": 0.5, "plate": plate, "plate_confidence": 0.98}]
    captured_at = isoformat(clock.now() - timedelta(seconds=1.5))
    return {"type": "detection", "data": {"camera_id": CAMERA, "captured_at": captured_at, "objects": objects}}


def test_a_plate_is_shown_with_confidence_and_delay_and_not_again_at_once() -> None:
    clock = FakeClock()
    screen = Screen({CAMERA: "Avenida"}, clock)
    (line,) = screen.lines(_seen(clock, "ABC1D23"))
    assert "Avenida" in line.plain
    assert "ABC1D23   98 %   1.5 s" in line.plain
    assert screen.lines(_seen(clock, "ABC1D23")) == []
    clock.advance(REPEAT_S + 1)
    assert len(screen.lines(_seen(clock, "ABC1D23"))) == 1


def test_a_vehicle_without_a_plate_is_no_line() -> None:
    clock = FakeClock()
    assert Screen({}, clock).lines(_seen(clock, None)) == []


def test_a_camera_is_shown_when_its_state_changes() -> None:
    screen = Screen({}, FakeClock())
    went = {"type": "camera", "data": {"camera_id": CAMERA, "name": "Portaria", "state": "offline", "cause": "refused"}}
    assert "Portaria" in screen.lines(went)[0].plain
    assert "offline (refused)" in Screen({}, FakeClock()).lines(went)[0].plain
    assert screen.lines(went) == []


def test_an_alert_names_plate_and_reason() -> None:
    screen = Screen({CAMERA: "Portaria"}, FakeClock())
    (line,) = screen.lines({"type": "alert", "data": {"camera_id": CAMERA, "plate": "ABC1D23", "reason": "roubado", "state": "open"}})
    assert "ALERTA" in line.plain
    assert "ABC1D23  roubado" in line.plain


def test_messages_without_news_are_silent() -> None:
    screen = Screen({}, FakeClock())
    assert screen.lines({"type": "ping"}) == []
    assert screen.lines({"type": "something.new", "data": {}}) == []
    assert "recomeçou" in screen.lines({"type": "resync"})[0].plain


def test_durations_fit_a_column() -> None:
    assert [span(seconds) for seconds in (5, 65, 3_700, 90_000)] == ["5s", "1m05s", "1h01m", "1d01h"]
