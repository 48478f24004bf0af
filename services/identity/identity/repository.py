"""The rows of one transaction, of all nouns together: `rows(uow).user(...)`."""

from __future__ import annotations

from collections.abc import Callable

from chassis.db import UnitOfWork
from identity.cities.repository import PostgresTenants
from identity.federation.repository import PostgresExternalIdentities
from identity.keys.repository import PostgresApiKeys, PostgresSigningKeys
from identity.people.repository import PostgresUsers
from identity.second_factors.repository import PostgresRecoveryCodes
from identity.sessions.repository import PostgresSessions


class PostgresRows(
    PostgresTenants,
    PostgresUsers,
    PostgresRecoveryCodes,
    PostgresSessions,
    PostgresApiKeys,
    PostgresSigningKeys,
    PostgresExternalIdentities,
):
    """Methods that take no tenant see the unit of work's own, unless they say otherwise."""


RowsOf = Callable[[UnitOfWork], PostgresRows]
