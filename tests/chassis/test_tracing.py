from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis import tracing
from chassis.service import create_app
from chassis.settings import ServiceSettings

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.configure("tested", 1.0, None, provider)
    yield exporter
    tracing.shutdown()


def _client(seen: list[str | None]) -> httpx.AsyncClient:
    router = APIRouter(prefix="/api/v1")

    @router.get("/things/{number}", openapi_extra={"x-access": "public"})
    async def thing(number: int, ticket: str = "") -> dict[str, int]:
        seen.append(tracing.inject().get("traceparent"))
        return {"number": number}

    service = create_app(ServiceSettings(service_name="things"), title="Things", lifespan_parts=[], routers=[router])
    return httpx.AsyncClient(transport=httpx.ASGITransport(service.api), base_url="http://things")


async def test_a_sampled_request_is_one_trace_below_its_caller(spans: InMemorySpanExporter) -> None:
    seen: list[str | None] = []
    async with _client(seen) as client:
        answer = await client.get("/api/v1/things/7?ticket=c4n4ry", headers={"traceparent": CALLER})
    [server] = spans.get_finished_spans()
    assert server.name == "GET /api/v1/things/{number}"
    assert server.context is not None
    assert f"{server.context.trace_id:032x}" in CALLER
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" in CALLER
    attributes: Any = server.attributes
    assert (attributes["http.route"], attributes["http.response.status_code"]) == ("/api/v1/things/{number}", 200)
    assert attributes["correlation_id"] == answer.headers["x-correlation-id"]
    assert "c4n4ry" not in server.to_json()
    assert seen[0] is not None
    assert seen[0].split("-")[1] == CALLER.split("-")[1]


async def test_a_caller_that_does_not_sample_is_respected(spans: InMemorySpanExporter) -> None:
    seen: list[str | None] = []
    async with _client(seen) as client:
        await client.get("/api/v1/things/7", headers={"traceparent": CALLER[:-2] + "00"})
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_without_a_caller_the_ratio_decides(spans: InMemorySpanExporter, ratio: float) -> None:
    provider = TracerProvider()
    tracing.configure("tested", ratio, None, provider)
    assert tracing.sampled(None) == bool(ratio)
    assert tracing.sampled("nonsense") == bool(ratio)


async def test_without_a_collector_nothing_is_traced() -> None:
    tracing.configure("tested", 1.0, None)
    seen: list[str | None] = []
    async with _client(seen) as client:
        assert (await client.get("/api/v1/things/7", headers={"traceparent": CALLER})).status_code == 200
    assert seen == [None]


def test_a_message_goes_on_with_its_trace(spans: InMemorySpanExporter) -> None:
    with tracing.server_span("first"):
        headers = tracing.inject({"x": "kept"})
    assert headers["x"] == "kept"
    with tracing.consumer_span("second", headers):
        assert (tracing.inject().get("traceparent") or "").split("-")[1] == headers["traceparent"].split("-")[1]
    first, second = spans.get_finished_spans()
    assert second.parent is not None
    assert first.context is not None
    assert second.parent.span_id == first.context.span_id


def test_a_trace_can_be_resumed_without_a_span() -> None:
    with tracing.resumed({"traceparent": CALLER}):
        assert tracing.inject().get("traceparent") == CALLER
    assert tracing.inject().get("traceparent") is None
    with tracing.resumed({"traceparent": b"not text"}):
        assert tracing.inject().get("traceparent") is None
