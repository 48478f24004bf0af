"""Finding the user whose password or second factor is to be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.errors import NotFound
from gtvision.tenancy import Caller
from identity.people.domain.users import InvalidEmail, OwnAccount, User, check_reach, email_key

if TYPE_CHECKING:
    from identity.repository import RowsOf


class Accounts:
    """Users whose credentials another person changes."""

    def __init__(self, uow: UowFactory, rows: RowsOf) -> None:
        self._uow, self._rows = uow, rows

    async def other(self, uow: UnitOfWork, caller: Caller, user_id: UUID) -> User:
        """Another user, locked, whom the caller may change. Raises: NotFound, OwnAccount, Forbidden."""
        if user_id == caller.user_id:
            raise OwnAccount
        user = await self.locked(uow, user_id)
        check_reach(caller, user.role, user.camera_groups)
        return user

    async def locked(self, uow: UnitOfWork, user_id: UUID) -> User:
        user = await self._rows(uow).user(user_id, lock=True)
        if user is None:
            raise NotFound
        return user

    async def find(self, email: str) -> User:
        """The user with this address, of whichever tenant. Raises: NotFound, also for what is no address."""
        try:
            login = email_key(email)
        except InvalidEmail:
            raise NotFound(f"There is no user {email}.") from None
        async with self._uow(None) as uow:
            found = await self._rows(uow).find_login(login)
        if found is None:
            raise NotFound(f"There is no user {email}.")
        return found
