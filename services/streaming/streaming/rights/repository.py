"""Rights as the database knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, text
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from gtvision.errors import NotFound, SessionRevoked
from gtvision.tenancy import Caller
from streaming.rights.tables import EndedRightsRow

_REMEMBERED = timedelta(days=1)
"""What was opened with a token, the longest for 12 hours, has ended by itself before."""
# Removed cameras too: what they recorded can be watched as long as it is kept. A token tells the second in which it was made: of one that
# was made in the second of a change, the end of its login tells.
_RIGHTS = text(
    """
    SELECT camera.groups, EXISTS (
        SELECT FROM streaming.ended_rights ended
        WHERE ended.tenant_id = camera.tenant_id
          AND (ended.subject_id = :login_id OR ended.subject_id = :user_id AND date_trunc('second', ended.ended_at) > :given_at)
    ) AS is_ended
    FROM streaming.cameras camera WHERE camera.tenant_id = :tenant_id AND camera.camera_id = :camera_id
    """
)


@dataclass(frozen=True, slots=True)
class PostgresRights:
    """Rights in the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def check(self, caller: Caller, camera_id: UUID) -> None:
        """Whether a caller's rights still hold, and show a camera, or what it recorded before it was removed.

        Raises: NotFound, SessionRevoked.
        """
        given_at = datetime.fromtimestamp(caller.issued_at, UTC)
        values = {"login_id": caller.session_id, "user_id": caller.user_id, "given_at": given_at}
        values |= {"tenant_id": self.uow.tenant_id, "camera_id": camera_id}
        found = (await self.uow.session.execute(_RIGHTS, values)).one_or_none()
        if found is None or not caller.may_see(frozenset(found.groups)):
            raise NotFound("There is no such camera.")
        if found.is_ended:
            raise SessionRevoked

    async def end(self, subject_id: UUID, at: datetime) -> None:
        """Ends what a login, user or API key was given before. Earlier ends, and ends of long ago, are of no use any more."""
        row = EndedRightsRow
        ended = insert(row).values(tenant_id=self.uow.tenant_id, subject_id=subject_id, ended_at=at)
        latest = {"ended_at": func.greatest(row.ended_at, ended.excluded.ended_at)}
        await self.uow.session.execute(ended.on_conflict_do_update(index_elements=["tenant_id", "subject_id"], set_=latest))
        await self.uow.session.execute(delete(row).where(row.tenant_id == self.uow.tenant_id, row.ended_at < at - _REMEMBERED))
