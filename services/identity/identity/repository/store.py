"""The rows of one transaction, all nouns together."""

from __future__ import annotations

from identity.repository.api_keys import SqlApiKeys
from identity.repository.federation import SqlExternalIdentities
from identity.repository.sessions import SqlSessions
from identity.repository.signing import SqlSigningKeys
from identity.repository.tenants import SqlTenants
from identity.repository.users import SqlUsers


class SqlStore(SqlTenants, SqlUsers, SqlSessions, SqlApiKeys, SqlSigningKeys, SqlExternalIdentities):
    """`ports.Store` on PostgreSQL. One instance lives as long as its transaction."""
