"""What stands at the entrance: patience, slow hashes, chance, and the vault of second factors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from identity.keys.ports.signing import Sealer
from identity.people.domain.passwords import WrongPassword
from identity.people.domain.second_factors import matching_step, recovery_hash, seal_context
from identity.people.domain.users import User, email_key
from identity.people.ports import Passwords, Throttle
from identity.ports.store import Store
from identity.sessions.ports import Chance


@dataclass(frozen=True, slots=True)
class Doors:
    """How people prove who they are."""

    throttle: Throttle
    passwords: Passwords
    chance: Chance
    sealer: Sealer

    async def check_again(self, user: User, password: str, address: str) -> None:
        """The password of somebody who is in already; guessing is counted as at the door.

        Call `recognise` once everything was right. Raises: WrongPassword, RateLimited, Unavailable.
        """
        await self.throttle.attempt(email_key(user.email), address)
        if not await self.passwords.verify(user.password_hash, password):
            raise WrongPassword

    async def recognise(self, user: User, address: str) -> None:
        """Forget the attempts that were needed. Raises: Unavailable."""
        await self.throttle.succeeded(email_key(user.email), address)

    async def spend_code(self, store: Store, user: User, code: str, now: datetime) -> str | None:
        """What the code was: "totp" or "recovery_code"; None where it is wrong or was used before.

        The user's row must be locked, so that two who know the same code cannot both come in.
        """
        factor = user.second_factor
        if factor is None:
            return None
        step = matching_step(self.sealer.open(factor.sealed, seal_context(user.tenant_id, user.id)), code, now, factor.last_step)
        if step is not None:
            await store.save_user(replace(user, second_factor=replace(factor, last_step=step)))
            return "totp"
        return "recovery_code" if await store.use_recovery_code(user.id, recovery_hash(user.id, code), now) else None
