"""The rows of one transaction, all nouns together."""

from __future__ import annotations

from identity.cities.repository import SqlTenants
from identity.federation.repository import SqlExternalIdentities
from identity.keys.repository.api_keys import SqlApiKeys
from identity.keys.repository.signing import SqlSigningKeys
from identity.people.repository import SqlUsers
from identity.sessions.repository import SqlSessions


class SqlStore(SqlTenants, SqlUsers, SqlSessions, SqlApiKeys, SqlSigningKeys, SqlExternalIdentities):
    """`ports.Store` on PostgreSQL. One instance lives as long as its transaction."""
