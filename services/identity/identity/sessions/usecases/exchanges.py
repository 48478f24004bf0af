"""Trading what another door gave for our short token (RFC 8693)."""

from __future__ import annotations

from chassis.db import UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action, Outcome
from gtvision.errors import BadCredentials
from gtvision.time import Clock
from identity.keys.domain.api_keys import USED_AT_MOST_EVERY, ApiKey
from identity.people.ports import Throttle
from identity.ports.store import StoreOf
from identity.sessions.domain import caller, hash_secret
from identity.sessions.usecases.opening import Opened, Opening


class Exchanges:
    """API keys for tokens."""

    def __init__(self, uow: UowFactory, store: StoreOf, opening: Opening, throttle: Throttle, clock: Clock) -> None:
        self._uow, self._store, self._opening, self._throttle, self._clock = uow, store, opening, throttle, clock

    async def exchange(self, api_key: str, address: str) -> Opened:
        """The token ends with the key at the latest. On record, also when a known key is refused.

        Only refusals count: nobody guesses a key, and a hundred workers may use a good one at once. Raises: BadCredentials, RateLimited,
        Unavailable.
        """
        async with self._uow(None) as work:
            key = await self._store(work).find_api_key(hash_secret(api_key))
        opened = None if key is None else await self._open(key, address)
        if opened is None:
            await self._throttle.attempt(f"key {hash_secret(api_key)}", address)
            await self._write_down(key)
            raise BadCredentials("The API key is not valid.")
        return opened

    async def _open(self, found: ApiKey, address: str) -> Opened | None:
        now = self._clock.now()
        async with self._uow(found.tenant_id) as work:
            store = self._store(work)
            key = await store.api_key(found.id, lock=True)  # whoever revokes it now waits, and then finds this session
            if key is None or not key.is_usable(now):
                return None
            opened = await self._opening.open_short(work, key, address, key.expires_at)
            if key.last_used_at is None or now - key.last_used_at >= USED_AT_MOST_EVERY or key.last_used_address != address:
                await store.use_api_key(key.id, now, address)
            record(
                work, Action.API_KEY_EXCHANGED, caller(key, opened.session.id), AuditEntry("api_key", key.id, details={"name": key.name})
            )
        return opened

    async def _write_down(self, key: ApiKey | None) -> None:
        if key is None:
            return
        reason = "expired" if key.revoked_at is None and not key.is_usable(self._clock.now()) else "revoked"
        entry = AuditEntry("api_key", key.id, details={"name": key.name, "reason": reason}, outcome=Outcome.REFUSED)
        async with self._uow(key.tenant_id) as work:
            record(work, Action.API_KEY_EXCHANGED, None, entry)
