"""Programs' keys: made, shown once, listed, revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.db import UowFactory
from chassis.idempotency import Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from gtvision.time import Clock, isoformat
from identity.keys.domain.api_keys import ApiKey, ApiKeyAlreadyMade, check_key_groups, check_scopes, expiry, hint_of, key_text
from identity.ports.store import StoreOf
from identity.sessions.domain import SECRET_BYTES, hash_secret
from identity.sessions.ports import Chance
from identity.sessions.usecases.opening import Ending


@dataclass(frozen=True, slots=True)
class NewKey:
    """What is asked for."""

    name: str
    scopes: frozenset[Scope]
    camera_groups: frozenset[UUID] | None = None
    expires_at: datetime | None = None


class ApiKeys:
    """Keys of the caller's tenant; another tenant's do not exist."""

    def __init__(self, uow: UowFactory, store: StoreOf, ending: Ending, clock: Clock, chance: Chance) -> None:
        self._uow, self._store, self._ending, self._clock, self._chance = uow, store, ending, clock, chance

    async def create_api_key(self, who: Caller, asked: NewKey, once: Once | None = None) -> tuple[ApiKey, str]:
        """The key and its text, which nobody can show again. Raises: Forbidden, TooLongLived, IdempotencyKeyReused, ApiKeyAlreadyMade."""
        check_scopes(who.scopes, asked.scopes)
        check_key_groups(who.camera_groups, asked.camera_groups)
        now, text = self._clock.now(), key_text(self._chance(SECRET_BYTES))
        key = ApiKey(
            id=new_id(),
            tenant_id=who.tenant_id,
            name=asked.name,
            role=Role.PARTNER,
            key_hash=hash_secret(text),
            created_at=now,
            camera_groups=asked.camera_groups,
            scopes=frozenset(map(str, asked.scopes)),
            hint=hint_of(text),
            expires_at=expiry(now, asked.expires_at),
            created_by=who.user_id,
        )
        async with self._uow(who.tenant_id) as work:
            earlier = await claim(work, who, once, key.id, now)
            if earlier is not None:
                raise ApiKeyAlreadyMade(earlier)
            await self._store(work).add_api_key(key)
            record(work, Action.API_KEY_CREATED, who, AuditEntry("api_key", key.id, details=_details(key)))
        return key, text

    async def list_api_keys(self, who: Caller, after: UUID | None, limit: int) -> list[ApiKey]:
        """In order of creation, the revoked ones too."""
        async with self._uow(who.tenant_id) as work:
            return await self._store(work).api_keys(after, limit)

    async def api_key(self, who: Caller, key_id: UUID) -> ApiKey:
        """Raises: NotFound."""
        async with self._uow(who.tenant_id) as work:
            key = await self._store(work).api_key(key_id)
        if key is None:
            raise NotFound
        return key

    async def revoke_api_key(self, who: Caller, key_id: UUID) -> None:
        """It opens nothing any more, and every session that it opened ends at once. Idempotent. Raises: NotFound, Forbidden."""
        now = self._clock.now()
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            key = await store.api_key(key_id, lock=True)  # who exchanges it now waits, and then finds it revoked
            if key is None:
                raise NotFound
            check_key_groups(who.camera_groups, key.camera_groups)
            if key.revoked_at is not None:
                return
            await store.revoke_api_key(key_id, now)
            for session in await store.sessions_of(key_id, now):
                await self._ending.end(work, session)
            work.emit(UserDisabled(user_id=key_id))  # live views outlast the fifteen minutes of the session that opened them
            record(work, Action.API_KEY_REVOKED, who, AuditEntry("api_key", key_id, details={"name": key.name}))


def _details(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": " ".join(sorted(key.scopes or ())),
        "camera_groups": "all" if key.camera_groups is None else " ".join(map(str, sorted(key.camera_groups))),
        "expires_at": isoformat(key.expires_at) if key.expires_at else "never",
    }
