"""Where a request comes from, for what goes on record. A context variable, so that no verb has to pass it on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Scope

_scope: ContextVar[Scope | None] = ContextVar("gtvision_request", default=None)
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MAX_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class Origin:
    """The client of a request. Every field is None outside of one."""

    address: str | None = None
    """The client's, from X-Forwarded-For where the peer is one of `TRUSTED_PROXIES`."""
    user_agent: str | None = None
    purpose: str | None = None
    """Code of `X-Purpose`; None where it is absent or no code."""
    service: str | None = None
    """The name of the service that answers."""


@contextmanager
def arriving(scope: Scope) -> Iterator[None]:
    """Inside the block `origin()` is that of this request."""
    mark = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(mark)


def origin() -> Origin:
    """Returns the origin of the request that is being answered. Its headers are read here, not with each request."""
    scope = _scope.get()
    if scope is None:
        return Origin()
    client = scope.get("client")
    found = {name: value.decode("latin-1") for name, value in scope["headers"] if name in {b"user-agent", b"x-purpose"}}
    purpose = found.get(b"x-purpose", "")
    agent = found.get(b"user-agent", "")[:_MAX_USER_AGENT]
    service = getattr(getattr(scope.get("app"), "state", None), "service_name", None)
    return Origin(client[0] if client else None, agent or None, purpose if _PURPOSE.fullmatch(purpose) else None, service)
