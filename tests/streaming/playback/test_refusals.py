"""Tests of who gets recorded video and who gets nothing: tickets, keys, paths, groups and revoked logins, through nginx."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.fixtures.databases import PATIENCE_S
from tests.ledger import audit_entries
from tests.streaming.conftest import CLOCK
from tests.streaming.playback.conftest import HERE, Camera, Node, long_ago

from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.tenancy import Role

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def camera(node: Node, film: Path) -> Camera:
    """A camera of one group with three files of a minute ago each, two hours ago."""
    made = await node.camera(new_id())
    for number in range(3):
        made.put(film, long_ago() + number * MINUTE)
    await made.index()
    return made


def names(camera: Camera) -> list[str]:
    return sorted(path.name for path in camera.folder.iterdir())


# --- tickets ------------------------------------------------------------------------------------------------------------


async def test_a_ticket_opens_once_and_the_view_is_on_record_once(camera: Camera) -> None:
    since, until = long_ago(), long_ago() + 2 * MINUTE
    ticket = await camera.ticket(since, until, **{"x-purpose": "crime"})
    assert await audit_entries(camera.node.running.db, camera.tenant) == []
    first = await camera.get("open", headers={"user-agent": "Firefox"}, ticket=ticket)
    assert first.status_code == 302
    key = first.headers["location"].split("/")[2]
    assert first.headers["location"] == f"/{path_name(camera.camera)}/{key}/index.m3u8"
    for _ in range(2):
        assert (await camera.redeem(ticket)).status_code == 401
    playlist = await camera.playlist(key)
    assert (await camera.get(f"{key}/{names(camera)[0]}")).status_code == 200
    assert "#EXT-X-ENDLIST" in playlist
    [record, *refused] = await audit_entries(camera.node.running.db, camera.tenant)
    assert [each.data.action for each in refused] == ["recording.refused"]
    said = record.data
    assert (said.action, said.object_kind, said.object_id, said.outcome) == ("recording.viewed", "camera", str(camera.camera), "allowed")
    assert (said.actor_id, said.session_id, said.purpose) == (camera.caller.user_id, camera.caller.session_id, "crime")
    assert (said.range_from, said.range_to, said.address, said.user_agent) == (since, until, HERE, "Firefox")


async def test_of_many_that_show_a_ticket_at_once_one_gets_in(camera: Camera) -> None:
    ticket = await camera.ticket(long_ago(), long_ago() + MINUTE)
    answers = await asyncio.gather(*(camera.redeem(ticket) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [302] + [401] * 9
    entries = await audit_entries(camera.node.running.db, camera.tenant)
    assert [entry.data.action for entry in entries] == ["recording.viewed", "recording.refused"]


async def test_an_expired_ticket_opens_nothing(camera: Camera) -> None:
    ticket = await camera.ticket(long_ago(), long_ago() + MINUTE)
    async with camera.node.running.db.uow(camera.tenant) as uow:
        await uow.session.execute(text("UPDATE streaming.playback_sessions SET ticket_expires_at = now()"))
    assert (await camera.redeem(ticket)).status_code == 401


@pytest.mark.parametrize("ticket", ["", "x", "a" * 43, "a" * 200, "é", "%00"])
async def test_a_ticket_that_is_made_up_opens_nothing(camera: Camera, ticket: str) -> None:
    answer = await camera.redeem(ticket)
    assert (answer.status_code, answer.json()["code"]) == (401, "ticket_refused")


async def test_a_ticket_is_for_its_camera_only(camera: Camera, node: Node) -> None:
    other = await node.camera()
    ticket = await camera.ticket(long_ago(), long_ago() + MINUTE)
    assert (await other.redeem(ticket)).status_code == 401
    assert (await camera.redeem(ticket)).status_code == 302


async def test_only_hashes_are_stored(camera: Camera) -> None:
    ticket = await camera.ticket(long_ago(), long_ago() + MINUTE)
    answer = await camera.redeem(ticket)
    key = answer.headers["location"].split("/")[2]
    async with camera.node.running.db.uow(camera.tenant) as uow:
        [row] = (await uow.session.execute(text("SELECT s::text FROM streaming.playback_sessions s"))).scalars()
    assert (ticket in row, key in row, len(ticket), len(key)) == (False, False, 43, 43)


# --- who may ask --------------------------------------------------------------------------------------------------------


async def test_only_who_may_see_the_camera_gets_a_ticket(camera: Camera) -> None:
    mint, span = camera.node.running.mint, (long_ago(), long_ago() + MINUTE)
    for caller, status, code in (
        (mint.caller(Role.OPERATOR, tenant_id=new_id()), 404, "not_found"),
        (mint.caller(Role.OPERATOR, tenant_id=camera.tenant, groups=[new_id()]), 404, "not_found"),
        (mint.caller(Role.VIEWER, tenant_id=camera.tenant), 403, "missing_scope"),
    ):
        answer = await camera.ask(*span, caller)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_ranges_that_cannot_be_played(camera: Camera) -> None:
    now = long_ago()
    for since, until, status, code in (
        (now, now, 422, "invalid"),
        (now, now + timedelta(hours=24, seconds=1), 422, "range_too_long"),
        (now - timedelta(days=40), now - timedelta(days=39), 404, "no_recording"),
        (now + timedelta(seconds=25), now + timedelta(seconds=50), 404, "no_recording"),
    ):
        answer = await camera.ask(since, until)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await camera.ask(now - timedelta(hours=23), now + timedelta(hours=1))).status_code == 200


async def test_what_a_removed_camera_recorded_can_be_watched(camera: Camera) -> None:
    await camera.remove()
    key = await camera.open(long_ago(), long_ago() + MINUTE)
    assert (await camera.get(f"{key}/{names(camera)[0]}")).status_code == 200


# --- keys and paths -----------------------------------------------------------------------------------------------------


async def test_a_key_is_for_its_camera_its_client_and_its_range(camera: Camera, node: Node, film: Path) -> None:
    other = await node.camera()
    theirs = other.put(film, long_ago()).name
    await other.index()
    key = await camera.open(long_ago() + MINUTE, long_ago() + MINUTE + timedelta(seconds=10))
    before, inside, after = names(camera)
    assert [(await camera.get(f"{key}/{name}")).status_code for name in (before, inside, after)] == [404, 200, 404]
    for path in (f"{key}/{theirs}", f"{key}/index.m3u8"):
        assert (await other.get(path)).status_code in {401, 404}
    for path in (f"{key}/{inside}", f"{key}/index.m3u8"):
        elsewhere = await camera.get(path, headers={"x-forwarded-for": "203.0.113.1"})
        assert elsewhere.status_code in {403, 404}
    made_up = secrets.token_urlsafe(32)
    assert (await camera.get(f"{made_up}/{inside}")).status_code == 401
    assert (await camera.get(f"{made_up}/index.m3u8")).status_code == 401


async def test_the_file_that_reaches_into_the_range_belongs_to_it(camera: Camera) -> None:
    key = await camera.open(long_ago() + timedelta(seconds=10), long_ago() + timedelta(seconds=12))
    assert [(await camera.get(f"{key}/{name}")).status_code for name in names(camera)] == [200, 404, 404]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "%2e%2e%2fsecret.txt",
        "....//secret.txt",
        "secret.txt",
        "2026-01-01_00-00-00-000000.mp4/../../secret.txt",
        "2026-01-01_00-00-00-000000.mp4%00.jpg",
        "..\\secret.txt",
    ],
)
async def test_paths_that_climb_lead_nowhere(camera: Camera, path: str) -> None:
    (camera.node.folder / "secret.txt").write_text("secret")
    (camera.folder / "secret.txt").write_text("secret")
    key = await camera.open(long_ago(), long_ago() + MINUTE)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(camera.node.url.rpartition(":")[2]))
    writer.write(f"GET /{path_name(camera.camera)}/{key}/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] in {b"400", b"401", b"403", b"404"}
    assert b"secret" not in answer


async def test_a_link_in_the_folder_is_not_followed(camera: Camera, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    link = camera.folder / f"{long_ago():%Y-%m-%d_%H-%M}-30-000001.mp4"
    link.symlink_to(tmp_path / "secret.txt")
    key = await camera.open(long_ago().replace(second=0), long_ago() + MINUTE)
    assert (await camera.get(f"{key}/{link.name}")).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_nothing_can_be_written(camera: Camera, method: str) -> None:
    key = await camera.open(long_ago(), long_ago() + MINUTE)
    answer = await camera.node.http.request(method, f"/{path_name(camera.camera)}/{key}/{names(camera)[0]}", headers=camera.headers)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_what_is_being_written_is_recorded_and_what_is_not_indexed_yet_is_no_other_range(node: Node, film: Path) -> None:
    camera = await node.camera()
    now = CLOCK.now()
    path = camera.put(film, now - timedelta(seconds=15), written=now)
    await camera.index()
    assert (await camera.ask(now - timedelta(hours=2), now - timedelta(hours=1))).status_code == 404
    key = await camera.open(now - timedelta(seconds=10), now + MINUTE)
    assert (await camera.get(f"{key}/{path.name}")).status_code == 200


async def test_ranges_of_a_file_are_sent(camera: Camera) -> None:
    key = await camera.open(long_ago(), long_ago() + MINUTE)
    name = names(camera)[0]
    whole = (camera.folder / name).read_bytes()
    answer = await camera.get(f"{key}/{name}", headers={"range": "bytes=100-299"})
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (206, whole[100:300], "video/mp4")
    head = await camera.node.http.head(f"/{path_name(camera.camera)}/{key}/{name}", headers=camera.headers)
    assert (head.status_code, int(head.headers["content-length"])) == (200, len(whole))


async def test_keys_and_tickets_are_in_no_log(camera: Camera) -> None:
    ticket = await camera.ticket(long_ago(), long_ago() + MINUTE)
    await camera.get("open", ticket=ticket + "x")
    key = (await camera.redeem(ticket)).headers["location"].split("/")[2]
    await camera.get(f"{key}/nothing")
    await camera.get(f"{key}/index.m3u8", **{"from": "nonsense"})
    said = camera.node.log.read_text()
    assert f"/{path_name(camera.camera)}/-/nothing" in said
    assert (key in said, ticket in said) == (False, False)


# --- the end of a session -----------------------------------------------------------------------------------------------


async def until_refused(camera: Camera, *paths: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while {(await camera.get(path)).status_code for path in paths} != {401}:
            await asyncio.sleep(0.2)


async def test_a_revoked_login_ends_its_sessions_alone(camera: Camera) -> None:
    mine = await camera.open(long_ago(), long_ago() + MINUTE)
    colleague = Camera(camera.node, camera.tenant, camera.camera, camera.node.running.mint.caller(Role.OPERATOR, tenant_id=camera.tenant))
    theirs = await colleague.open(long_ago(), long_ago() + MINUTE)
    name = names(camera)[0]
    assert [(await camera.get(f"{key}/{name}")).status_code for key in (mine, theirs)] == [200, 200]
    late = await camera.ticket(long_ago(), long_ago() + MINUTE)
    await camera.node.revoke(camera.caller)
    await until_refused(camera, f"{mine}/{name}", f"{mine}/index.m3u8")
    assert (await camera.redeem(late)).status_code == 401
    assert (await colleague.get(f"{theirs}/{name}")).status_code == 200


async def test_a_camera_that_left_the_viewers_groups_ends_the_session(node: Node, film: Path) -> None:
    group = new_id()
    camera = await node.camera(group)
    camera.caller = node.running.mint.caller(Role.OPERATOR, tenant_id=camera.tenant, groups=[group])
    camera.put(film, long_ago())
    await camera.index()
    key = await camera.open(long_ago(), long_ago() + MINUTE)
    assert (await camera.get(f"{key}/index.m3u8")).status_code == 200
    async with node.running.db.uow(camera.tenant) as uow:
        await uow.session.execute(text("UPDATE streaming.cameras SET groups = '{}'"))
    await until_refused(camera, f"{key}/{names(camera)[0]}", f"{key}/index.m3u8")


async def test_a_session_expires_and_is_forgotten(camera: Camera) -> None:
    key = await camera.open(long_ago(), long_ago() + MINUTE)
    async with camera.node.running.db.uow(camera.tenant) as uow:
        await uow.session.execute(text("UPDATE streaming.playback_sessions SET expires_at = now() - interval '1 s'"))
    await until_refused(camera, f"{key}/{names(camera)[0]}")
    async with camera.node.running.db.uow(camera.tenant) as uow:  # for an hour it is remembered whose it was
        await uow.session.execute(text("UPDATE streaming.playback_sessions SET expires_at = now() - interval '61 min'"))
    await camera.ticket(long_ago(), long_ago() + MINUTE)
    async with camera.node.running.db.uow(camera.tenant) as uow:
        assert (await uow.session.execute(text("SELECT count(*) FROM streaming.playback_sessions"))).scalar_one() == 1
