"""Rows of the schema `identity`, split by noun. Every module is named here, so that the metadata is whole."""

from identity.cities.tables import tenant
from identity.federation.tables import external_identity
from identity.keys.tables.api_keys import api_key
from identity.keys.tables.signing import signing_key
from identity.people.tables import account, login_name, recovery_code
from identity.schema import idempotency_key, metadata, outbox
from identity.sessions.tables import refresh_token, session

__all__ = [
    "account",
    "api_key",
    "external_identity",
    "idempotency_key",
    "login_name",
    "metadata",
    "outbox",
    "recovery_code",
    "refresh_token",
    "session",
    "signing_key",
    "tenant",
]
