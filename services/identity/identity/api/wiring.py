"""What the routes of every noun share: what `app.py` built, and fields that more than one body has."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import AfterValidator, Field, SecretStr

from identity.domain.users import EMAIL_MAX
from identity.usecases.installation import Publication
from identity.usecases.sessions import Doors, Sessions
from identity.usecases.users import Users

Email = Annotated[str, Field(min_length=3, max_length=EMAIL_MAX)]


def _encodable(secret: SecretStr) -> SecretStr:
    """JSON can spell half of a surrogate pair, which no encoding and so no hash knows."""
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("is no valid Unicode") from None
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=1_024), AfterValidator(_encodable)]


def _sessions(request: Request) -> Sessions:
    return request.app.state.sessions  # type: ignore[no-any-return]


def _users(request: Request) -> Users:
    return request.app.state.users  # type: ignore[no-any-return]


def _doors(request: Request) -> Doors:
    return request.app.state.doors  # type: ignore[no-any-return]


def _publication(request: Request) -> Publication:
    return request.app.state.publication  # type: ignore[no-any-return]


def _address(request: Request) -> str:
    """The client's, as the edge tells it: the shell believes X-Forwarded-For from loopback only."""
    return request.client.host if request.client else ""


def _not_stored(response: Response) -> None:
    response.headers["cache-control"] = "no-store"


SessionsDep = Annotated[Sessions, Depends(_sessions)]
UsersDep = Annotated[Users, Depends(_users)]
DoorsDep = Annotated[Doors, Depends(_doors)]
Address = Annotated[str, Depends(_address)]
NoStore = [Depends(_not_stored)]
PublicationDep = Annotated[Publication, Depends(_publication)]
