"""Who may read a path: the answers to the media server's auth hook, the record of each view, and the end of what is no longer allowed."""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import AsyncIterator, Container, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.auth import Authenticator, AuthRuntime, TicketClaims
from chassis.auth.tokens import TicketSpent
from chassis.db import UowFactory
from chassis.logs import get_logger
from city.audit import AuditEntry, audit_event
from city.refusals import Attempt, Refusals
from gtvision.audit import Action
from gtvision.camera import camera_of_path
from gtvision.errors import BadCredentials, Forbidden, GTVisionError, NotFound, SessionRevoked, Unauthenticated, Unavailable
from gtvision.tenancy import Caller
from gtvision.time import Clock
from streaming import metrics
from streaming.live.domain import LIVE_PROTOCOLS, AccessRequest, CameraOff, View
from streaming.live.ports import Views
from streaming.streams.domain import DesiredCamera, PathStatus

if TYPE_CHECKING:
    from streaming.gateways.redis_attendance import RedisAttendance

log = get_logger(__name__)

_REMEMBERED_S = timedelta(minutes=14).total_seconds()
"""Identity keeps a revocation for the 15 minutes in which a token of the session might still be shown."""
_FORGOTTEN_AFTER = 5
"""Listings in a row without a session after which it is gone: one listing may miss it, where another session leaves between two pages."""
_ENDED_AT_ONCE = 8
_SAME_VIEW_S = timedelta(minutes=2).total_seconds()
"""What a session opens again within this time after a view was granted, or was seen to run, is the same view."""
_ONE_RECORD_S = timedelta(hours=1).total_seconds()
"""What a session opens again within this time after the record is the same view. A wall that patrols comes back to each camera all day,
minutes later each time: a record each, 69,000 a day of 16 tiles, would hide the others in the ledger."""
_RECORD_TIMEOUT_S = 2.0
"""The hook waits for the record, and the media server's other readers wait for the hook."""
_MAX_VIEWINGS = 50_000
_ViewKey = tuple[UUID, UUID | None, str | None, str | None]
"""Session, camera, declared purpose and address: where one of them is another, it is another view."""
_PATHS_FRESH_S = 10.0
"""An older look at the media server's paths says nothing about now."""


