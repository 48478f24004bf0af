"""What is done with browsers: a method a verb."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from alerts.browsers.domain import Browser
from chassis.db import UnitOfWork, UowFactory
from chassis.vault import Vault
from gtvision.errors import NotFound
from gtvision.events import Event, TenantRemoved, UserDisabled, UserRightsChanged
from gtvision.tenancy import Caller
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.browsers.repository import PostgresBrowsers

_MOST = 10
"""Browsers of one person; the newest stay."""


@dataclass(frozen=True, slots=True)
class Browsers:
    """The browsers of a tenant's users, and the keys with which the city names itself to their push services."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresBrowsers]
    clock: Clock
    vault: Vault

    async def public_key(self, caller: Caller) -> str:
        """Returns the key with which browsers of the city subscribe; the pair is made at first."""
        async with self.uow(caller.tenant_id) as uow:
            browsers = self.repository(uow)
            if await browsers.key() is None:
                public, private = _new_keys()
                await browsers.add_key(public, self.vault.seal(private, _context(caller.tenant_id)), self.clock.now())
            found = await browsers.key()
            if found is None:
                raise NotFound
            return found[0]

    async def subscribe(self, caller: Caller, endpoint: str, p256dh: str, auth: str) -> None:
        """Adds a browser of the caller; the same one again is renewed."""
        browser = Browser(caller.tenant_id, caller.user_id, endpoint, p256dh, auth, self.clock.now(), caller.camera_groups)
        async with self.uow(caller.tenant_id) as uow:
            await self.repository(uow).add(browser, _MOST)

    async def unsubscribe(self, caller: Caller, endpoint: str) -> None:
        """Forgets a browser of the caller, if it is known."""
        async with self.uow(caller.tenant_id) as uow:
            await self.repository(uow).forget(user_id=caller.user_id, endpoints=[endpoint])

    async def open(self, uow: UnitOfWork, groups: Sequence[frozenset[UUID] | None]) -> tuple[tuple[Browser, ...], str]:
        """Returns the browsers whose users may see at least one of these alerts, each the groups of its cameras, and the private key."""
        browsers = self.repository(uow)
        key = await browsers.key()
        if key is None or uow.tenant_id is None:
            return (), ""
        found = tuple(each for each in await browsers.list_all() if any(map(each.may_see, groups)))
        return found, self.vault.open(key[1], _context(uow.tenant_id))

    async def forget(self, uow: UnitOfWork, endpoints: Iterable[str]) -> None:
        """Forgets browsers whose push service knows them no more."""
        await self.repository(uow).forget(endpoints=endpoints)

    async def forget_user(self, consumer: str, event: Event[UserDisabled] | Event[UserRightsChanged]) -> None:
        """Forgets the browsers of a user who may not act any more, or not as before: the console adds them again."""
        async with self.uow(event.tenant_id) as uow:
            if not await uow.seen(consumer, event.event_id):
                await self.repository(uow).forget(user_id=event.data.user_id)

    async def forget_city(self, consumer: str, event: Event[TenantRemoved]) -> None:
        """Forgets every browser of a city that left, and its key. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if not await uow.seen(consumer, event.event_id):
                await self.repository(uow).delete_all()


def _new_keys() -> tuple[str, str]:
    """Returns the public key as browsers take it (base64url of the uncompressed point), and the private one as PEM."""
    pair = ec.generate_private_key(ec.SECP256R1())
    point = pair.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    pem = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode(), pem


def _context(tenant_id: UUID) -> str:
    return f"push.{tenant_id}"
