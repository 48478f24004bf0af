"""Who may read a path: the answers to the media server's auth hook, and the end of views that are no longer allowed."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.auth import Authenticator, AuthRuntime, TicketClaims
from chassis.logs import get_logger
from city.refusals import Attempt, Refusals
from gtvision.camera import camera_of_path
from gtvision.errors import BadCredentials, Forbidden, GTVisionError, NotFound, SessionRevoked, Unauthenticated, Unavailable
from gtvision.tenancy import Caller
from gtvision.time import Clock
from streaming import metrics
from streaming.live.domain import LIVE_PROTOCOLS, AccessRequest, View
from streaming.live.ports import Views
from streaming.streams.domain import DesiredCamera

if TYPE_CHECKING:
    from streaming.gateways.redis_attendance import RedisAttendance

log = get_logger(__name__)

_REMEMBERED_S = timedelta(minutes=14).total_seconds()
"""Identity keeps a revocation for the 15 minutes in which a token of the session might still be shown."""
_FORGOTTEN_AFTER = 5
"""Listings in a row without a session after which it is gone: one listing may miss it, where another session leaves between two pages."""
_ENDED_AT_ONCE = 8


class Authorizer:
    """Answers the media server's auth hook from memory, in well under a millisecond: the hook holds up every other reader.

    The authenticator of this process remembers spent tickets.
    """

    def __init__(self, authenticator: Authenticator, refusals: Refusals, *, reader: tuple[str, str], operator: tuple[str, str]) -> None:
        """`reader` and `operator` are the credentials (user, password) of machines: of RTSP readers, and of the control API."""
        self._authenticator, self._refusals, self._reader, self._operator = authenticator, refusals, reader, operator
        self._cameras: dict[UUID, DesiredCamera] = {}
        self.knows_cameras = False

    def learn(self, cameras: Sequence[DesiredCamera]) -> None:
        """Takes the desired cameras over, in place of those known before."""
        self._cameras = {camera.camera_id: camera for camera in cameras}
        self.knows_cameras = True

    async def admit(self, request: AccessRequest) -> Caller | None:
        """The caller of a ticket, or None for a machine with a credential. Raises Unauthenticated, Forbidden, NotFound, Unavailable."""
        if request.action == "read" and request.protocol in LIVE_PROTOCOLS:
            try:
                return await self._admit_viewer(request)
            except GTVisionError as refused:
                await self._refusals.note(request.ticket, refused, _attempt(request))
                raise
        if request.action == "read" and request.protocol.startswith("rtsp"):
            _check(request, self._reader)
            return None
        if request.action in {"api", "metrics", "playback"}:
            _check(request, self._operator)
            return None
        raise Forbidden("Publishing is not open on this server.")

    async def _admit_viewer(self, request: AccessRequest) -> Caller:
        if not request.ticket:
            raise BadCredentials("A live view needs a ticket.")
        # A question outside a session (a page, an OPTIONS) spends nothing; a session does, once.
        opens = request.session is not None or request.protocol == "hls"
        claims = await self._authenticator.redeem(request.ticket, "live", single_use=opens)
        self.check(claims, request.path)
        return claims.caller

    def check(self, claims: TicketClaims, path: str) -> None:
        """Whether a ticket is for the camera of a path, and its caller may see that camera. Raises: NotFound, Forbidden."""
        camera_id = camera_of_path(path)
        camera = self._cameras.get(UUID(camera_id)) if camera_id else None
        if camera is None or not camera.wanted or camera.tenant_id != claims.caller.tenant_id:
            raise NotFound("There is no such camera.")
        if claims.camera_id != camera.camera_id or not claims.caller.may_see(camera.groups):
            raise Forbidden("The ticket is for another camera.")


class Viewers:
    """Ends the sessions of viewers who may no longer watch: the media server asks once, when a session opens.

    The media server lists each session with its ticket, which names the caller, so nothing has to be remembered over a restart. Identity
    forgets a revocation after fifteen minutes: when this service was away for longer than ten, older sessions are ended too.
    """

    def __init__(
        self,
        media: Views,
        auth: AuthRuntime,
        authorizer: Authorizer,
        attendance: RedisAttendance,
        clock: Clock,
        *,
        look_timeout_s: float = 10.0,
    ) -> None:
        self._media, self._auth, self._authorizer, self._attendance, self._clock = media, auth, authorizer, attendance, clock
        self._look_timeout_s = look_timeout_s
        self._claims: dict[UUID, TicketClaims | None] = {}
        self._listed: dict[UUID, int] = {}
        """The number of the last listing that named the session."""
        self._listing = 0
        self._lock = asyncio.Lock()

    async def end_refused(self) -> None:
        """Ends the sessions whose login was revoked or whose camera is no longer theirs to see. Raises: Unavailable."""
        await self._auth.check()
        if not self._authorizer.knows_cameras:
            return
        async with self._look():
            refused = [(view, self._refusal(view, claims)) for view, claims in await self._views()]
            await self._end([(view, reason) for view, reason in refused if reason is not None])
            await self._attendance.note()

    async def end_user(self, user_id: UUID) -> None:
        """Ends the sessions of a user, also those whose login has run out meanwhile. Repeating it is harmless. Raises: Unavailable."""
        await self._auth.check()
        async with self._look():
            views = await self._views()
            await self._end([(view, "account_disabled") for view, claims in views if claims and claims.caller.user_id == user_id])

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[None]:
        """One look at a time, and none that lasts. Raises: Unavailable."""
        try:
            async with asyncio.timeout(self._look_timeout_s), self._lock:
                yield
        except TimeoutError:
            raise Unavailable("The look after the viewers took too long.") from None

    async def _views(self) -> list[tuple[View, TicketClaims | None]]:
        """Every session with the claims of its ticket; None where the ticket is not ours, or cannot be judged any more."""
        views = await self._media.views()
        new = [view for view in views if view.session not in self._claims]
        attended = not new or await self._attendance.recent()
        # Together: a ticket that names an unknown key waits for the keys to be read again, and a flood of such tickets must not add up.
        # The hook admitted every session that is listed: a key that is unknown now has retired since.
        claims = await asyncio.gather(*(self._auth.authenticator.whose(view.ticket, admitted=attended) for view in new))
        self._claims |= {view.session: self._usable(claim, attended) for view, claim in zip(new, claims, strict=True)}
        self._listing += 1
        self._listed |= dict.fromkeys((view.session for view in views), self._listing)
        for gone in [session for session, listing in self._listed.items() if self._listing - listing >= _FORGOTTEN_AFTER]:
            del self._listed[gone], self._claims[gone]
        return [(view, self._claims[view.session]) for view in views]

    def _usable(self, claims: TicketClaims | None, attended: bool) -> TicketClaims | None:
        """None for a ticket that is not ours, and where a revocation of its session may have been missed."""
        if claims is None or (not attended and claims.caller.expires_at + _REMEMBERED_S < self._clock.now().timestamp()):
            return None
        return claims

    def _refusal(self, view: View, claims: TicketClaims | None) -> str | None:
        """Returns why the session must end; None where it may go on."""
        try:
            if claims is None:
                raise BadCredentials
            if self._auth.revocations.is_revoked(claims.caller.session_id):
                raise SessionRevoked
            self._authorizer.check(claims, view.path)
        except (Unauthenticated, Forbidden, NotFound) as refused:
            return refused.code
        return None

    async def _end(self, views: Sequence[tuple[View, str]]) -> None:
        """Ends sessions, a few at once; one that cannot be ended does not keep the others. Raises: Unavailable."""
        few = asyncio.Semaphore(_ENDED_AT_ONCE)

        async def end(view: View, reason: str) -> None:
            async with few:
                await self._media.end(view)
            metrics.views_ended.labels(view.protocol, reason).inc()
            log.info("view_ended", protocol=view.protocol, path=view.path, view=str(view.session), reason=reason)

        for failure in await asyncio.gather(*(end(view, reason) for view, reason in views), return_exceptions=True):
            if failure is not None:
                raise failure


def _attempt(request: AccessRequest) -> Attempt:
    camera_id = camera_of_path(request.path)
    return Attempt("camera", UUID(camera_id) if camera_id else None, request.address or None)


def _check(request: AccessRequest, credential: tuple[str, str]) -> None:
    user_fits = hmac.compare_digest(request.user.encode(), credential[0].encode())
    if not (hmac.compare_digest(request.password.encode(), credential[1].encode()) and user_fits):
        raise BadCredentials