@dataclass(slots=True)
class _Viewing:
    """A session watches a camera, perhaps by several connections."""

    known_until: float = float("-inf")
    """Monotonic. Until then it is on record, and opened anew it is the same view."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Viewings:
    """Puts each view of live video on record once, before it is let in: `live.viewed`, with the purpose that its ticket names.

    Remembers this in memory only: after a restart a view has a second record. An event in the outbox is on record.
    """

    def __init__(self, uow: UowFactory, clock: Clock, service: str) -> None:
        self._uow, self._clock, self._service = uow, clock, service
        self._viewings: OrderedDict[_ViewKey, _Viewing] = OrderedDict()
        self._opened: OrderedDict[UUID, _ViewKey] = OrderedDict()
        """What each ticket opened. Who finds a view running knows its ticket, and no address."""
        self._passed: dict[UUID, tuple[float, AccessRequest]] = {}

    async def open(self, claims: TicketClaims, request: AccessRequest | None = None) -> None:
        """Puts the view of a ticket on record, unless it is. Raises: Unavailable, where that cannot be done."""
        if request is None and claims.jti in self._passed:
            _, request = self._passed[claims.jti]
        address = request.address if request is not None else None
        key = (claims.caller.session_id, claims.camera_id, claims.declared_purpose, address)
        if request is None:
            key = self._opened.get(claims.jti, key)
        viewing = self._viewings.setdefault(key, _Viewing())
        async with viewing.lock:
            if viewing.known_until < self._clock.monotonic():
                await self._record(claims, request)
                viewing.known_until = self._clock.monotonic() + _ONE_RECORD_S
            viewing.known_until = max(viewing.known_until, self._clock.monotonic() + _SAME_VIEW_S)
        self._passed.pop(claims.jti, None)
        self._viewings[key], self._opened[claims.jti] = viewing, key
        self._viewings.move_to_end(key)
        self._opened.move_to_end(claims.jti)
        self._forget()

    def let_pass(self, claims: TicketClaims, request: AccessRequest) -> None:
        """Remembers a question that was admitted without a record, as the media server has nothing to show."""
        now = self._clock.monotonic()
        recent = {ticket: passed for ticket, passed in self._passed.items() if now - passed[0] < _SAME_VIEW_S}
        self._passed = recent | {claims.jti: (now, request)}

    def passed(self, claims: TicketClaims) -> bool:
        """Whether the ticket was let pass, so that its view has no record unless it was opened since."""
        return claims.jti in self._passed

    async def _record(self, claims: TicketClaims, request: AccessRequest | None) -> None:
        event = audit_event(Action.LIVE_VIEWED, claims.caller, AuditEntry("camera", claims.camera_id, camera_id=claims.camera_id))
        where = {"address": None, "user_agent": None, "purpose": claims.declared_purpose, "service": self._service}
        if request is not None:
            where |= {"address": request.address[:64] or None, "user_agent": request.user_agent[:300] or None}
        try:
            async with asyncio.timeout(_RECORD_TIMEOUT_S), self._uow(claims.caller.tenant_id) as uow:
                uow.emit(event.model_copy(update=where), camera_id=claims.camera_id)
        except TimeoutError:
            raise Unavailable("The view cannot be put on record at the moment.") from None

    def _forget(self) -> None:
        """Drops the views that are over, oldest first."""
        now = self._clock.monotonic()
        while (oldest := next(iter(self._viewings.values()))).known_until < now or len(self._viewings) > _MAX_VIEWINGS:
            if oldest.lock.locked():
                return
            self._viewings.popitem(last=False)
        while len(self._opened) > _MAX_VIEWINGS:
            self._opened.popitem(last=False)


class Authorizer:
    """Answers the media server's auth hook from memory, but for the record of a new view: the hook holds up every other reader.

    The authenticator of this process remembers spent tickets.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        refusals: Refusals,
        viewings: Viewings,
        clock: Clock,
        *,
        reader: tuple[str, str],
        operator: tuple[str, str],
    ) -> None:
        """`reader` and `operator` are the credentials (user, password) of machines: of RTSP readers, and of the control API."""
        self._authenticator, self._refusals, self._viewings, self._clock = authenticator, refusals, viewings, clock
        self._reader, self._operator = reader, operator
        self._cameras: dict[UUID, DesiredCamera] = {}
        self._paths: Mapping[str, PathStatus] = {}
        self._looked_at = float("-inf")
        self.knows_cameras = False

    def learn(self, cameras: Sequence[DesiredCamera]) -> None:
        """Takes the desired cameras over, in place of those known before."""
        self._cameras = {camera.camera_id: camera for camera in cameras}
        self.knows_cameras = True

    def watch(self, paths: Mapping[str, PathStatus]) -> None:
        """Takes over what the media server's paths are doing."""
        self._paths, self._looked_at = paths, self._clock.monotonic()

    async def admit(self, request: AccessRequest) -> Caller | None:
        """The caller of a ticket, or None for a machine with a credential. Raises Unauthenticated, Forbidden, NotFound, Unavailable."""
        if request.action == "read" and request.protocol in LIVE_PROTOCOLS:
            try:
                return await self._admit_viewer(request)
            except CameraOff:  # says nothing about the user
                raise
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
        claims = await self._authenticator.redeem(request.ticket, "live", single_use=False)
        self.check(claims, request.path)
        # A question outside a session (a page, an OPTIONS) opens nothing; a session does, once.
        if request.session is None and request.protocol != "hls":
            return claims.caller
        if self._has_nothing_to_show(request.path):
            # The media server says so itself: nobody sees or hears anything, and the ticket may be shown again once there is a picture.
            # Where the camera came back since, the next look after the viewers finds the view: it records it and spends the ticket.
            self._viewings.let_pass(claims, request)
            return claims.caller
        await self._viewings.open(claims, request)  # before the ticket is spent: where this fails, it can be shown again
        self._authenticator.spend(claims)
        return claims.caller

    def _has_nothing_to_show(self, path: str) -> bool:
        """Whether the last look at the media server, a moment ago, found no picture or sound there; what is not known may be shown."""
        if self._clock.monotonic() - self._looked_at > _PATHS_FRESH_S:
            return False
        status = self._paths.get(path)
        return status is None or not status.can_be_shown

    def spend(self, claims: TicketClaims) -> None:
        """Spends the ticket of a view that was let pass and is found running; one that is spent is fine."""
        with suppress(TicketSpent):
            self._authenticator.spend(claims)

    def check(self, claims: TicketClaims, path: str) -> None:
        """Whether a ticket is for the camera of a path, and its caller may see that camera. Raises: NotFound, Forbidden."""
        camera_id = camera_of_path(path)
        camera = self._cameras.get(UUID(camera_id)) if camera_id else None
        if camera is None or camera.tenant_id != claims.caller.tenant_id:
            raise NotFound("There is no such camera.")
        if claims.camera_id != camera.camera_id or not claims.caller.may_see(camera.groups):
            raise Forbidden("The ticket is for another camera.")
        if not camera.wanted:
            raise CameraOff("The camera is switched off.")


