"""Fixtures: a receiver over TLS, a guard that trusts it, and messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fixtures.receivers import Certificate, Receiver, make_certificate, receiving

from alerts.alerts.domain import Alert, AlertState, Notice
from alerts.channels.domain import Kind, Message, OpenChannel
from chassis.outbound import OutboundHttp, trust
from gtvision.addresses import AddressPolicy
from gtvision.events import Severity
from gtvision.ids import new_id

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HERE = AddressPolicy(allow_loopback=True)
JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def receiver(certificate: Certificate) -> AsyncIterator[Receiver]:
    async with receiving(certificate.context()) as made:
        yield made


@pytest.fixture
async def guard(certificate: Certificate) -> AsyncIterator[OutboundHttp]:
    http = OutboundHttp(HERE, trust(certificate.ca_file), agent="test", timeout_s=0.5, total_s=0.5)
    yield http
    await http.aclose()


def an_alert(**more: Any) -> Alert:
    values = {"kind": "plate_watchlist", "severity": Severity.CRITICAL, "title": "Placa ABC1D23 <vista> & parada", "plate": "ABC1D23"}
    return Alert(alert_id=new_id(), tenant_id=new_id(), state=AlertState.OPEN, raised_at=NOW, captured_at=NOW, **(values | more))


def a_message(**more: Any) -> Message:
    values: dict[str, Any] = {
        "alert": an_alert(),
        "notice": Notice.RAISED,
        "subject": "CRÍTICO: Placa ABC1D23 <vista> & parada",
        "body": "Câmera: Portão <1>\nQuando: 01/05/2026 09:00:00\nhttps://video.cidade.example/alertas/1",
        "acknowledge_url": "https://video.cidade.example/api/v1/alerts/links/abc",
        "link": "https://video.cidade.example/alertas/1",
        "picture_url": "https://video.cidade.example/api/v1/channels/picture?ticket=abc",
    }
    return Message(delivery_id=new_id(), city="Cidade", camera_name="Portão", **(values | more))


def a_channel(kind: Kind, settings: dict[str, Any] | None = None, **secrets: str) -> OpenChannel:
    return OpenChannel(new_id(), new_id(), kind, "Canal", settings or {}, secrets)
