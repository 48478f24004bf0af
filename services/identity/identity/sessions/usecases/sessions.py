"""Staying in, and going out."""

from __future__ import annotations

from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision import errors
from gtvision.audit import Action, Outcome
from gtvision.errors import BadCredentials, NotFound
from gtvision.tenancy import Caller
from gtvision.time import Clock
from identity import metrics
from identity.people.domain.users import check_reach
from identity.ports.store import Store, StoreOf
from identity.sessions.domain import Session, SubjectKind, hash_secret, tenant_of_refresh_token
from identity.sessions.usecases.opening import Ending, Opened, Opening

_NOT_VALID = "The refresh token is not valid."


class Sessions:
    """Refreshes, lists and ends."""

    def __init__(self, uow: UowFactory, store: StoreOf, opening: Opening, ending: Ending, clock: Clock) -> None:
        self._uow, self._store, self._opening, self._ending, self._clock = uow, store, opening, ending, clock

    async def refresh(self, token_text: str, address: str) -> Opened:
        """Trade a refresh token for the next one and a new access token. A token that was used before ends its whole session:
        either the thief or the owner has the other copy.

        Raises: BadCredentials, SessionRevoked, Unavailable.
        """
        tenant_id = tenant_of_refresh_token(token_text)
        async with self._uow(tenant_id) as work:
            opened = await self._rotate(work, token_text, address)
        if opened is None:  # raised here, after the commit: a rollback would forget the revocation
            raise errors.SessionRevoked("The refresh token was used before; the session is ended.")
        return opened

    async def _rotate(self, work: UnitOfWork, token_text: str, address: str) -> Opened | None:
        store, now = self._store(work), self._clock.now()
        token = await store.refresh_token(hash_secret(token_text))
        session = await store.session(token.session_id) if token else None
        if token is None or session is None or now >= token.expires_at or not session.is_alive(now):
            raise BadCredentials(_NOT_VALID)
        if token.used_at is not None:
            await self._end_family(work, session)
            return None
        user = await store.user(session.subject_id)
        if user is None or user.is_disabled:
            raise BadCredentials(_NOT_VALID)
        await store.use_refresh_token(token.token_hash, now)
        if not await store.use_session(session.id, address or None, now):
            raise BadCredentials(_NOT_VALID)  # ended in this very moment
        return await self._opening.next(work, user, session)

    async def _end_family(self, work: UnitOfWork, session: Session) -> None:
        metrics.REFRESH_TOKENS_REUSED.inc()
        details = {"user_id": session.subject_id}
        record(work, Action.REFRESH_REUSED, None, AuditEntry("session", session.id, details=details, outcome=Outcome.REFUSED))
        await self._ending.end(work, session)

    async def logout(self, who: Caller) -> None:
        """End the caller's session and every token of it. Idempotent."""
        async with self._uow(who.tenant_id) as work:
            session = await self._store(work).session(who.session_id)
            if session is not None and session.revoked_until is None:
                await self._end(work, who, session)

    async def list_sessions(self, who: Caller, user_id: UUID, after: UUID | None, limit: int) -> list[Session]:
        """Living sessions of a user of the caller's tenant, or of the caller, newest first. Raises: NotFound."""
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            if user_id != who.user_id and await store.user(user_id) is None:
                raise NotFound
            return await store.page_of_sessions(user_id, self._clock.now(), after, limit)

    async def end_session(self, who: Caller, session_id: UUID, *, others: bool) -> None:
        """End one of the caller's sessions, or with `others` (the right to change users) anybody's whom the caller may change.

        Raises: NotFound, Forbidden.
        """
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            session = await store.session(session_id)
            if session is None or not session.is_alive(self._clock.now()):
                raise NotFound
            if session.subject_id != who.user_id:
                if not others:
                    raise NotFound
                await self._check_reach(store, who, session)
            await self._end(work, who, session)

    async def _check_reach(self, store: Store, who: Caller, session: Session) -> None:
        is_person = session.subject_kind is SubjectKind.USER
        subject = await store.user(session.subject_id) if is_person else await store.api_key(session.subject_id)
        if subject is not None:
            check_reach(who, subject.role, subject.camera_groups)

    async def end_sessions(self, who: Caller, user_id: UUID) -> int:
        """End every session of a user, but the one that the caller is using. Returns how many. Raises: NotFound, Forbidden."""
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            user = await store.user(user_id, lock=True)
            if user is None and user_id != who.user_id:
                raise NotFound
            if user is not None and user_id != who.user_id:
                check_reach(who, user.role, user.camera_groups)
            living = [each for each in await store.sessions_of(user_id, self._clock.now()) if each.id != who.session_id]
            for session in living:
                await self._end(work, who, session)
        return len(living)

    async def _end(self, work: UnitOfWork, who: Caller, session: Session) -> None:
        record(work, Action.SESSION_ENDED, who, AuditEntry("session", session.id, details={"user_id": session.subject_id}))
        await self._ending.end(work, session)
