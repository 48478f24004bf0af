"""Tests of tickets for pictures that open nothing: why, and that it is on record once for each reason."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import text
from tests.ledger import audit_entries
from tests.streaming.playback.conftest import HERE, Camera, Node, long_ago, node
from tests.streaming.playback.test_rights import hear
from tests.streaming.snapshots.conftest import grey_of_seconds, make_film

from chassis.redis import connect_redis
from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.tenancy import Role
from streaming import metrics
from streaming.gateways import redis_still_tickets

__all__ = ["node"]
pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

GROUP = new_id()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", source=grey_of_seconds(14))


@pytest.fixture
async def camera(node: Node, film: Path) -> Camera:
    """A camera of a group with a file of two hours ago, and an operator of that group."""
    made = await node.camera(GROUP)
    made.caller = node.running.mint.caller(Role.OPERATOR, tenant_id=made.tenant, groups=[GROUP])
    made.put(film, long_ago(), lasts_s=14)
    await made.index()
    return made


async def ticket_of(camera: Camera) -> str:
    headers = camera.node.running.mint.headers(camera.caller) | {"x-purpose": "crime"}
    answer = await camera.node.running.http.get(f"/snapshots/{camera.camera}", headers=headers, params={"at": long_ago().isoformat()})
    assert answer.status_code == 307, answer.text
    return str(httpx.URL(answer.headers["location"]).params["ticket"])


async def show(camera: Camera, ticket: str) -> httpx.Response:
    return await camera.get("still.jpg", ticket=ticket)


async def use(camera: Camera, ticket: str) -> Camera:
    assert (await show(camera, ticket)).status_code == 200
    return camera


async def expire(camera: Camera, ticket: str) -> Camera:
    """Takes the end of its minute back by an hour, where the ticket is kept."""
    redis = connect_redis(camera.node.redis.state_url)
    place = redis_still_tickets._key(ticket)
    kept = msgspec.json.decode(await redis.get(place) or b"")
    await redis.set(place, msgspec.json.encode(kept | {"expires_at": long_ago().isoformat()}))
    await redis.aclose()
    return camera


async def of_another_city(camera: Camera, _: str) -> Camera:
    return await camera.node.camera()


async def leave_the_group(camera: Camera, _: str) -> Camera:
    async with camera.node.running.db.uow(camera.tenant) as uow:
        await uow.session.execute(text("UPDATE streaming.cameras SET groups = '{}'"))
    return camera


async def lose_the_rights(camera: Camera, _: str) -> Camera:
    await hear(camera, "user.rights_changed")
    return camera


Change = Callable[[Camera, str], Awaitable[Camera]]
CHANGES: dict[str, tuple[Change, int, str]] = {
    "used": (use, 401, "used"),
    "expired": (expire, 401, "expired"),
    "of another city": (of_another_city, 401, "other_camera"),
    "the camera left the group": (leave_the_group, 404, "not_found"),
    "the rights changed": (lose_the_rights, 401, "session_revoked"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_refused_ticket_shows_nothing_and_is_on_record_once(camera: Camera, change: str) -> None:
    changes, status, reason = CHANGES[change]
    ticket = await ticket_of(camera)
    shown_for = await changes(camera, ticket)
    answers = [await show(shown_for, ticket) for _ in range(3)]
    answers += await asyncio.gather(*(show(shown_for, ticket) for _ in range(9)))
    assert {answer.status_code for answer in answers} == {status}
    viewed, said = [entry.data for entry in await audit_entries(camera.node.running.db, camera.tenant)]
    assert (viewed.action, said.action, said.outcome) == ("recording.viewed", "recording.refused", "refused")
    assert (said.actor_id, said.session_id) == (camera.caller.user_id, camera.caller.session_id)
    assert (said.object_id, said.range_from, said.purpose, said.address) == (str(camera.camera), long_ago(), "crime", HERE)
    asked_for = {} if shown_for is camera else {"asked_for": str(shown_for.camera)}
    assert said.details == {"reason": reason, "view": "snapshot"} | asked_for
    if shown_for is not camera:
        assert await audit_entries(camera.node.running.db, shown_for.tenant) == []
        assert (await show(camera, ticket)).status_code == 200, "where it was shown for another camera it is as it was"


async def test_of_many_that_show_a_ticket_at_once_one_gets_a_picture(camera: Camera) -> None:
    ticket = await ticket_of(camera)
    answers = await asyncio.gather(*(show(camera, ticket) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


async def test_a_ticket_that_is_made_up_is_counted_and_in_no_ledger(camera: Camera) -> None:
    made_up = metrics.tickets_refused.labels("unknown")
    before = made_up._value.get()
    for ticket in ("", "x", secrets.token_urlsafe(32), "../" * 9, "%2e%2e%2f"):
        assert (await show(camera, ticket)).status_code == 401
    assert made_up._value.get() - before == 5
    assert await audit_entries(camera.node.running.db, camera.tenant) == []


@pytest.mark.parametrize("path", ["still.jpg/../../secret.txt", "..%2fstill.jpg", "%2e%2e/still.jpg", "still.jpg%00", "../still.jpg"])
async def test_paths_that_climb_show_nothing_and_spend_nothing(camera: Camera, path: str) -> None:
    ticket = await ticket_of(camera)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(camera.node.url.rpartition(":")[2]))
    request = f"GET /{path_name(camera.camera)}/{path}?ticket={ticket} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] in {b"400", b"401", b"403", b"404"}
    assert (await show(camera, ticket)).status_code == 200
