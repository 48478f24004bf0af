"""The end of rights: what was opened with them is looked up again every few seconds, and finds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory

if TYPE_CHECKING:
    from streaming.rights.repository import PostgresRights


class Rights:
    """Notes whose rights have ended. What was given before that instant stays ended, whatever is heard first; what is given later holds."""

    def __init__(self, uow: UowFactory, rights: Callable[[UnitOfWork], PostgresRights]) -> None:
        self._uow, self._rights = uow, rights

    async def end(self, tenant_id: UUID, subject_id: UUID, at: datetime) -> None:
        """Ends what a login, a user or an API key was given before `at`, for good: identity forgets that it ended a login.

        Repeating it is harmless.
        """
        async with self._uow(tenant_id) as uow:
            await self._rights(uow).end(subject_id, at)
