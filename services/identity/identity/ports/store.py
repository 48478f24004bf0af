"""The rows of one transaction, all nouns together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from identity.cities.ports import TenantRows
from identity.federation.ports import ExternalIdentityRows
from identity.keys.ports.api_keys import ApiKeyRows
from identity.keys.ports.signing import SigningKeyRows
from identity.people.ports import UserRows
from identity.sessions.ports import SessionRows


class Store(TenantRows, UserRows, SessionRows, ApiKeyRows, SigningKeyRows, ExternalIdentityRows, Protocol):
    """Methods that take no tenant see the unit of work's own, unless they say otherwise."""


StoreOf = Callable[[Any], Store]
"""Makes the store of one unit of work."""
