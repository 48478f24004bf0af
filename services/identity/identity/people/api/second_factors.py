"""HTTP in: the second factor of one's own account."""

from __future__ import annotations

from io import BytesIO
from typing import Annotated

import segno
from fastapi import APIRouter
from pydantic import BaseModel

from chassis.auth import requires
from chassis.http import StrictModel
from gtvision.tenancy import Caller
from identity.api.wiring import Address, Code, NoStore, SecondFactorsDep, Secret

router = APIRouter(prefix="/api/v1")

Self = Annotated[Caller, requires()]


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
async def start(body: StartIn, who: Self, factors: SecondFactorsDep, address: Address) -> StartOut:
    """Begin to enable the second factor (TOTP, RFC 6238). It is asked for once it was confirmed."""
    started = await factors.start(who, body.password.get_secret_value(), address)
    return StartOut(secret=started.secret, otpauth_uri=started.uri, qr_svg=_svg(started.uri))


@router.post("/auth/second-factor/confirm", dependencies=NoStore)
async def confirm(body: ConfirmIn, who: Self, factors: SecondFactorsDep, address: Address) -> ConfirmOut:
    """Enable it with a first code; gives ten recovery codes."""
    return ConfirmOut(recovery_codes=await factors.confirm(who, body.code, address))


@router.delete("/auth/second-factor", status_code=204)
async def disable(body: DisableIn, who: Self, factors: SecondFactorsDep, address: Address) -> None:
    """Disable it."""
    await factors.disable(who, body.password.get_secret_value(), body.code, address)


def _svg(text: str) -> str:
    """Attributes only, no styles: it passes any Content-Security-Policy."""
    out = BytesIO()
    plain = {"xmldecl": False, "svgclass": None, "lineclass": None, "omitsize": True}  # with a viewBox it fits wherever it is shown
    segno.make(text, error="m").save(out, kind="svg", border=4, light="#fff", dark="#000", **plain)
    return out.getvalue().decode().strip()
