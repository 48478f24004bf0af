"""The rows of one transaction, all nouns together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from identity.ports.api_keys import ApiKeyRows
from identity.ports.federation import ExternalIdentityRows
from identity.ports.sessions import SessionRows
from identity.ports.signing import SigningKeyRows
from identity.ports.tenants import TenantRows
from identity.ports.users import UserRows


class Store(TenantRows, UserRows, SessionRows, ApiKeyRows, SigningKeyRows, ExternalIdentityRows, Protocol):
    """Methods that take no tenant see the unit of work's own, unless they say otherwise."""


StoreOf = Callable[[Any], Store]
"""Makes the store of one unit of work."""