class Viewers:
    """Ends the sessions of viewers who may no longer watch: the media server asks once, when a session opens.

    The media server lists each session with its ticket, which names the caller, so nothing has to be remembered over a restart. Identity
    forgets a revocation after fifteen minutes: when this service was away for longer than ten, older sessions are ended too.
    """

    def __init__(  # noqa: PLR0913 - what one look needs
        self,
        media: Views,
        auth: AuthRuntime,
        authorizer: Authorizer,
        viewings: Viewings,
        attendance: RedisAttendance,
        clock: Clock,
        *,
        look_timeout_s: float = 10.0,
    ) -> None:
        self._media, self._auth, self._authorizer, self._viewings = media, auth, authorizer, viewings
        self._attendance, self._clock = attendance, clock
        self._look_timeout_s = look_timeout_s
        self._claims: dict[UUID, TicketClaims | None] = {}
        self._listed: dict[UUID, int] = {}
        """The number of the last listing that named the session."""
        self._listing = 0
        self._lock = asyncio.Lock()

    async def end_refused(self) -> None:
        """Ends the sessions whose login was revoked or whose camera is no longer theirs to see. Raises: Unavailable.

        Those that may go on keep their record.
        """
        await self._auth.check()
        if not self._authorizer.knows_cameras:
            return
        async with self._look():
            views = await self._views()
            refused = {view: reason for view, claims in views if (reason := self._refusal(view, claims)) is not None}
            await self._end(list(refused.items()))
            await self._attendance.note()
            await self._end([(view, "not_on_record") for view in await self._keep(views, refused)])

    async def _keep(self, views: Sequence[tuple[View, TicketClaims | None]], refused: Container[View]) -> list[View]:
        """Keeps running views on record; returns those that began without a record and can have none now.

        A view that is not remembered is from before this process started, or began while the last look found nothing to show. Those come
        first, and once one cannot be put on record the others are not tried: each try takes its time, and the look has an end.
        """
        going_on = [(view, claims) for view, claims in views if claims is not None and view not in refused]
        going_on.sort(key=lambda each: not self._viewings.passed(each[1]))
        for position, (_, claims) in enumerate(going_on):
            unrecorded = self._viewings.passed(claims)
            try:
                await self._viewings.open(claims)
            except Unavailable:  # what was not let pass has a record of before, and gets another as soon as one can be written
                return [view for view, claims in going_on[position:] if self._viewings.passed(claims)]
            if unrecorded:
                self._authorizer.spend(claims)
        return []

    async def end_user(self, user_id: UUID, before: datetime) -> None:
        """Ends the sessions that a user had a ticket for before an instant, also those whose login has run out meanwhile.

        Repeating it is harmless. Raises: Unavailable.
        """
        await self._auth.check()
        async with self._look():
            views = await self._views()
            callers = [(view, claims.caller) for view, claims in views if claims is not None]
            at = int(before.timestamp())  # a ticket tells the second in which it was made
            await self._end([(view, "rights_ended") for view, each in callers if each.user_id == user_id and each.issued_at < at])

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
