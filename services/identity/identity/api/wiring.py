"""What the routes of every noun share: what `app.py` built, and fields that more than one body has."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import AfterValidator, Field, SecretStr

from identity.federation.usecases.federation import Federation
from identity.keys.usecases.signing import Publication
from identity.people.domain.users import EMAIL_MAX, GROUPS_MAX
from identity.people.usecases.passwords import PasswordChanges
from identity.people.usecases.second_factors import SecondFactors
from identity.people.usecases.users import Users
from identity.sessions.usecases.exchanges import Exchanges
from identity.sessions.usecases.logins import Logins
from identity.sessions.usecases.sessions import Sessions
from identity.sessions.usecases.tickets import Tickets

Email = Annotated[str, Field(min_length=3, max_length=EMAIL_MAX)]


def encodable(secret: SecretStr) -> SecretStr:
    """JSON can spell half of a surrogate pair, which no encoding and so no hash knows."""
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("is no valid Unicode") from None
    return secret


def printable(text: str | None) -> str | None:
    """PostgreSQL's text knows no NUL, and whoever reads a name in a terminal wants no control characters."""
    if text is not None and not text.isprintable():
        raise ValueError("must be printable")
    return text


Secret = Annotated[SecretStr, Field(min_length=1, max_length=1_024), AfterValidator(encodable)]


Groups = Annotated[list[UUID] | None, Field(max_length=GROUPS_MAX)]

Code = Annotated[str, Field(min_length=6, max_length=40)]
"""Of an app, or a recovery code."""


def built(name: str) -> Any:
    """What `app.py` put there."""

    async def find(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(find)


async def _address(request: Request) -> str:
    """The client's, as the edge tells it: the shell believes X-Forwarded-For from `TRUSTED_PROXIES` only."""
    return request.client.host if request.client else ""


async def _device(request: Request) -> str | None:
    return request.headers.get("user-agent")


async def _not_stored(response: Response) -> None:
    response.headers["cache-control"] = "no-store"


LoginsDep = Annotated[Logins, built("logins")]
SessionsDep = Annotated[Sessions, built("sessions")]
PasswordsDep = Annotated[PasswordChanges, built("passwords")]
SecondFactorsDep = Annotated[SecondFactors, built("second_factors")]
ExchangesDep = Annotated[Exchanges, built("exchanges")]
FederationDep = Annotated[Federation, built("federation")]
TicketsDep = Annotated[Tickets, built("tickets")]
UsersDep = Annotated[Users, built("users")]
PublicationDep = Annotated[Publication, built("publication")]
Address = Annotated[str, Depends(_address)]
Device = Annotated[str | None, Depends(_device)]
NoStore = [Depends(_not_stored)]
