"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for a lost phone."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import pyotp
from pydantic import Field

from gtvision.errors import Conflict, Invalid, Unauthenticated
from identity.keys.domain import RandomBytes

Code = Annotated[str, Field(min_length=6, max_length=40)]
"""Of an authenticator app, or a recovery code."""

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


def new_secret(random_bytes: RandomBytes) -> str:
    """Returns a secret in base32, as authenticator apps take it."""
    return base64.b32encode(random_bytes(SECRET_BYTES)).decode()


def otpauth_uri(secret: str, email: str) -> str:
    """Returns the address that the QR code holds."""
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
    """Returns the code without the spaces, hyphens and capitals that people type."""
    return "".join(code.split()).replace("-", "").casefold()


def new_recovery_codes(random_bytes: RandomBytes) -> list[str]:
    """Returns codes of 80 bits each, in groups that can be copied by hand."""
    texts = [base64.b32encode(random_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(text[at : at + 4] for at in range(0, len(text), 4)) for text in texts]


def recovery_hash(user_id: UUID, code: str) -> str:
    """Returns what is stored of a recovery code; its 80 random bits need no slow hash."""
    return hashlib.sha256(f"{user_id}:{plain_code(code)}".encode()).hexdigest()
