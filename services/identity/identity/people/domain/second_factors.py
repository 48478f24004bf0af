"""The second factor: codes of a phone's app (TOTP, RFC 6238), and recovery codes for the day the phone is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp

from gtvision.errors import Conflict, Invalid, Unauthenticated

STEP_S = 30
WINDOW_STEPS = 1
"""Clocks of phones are off by a few seconds: the step before and the one after are taken too (RFC 6238, 5.2)."""
RECOVERY_CODES = 10
SECRET_BYTES = 20
"""As long as the HMAC's output (RFC 4226, 4)."""
_RECOVERY_BYTES = 10
_ISSUER = "GT-Vision"


class SecondFactorRequired(Unauthenticated):
    """The code of the second factor is needed too."""

    code = "second_factor_required"


class SecondFactorInvalid(Unauthenticated):
    """The code is wrong, too old, or was used before."""

    code = "second_factor_invalid"


class WrongCode(Invalid):
    """The code is wrong, too old, or was used before."""

    code = "second_factor_invalid"


class SecondFactorEnabled(Conflict):
    """The second factor is enabled already."""

    code = "second_factor_enabled"


class NoSecondFactor(Conflict):
    """There is no second factor to confirm or to disable."""

    code = "no_second_factor"


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A person's secret, sealed. It is asked for from `confirmed_at` on; `last_step` is the newest step that was used."""

    sealed: str
    confirmed_at: datetime | None = None
    last_step: int = 0


def seal_context(tenant_id: UUID, user_id: UUID) -> str:
    """Binds a sealed secret to its row."""
    return f"second-factor:{tenant_id}:{user_id}"


def new_secret(chance: Callable[[int], bytes]) -> str:
    """In base32, as apps take it."""
    return base64.b32encode(chance(SECRET_BYTES)).decode()


def otpauth_uri(secret: str, email: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=email, issuer_name=_ISSUER)


def matching_step(secret: str, code: str, now: datetime, used: int) -> int | None:
    """The time step that this code belongs to, if it is near `now` and later than the last one used: each step is good once."""
    totp, current = pyotp.TOTP(secret, interval=STEP_S), int(now.timestamp()) // STEP_S
    given, found = plain_code(code).encode(), None
    for step in range(current - WINDOW_STEPS, current + WINDOW_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given) and step > used:
            found = step
    return found


def plain_code(code: str) -> str:
    """As people type it: with spaces, hyphens and capitals."""
    return "".join(code.split()).replace("-", "").casefold()


def new_recovery_codes(chance: Callable[[int], bytes]) -> list[str]:
    """80 bits each, in groups that can be copied by hand."""
    texts = [base64.b32encode(chance(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(text[at : at + 4] for at in range(0, len(text), 4)) for text in texts]


def recovery_hash(user_id: UUID, code: str) -> str:
    """What is kept of a recovery code; with so much chance in it, it needs no slow hash."""
    return hashlib.sha256(f"{user_id}:{plain_code(code)}".encode()).hexdigest()
