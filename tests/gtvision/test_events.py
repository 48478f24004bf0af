"""Tests that events are read from their JSON, also with fields of newer emitters, and are found by their key."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from gtvision import events
from gtvision.events import CameraRegistered, CamerasAnnounced, Event, EventData, StreamWentOffline, event_types
from gtvision.ids import new_id

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_concrete_event_is_drawn_in_the_docstring_with_its_emitter() -> None:
    drawn: dict[str, str] = {}
    for line in (events.__doc__ or "").splitlines():
        row = re.match(r"^[├└]── (?P<names>.+?) +emitted by (?P<emitter>\S+)$", line)
        if row:
            drawn |= dict.fromkeys(row["names"].split(), row["emitter"])
    assert drawn == {cls.__name__: cls.emitter for cls in event_types().values()}


def test_keys_are_unique() -> None:
    def concrete(cls: type[EventData]) -> list[type[EventData]]:
        found = [cls] if "key" in cls.__dict__ else []
        return found + [each for child in cls.__subclasses__() for each in concrete(child)]

    assert len(concrete(EventData)) == len(event_types())


def test_an_envelope_travels_as_json() -> None:
    data = CameraRegistered(camera_id=new_id(), revision=1, name="Praça", url_encrypted="k1:x")
    sent = Event[CameraRegistered](type=data.key, occurred_at=AT, tenant_id=new_id(), camera_id=data.camera_id, data=data)
    assert Event[CameraRegistered].model_validate_json(sent.model_dump_json()) == sent


def test_an_older_listener_ignores_what_is_newer() -> None:
    raw = {"camera_ids": [], "as_of": "2026-01-01T00:00:00Z", "invented_later": 1}
    assert CamerasAnnounced.model_validate(raw) == CamerasAnnounced(camera_ids=(), as_of=AT)


@pytest.mark.parametrize("wrong", [{"revision": 0}, {"cause": "bored"}, {"camera_id": "x"}])
def test_facts_are_checked(wrong: dict[str, object]) -> None:
    good = {"camera_id": str(new_id()), "revision": 1, "cause": "unreachable"}
    StreamWentOffline.model_validate(good)
    with pytest.raises(ValidationError):
        StreamWentOffline.model_validate(good | wrong)


def test_facts_do_not_change() -> None:
    announced = CamerasAnnounced(camera_ids=(), as_of=AT)
    with pytest.raises(ValidationError):
        announced.as_of = AT  # type: ignore[misc]
