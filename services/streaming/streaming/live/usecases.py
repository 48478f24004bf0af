"""Who may read a path: the answers to the media server's auth hook, and the end of views that are no longer allowed."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.auth import Authenticator, AuthRuntime, TicketClaims
from chassis.logs import get_logger
from city.refusals import Attempt, Refusals
from gtvision.camera import camera_of_path
from gtvision.errors import BadCredentials, Forbidden, GTVisionError, NotFound, SessionRevoked, Unauthenticated
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

    def __init__(self, media: Views, auth: AuthRuntime, authorizer: Authorizer, attendance: RedisAttendance, clock: Clock) -> None:
        self._media, self._auth, self._authorizer, self._attendance, self._clock = media, auth, authorizer, attendance, clock
        self._claims: dict[UUID, TicketClaims | None] | None = None

    async def end_refused(self) -> None:
        """Ends the sessions whose login was revoked or whose camera is no longer theirs to see. Raises: Unavailable."""
        await self._auth.check()
        if not self._authorizer.knows_cameras:
            return
        views = await self._views()
        for view in views:
            try:
                self._check(view)
            except (Unauthenticated, Forbidden, NotFound) as refused:
                await self._end(view, refused.code)
        await self._attendance.note()

    async def end_user(self, user_id: UUID) -> None:
        """Ends the sessions of a user, also those whose login has run out meanwhile. Repeating it is harmless. Raises: Unavailable."""
        await self._auth.check()
        for view in await self._views():
            claims = self._of(view)
            if claims is not None and claims.caller.user_id == user_id:
                await self._end(view, "account_disabled")

    async def _views(self) -> list[View]:
        views = await self._media.views()
        known, unattended = self._claims, False
        if known is None:
            known, unattended = {}, not await self._attendance.recent()
        new = [view for view in views if view.session not in known]
        # Together: a ticket that names an unknown key waits for the keys to be read again, and a flood of such tickets must not add up.
        claims = await asyncio.gather(*(self._auth.authenticator.whose(view.ticket) for view in new))
        known |= {view.session: self._usable(claim, unattended) for view, claim in zip(new, claims, strict=True)}
        self._claims = {view.session: known[view.session] for view in views}
        return views

    def _usable(self, claims: TicketClaims | None, unattended: bool) -> TicketClaims | None:
        """None for a ticket that is not ours, and where a revocation of its session may have been missed."""
        if claims is None or (unattended and claims.caller.expires_at + _REMEMBERED_S < self._clock.now().timestamp()):
            return None
        return claims

    def _of(self, view: View) -> TicketClaims | None:
        return (self._claims or {}).get(view.session)

    def _check(self, view: View) -> None:
        claims = self._of(view)
        if claims is None:
            raise BadCredentials
        if self._auth.revocations.is_revoked(claims.caller.session_id):
            raise SessionRevoked
        self._authorizer.check(claims, view.path)

    async def _end(self, view: View, reason: str) -> None:
        await self._media.end(view)
        metrics.views_ended.labels(view.protocol, reason).inc()
        log.info("view_ended", protocol=view.protocol, path=view.path, view=str(view.session), reason=reason)


def _attempt(request: AccessRequest) -> Attempt:
    camera_id = camera_of_path(request.path)
    return Attempt("camera", UUID(camera_id) if camera_id else None, request.address or None)


def _check(request: AccessRequest, credential: tuple[str, str]) -> None:
    user_fits = hmac.compare_digest(request.user.encode(), credential[0].encode())
    if not (hmac.compare_digest(request.password.encode(), credential[1].encode()) and user_fits):
        raise BadCredentials
