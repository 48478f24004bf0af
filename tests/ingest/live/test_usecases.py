"""Tests of the rules of the live feed on fakes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from chassis.fakes import StaticRevocations
from chassis.live import LiveMessage
from gtvision.camera import AiSettings
from gtvision.errors import MissingScope, RateLimited
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, Scope
from gtvision.time import FakeClock
from ingest.grabbing.domain import CameraBook, KnownCamera
from ingest.live.domain import EndReason
from ingest.live.usecases import FeedLimits, LiveFeed, Reader

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Case:
    """A live feed with two tenants, one camera in a group and one in none."""

    def __init__(self, limits: FeedLimits | None = None) -> None:
        self.clock = FakeClock(NOW)
        self.tenant, self.other_tenant, self.group = new_id(), new_id(), new_id()
        self.grouped = KnownCamera(self.tenant, new_id(), 1, True, frozenset({self.group}), AiSettings())
        self.free = KnownCamera(self.tenant, new_id(), 1, True, frozenset(), AiSettings())
        self.book = CameraBook()
        self.book.replace([self.grouped, self.free], 0.0)
        self.revocations = StaticRevocations()
        self.feed = LiveFeed(self.book, self.revocations, self.clock, limits)

    def caller(self, *, tenant: UUID | None = None, groups: frozenset[UUID] | None = None, scopes: frozenset[str] | None = None) -> Caller:
        rights = frozenset(map(str, ROLE_SCOPES[Role.OPERATOR])) if scopes is None else scopes
        return Caller(tenant or self.tenant, new_id(), Role.OPERATOR, rights, new_id(), groups, expires_at=NOW.timestamp() + 900)

    def say(self, topic: str, data: Any, tenant: UUID | None = None) -> None:
        self.feed.forward(LiveMessage(tenant or self.tenant, topic, data, orjson.dumps(data)))


async def heard(reader: Reader) -> list[dict[str, Any]]:
    """Returns the messages that wait for the reader."""
    try:
        async with asyncio.timeout(0):
            return [orjson.loads(text) for text in await reader.take()]
    except TimeoutError:
        return []


@pytest.fixture
async def case() -> Case:
    return Case()


class TestFeed:
    async def test_a_reader_hears_its_topics_and_no_other(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.subscribe(reader, [f"detections:{case.free.camera_id}", "alerts"])
        assert await heard(reader) == [{"type": "subscribed", "topics": ["alerts", f"detections:{case.free.camera_id}"]}]
        case.say(f"detections:{case.free.camera_id}", {"n": 1})
        case.say(f"detections:{case.grouped.camera_id}", {"n": 2})
        case.say("cameras", {"n": 3})
        case.say("alerts", {"n": 4})
        assert [(each["type"], each["data"]["n"]) for each in await heard(reader)] == [("detection", 1), ("alert", 4)]

    async def test_all_detections_come_once_even_to_who_also_named_a_camera(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.subscribe(reader, ["detections", f"detections:{case.free.camera_id}"])
        await heard(reader)
        case.say(f"detections:{case.free.camera_id}", {"n": 1})
        assert len(await heard(reader)) == 1

    async def test_another_tenant_hears_nothing(self, case: Case) -> None:
        reader = case.feed.join(case.caller(tenant=case.other_tenant))
        case.feed.subscribe(reader, ["detections", "cameras", "alerts", "system", f"detections:{case.free.camera_id}"])
        assert [each["code"] for each in await heard(reader) if each["type"] == "error"] == ["not_found"]
        for topic in (f"detections:{case.free.camera_id}", "cameras", "alerts", "system"):
            case.say(topic, {})
        assert await heard(reader) == []

    async def test_camera_groups_limit_every_topic(self, case: Case) -> None:
        reader = case.feed.join(case.caller(groups=frozenset({case.group})))
        case.feed.subscribe(reader, ["detections", "cameras", f"detections:{case.free.camera_id}"])
        assert "not_found" in [each.get("code") for each in await heard(reader)]
        for camera in (case.free, case.grouped):
            case.say(f"detections:{camera.camera_id}", {"of": str(camera.camera_id)})
            case.say("cameras", {"camera_id": str(camera.camera_id)})
        assert {each["data"].get("of") or each["data"].get("camera_id") for each in await heard(reader)} == {str(case.grouped.camera_id)}

    async def test_an_alert_of_several_cameras_is_for_those_who_may_see_one(self, case: Case) -> None:
        reader = case.feed.join(case.caller(groups=frozenset({case.group})))
        case.feed.subscribe(reader, ["alerts"])
        await heard(reader)
        for name, cameras in (("theirs", [case.free]), ("shared", [case.free, case.grouped]), ("city", [])):
            case.say("alerts", {"name": name, "camera_id": None, "camera_ids": [str(each.camera_id) for each in cameras]})
        assert [each["data"]["name"] for each in await heard(reader)] == ["shared", "city"]

    async def test_a_topic_needs_its_scope(self, case: Case) -> None:
        reader = case.feed.join(case.caller(scopes=frozenset({str(Scope.ALERTS_READ)})))
        case.feed.subscribe(reader, ["detections", "alerts", "nonsense"])
        answers = await heard(reader)
        assert [(each["code"], each["topic"]) for each in answers[:2]] == [("missing_scope", "detections"), ("unknown_topic", "nonsense")]
        assert answers[2]["topics"] == ["alerts"]

    async def test_a_slow_reader_is_dropped_and_the_others_hear_all(self, case: Case) -> None:
        feed = LiveFeed(case.book, case.revocations, case.clock, FeedLimits(waiting_messages=10))
        slow, quick = feed.join(case.caller()), feed.join(case.caller())
        for reader in (slow, quick):
            feed.subscribe(reader, ["alerts"])
        count = 0
        for each in range(50):
            feed.forward(LiveMessage(case.tenant, "alerts", each, b"1"))
            count += sum(message["type"] == "alert" for message in await heard(quick))
        assert slow.ended.result() is EndReason.TOO_SLOW
        assert count == 50
        assert not quick.ended.done()

    async def test_bytes_count_too(self, case: Case) -> None:
        feed = LiveFeed(case.book, case.revocations, case.clock, FeedLimits(waiting_bytes=1_000))
        reader = feed.join(case.caller())
        feed.subscribe(reader, ["alerts"])
        feed.forward(LiveMessage(case.tenant, "alerts", "", b'"' + b"x" * 2_000 + b'"'))
        assert reader.ended.result() is EndReason.TOO_SLOW

    async def test_who_left_is_forgotten(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.subscribe(reader, ["alerts"])
        await heard(reader)
        case.feed.leave(reader)
        case.feed.leave(reader)
        case.say("alerts", {})
        assert await heard(reader) == []

    async def test_there_is_room_for_so_many(self, case: Case) -> None:
        feed = LiveFeed(case.book, case.revocations, case.clock, FeedLimits(readers=1))
        first = feed.join(case.caller())
        with pytest.raises(RateLimited):
            feed.join(case.caller())
        feed.leave(first)
        feed.join(case.caller())

    async def test_a_session_ends_unless_renewed(self, case: Case) -> None:
        caller = case.caller()
        reader, other = case.feed.join(caller), case.feed.join(case.caller())
        case.clock.advance(800)
        fresh = Caller(
            **{**{field: getattr(caller, field) for field in caller.__slots__}, "expires_at": case.clock.now().timestamp() + 900}
        )
        case.feed.renew(reader, fresh)
        case.clock.advance(200)
        await case.feed.end_sessions()
        assert other.ended.result() is EndReason.EXPIRED
        assert not reader.ended.done()

    async def test_a_renewal_takes_back_what_may_no_longer_be_seen(self, case: Case) -> None:
        caller = case.caller()
        reader = case.feed.join(caller)
        case.feed.subscribe(reader, ["alerts", "detections"])
        fewer = Caller(**{**{field: getattr(caller, field) for field in caller.__slots__}, "scopes": frozenset({str(Scope.ALERTS_READ)})})
        case.feed.renew(reader, fewer)
        assert {str(topic) for topic in reader.topics} == {"alerts"}

    async def test_another_users_token_renews_nothing(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        with pytest.raises(MissingScope):
            case.feed.renew(reader, case.caller())

    async def test_a_revoked_session_ends(self, case: Case) -> None:
        caller = case.caller()
        reader = case.feed.join(caller)
        case.revocations.revoked.add(caller.session_id)
        await case.feed.end_sessions()
        assert reader.ended.result() is EndReason.REVOKED

    async def test_pings_come_by_the_clock(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        for _ in range(10):
            case.clock.advance(1)
            await case.feed.end_sessions()
        assert [each["type"] for each in await heard(reader)] == ["ping", "ping"], "two within the 10 s in which a dead link is found"

    async def test_everybody_is_told_to_resync(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.forward(LiveMessage(None, "resync", None))
        assert await heard(reader) == [{"type": "resync"}]
