"""Refreshing, listing and ending sessions, and tickets for what cannot send a header."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from city.purposes import PurposeUnknown
from gtvision.audit import Action, Outcome
from gtvision.errors import BadCredentials, Invalid, MissingScope, NotFound, SessionRevoked
from gtvision.tenancy import Caller, Scope
from gtvision.time import Clock
from identity import metrics
from identity.cities.domain import Tenant
from identity.keys.domain import LINGERS, ApiKey, EndReason, hash_secret
from identity.people.domain.users import User, check_reach
from identity.sessions.domain import IssuedTokens, Session, SubjectKind, TicketPurpose, refused, tenant_of_refresh_token

if TYPE_CHECKING:
    from identity.gateways.signing import JoseTokens
    from identity.repository import PostgresRows, RowsOf
    from identity.sessions.usecases.issuing import SessionIssuer, SessionRevoker


_WS_SCOPES = (Scope.DETECTIONS_READ, Scope.ALERTS_READ, Scope.CAMERAS_READ)


class Sessions:
    """Sessions of the caller's tenant, and tickets: which camera exists is for the service to know that redeems a ticket."""

    def __init__(
        self, uow: UowFactory, rows: RowsOf, issuer: SessionIssuer, revoker: SessionRevoker, tokens: JoseTokens, clock: Clock
    ) -> None:
        self._uow, self._rows, self._issuer, self._revoker, self._tokens, self._clock = uow, rows, issuer, revoker, tokens, clock

    async def refresh(self, token_text: str, address: str) -> IssuedTokens:
        """Trade a refresh token for the next one and a new access token. A token that was used before ends its whole session,
        because one of its two users has stolen it.

        Raises: BadCredentials, SessionRevoked (its `reason` says why), Unavailable.
        """
        tenant_id = tenant_of_refresh_token(token_text)
        async with self._uow(tenant_id) as uow:
            issued = await self._rotate(uow, token_text, address)
        if issued is None:  # raised here, after the commit: a rollback would forget the revocation
            raise SessionRevoked("The refresh token was used before; the session is ended.", reason=EndReason.REUSE)
        return issued

    async def _rotate(self, uow: UnitOfWork, token_text: str, address: str) -> IssuedTokens | None:
        rows, now = self._rows(uow), self._clock.now()
        token = await rows.refresh_token(hash_secret(token_text))
        session = await rows.session(token.session_id) if token else None
        if token is None or session is None:
            raise BadCredentials("The refresh token is not valid.")
        if not session.is_alive(now):
            raise refused(session, now)
        if now >= token.expires_at:
            raise SessionRevoked("The session was not used for too long.", reason=EndReason.EXPIRED)
        if token.used_at is not None:
            await self._end_family(uow, session)
            return None
        user = await rows.user(session.subject_id)
        if user is None or user.is_disabled:
            raise SessionRevoked(reason=EndReason.DISABLED)
        await rows.use_refresh_token(token.token_hash, now)
        if not await rows.use_session(session.id, address or None, now):
            raise refused(await rows.session(session.id), now)  # ended in this very moment
        return await self._issuer.next(uow, user, session)

    async def _end_family(self, uow: UnitOfWork, session: Session) -> None:
        metrics.REFRESH_TOKENS_REUSED.inc()
        details = {"user_id": session.subject_id}
        record(uow, Action.REFRESH_REUSED, None, AuditEntry("session", session.id, details=details, outcome=Outcome.REFUSED))
        await self._revoker.end(uow, session, EndReason.REUSE)

    async def who_am_i(self, caller: Caller) -> tuple[User | ApiKey, Tenant]:
        """Returns the caller as a user or an API key, and their tenant. Raises: NotFound."""
        async with self._uow(caller.tenant_id) as uow:
            rows = self._rows(uow)
            subject = await rows.user(caller.user_id) or await rows.api_key(caller.user_id)
            tenant = await rows.tenant(caller.tenant_id)
        if subject is None or tenant is None:
            raise NotFound
        return subject, tenant

    async def logout(self, caller: Caller) -> None:
        """End the caller's session and every token of it. Idempotent."""
        async with self._uow(caller.tenant_id) as uow:
            session = await self._rows(uow).session(caller.session_id)
            if session is not None and session.revoked_until is None:
                await self._end(uow, caller, session)

    async def list_sessions(self, caller: Caller, user_id: UUID, after: UUID | None, limit: int) -> list[Session]:
        """Living sessions of a user of the caller's tenant, or of the caller, newest first. Raises: NotFound."""
        async with self._uow(caller.tenant_id) as uow:
            rows = self._rows(uow)
            if user_id != caller.user_id and await rows.user(user_id) is None:
                raise NotFound
            return await rows.page_of_sessions(user_id, self._clock.now(), after, limit)

    async def end_session(self, caller: Caller, session_id: UUID, *, others: bool) -> None:
        """End one of the caller's sessions, or with `others` (the right to change users) one of a user whom the caller may change.

        Raises: NotFound, Forbidden.
        """
        async with self._uow(caller.tenant_id) as uow:
            rows = self._rows(uow)
            session = await rows.session(session_id)
            if session is None or not session.is_alive(self._clock.now()):
                raise NotFound
            if session.subject_id != caller.user_id:
                if not others:
                    raise NotFound
                await self._check_reach(rows, caller, session)
            await self._end(uow, caller, session)

    async def _check_reach(self, rows: PostgresRows, caller: Caller, session: Session) -> None:
        is_person = session.subject_kind is SubjectKind.USER
        subject = await rows.user(session.subject_id) if is_person else await rows.api_key(session.subject_id)
        if subject is not None:
            check_reach(caller, subject.role, subject.camera_groups)

    async def end_sessions(self, caller: Caller, user_id: UUID) -> int:
        """End every session of a user, but the one that the caller is using, and what was opened by those that have run out. Returns how
        many. Raises: NotFound, Forbidden."""
        now = self._clock.now()
        async with self._uow(caller.tenant_id) as uow:
            rows = self._rows(uow)
            user = await rows.user(user_id, lock=True)
            if user is None and user_id != caller.user_id:
                raise NotFound
            if user is not None and user_id != caller.user_id:
                check_reach(caller, user.role, user.camera_groups)
            sessions = [each for each in await rows.sessions_of(user_id, now - LINGERS) if each.id != caller.session_id]
            for session in sessions:
                await self._end(uow, caller, session)
        return sum(session.is_alive(now) for session in sessions)

    async def _end(self, uow: UnitOfWork, caller: Caller, session: Session) -> None:
        record(uow, Action.SESSION_ENDED, caller, AuditEntry("session", session.id, details={"user_id": session.subject_id}))
        reason = EndReason.LOGGED_OUT if session.subject_id == caller.user_id else EndReason.ENDED
        await self._revoker.end(uow, session, reason)

    # --- tickets -----------------------------------------------------------------------------------------------------------

    async def issue_ticket(
        self, caller: Caller, purpose: TicketPurpose, camera_id: UUID | None, declared_purpose: str | None = None
    ) -> str:
        """Returns a ticket with no scope that its purpose does not need.

        Plates and alerts of the WebSocket are on record before; streaming puts a view of live video on record, where it is opened.

        Raises: MissingScope, Invalid, PurposeUnknown, Unavailable.
        """
        if declared_purpose is not None:
            await self._check_purpose(caller, declared_purpose)
        if purpose is TicketPurpose.WS:
            return await self._for_socket(caller, camera_id)
        caller.require(Scope.LIVE_VIEW)
        if camera_id is None:
            raise Invalid("A ticket for live video names its camera.")
        viewer = replace(caller, scopes=caller.scopes & {Scope.LIVE_VIEW})
        return self._tokens.ticket(viewer, str(purpose), camera_id, declared_purpose)

    async def _check_purpose(self, caller: Caller, declared: str) -> None:
        """A ticket carries the purpose to the record of the view, where nobody checks it any more."""
        async with self._uow(caller.tenant_id) as uow:
            tenant = await self._rows(uow).tenant(caller.tenant_id)
        if tenant is not None and tenant.settings.purposes.codes and declared not in tenant.settings.purposes.codes:
            raise PurposeUnknown

    async def _for_socket(self, caller: Caller, camera_id: UUID | None) -> str:
        """Plates and alerts as they come are personal data: the record names the scopes, and so what the WebSocket can show."""
        if camera_id is not None:
            raise Invalid("A ticket for the WebSocket names no camera.")
        if not any(scope in caller.scopes for scope in _WS_SCOPES):
            raise MissingScope(f"This needs the scope '{' or '.join(_WS_SCOPES)}'.")
        scopes = caller.scopes & set(_WS_SCOPES)
        ticket = self._tokens.ticket(replace(caller, scopes=scopes), str(TicketPurpose.WS))
        entry = AuditEntry("live_feed", details={"scopes": " ".join(sorted(scopes))})
        async with self._uow(caller.tenant_id) as uow:
            record(uow, Action.LIVE_FEED_VIEWED, caller, entry)
        return ticket
