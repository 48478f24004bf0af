"""The keys that tokens are signed with, and how one follows another.

A new key is published at once and signs only later, so that every verifier knows it before the first token comes that it signed. The
key before it stays published until the last token that it signed has ended, and a little longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gtvision.errors import Conflict
from identity.sessions.domain import ACCESS_LIFETIME

OVERLAP = ACCESS_LIFETIME + timedelta(minutes=5)
"""How long a key is published after the next one began to sign."""
MOST_PUBLISHED = 10
"""Each verifier and Kong keeps them all."""


class TooManyKeys(Conflict):
    """The keys of earlier rotations are still published; wait until the oldest has retired."""

    code = "too_many_keys"


class KeyState(StrEnum):
    """What a key does now."""

    WAITING = "waiting"
    """Published, signs later."""
    SIGNING = "signing"
    VERIFYING = "verifying"
    """Signs no more; its tokens still live."""
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key. `private_sealed` opens with the vault only, and goes when the key retires; `public_jwk` is published."""

    kid: str
    private_sealed: str | None
    public_jwk: dict[str, str]
    created_at: datetime
    activates_at: datetime
    retires_at: datetime | None = None

    def is_published(self, now: datetime) -> bool:
        return self.retires_at is None or now < self.retires_at


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """What a signer holds of a key."""

    kid: str
    private_pem: str
    activates_at: datetime


def signs(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """The one that signs: of those that may already, the one made last. `keys` are newest first.

    Where none may yet, because a clock went back, the oldest: it is known longest, and nobody could come in without.
    """
    published = [key for key in keys if key.is_published(now)]
    return next((key for key in published if key.activates_at <= now), published[-1] if published else None)


def state_of(key: SigningKey, keys: Iterable[SigningKey], now: datetime) -> KeyState:
    """What `key` does, among all `keys`, newest first."""
    if not key.is_published(now):
        return KeyState.RETIRED
    signing = signs(keys, now)
    if signing is not None and signing.kid == key.kid:
        return KeyState.SIGNING
    return KeyState.WAITING if key.activates_at > now else KeyState.VERIFYING


def check_room(keys: Iterable[SigningKey], now: datetime) -> None:
    """Whether one more can be published. Raises: TooManyKeys."""
    if sum(key.is_published(now) for key in keys) >= MOST_PUBLISHED:
        raise TooManyKeys
