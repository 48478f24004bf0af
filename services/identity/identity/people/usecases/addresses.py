"""Who has an e-mail address: for an operator of the machine itself, who names people by it and belongs to no tenant."""

from __future__ import annotations

from chassis.db import UowFactory
from gtvision.errors import NotFound
from identity.people.domain.users import InvalidEmail, User, email_key
from identity.ports.store import StoreOf


async def find_by_email(uow: UowFactory, store: StoreOf, email: str) -> User:
    """Of whichever tenant. Raises: NotFound, also for what is no address."""
    try:
        login = email_key(email)
    except InvalidEmail:
        raise NotFound(f"There is no user {email}.") from None
    async with uow(None) as work:
        found = await store(work).find_login(login)
    if found is None:
        raise NotFound(f"There is no user {email}.")
    return found
