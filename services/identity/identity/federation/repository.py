"""Rows of outside identities to nouns and back."""

from __future__ import annotations

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert

from identity.federation import tables
from identity.federation.domain.federation import ExternalIdentity
from identity.repository.rows import SqlRows


class SqlExternalIdentities(SqlRows):
    """`ports.ExternalIdentityRows`."""

    async def find_external(self, issuer: str, subject: str) -> ExternalIdentity | None:
        wanted = {"issuer": issuer, "subject": subject}
        row = await self._one(text("SELECT * FROM find_external(:issuer, :subject)"), wanted)
        if row is None:
            return None
        return ExternalIdentity(row.tenant_id, row.account_id, row.issuer, row.subject, row.provider, row.created_at)

    async def claim_external(self, identity: ExternalIdentity) -> bool:
        values = {
            "tenant_id": identity.tenant_id,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "account_id": identity.account_id,
            "provider": identity.provider,
            "created_at": identity.created_at,
        }
        table = tables.external_identity
        done = await self._session.execute(insert(table).values(values).on_conflict_do_nothing().returning(table.c.account_id))
        return done.first() is not None

    async def leave_external(self, identity: ExternalIdentity) -> None:
        row = tables.external_identity.c
        await self._session.execute(delete(tables.external_identity).where(row.issuer == identity.issuer, row.subject == identity.subject))
        await self._session.execute(
            text("SELECT release_login(:tenant, :account)"), {"tenant": identity.tenant_id, "account": identity.account_id}
        )
