"""HTTP in: the second factor of one's own account, and its removal for a user who lost it."""

from __future__ import annotations

from io import BytesIO
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter
from pydantic import BaseModel

from chassis.auth import requires
from chassis.http import NoStore, Provided, StrictModel
from chassis.origin import origin
from gtvision.tenancy import Caller, Scope
from identity.keys.domain import Secret
from identity.second_factors.domain import Code
from identity.second_factors.usecases import SecondFactors

router = APIRouter(prefix="/api/v1")

SecondFactorsDep = Annotated[SecondFactors, Provided(SecondFactors)]
AnyCaller = Annotated[Caller, requires()]
Writer = Annotated[Caller, requires(Scope.USERS_WRITE)]


@router.delete("/users/{user_id}/second-factor", status_code=204)
async def reset_second_factor(user_id: UUID, caller: Writer, factors: SecondFactorsDep) -> None:
    """Disable the second factor of a user who lost phone and recovery codes. Ends all their sessions."""
    await factors.reset(caller, user_id)


class StartIn(StrictModel):
    """The password again: a stolen token must not be enough to lock its owner out."""

    password: Secret


class StartOut(BaseModel):
    """For the app, told once: as text, as a link, and as a picture to point the phone at."""

    secret: str
    otpauth_uri: str
    qr_svg: str


class ConfirmIn(StrictModel):
    """What the app shows now."""

    code: Code


class ConfirmOut(BaseModel):
    """Each is good for one login without the phone; told once."""

    recovery_codes: list[str]


class DisableIn(StrictModel):
    """The password, and a code of the app or a recovery code."""

    password: Secret
    code: Code


@router.post("/auth/second-factor", status_code=201, dependencies=NoStore)
async def start(body: StartIn, caller: AnyCaller, factors: SecondFactorsDep) -> StartOut:
    """Begin to enable the second factor (TOTP, RFC 6238). It is asked for once it was confirmed."""
    secret, uri = await factors.enrol(caller, body.password.get_secret_value(), origin().address or "")
    return StartOut(secret=secret, otpauth_uri=uri, qr_svg=_svg(uri))


@router.post("/auth/second-factor/confirm", dependencies=NoStore)
async def confirm(body: ConfirmIn, caller: AnyCaller, factors: SecondFactorsDep) -> ConfirmOut:
    """Enable it with a first code; gives ten recovery codes."""
    return ConfirmOut(recovery_codes=await factors.confirm(caller, body.code, origin().address or ""))


@router.delete("/auth/second-factor", status_code=204)
async def disable(body: DisableIn, caller: AnyCaller, factors: SecondFactorsDep) -> None:
    """Disable it."""
    await factors.disable(caller, body.password.get_secret_value(), body.code, origin().address or "")


def _svg(text: str) -> str:
    """Attributes only, no styles: it passes any Content-Security-Policy."""
    out = BytesIO()
    plain = {"xmldecl": False, "svgclass": None, "lineclass": None, "omitsize": True}  # with a viewBox it fits wherever it is shown
    segno.make(text, error="m").save(out, kind="svg", border=4, light="#fff", dark="#000", **plain)
    return out.getvalue().decode().strip()
