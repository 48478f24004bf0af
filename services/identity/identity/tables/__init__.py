"""Rows of the schema `identity`, split by noun. Every module is named here, so that the metadata is whole."""

from identity.tables.api_keys import api_key
from identity.tables.federation import external_identity
from identity.tables.schema import idempotency_key, metadata, outbox
from identity.tables.sessions import refresh_token, session
from identity.tables.signing import signing_key
from identity.tables.tenants import tenant
from identity.tables.users import account, login_name, recovery_code

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
