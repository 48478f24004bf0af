"""Tests of what a channel wants to be told, when it is silent, and of the fields of each kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.alerts.gateways.conftest import an_alert

from alerts.alerts.domain import Notice
from alerts.channels.domain import KINDS, Channel, InvalidChannel, Kind
from gtvision.events import Severity
from gtvision.ids import new_id

CHANNEL = Channel(new_id(), new_id(), Kind.TELEGRAM, "Plantão", datetime(2026, 5, 1, tzinfo=UTC), {}, {"token": "selado"})


def test_a_channel_wants_what_is_grave_enough_and_of_its_kinds() -> None:
    warning = an_alert(severity=Severity.WARNING, kind="camera_lost")
    assert CHANNEL.wants(warning, Notice.RAISED)
    assert not CHANNEL.wants(replace(warning, severity=Severity.INFO), Notice.RAISED)
    assert not replace(CHANNEL, min_severity=Severity.CRITICAL).wants(warning, Notice.RAISED)
    assert not replace(CHANNEL, kinds=("plate_watchlist",)).wants(warning, Notice.RAISED)
    assert not replace(CHANNEL, enabled=False).wants(warning, Notice.RAISED)


def test_only_machines_are_told_that_a_person_has_seen_it() -> None:
    assert not CHANNEL.wants(an_alert(), Notice.ACKNOWLEDGED)
    assert replace(CHANNEL, kind=Kind.PAGERDUTY).wants(an_alert(), Notice.ACKNOWLEDGED)
    assert CHANNEL.wants(an_alert(), Notice.RESOLVED)


def test_fields_are_cleaned_and_told_apart() -> None:
    settings = {"host": " smtp.cidade.example ", "security": "starttls", "sender": "a@b.example", "recipients": "c@d.example,e@f.example"}
    plain, secret = KINDS[Kind.EMAIL].check(settings | {"port": 587, "username": ""}, {"password": "x"})
    assert (plain["host"], plain["port"], "username" in plain, secret) == ("smtp.cidade.example", 587, False, {"password": "x"})


@pytest.mark.parametrize(
    ("kind", "settings", "secrets"),
    [
        (Kind.SLACK, {}, {"webhook_url": "https://10.0.0.1/services/x"}),
        (Kind.SLACK, {}, {"webhook_url": "https://hooks.slack.com.evil.example/services/x"}),
        (Kind.WEBHOOK, {"url": "file:///etc/passwd"}, {}),
        (Kind.WEBHOOK, {"url": "https://a.example/\r\nx: y"}, {}),
        (Kind.SMS, {"service": "outro", "to": "+5541999990000"}, {"token": "x"}),
        (Kind.SMS, {"service": "twilio", "to": "41999990000"}, {"token": "x"}),
        (Kind.EMAIL, {"host": "x", "security": "none", "sender": "a@b", "recipients": "c@d"}, {}),
        (Kind.EMAIL, {"host": "x", "security": "tls", "sender": "a@b\nBcc: c@d", "recipients": "c@d"}, {}),
        (Kind.PAGERDUTY, {}, {"routing_key": "curta"}),
        (Kind.TELEGRAM, {"chat_id": "1"}, {"token": "123456:ABC/../getMe"}),
    ],
)
def test_a_field_that_leads_elsewhere_is_refused(kind: Kind, settings: dict[str, object], secrets: dict[str, object]) -> None:
    with pytest.raises(InvalidChannel):
        KINDS[kind].check(settings, secrets)
