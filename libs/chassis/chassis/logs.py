"""JSON lines to stdout, with the correlation id, without secrets.

One line costs some 15 us: `BytesLoggerFactory` and orjson, levels filtered before anything is built. What the libraries say
through `logging` is written in the same form.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast
from uuid import UUID

import orjson
import structlog

from gtvision.ids import new_id
from gtvision.time import SystemClock

_correlation: ContextVar[UUID | None] = ContextVar("correlation_id", default=None)

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(r"ticket|jwt|session|passw|token|authorization|secret|credential|cookie|api_?key|private_?key", re.IGNORECASE)
_MAY_HOLD_SECRET = re.compile(r"://|[?=]|eyJ|[Bb]earer|[Bb]asic |ssword|oken|ecret|icket")
_SCRUBBERS = (
    (re.compile(r"(://)[^\s\"'<>]*@"), r"\1" + REDACTED + "@"),
    (re.compile(r"(://[^\s?#\"'<>]*|(?<=[\s\"'(])/[^\s?#\"'<>]*|^/[^\s?#\"'<>]*)\?[^\s\"'<>)]*"), r"\1?" + REDACTED),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}"), REDACTED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{4,}", re.IGNORECASE), r"\1 " + REDACTED),
    (
        re.compile(
            r"([\"']?\b[\w-]*(?:ticket|jwt|session|passw\w*|token|authorization|secret)[\w-]*[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"'}\])]+)",
            re.IGNORECASE,
        ),
        r"\1" + REDACTED,
    ),
)


def correlation_id() -> UUID:
    """Returns the id that everything caused by one request or event carries. A new one outside of any."""
    return _correlation.get() or new_id()


@contextmanager
def correlated(value: UUID | None = None) -> Iterator[UUID]:
    """Inside the block logs and events carry this id, or a new one."""
    chosen = value or new_id()
    mark = _correlation.set(chosen)
    try:
        yield chosen
    finally:
        _correlation.reset(mark)


def redact(text: str) -> str:
    """Returns the text without URL user info, query strings, bearer tokens, JWTs and `password=...`."""
    if _MAY_HOLD_SECRET.search(text) is None:
        return text
    for pattern, replacement in _SCRUBBERS:
        text = pattern.sub(replacement, text)
    return text


def _scrubbed(value: object, depth: int = 0) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, int | float | UUID | None):
        return value
    if depth > 4:
        return "[deep]"
    if isinstance(value, dict):
        return {str(key): REDACTED if _SECRET_KEY.search(str(key)) else _scrubbed(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed(item, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return redact(str(value))


def _redaction(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key in _OURS:
            continue
        event[key] = REDACTED if _SECRET_KEY.search(key) and value is not None else _scrubbed(value)
    return event


_OURS = frozenset({"level", "timestamp", "service", "source", "correlation_id"})


def _correlate(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    current = _correlation.get()
    if current is not None:
        event.setdefault("correlation_id", str(current))
    return event


class _Service:
    """Adds the service's name to each line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = self._name
        return event


def _source(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["source"] = event["_record"].name
    return event


def _drop_color(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("color_message", None)
    return event


def _to_bytes(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


def _to_text(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
    return _to_bytes(logger, method, event).decode()


_CONSOLE = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def reset() -> None:
    """Replaces structlog's default, which prints the variables of every frame, secrets among them, before `configure`."""
    structlog.reset_defaults()
    structlog.configure(processors=[structlog.processors.add_log_level, _redaction, _CONSOLE])


reset()


def configure(service: str, level: str = "info", format: str = "json", *, final: bool = False) -> None:  # noqa: A002 - the option's name
    """Sets up structlog and the standard library's logging for this process. `final` makes loggers faster and this the last call."""
    number = _LEVELS[level.lower()]
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        _Service(service),
        _correlate,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redaction,
    ]
    json = format == "json"
    structlog.configure(
        processors=[*shared, _to_bytes if json else _CONSOLE],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory() if json else structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=final,
    )
    access.open(service, fast=json and final and number <= logging.INFO)
    _route_stdlib(number, [structlog.stdlib.ExtraAdder(), _drop_color, *shared], _to_text if json else _CONSOLE)


class _Stdout(logging.Handler):
    """Writes to `sys.stdout` as it is at that moment, as structlog's loggers do."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except Exception:
            self.handleError(record)


def _route_stdlib(level: int, shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor) -> None:
    handler = _Stdout()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_source, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    for chatty in ("httpx", "httpcore", "aio_pika", "aiormq", "faststream", "alembic"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


class AccessLog:
    """The line of each request, written without structlog: its fields are bounded and hold no secret.

    It has the form of any other line. Never give it a query string.
    """

    def __init__(self) -> None:
        self._service = ""
        self._write: Callable[[bytes], object] | None = None
        self._clock = SystemClock()

    def open(self, service: str, *, fast: bool) -> None:
        """Called by `configure`; before it, and in a terminal's format, lines go through structlog."""
        self._service = service
        self._write = structlog.BytesLogger(sys.stdout.buffer).msg if fast else None

    def line(self, event: str, fields: dict[str, str | int | float]) -> None:
        """Write one line at level info."""
        if self._write is None:
            get_logger("chassis.http").info(event, **fields)
            return
        fields |= {
            "event": event,
            "level": "info",
            "service": self._service,
            "source": "chassis.http",
            "correlation_id": str(_correlation.get()),
        }
        self._write(orjson.dumps({**fields, "timestamp": self._clock.now()}, option=orjson.OPT_UTC_Z))


access = AccessLog()


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Returns a logger: `log.info("camera_online", camera_id=...)`. Facts go into fields."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(source=name))
