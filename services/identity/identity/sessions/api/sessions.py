"""HTTP in: where somebody is signed in, and ending that."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from chassis.auth import requires
from chassis.http import Page, decode_cursor, encode_cursor
from gtvision.tenancy import Caller, Scope
from identity.api.wiring import SessionsDep
from identity.sessions.domain import Client, Session

router = APIRouter(prefix="/api/v1")


class SessionItemOut(BaseModel):
    """A session that lives."""

    id: UUID
    user_id: UUID
    client: Client
    device: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool
    """Whether it is the one that asks."""

    @classmethod
    def of(cls, session: Session, who: Caller) -> Self:
        return cls(
            id=session.id,
            user_id=session.subject_id,
            client=session.client,
            device=session.device,
            address=session.address,
            created_at=session.created_at,
            last_used_at=session.last_used_at or session.created_at,
            expires_at=session.expires_at,
            current=session.id == who.session_id,
        )


def _of_whom(who: Caller, user_id: UUID | None, scope: Scope) -> UUID:
    """One's own need no scope. Raises: MissingScope."""
    if user_id is not None and user_id != who.user_id:
        who.require(scope)
    return user_id or who.user_id


@router.get("/sessions")
async def list_sessions(
    who: Annotated[Caller, requires()],
    sessions: SessionsDep,
    user_id: UUID | None = None,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[SessionItemOut]:
    """Where the caller is signed in, newest first; another user's with the scope users:read."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await sessions.list_sessions(who, _of_whom(who, user_id, Scope.USERS_READ), after, limit + 1)
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    return Page(items=[SessionItemOut.of(each, who) for each in found[:limit]], next=following)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(session_id: UUID, who: Annotated[Caller, requires()], sessions: SessionsDep) -> None:
    """End one of the caller's sessions; another user's with the scope users:write."""
    await sessions.end_session(who, session_id, others=Scope.USERS_WRITE in who.scopes)


@router.delete("/sessions", status_code=204)
async def end_sessions(who: Annotated[Caller, requires()], sessions: SessionsDep, user_id: UUID | None = None) -> None:
    """End all of the caller's sessions but this one; with `user_id` and the scope users:write, all of that user."""
    await sessions.end_sessions(who, _of_whom(who, user_id, Scope.USERS_WRITE))
