"""Verbs of keys: API keys of programs, the rotation of signing keys, and what every service must know to verify tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UowFactory
from chassis.idempotency import Once, claim
from chassis.vault import Vault
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound, Unavailable
from gtvision.events import KeysRotated, UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from gtvision.time import Clock, isoformat
from identity import metrics
from identity.keys.domain import (
    LINGERS,
    OVERLAP,
    SECRET_BYTES,
    ApiKey,
    ApiKeyAlreadyMade,
    EndReason,
    KeyState,
    OpenedKey,
    RandomBytes,
    SigningKey,
    check_groups,
    check_room,
    check_scopes,
    expiry,
    hash_secret,
    hint_of,
    key_text,
    signs,
    state_of,
)

if TYPE_CHECKING:
    from identity.gateways.redis import RedisRegistry
    from identity.gateways.signing import JoseTokens, RsaKeyMaker
    from identity.repository import RowsOf
    from identity.sessions.usecases.issuing import SessionRevoker


@dataclass(frozen=True, slots=True)
class NewKey:
    """The API key that is asked for."""

    name: str
    scopes: frozenset[Scope]
    camera_groups: frozenset[UUID] | None = None
    expires_at: datetime | None = None


class ApiKeys:
    """Keys of the caller's tenant; another tenant's do not exist."""

    def __init__(self, uow: UowFactory, rows: RowsOf, revoker: SessionRevoker, clock: Clock, random_bytes: RandomBytes) -> None:
        self._uow, self._rows, self._revoker, self._clock, self._random_bytes = uow, rows, revoker, clock, random_bytes

    async def create_api_key(self, caller: Caller, asked: NewKey, once: Once | None = None) -> tuple[ApiKey, str]:
        """Returns the key and its text, which is stored nowhere.

        Raises: Forbidden, TooLongLived, IdempotencyKeyReused, ApiKeyAlreadyMade.
        """
        check_scopes(caller.scopes, asked.scopes)
        check_groups(caller.camera_groups, asked.camera_groups)
        now, text = self._clock.now(), key_text(self._random_bytes(SECRET_BYTES))
        key = ApiKey(
            id=new_id(),
            tenant_id=caller.tenant_id,
            name=asked.name,
            role=Role.PARTNER,
            key_hash=hash_secret(text),
            created_at=now,
            camera_groups=asked.camera_groups,
            scopes=frozenset(map(str, asked.scopes)),
            hint=hint_of(text),
            expires_at=expiry(now, asked.expires_at),
            created_by=caller.user_id,
        )
        async with self._uow(caller.tenant_id) as uow:
            earlier = await claim(uow, caller, once, key.id, now)
            if earlier is not None:
                raise ApiKeyAlreadyMade(earlier)
            await self._rows(uow).add_api_key(key)
            record(uow, Action.API_KEY_CREATED, caller, AuditEntry("api_key", key.id, details=_details(key)))
        return key, text

    async def list_api_keys(self, caller: Caller, after: UUID | None, limit: int) -> list[ApiKey]:
        """In order of creation, the revoked ones too."""
        async with self._uow(caller.tenant_id) as uow:
            return await self._rows(uow).api_keys(after, limit)

    async def api_key(self, caller: Caller, key_id: UUID) -> ApiKey:
        """Raises: NotFound."""
        async with self._uow(caller.tenant_id) as uow:
            key = await self._rows(uow).api_key(key_id)
        if key is None:
            raise NotFound
        return key

    async def revoke_api_key(self, caller: Caller, key_id: UUID) -> None:
        """Revoke the key and every session that it opened. Idempotent. Raises: NotFound, Forbidden."""
        now = self._clock.now()
        async with self._uow(caller.tenant_id) as uow:
            rows = self._rows(uow)
            key = await rows.api_key(key_id, lock=True)  # an exchange at the same moment waits, and then finds it revoked
            if key is None:
                raise NotFound
            check_groups(caller.camera_groups, key.camera_groups)
            if key.revoked_at is not None:
                return
            await rows.revoke_api_key(key_id, now)
            for session in await rows.sessions_of(key_id, now - LINGERS):
                await self._revoker.end(uow, session, EndReason.ENDED)
            uow.emit(UserDisabled(user_id=key_id))  # live views outlast the fifteen minutes of the session that opened them
            record(uow, Action.API_KEY_REVOKED, caller, AuditEntry("api_key", key_id, details={"name": key.name}))


def _details(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": " ".join(sorted(key.scopes or ())),
        "camera_groups": "all" if key.camera_groups is None else " ".join(map(str, sorted(key.camera_groups))),
        "expires_at": isoformat(key.expires_at) if key.expires_at else "never",
    }


_KEEP_ENDED_SESSIONS = timedelta(days=7)
_PUBLISH_EVERY_S = 30.0
"""Also when nothing is missing: what has ended is dropped."""


class SigningKeys:
    """The keys that tokens are signed with, and what every service must know to verify a token: public keys, revoked sessions, and the
    epoch that says that both are complete.
    """

    def __init__(self, uow: UowFactory, rows: RowsOf, tokens: JoseTokens, registry: RedisRegistry, vault: Vault, clock: Clock) -> None:
        self._uow, self._rows, self._tokens, self._registry, self._vault, self._clock = uow, rows, tokens, registry, vault, clock
        self._keys: list[SigningKey] = []
        self._published_at: float | None = None

    async def rotate(self, maker: RsaKeyMaker, after: timedelta) -> SigningKey:
        """Make the next key, which is published at once and signs `after` that. Two in a row are two keys, and both are safe.

        Without the state store nothing is rotated, because no service would learn of the key. Raises: Unavailable, TooManyKeys.
        """
        await self._registry.is_whole()
        kid, private_pem, public_jwk = await maker.make()
        async with self._uow(await self._first_tenant()) as uow:
            rows = self._rows(uow)
            await rows.lock_signing_keys()
            now = self._clock.now()  # within the lock: the order of making is the order of rotating
            check_room(await rows.signing_keys(), now)
            key = SigningKey(kid, self._vault.seal(private_pem), public_jwk, now, now + after)
            await rows.add_signing_key(key)
            await rows.retire_signing_keys(kid, key.activates_at + OVERLAP)
            uow.emit(KeysRotated(kid=kid, signs_from=key.activates_at))
            details = {"signs_from": isoformat(key.activates_at)}
            record(uow, Action.KEYS_ROTATED, None, AuditEntry("signing_key", kid, details=details))
        await self.publish()
        return key

    async def list_keys(self) -> list[tuple[SigningKey, KeyState]]:
        """Newest first, the retired ones too."""
        async with self._uow(None) as uow:
            keys = await self._rows(uow).signing_keys()
        now = self._clock.now()
        return [(key, state_of(key, keys, now)) for key in keys]

    async def _first_tenant(self) -> UUID:
        """The tenant whose ledger holds what concerns the whole installation. Raises: Unavailable."""
        async with self._uow(None) as uow:
            found = await self._rows(uow).tenants(None, 1)
        if not found:
            raise Unavailable("There is no tenant yet: run `python -m identity bootstrap`.")
        return found[0].id

    @property
    def jwks(self) -> dict[str, object]:
        """The public keys, without those that have retired since they were read."""
        now = self._clock.now()
        return {"keys": [key.public_jwk for key in self._keys if key.is_published(now)]}

    async def publish(self) -> None:
        """Load everything from PostgreSQL and write it, the epoch last. Raises: Unavailable, also before the bootstrap.

        The lock is held until it is written, so that another process with older keys has written before, and never after.
        """
        async with self._uow(None) as uow:
            rows = self._rows(uow)
            await rows.lock_signing_keys()
            now = self._clock.now()
            await rows.erase_retired_keys(now)
            keys = await rows.signing_keys()
            revocations = await rows.revocations(now)
            if signs(keys, now) is None:
                raise Unavailable("There is no signing key yet: run `python -m identity bootstrap`.")
            unsealed = [
                OpenedKey(key.kid, self._vault.open(key.private_sealed), key.activates_at)
                for key in keys
                if key.private_sealed is not None and key.is_published(now)
            ]
            if not self._tokens.can_sign:
                await self._tokens.load(unsealed)  # refreshing a session needs no state store
            self._keys = keys
            await self._registry.load(self.jwks, revocations, now)
        await self._tokens.load(unsealed)  # only now: no key signs that was not published
        metrics.REVOCATIONS_PUBLISHED.set(len(revocations))
        self._published_at = self._clock.monotonic()

    async def publish_if_needed(self) -> bool:
        """Publish at start, whenever Redis lost something, whenever a write failed, and every half minute. Returns whether it did.

        Raises: Unavailable.
        """
        last = self._published_at
        if last is not None and self._clock.monotonic() - last < _PUBLISH_EVERY_S and await self._registry.is_whole():
            return False
        await self.publish()
        return True

    async def forget_ended_sessions(self) -> int:
        """Delete sessions a week after their end. Returns how many."""
        async with self._uow(None) as uow:
            return await self._rows(uow).prune(self._clock.now() - _KEEP_ENDED_SESSIONS)
