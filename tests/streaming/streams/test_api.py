"""Tests of the whole service on real servers with a fake media server: desired cameras, streams, live access."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from tests.streaming.conftest import CLOCK, Running, announce, registered

from chassis.envelope import wrap
from chassis.http import encode_cursor
from gtvision.camera import RecordingSettings, path_name
from gtvision.errors import Unavailable
from gtvision.events import CameraRemoved, CamerasAnnounced, CameraUpdated
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from streaming.streams.domain import StreamView
from streaming.streams.repository import PostgresFleet, PostgresStreams
from streaming.streams.usecases import Paths, Reconciler, Streams

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def progress(running: Running, camera: UUID, rounds: int = 2) -> None:
    for _ in range(rounds):
        running.media.inbound[path_name(camera)] = running.media.inbound.get(path_name(camera), 0) + 1000
        running.clock.advance(2)
        await running.reconciler.reconcile()


async def stream(running: Running, caller: Caller, camera: UUID) -> dict[str, Any]:
    answer = await running.http.get(f"/streams/{camera}", headers=running.mint.headers(caller))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


class TestDesiredState:
    async def test_a_camera_becomes_a_path_with_its_credentials(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera))
        await running.reconciler.reconcile()
        assert running.media.configured[path_name(camera)].source == "rtsp://admin:s3cret@10.0.0.9/stream"
        changes = running.media.changes
        await running.reconciler.reconcile()
        assert running.media.changes == changes

    async def test_an_older_announcement_changes_nothing(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        newer = registered(running, tenant, camera, 2, recording=RecordingSettings(enabled=False))
        data = CameraUpdated.model_validate(newer.data.model_dump())
        await running.events.on_camera_updated(wrap(data, tenant_id=tenant, occurred_at=CLOCK.now()))
        await announce(running, registered(running, tenant, camera, 1))
        await running.reconciler.reconcile()
        assert running.media.configured[path_name(camera)].record is False

    async def test_a_removal_leaves_a_tombstone(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        removed = wrap(CameraRemoved(camera_id=camera, revision=3), tenant_id=tenant, occurred_at=CLOCK.now())
        await running.events.on_camera_removed(removed)
        await running.events.on_camera_removed(removed)
        await announce(running, registered(running, tenant, camera, 2))
        await running.reconciler.reconcile()
        assert path_name(camera) not in running.media.configured

    async def test_the_list_of_cameras_makes_up_for_a_missed_removal_and_keeps_newer_ones(self, running: Running) -> None:
        tenant, gone, stays, new = new_id(), new_id(), new_id(), new_id()
        for camera in (gone, stays):
            await announce(running, registered(running, tenant, camera))
        as_of = CLOCK.now()
        await announce(running, registered(running, tenant, new))
        announced = CamerasAnnounced(camera_ids=(stays,), as_of=as_of)
        await running.events.on_cameras_announced(wrap(announced, tenant_id=tenant, occurred_at=CLOCK.now()))
        await running.reconciler.reconcile()
        assert {path_name(stays), path_name(new)} <= running.media.configured.keys()
        assert path_name(gone) not in running.media.configured
        await announce(running, registered(running, tenant, gone))
        await running.reconciler.reconcile()
        assert path_name(gone) in running.media.configured

    async def test_a_lost_configuration_is_put_back(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera))
        await running.reconciler.reconcile()
        running.media.configured.clear()
        await running.reconciler.reconcile()
        assert path_name(camera) in running.media.configured

    async def test_one_camera_that_is_refused_does_not_hold_up_the_others(self, running: Running) -> None:
        tenant, bad, sealed, good = new_id(), new_id(), new_id(), new_id()
        running.media.refuses.add(path_name(bad))
        for camera in (bad, sealed, good):
            event = registered(running, tenant, camera)
            if camera == sealed:
                event = event.model_copy(update={"data": event.data.model_copy(update={"url_encrypted": "lost:key"})})
            await announce(running, event)
        await running.reconciler.reconcile()
        assert path_name(good) in running.media.configured
        assert path_name(sealed) not in running.media.configured


class TestStreams:
    async def test_online_offline_and_back_are_seen_and_told(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        caller = running.mint.caller(Role.VIEWER, tenant_id=tenant)
        await announce(running, registered(running, tenant, camera))
        await running.reconciler.reconcile()
        assert (await stream(running, caller, camera))["state"] == "unknown"
        await progress(running, camera)
        online = await stream(running, caller, camera)
        assert (online["state"], online["revision"], online["hls_path"]) == ("online", 1, f"/hls/cam_{camera}/index.m3u8")
        running.clock.advance(10)
        await running.reconciler.reconcile()
        offline = await stream(running, caller, camera)
        assert (offline["state"], offline["cause"], offline["revision"]) == ("offline", "no_progress", 2)
        await progress(running, camera, rounds=1)
        assert (await stream(running, caller, camera))["state"] == "online"

    async def test_a_dead_media_server_is_the_cause(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera))
        await progress(running, camera)
        running.media.down = True
        try:
            running.clock.advance(10)
            await running.reconciler.reconcile()
        finally:
            running.media.down = False
        caller = running.mint.caller(tenant_id=tenant)
        assert (await stream(running, caller, camera))["cause"] == "media_server_down"

    async def test_a_round_that_fails_is_counted_whatever_was_away(self, running: Running) -> None:
        def failures() -> float:
            return REGISTRY.get_sample_value("gtvision_streaming_reconcile_failures_total") or 0.0

        class NoDatabase:
            async def streams(self) -> list[StreamView]:
                raise Unavailable

        before, clock, after = failures(), running.clock, timedelta(seconds=10)
        streams = Streams(running.db.uow, PostgresStreams, str)
        paths = Paths(running.media, running.vault, running.names, clock)
        fleet = cast("PostgresFleet", NoDatabase())
        with pytest.raises(Unavailable):
            await Reconciler(fleet, running.media, paths, streams, clock=clock, stall_after=after).reconcile()
        running.media.down = True
        try:
            await running.reconciler.reconcile()
        finally:
            running.media.down = False
        assert failures() == before + 2

    async def test_an_address_that_is_refused_is_the_cause_until_it_is_not(self, running: Running) -> None:
        tenant, camera, literal = new_id(), new_id(), new_id()
        caller = running.mint.caller(tenant_id=tenant)

        async def look() -> None:
            running.clock.advance(61)
            await running.reconciler.reconcile()
            while await running.names.look_up():
                pass
            await running.reconciler.reconcile()

        running.dns.answers["turning.example"] = ["10.0.0.9"]
        await announce(running, registered(running, tenant, camera, url="rtsp://turning.example/s"))
        await announce(running, registered(running, tenant, literal, url="rtsp://169.254.169.254/s"))
        await look()
        assert running.media.configured[path_name(camera)].source == "rtsp://10.0.0.9/s"
        await progress(running, camera)
        assert (await stream(running, caller, camera))["state"] == "online"
        running.dns.answers["turning.example"] = ["127.0.0.1"]
        await look()
        for each in (camera, literal):
            refused = await stream(running, caller, each)
            assert (refused["state"], refused["cause"]) == ("offline", "address_refused")
            assert path_name(each) not in running.media.configured
        revision = (await stream(running, caller, camera))["revision"]
        await look()
        assert (await stream(running, caller, camera))["revision"] == revision
        running.media.inbound.pop(path_name(camera))
        running.dns.answers["turning.example"] = ["10.0.0.9"]
        await look()
        assert (await stream(running, caller, camera))["cause"] == "unreachable"
        await progress(running, camera)
        back = await stream(running, caller, camera)
        assert (back["state"], back["cause"]) == ("online", None)

    @pytest.mark.parametrize("url", ["rtsp://admin@10.0.0.9/new", "rtsp://10.0.0.9/refused"])
    async def test_a_change_that_the_media_server_refuses_ends_the_old_path_and_has_a_cause(self, running: Running, url: str) -> None:
        tenant, camera = new_id(), new_id()
        caller = running.mint.caller(tenant_id=tenant)
        await announce(running, registered(running, tenant, camera, url="rtsp://10.0.0.8/old"))
        await progress(running, camera)
        assert (await stream(running, caller, camera))["state"] == "online"
        running.media.refuses_sources.add("rtsp://10.0.0.9/refused")
        await announce(running, registered(running, tenant, camera, 2, url=url))
        for _ in range(2):
            await running.reconciler.reconcile()
            assert path_name(camera) not in running.media.configured
            refused = await stream(running, caller, camera)
            assert (refused["state"], refused["cause"], refused["revision"]) == ("offline", "address_invalid", 2)
        await announce(running, registered(running, tenant, camera, 3, url="rtsp://10.0.0.10/good"))
        await progress(running, camera)
        back = await stream(running, caller, camera)
        assert (back["state"], back["cause"]) == ("online", None)

    async def test_a_refused_change_that_is_not_of_the_camera_leaves_its_path(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        caller = running.mint.caller(tenant_id=tenant)
        running.dns.answers["kept.example"] = ["10.0.0.21"]
        await announce(running, registered(running, tenant, camera, url="rtsp://kept.example/s"))
        running.clock.advance(61)
        await running.reconciler.reconcile()
        while await running.names.look_up():
            pass
        await progress(running, camera)
        path = running.media.configured[path_name(camera)]
        running.media.refuses.add(path.name)
        recording = RecordingSettings(enabled=not path.record)
        await announce(running, registered(running, tenant, camera, 2, url="rtsp://kept.example/s", recording=recording))
        await progress(running, camera)
        assert running.media.configured[path.name] == path
        assert (await stream(running, caller, camera))["state"] == "online"
        running.dns.answers["kept.example"] = ["10.0.0.22"]
        running.clock.advance(61)
        for _ in range(2):  # without progress the name moves
            await running.reconciler.reconcile()
        while await running.names.look_up():
            pass
        offered = len(running.media.offered)
        await running.reconciler.reconcile()
        assert running.media.offered[offered:] == ["rtsp://10.0.0.22/s"]
        assert running.media.configured[path.name] == path

    async def test_what_was_refused_is_offered_again_later_and_not_at_each_look(self, running: Running) -> None:
        tenant, camera, source = new_id(), new_id(), "rtsp://10.0.0.9/refused-for-now"
        running.media.refuses_sources.add(source)
        await announce(running, registered(running, tenant, camera, url=source))
        for _ in range(3):
            await running.reconciler.reconcile()
        assert running.media.offered.count(source) == 1
        running.media.refuses_sources.discard(source)
        running.clock.advance(61)
        await running.reconciler.reconcile()
        assert running.media.configured[path_name(camera)].source == source

    async def test_codecs_are_those_of_now(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        caller = running.mint.caller(tenant_id=tenant)
        await announce(running, registered(running, tenant, camera))
        await progress(running, camera)
        running.media.codecs[path_name(camera)] = ("H265", "MPEG-4 Audio")
        await progress(running, camera, rounds=1)
        now = await stream(running, caller, camera)
        assert (now["state"], now["codecs"], now["revision"]) == ("online", ["H265", "MPEG-4 Audio"], 2)
        assert (now["playable"], now["unplayable_reason"], now["webrtc"], now["hls"]) == (True, None, False, True)
        running.media.inbound.pop(path_name(camera))  # it reconnects, and its counter begins anew
        await progress(running, camera, rounds=1)
        running.media.codecs[path_name(camera)] = ("M-JPEG",)
        await progress(running, camera, rounds=2)
        now = await stream(running, caller, camera)
        assert (now["codecs"], now["playable"], now["unplayable_reason"]) == (["M-JPEG"], False, "codec_unsupported")
        assert (now["webrtc"], now["hls"]) == (False, False)

    async def test_a_switched_off_camera_is_disabled(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera, enabled=False))
        await running.reconciler.reconcile()
        assert (await stream(running, running.mint.caller(tenant_id=tenant), camera))["state"] == "disabled"
        assert path_name(camera) not in running.media.configured

    async def test_other_tenants_see_nothing(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera))
        headers = running.mint.headers(running.mint.caller(tenant_id=new_id()))
        assert (await running.http.get(f"/streams/{camera}", headers=headers)).status_code == 404
        assert (await running.http.get("/streams", headers=headers)).json()["items"] == []

    async def test_groups_limit_lists_and_pages_follow(self, running: Running) -> None:
        tenant, group = new_id(), new_id()
        inside = sorted(new_id() for _ in range(3))
        for camera in (*inside, new_id()):
            await announce(running, registered(running, tenant, camera, groups=(group,) if camera in inside else ()))
        headers = running.mint.headers(running.mint.caller(Role.VIEWER, tenant_id=tenant, groups=[group]))
        seen: list[str] = []
        params: dict[str, Any] = {"limit": 2}
        while params.get("cursor", "") is not None:
            page = (await running.http.get("/streams", headers=headers, params=params)).json()
            seen += [item["camera_id"] for item in page["items"]]
            params["cursor"] = page["next"]
        assert seen == [str(camera) for camera in inside]

    async def test_strange_cursors_are_refused(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera))
        headers = running.mint.headers(running.mint.caller(tenant_id=tenant))
        span = {"camera_id": str(camera), "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
        naive = encode_cursor(at="2026-01-01T00:00:00", id=str(new_id()))
        for path, params in (("/recordings", span | {"cursor": naive}), ("/streams", {"cursor": encode_cursor(after=5)})):
            answer = await running.http.get(path, headers=headers, params=params)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")

    async def test_row_level_security_stands_without_our_filter(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera))
        for other, visible in ((new_id(), 0), (tenant, 1), (None, 0)):
            async with running.db.uow(other) as uow:
                found = await uow.session.scalar(text("SELECT count(*) FROM cameras WHERE camera_id = :id"), {"id": camera})
            assert found == visible
