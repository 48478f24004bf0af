"""Rows of external identities."""

from __future__ import annotations

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert

from identity.federation.domain import ExternalIdentity
from identity.federation.tables import external_identity
from identity.schema import Repository, values_of


class PostgresExternalIdentities(Repository):
    """Which account a provider's subject is."""

    async def find_external(self, issuer: str, subject: str) -> ExternalIdentity | None:
        """Across tenants."""
        return await self._first(ExternalIdentity, text("SELECT * FROM find_external(:issuer, :subject)"), issuer=issuer, subject=subject)

    async def claim_external(self, identity: ExternalIdentity) -> bool:
        """Returns whether it was added: False where another account has it, of whichever tenant."""
        adding = insert(external_identity).values(values_of(external_identity, identity)).on_conflict_do_nothing()
        return (await self._session.execute(adding.returning(external_identity.c.account_id))).first() is not None

    async def leave_external(self, identity: ExternalIdentity) -> None:
        """Forget the identity, and that the account's address is taken."""
        row = external_identity.c
        await self._session.execute(delete(external_identity).where(row.issuer == identity.issuer, row.subject == identity.subject))
        await self._session.execute(
            text("SELECT release_login(:tenant, :account)"), {"tenant": identity.tenant_id, "account": identity.account_id}
        )
