"""Tests of the text of messages, of templates that are refused, and of the links to pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.alerts.gateways.conftest import JPEG, NOW, an_alert
from tests.fixtures.tokens import encryption_keys

from alerts.alerts.domain import AlertState, Notice
from alerts.messages.domain import NOTICES, InvalidTemplate, Style, Template, Told
from alerts.messages.usecases import Messages
from chassis.redis import connect_redis
from chassis.storage import ObjectStore
from chassis.vault import Vault
from city.tenants import KnownTenant, TenantDirectory
from gtvision.errors import NotFound
from gtvision.ids import new_id
from gtvision.tenancy import TenantSettings
from gtvision.time import FakeClock

ALERT = an_alert(plate="ABC1234", reason="Furto", sightings=2, last_seen_at=NOW + timedelta(minutes=1), details={"Causa": "x"})


@pytest.fixture
async def messages(tmp_path: Path) -> AsyncIterator[Messages]:
    redis = connect_redis("redis://127.0.0.1:9/0")
    tenants = TenantDirectory(redis)
    tenants.learn(ALERT.tenant_id, KnownTenant(name="Cidade", revision=1, settings=TenantSettings(timezone="America/Manaus")))
    yield Messages(tenants, ObjectStore(tmp_path.as_uri()), Vault(encryption_keys()), FakeClock(NOW), "https://video.cidade.example/")
    await redis.aclose()


async def text(messages: Messages, subject: str, body: str = "x") -> tuple[str, str]:
    message = await messages.compose(Style(), Told(new_id(), Notice.RAISED, ALERT), "Portão")
    return messages.texts(Style(Template(subject, body)), message, strict=True)


@pytest.mark.parametrize("notice", Notice)
async def test_every_notice_has_a_text_in_the_city_s_time(messages: Messages, notice: Notice) -> None:
    message = await messages.compose(Style(), Told(new_id(), notice, ALERT), "Portão")
    assert ALERT.title in message.subject
    assert notice in NOTICES
    assert message.body.splitlines()[:4] == ["Cidade", "Câmera: Portão", "Placa: ABC-1234", "Motivo: Furto"]
    assert "Quando: 01/05/2026 08:00:00\nVisto 2 vezes, a última em 01/05/2026 08:01:00\nCausa: x\n" in message.body
    assert message.body.endswith(f"https://video.cidade.example/alertas/{ALERT.alert_id}")


@pytest.mark.parametrize(
    "body",
    [
        "{{ title.__class__.__mro__ }}",
        "{{ title.upper() }}",
        "{{ title.upper }}",
        "{{ ''.join(['a']) }}",
        "{{ 'a' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%0999999999d' | format(1) }}",
        "{{ title | center(999999999) }}",
        "{{ title | attr('__class__') }}",
        "{% for a in title %}{% for b in title %}x{% endfor %}{% endfor %}",
        "{% for a in range(9) %}x{% endfor %}",
        "{% set a = title ~ title %}{{ a }}",
        "{% macro m() %}{{ m() }}{% endmacro %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ self }}",
        "{{ title | truncate(0) }}",
        "{{ unknown }}",
        "{{ details }}",
        "{{ plate",
        "{{ " + "(" * 1_500 + "1" + ")" * 1_500 + " }}",
        "{% if 1 %}" * 300 + "{% endif %}" * 300,
    ],
)
async def test_a_template_reaches_nothing_that_it_was_not_given(messages: Messages, body: str) -> None:
    with pytest.raises(InvalidTemplate):
        messages.check_template(Template("x", body))


async def test_a_template_has_an_end_and_a_subject_is_one_line(messages: Messages) -> None:
    subject, body = await text(
        messages, "{{ plate }}\n{{ severity }}\u2028x", "{% for each in title ~ reason %}" + "y" * 3_000 + "{% endfor %}"
    )
    assert subject == "ABC-1234 crítico x"
    assert len(body) == 10_000


async def test_a_digest_names_every_alert(messages: Messages) -> None:
    alerts = tuple(an_alert(title=f"Alerta {n}") for n in range(200))
    message = await messages.compose(Style(), Told(new_id(), Notice.RAISED, alerts[0], digest=alerts), "")
    assert message.subject.startswith("200 alertas")
    assert all(f"Alerta {n}\n" in message.body + "\n" for n in range(200))


async def test_a_digest_says_which_alerts_are_over(messages: Messages) -> None:
    alerts = (ALERT, replace(ALERT, state=AlertState.ACKNOWLEDGED), replace(ALERT, state=AlertState.RESOLVED))
    message = await messages.compose(Style(), Told(new_id(), Notice.RAISED, ALERT, digest=alerts), "")
    assert [line.partition(",")[0] for line in message.body.splitlines()[:3]] == ["crítico", "CIENTE: crítico", "RESOLVIDO: crítico"]


async def test_a_picture_is_attached_or_opens_by_its_link_for_a_day(messages: Messages) -> None:
    await messages.objects.put("detections/a/b.jpg", JPEG)
    seen = an_alert(evidence_key="detections/a/b.jpg")
    carried = await messages.compose(Style(carries_pictures=True), Told(new_id(), Notice.RAISED, seen), "")
    assert carried.picture == JPEG
    assert carried.picture_url is not None
    (ticket,) = parse_qs(urlsplit(carried.picture_url).query)["ticket"]
    assert await messages.open_picture(ticket) == (JPEG, "image/jpeg")
    assert isinstance(messages.clock, FakeClock)
    messages.clock.advance(timedelta(hours=24))
    with pytest.raises(NotFound):
        await messages.open_picture(ticket)
    with pytest.raises(NotFound):
        await messages.open_picture(ticket[:-2] + "AA")
    gone = await messages.compose(Style(carries_pictures=True), Told(new_id(), Notice.RAISED, an_alert(evidence_key="x/y.jpg")), "")
    assert gone.picture is None, "a message does not wait for its picture"
