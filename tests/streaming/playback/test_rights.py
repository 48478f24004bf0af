"""Tests of the end of rights: what was opened with them ends, whatever is heard first, and what is opened with new ones does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.streaming.conftest import CLOCK
from tests.streaming.playback.conftest import HERE, Camera, Node, long_ago
from tests.streaming.playback.test_refusals import MINUTE, names, until_refused

from chassis.bus.publisher import Publisher, event_message
from chassis.envelope import wrap
from chassis.fakes import StaticRevocations
from chassis.settings import RabbitSettings
from gtvision.errors import Unauthenticated
from gtvision.events import SessionRevoked, UserDisabled, UserRightsChanged
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from streaming.playback.domain import SessionUnknown
from streaming.playback.repository import PostgresPlaybackSessions, PostgresTenants
from streaming.playback.usecases import PlaybackSessions
from streaming.rights.consumers import RightsEvents
from streaming.rights.repository import PostgresRights
from streaming.rights.usecases import Rights

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

SECOND = timedelta(seconds=1)
SPAN = long_ago(), long_ago() + MINUTE


@pytest.fixture
async def camera(node: Node, film: Path) -> Camera:
    """A camera with a file of two hours ago."""
    made = await node.camera()
    made.put(film, long_ago())
    await made.index()
    return made


async def hear(camera: Camera, event: str, at: datetime | None = None, caller: Caller | None = None) -> None:
    """Has streaming hear twice, as the broker may deliver it, that the caller's login or rights ended: a second from now, if not `at`.

    A token tells the second in which it was made, so what was asked for just now was asked for before that.
    """
    views: list[UUID] = []

    async def end_views(user_id: UUID, _: datetime) -> None:
        views.append(user_id)

    who, at = caller or camera.caller, at or CLOCK.now() + SECOND
    events = RightsEvents(Rights(camera.node.running.db.uow, PostgresRights), end_views)
    for _ in range(2):
        if event == "session.revoked":
            login = SessionRevoked(session_id=who.session_id, until=at)
            await events.on_session_revoked(wrap(login, tenant_id=camera.tenant, occurred_at=at))
        elif event == "user.disabled":
            await events.on_user_changed(wrap(UserDisabled(user_id=who.user_id), tenant_id=camera.tenant, occurred_at=at))
        else:
            await events.on_user_changed(wrap(UserRightsChanged(user_id=who.user_id), tenant_id=camera.tenant, occurred_at=at))
    assert views == [who.user_id] * (0 if event == "session.revoked" else 2)


EVENTS = ["session.revoked", "user.disabled", "user.rights_changed"]


@pytest.mark.parametrize("event", EVENTS)
async def test_a_session_ends_and_stays_ended_though_its_login_is_on_no_list(camera: Camera, event: str) -> None:
    colleague = Camera(camera.node, camera.tenant, camera.camera, camera.node.running.mint.caller(Role.OPERATOR, tenant_id=camera.tenant))
    mine, theirs = await camera.open(*SPAN), await colleague.open(*SPAN)
    name = names(camera)[0]
    assert (await camera.get(f"{mine}/{name}")).status_code == 200
    await hear(camera, event)
    await until_refused(
        camera, f"{mine}/{name}", f"{mine}/index.m3u8", f"{mine}/thumbs.json", f"{mine}/sprite_{long_ago():%Y-%m-%d_%H}.jpg"
    )
    assert (await colleague.get(f"{theirs}/{name}")).status_code == 200


async def test_the_service_hears_of_it_by_the_broker(camera: Camera, rabbitmq: RabbitSettings) -> None:
    key = await camera.open(*SPAN)
    told = wrap(UserRightsChanged(user_id=camera.caller.user_id), tenant_id=camera.tenant, occurred_at=CLOCK.now() + SECOND)
    async with Publisher(rabbitmq) as publisher:
        await publisher.send(event_message(told))
    await until_refused(camera, f"{key}/index.m3u8")


@pytest.mark.parametrize("shown", ["key", "ticket"])
async def test_a_login_that_was_seen_revoked_stays_ended_though_the_list_forgets_it_before_an_event_comes(
    camera: Camera, shown: str
) -> None:
    db, list_of_now, list_of_later = camera.node.running.db, StaticRevocations(), StaticRevocations()
    list_of_now.revoked.add(camera.caller.session_id)
    now, later = (
        PlaybackSessions(db.uow, PostgresPlaybackSessions, PostgresRights, PostgresTenants(db), revocations, CLOCK)
        for revocations in (list_of_now, list_of_later)
    )
    key, ticket = (await camera.open(*SPAN)).partition("/")[0], await camera.ticket(*SPAN)
    for code in ["session_revoked", "playback_session_unknown"] if shown == "key" else ["session_revoked"] * 2:
        with pytest.raises(Unauthenticated) as refused:
            await (now.find(camera.camera, key, HERE) if shown == "key" else now.open(camera.camera, ticket, HERE))
        assert refused.value.code == code
    with pytest.raises(SessionUnknown):
        await later.find(camera.camera, key, HERE)
    async with db.uow(camera.tenant) as uow:
        ended = (await uow.session.execute(text("SELECT subject_id FROM streaming.ended_rights"))).scalars().all()
    assert ended == [camera.caller.session_id]


async def test_a_revoked_api_key_ends_its_sessions(camera: Camera) -> None:
    camera.caller = camera.node.running.mint.caller(Role.PARTNER, tenant_id=camera.tenant, scopes=[Scope.RECORDINGS_READ])
    key = await camera.open(*SPAN)
    await hear(camera, "user.disabled")
    await until_refused(camera, f"{key}/index.m3u8")


@pytest.mark.parametrize("event", EVENTS)
async def test_what_is_heard_first_ends_what_is_opened_later_with_the_rights_of_before(camera: Camera, event: str) -> None:
    waiting, token = await camera.ticket(*SPAN), camera.node.running.mint.headers(camera.caller)
    await hear(camera, event)
    assert (await camera.redeem(waiting)).status_code == 401
    answer = await camera.ask(*SPAN, **token)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")


@pytest.mark.parametrize("event", ["user.disabled", "user.rights_changed"])
async def test_what_is_opened_with_rights_of_after_the_change_goes_on(camera: Camera, event: str) -> None:
    changed_at = CLOCK.now() - 2 * SECOND
    await hear(camera, event, changed_at)
    key = await camera.open(*SPAN)
    await hear(camera, event, changed_at - MINUTE)
    again = await camera.open(*SPAN)
    for each in (key, again):
        assert (await camera.get(f"{each}/index.m3u8")).status_code == 200


async def test_the_same_id_in_another_city_is_somebody_else(camera: Camera, node: Node) -> None:
    other = await node.camera()
    await hear(other, "user.rights_changed", caller=camera.caller)
    assert (await camera.get(f"{await camera.open(*SPAN)}/index.m3u8")).status_code == 200


async def test_what_ended_long_ago_is_forgotten(camera: Camera) -> None:
    async with camera.node.running.db.uow(camera.tenant) as each:
        await PostgresRights(each).end(new_id(), CLOCK.now() - timedelta(hours=23))
        await PostgresRights(each).end(new_id(), CLOCK.now() - timedelta(hours=25))
        await PostgresRights(each).end(new_id(), CLOCK.now())
        assert (await each.session.execute(text("SELECT count(*) FROM streaming.ended_rights"))).scalar_one() == 2
