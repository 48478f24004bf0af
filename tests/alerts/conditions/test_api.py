"""Tests of Alertmanager's webhook: the fingerprint is the identity, and what cannot be read is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.alerts.conditions.conftest import TOKEN, City

from alerts.conditions.usecases import Installation

pytestmark = [pytest.mark.db, pytest.mark.broker]


def alarm(status: str = "firing", fingerprint: str = "c0ffee", **labels: str) -> dict[str, Any]:
    """Returns an alarm as Alertmanager 0.27 posts it."""
    return {
        "status": status,
        "labels": {"alertname": "DiskFull", "instance": "node-1", "severity": "critical"} | labels,
        "annotations": {"summary": "Disco cheio em node-1", "runbook_url": "https://docs.example/disk"},
        "startsAt": "2031-05-01T12:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2031-05-01T12:05:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": fingerprint,
    }


def posted(*alarms: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "gtvision", "groupLabels": {}}
    return whole | {"commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am", "alerts": list(alarms)} | more


async def post(city: City, body: Any, token: str = TOKEN) -> httpx.Response:
    """Posts to the private port, behind which the city's own verbs are."""
    app = city.running.service.private
    known, app.state.provided = app.state.provided, {**app.state.provided, Installation: city.installation}
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://alerts") as http:
            return await http.post("/internal/alertmanager", json=body, headers={"authorization": f"Bearer {token}"})
    finally:
        app.state.provided = known


async def test_an_alarm_is_one_alert_from_its_firing_to_its_end(city: City) -> None:
    for _ in range(2):
        assert (await post(city, posted(alarm(), alarm(fingerprint="beef", severity="warning")))).status_code == 204
    alerts = {each["severity"]: each for each in await city.alerts()}
    assert sorted(alerts) == ["critical", "warning"]
    assert (alerts["critical"]["kind"], alerts["critical"]["title"]) == ("prometheus", "Disco cheio em node-1")
    assert alerts["critical"]["details"] == {"Alarme": "DiskFull", "O que fazer": "https://docs.example/disk", "instance": "node-1"}
    assert (await post(city, posted(alarm("resolved")))).status_code == 204
    assert [each["severity"] for each in await city.alerts(state="open")] == ["warning"]


async def test_a_label_names_the_city(city: City) -> None:
    other = city.running.tenant()
    assert (await post(city, posted(alarm(tenant=str(other.tenant_id))))).status_code == 204
    assert (await city.alerts(), len(await city.running.alerts(other))) == ([], 1)


@pytest.mark.parametrize(
    "body",
    [
        [],
        posted(version="3"),
        posted(alarm(fingerprint="../..")),
        posted(alarm("unknown")),
        posted(alarm() | {"startsAt": "yesterday"}),
        posted(alarm(**{f"label{at}": "x" for at in range(100)})),
    ],
)
async def test_what_cannot_be_read_is_refused(city: City, body: Any) -> None:
    assert (await post(city, body)).status_code == 422
    assert await city.alerts() == []


async def test_without_the_token_nothing_is_taken(city: City) -> None:
    assert (await post(city, posted(alarm()), token="falso")).status_code == 401
    assert await city.alerts() == []
