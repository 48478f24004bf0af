"""Traces: sampling is decided first, by chance, so that a request that is not traced costs next to nothing.

Stock instrumentation alone costs half of a route's speed; here the server's span is opened only when it will be kept.
Without a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`) nothing is traced, but a caller's `traceparent` is still handed on.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_HEX = frozenset("0123456789abcdef")
_PROPAGATOR = TraceContextTextMapPropagator()


class _Tracing:
    """This process's tracing: one tracer, or none."""

    def __init__(self) -> None:
        self.provider: TracerProvider | None = None
        self.tracer: trace.Tracer | None = None
        self.ratio = 0.0


_tracing = _Tracing()


def configure(service: str, ratio: float, endpoint: str | None, provider: TracerProvider | None = None) -> None:
    """Sets up tracing of this process. Without an endpoint (or a provider, in tests) it stays off."""
    shutdown()
    if provider is None:
        if not endpoint:
            return
        provider = TracerProvider(sampler=ALWAYS_ON, resource=Resource.create({"service.name": service}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=5)))
    _tracing.provider, _tracing.tracer, _tracing.ratio = provider, provider.get_tracer("gtvision"), ratio


def shutdown() -> None:
    """Sends what is left and stops."""
    if _tracing.provider is not None:
        _tracing.provider.shutdown()
    _tracing.provider, _tracing.tracer, _tracing.ratio = None, None, 0.0


def sampled(traceparent: str | None) -> bool:
    """Returns whether a request or message is traced: as its sender decided, else by the ratio."""
    if _tracing.tracer is None:
        return False
    if traceparent is not None and len(traceparent) == 55 and traceparent[-1] in _HEX:
        return bool(int(traceparent[-1], 16) & 1)  # the lowest of the flags; the next one says that the id is random
    return random.random() < _tracing.ratio  # noqa: S311 - a sample, not a secret


@contextmanager
def server_span(
    name: str, traceparent: str | None = None, kind: SpanKind = SpanKind.SERVER, *, decided: bool = False
) -> Iterator[Span | None]:
    """A span for a request or message, below its sender's; None where it is not sampled. `decided`: `sampled` has returned True."""
    if not decided and not sampled(traceparent):
        yield None
        return
    assert _tracing.tracer is not None
    with _tracing.tracer.start_as_current_span(name, extract({"traceparent": traceparent} if traceparent else {}), kind) as opened:
        yield opened


def consumer_span(name: str, headers: Mapping[str, object]) -> AbstractContextManager[Span | None]:
    """Returns the span of a message that is consumed."""
    parent = headers.get("traceparent")
    return server_span(name, parent if isinstance(parent, str) else None, SpanKind.CONSUMER)


def inject(headers: MutableMapping[str, str] | None = None) -> dict[str, str]:
    """Returns the headers (or new ones) with the current `traceparent`, if there is one."""
    carrier: dict[str, str] = {} if headers is None else dict(headers)
    _PROPAGATOR.inject(carrier)
    carrier.pop("tracestate", None)
    if headers is not None:
        headers.update(carrier)
    return carrier


def extract(headers: Mapping[str, object]) -> Context:
    """Returns the context that `inject` wrote into the headers."""
    return _PROPAGATOR.extract({key: value for key, value in headers.items() if isinstance(value, str)}, context=Context())


@contextmanager
def resumed(headers: Mapping[str, object]) -> Iterator[None]:
    """Inside the block spans belong to the trace that the headers name."""
    mark = otel_context.attach(extract(headers))
    try:
        yield
    finally:
        otel_context.detach(mark)
