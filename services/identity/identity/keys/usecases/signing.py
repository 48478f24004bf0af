"""Signing keys: the next one, and what every service must know of tokens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from chassis.db import UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Unavailable
from gtvision.events import KeysRotated
from gtvision.time import Clock, isoformat
from identity import metrics
from identity.keys.domain.signing import OVERLAP, KeyState, OpenedKey, SigningKey, check_room, signs, state_of
from identity.keys.ports.signing import KeyMaker, Sealer
from identity.ports.store import StoreOf
from identity.sessions.ports import Registry, Tokens

_KEEP_ENDED_SESSIONS = timedelta(days=7)


class KeyRotation:
    """The operator's verbs. Nobody else can make a key."""

    def __init__(self, uow: UowFactory, store: StoreOf, registry: Registry, clock: Clock) -> None:
        self._uow, self._store, self._registry, self._clock = uow, store, registry, clock

    async def rotate(self, maker: KeyMaker, sealer: Sealer, after: timedelta) -> SigningKey:
        """Make the next key, which is published at once and signs `after` that. Two in a row are two keys, and both are safe.

        Without the state store nothing is rotated: nobody would hear of the key. Raises: Unavailable, TooManyKeys.
        """
        await self._registry.is_whole()
        kid, private_pem, public_jwk = await maker.make()
        async with self._uow(await self._first_tenant()) as work:
            store = self._store(work)
            await store.lock_signing_keys()
            now = self._clock.now()  # within the lock: the order of making is the order of rotating
            check_room(await store.signing_keys(), now)
            key = SigningKey(kid, sealer.seal(private_pem), public_jwk, now, now + after)
            await store.add_signing_key(key)
            await store.retire_signing_keys(kid, key.activates_at + OVERLAP)
            work.emit(KeysRotated(kid=kid, signs_from=key.activates_at))
            details = {"signs_from": isoformat(key.activates_at)}
            record(work, Action.KEYS_ROTATED, None, AuditEntry("signing_key", kid, details=details))
        return key

    async def list_keys(self) -> list[tuple[SigningKey, KeyState]]:
        """Newest first, the retired ones too."""
        async with self._uow(None) as work:
            keys = await self._store(work).signing_keys()
        now = self._clock.now()
        return [(key, state_of(key, keys, now)) for key in keys]

    async def _first_tenant(self) -> UUID:
        """The one in whose name the installation's own deeds are told. Raises: Unavailable."""
        async with self._uow(None) as work:
            found = await self._store(work).tenants(None, 1)
        if not found:
            raise Unavailable("There is no tenant yet: run `python -m identity bootstrap`.")
        return found[0].id


class Publication:
    """Keeps what every service reads: public keys, revoked sessions, and the epoch that says they are whole."""

    def __init__(self, uow: UowFactory, store: StoreOf, tokens: Tokens, registry: Registry, clock: Clock) -> None:
        self._uow, self._store, self._tokens, self._registry, self._clock = uow, store, tokens, registry, clock
        self._keys: list[SigningKey] = []

    @property
    def jwks(self) -> dict[str, object]:
        """The public keys, without those that have retired since they were read."""
        now = self._clock.now()
        return {"keys": [key.public_jwk for key in self._keys if key.is_published(now)]}

    async def publish(self, sealer: Sealer) -> None:
        """Load everything from PostgreSQL and write it; the epoch last. Raises: Unavailable, also before the bootstrap.

        The lock is held until it is written: whoever read older keys has written them before, and never after.
        """
        async with self._uow(None) as work:
            store = self._store(work)
            await store.lock_signing_keys()
            now = self._clock.now()
            await store.erase_retired_keys(now)
            keys = await store.signing_keys()
            revocations = await store.revocations(now)
            if signs(keys, now) is None:
                raise Unavailable("There is no signing key yet: run `python -m identity bootstrap`.")
            opened = [
                OpenedKey(key.kid, sealer.open(key.private_sealed), key.activates_at)
                for key in keys
                if key.private_sealed is not None and key.is_published(now)
            ]
            if not self._tokens.can_sign:
                await self._tokens.load(opened)  # refreshing a session needs no state store
            self._keys = keys
            await self._registry.load(self.jwks, revocations, now)
        await self._tokens.load(opened)  # only now: no key signs that was not published
        metrics.REVOCATIONS_PUBLISHED.set(len(revocations))

    async def is_whole(self) -> bool:
        """Whether the registry still has what was written, and nothing newer. Raises: Unavailable."""
        return bool(self._keys) and await self._registry.is_whole()

    async def forget_ended_sessions(self) -> int:
        """Returns how many."""
        async with self._uow(None) as work:
            return await self._store(work).prune(self._clock.now() - _KEEP_ENDED_SESSIONS)
