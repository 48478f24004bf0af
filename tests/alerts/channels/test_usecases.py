"""Tests of sending by a channel: whether it is in order is kept with it, and a browser that is gone is forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.alerts.conftest import Running
from tests.alerts.gateways.conftest import an_alert
from tests.fixtures.tokens import encryption_keys

from alerts.alerts.domain import Notice
from alerts.alerts.repository import PostgresAlerts
from alerts.browsers.repository import PostgresBrowsers
from alerts.browsers.usecases import Browsers
from alerts.channels.domain import Answer, InvalidChannel, Kind, Outcome, Told
from alerts.channels.fakes import FakeSender
from alerts.channels.repository import PostgresChannels
from alerts.channels.usecases import ChannelDraft, Channels
from alerts.messages.usecases import Messages
from chassis.envelope import wrap
from chassis.redis import connect_redis
from chassis.storage import ObjectStore
from chassis.vault import Vault
from city.tenants import TenantDirectory
from gtvision.events import UserRightsChanged
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]


def channels_with(running: Running, sender: FakeSender, folder: Path) -> Channels:
    clock, vault = SystemClock(), Vault(encryption_keys())
    messages = Messages(TenantDirectory(connect_redis("redis://127.0.0.1:9/0")), ObjectStore(folder.as_uri()), vault, clock, "")
    browsers = Browsers(running.db.uow, PostgresBrowsers, clock, vault)
    senders = dict.fromkeys(Kind, sender)
    return Channels(running.db.uow, PostgresChannels, PostgresAlerts, clock, vault, messages, browsers, senders)


async def test_trouble_begins_with_a_failure_and_ends_with_a_delivery(running: Running, tmp_path: Path) -> None:
    caller, later = running.tenant(), Answer(Outcome.LATER, "resposta 503", 503)
    sender = FakeSender(later, Answer(Outcome.LATER, "resposta 502", 502))
    channels = channels_with(running, sender, tmp_path)
    webhook = await channels.create_channel(caller, ChannelDraft(Kind.WEBHOOK, "Parceiro", {"url": "https://a.example/"}, {}))
    told = Told(new_id(), Notice.RAISED, an_alert())
    assert await channels.send(caller.tenant_id, webhook.channel_id, told) == later
    first = (await channels.show_channel(caller, webhook.channel_id)).trouble
    await channels.send(caller.tenant_id, webhook.channel_id, told)
    second = (await channels.show_channel(caller, webhook.channel_id)).trouble
    assert first is not None
    assert second is not None
    assert (second.since, second.detail) == (first.since, "resposta 502")
    assert (await channels.send(caller.tenant_id, webhook.channel_id, told)).is_delivered
    healed = await channels.show_channel(caller, webhook.channel_id)
    assert (healed.trouble, healed.last_delivered_at is not None) == (None, True)
    assert {message.delivery_id for _, message in sender.sent} == {told.delivery_id}
    await channels.change_channel(caller, webhook.channel_id, Patch({"enabled": False}))
    assert (await channels.send(caller.tenant_id, webhook.channel_id, told)).outcome is Outcome.REFUSED


async def test_a_browser_of_some_cameras_is_told_of_those_alone(running: Running, tmp_path: Path) -> None:
    caller, sender = running.tenant(), FakeSender()
    channels = channels_with(running, sender, tmp_path)
    push = await channels.create_channel(caller, ChannelDraft(Kind.WEB_PUSH, "Navegador", {}, {}))
    everybody = an_alert()
    outage, theirs = an_alert(camera_ids=(new_id(), new_id())), an_alert(camera_id=new_id())
    await channels.browsers.public_key(caller)
    await channels.browsers.subscribe(replace(caller, camera_groups=frozenset({new_id()})), "https://push.example/some", "p", "a")
    await channels.browsers.subscribe(caller, "https://push.example/all", "p", "a")
    for digest in ((outage,), (outage, theirs), (outage, everybody)):
        told = Told(new_id(), Notice.RAISED, digest[0], digest=digest if len(digest) > 1 else ())
        await channels.send(caller.tenant_id, push.channel_id, told)
    reached = [({each.endpoint.rpartition("/")[2] for each in channel.browsers}, dict(channel.partly)) for channel, _ in sender.sent]
    assert reached == [({"all"}, {}), ({"all"}, {}), ({"all", "some"}, {"https://push.example/some": 1})]
    changed = wrap(UserRightsChanged(user_id=caller.user_id), tenant_id=caller.tenant_id, occurred_at=channels.clock.now())
    await channels.browsers.forget_user("user_rights_changed", changed)
    await channels.send(caller.tenant_id, push.channel_id, Told(new_id(), Notice.RAISED, everybody))
    assert sender.sent[-1][0].browsers == ()


async def test_machines_take_more_messages_a_minute_than_people(running: Running, tmp_path: Path) -> None:
    caller, channels = running.tenant(), channels_with(running, FakeSender(), tmp_path)
    webhook = await channels.create_channel(caller, ChannelDraft(Kind.WEBHOOK, "Parceiro", {"url": "https://a.example/"}, {}))
    push = await channels.create_channel(caller, ChannelDraft(Kind.WEB_PUSH, "Navegador", {}, {}))
    assert (webhook.rate_per_minute, push.rate_per_minute) == (600, 20)
    await channels.change_channel(caller, webhook.channel_id, Patch({"rate_per_minute": 6_000}))
    with pytest.raises(InvalidChannel):
        await channels.change_channel(caller, push.channel_id, Patch({"rate_per_minute": 601}))


async def test_a_secret_whose_key_is_gone_is_told_plainly_and_nothing_escapes(running: Running, tmp_path: Path) -> None:
    caller, sender = running.tenant(), FakeSender()
    draft = ChannelDraft(Kind.WEBHOOK, "Parceiro", {"url": "https://a.example/"}, {})
    webhook = await channels_with(running, sender, tmp_path).create_channel(caller, draft)
    told = Told(new_id(), Notice.RAISED, an_alert())
    answer = await channels_with(running, sender, tmp_path).send(caller.tenant_id, webhook.channel_id, told)
    assert (answer.outcome, "chave" in answer.detail, sender.sent) == (Outcome.LATER, True, [])


async def test_a_browser_is_told_until_it_is_gone(running: Running, tmp_path: Path) -> None:
    caller, endpoint = running.tenant(), f"https://push.example/{new_id()}"
    sender = FakeSender(Answer(Outcome.REFUSED, "resposta 410", 410, gone=(endpoint,)))
    channels = channels_with(running, sender, tmp_path)
    push = await channels.create_channel(caller, ChannelDraft(Kind.WEB_PUSH, "Navegador", {}, {}))
    await channels.browsers.public_key(caller)
    await channels.browsers.subscribe(caller, endpoint, "p", "a")
    for _ in range(2):
        await channels.send(caller.tenant_id, push.channel_id, Told(new_id(), Notice.RAISED, an_alert()))
    assert [[each.endpoint for each in channel.browsers] for channel, _ in sender.sent] == [[endpoint], []]
    assert sender.sent[0][0].secrets["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
