"""Tickets, for what cannot send a header."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from chassis.db import UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Invalid, MissingScope
from gtvision.tenancy import Caller, Scope
from identity.sessions.domain import TicketPurpose
from identity.sessions.ports import Tokens

_WS_SCOPES = (Scope.DETECTIONS_READ, Scope.ALERTS_READ, Scope.CAMERAS_READ)


class Tickets:
    """Which camera exists is for the redeeming service to know."""

    def __init__(self, uow: UowFactory, tokens: Tokens) -> None:
        self._uow, self._tokens = uow, tokens

    async def issue_ticket(self, who: Caller, purpose: TicketPurpose, camera_id: UUID | None) -> str:
        """It carries no right that its purpose does not need. The view that it opens is on record before it is handed out.

        Raises: MissingScope, Invalid, Unavailable.
        """
        if purpose is TicketPurpose.WS:
            return await self._for_socket(who, camera_id)
        who.require(Scope.LIVE_VIEW)
        if camera_id is None:
            raise Invalid("A ticket for live video names its camera.")
        ticket = self._tokens.ticket(replace(who, scopes=who.scopes & {Scope.LIVE_VIEW}), str(purpose), camera_id)
        await self._note(who, Action.LIVE_VIEWED, AuditEntry("camera", camera_id, camera_id=camera_id))
        return ticket

    async def _for_socket(self, who: Caller, camera_id: UUID | None) -> str:
        """Plates and alerts as they come are personal data too; the record says by its scopes what the socket can show."""
        if camera_id is not None:
            raise Invalid("A ticket for the WebSocket names no camera.")
        if not any(scope in who.scopes for scope in _WS_SCOPES):
            raise MissingScope(f"This needs the scope '{' or '.join(_WS_SCOPES)}'.")
        scopes = who.scopes & set(_WS_SCOPES)
        ticket = self._tokens.ticket(replace(who, scopes=scopes), str(TicketPurpose.WS))
        await self._note(who, Action.LIVE_FEED_VIEWED, AuditEntry("live_feed", details={"scopes": " ".join(sorted(scopes))}))
        return ticket

    async def _note(self, who: Caller, action: Action, entry: AuditEntry) -> None:
        async with self._uow(who.tenant_id) as work:
            record(work, action, who, entry)
