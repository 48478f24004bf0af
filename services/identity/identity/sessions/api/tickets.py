"""HTTP in: tickets, for what cannot send a header."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from chassis.auth import requires
from chassis.http import StrictModel
from gtvision.tenancy import Caller
from identity.api.wiring import NoStore, TicketsDep
from identity.sessions.domain import TicketPurpose

router = APIRouter(prefix="/api/v1")


class TicketIn(StrictModel):
    """What the ticket is for."""

    purpose: TicketPurpose
    camera_id: UUID | None = None


class TicketOut(BaseModel):
    """One ticket opens one session, as `?ticket=`."""

    ticket: str
    expires_in: int = 60


@router.post("/auth/tickets", status_code=201, dependencies=NoStore)
async def issue_ticket(body: TicketIn, who: Annotated[Caller, requires()], tickets: TicketsDep) -> TicketOut:
    """A ticket for the live view of a camera (scope live:view) or for the WebSocket (a scope to read cameras, detections or alerts)."""
    return TicketOut(ticket=await tickets.issue_ticket(who, body.purpose, body.camera_id))
