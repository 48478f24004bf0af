"""Who may read a path: the answers to the media server's auth hook."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from uuid import UUID

from chassis.auth import Authenticator
from city.refusals import Attempt, Refusals
from gtvision.camera import camera_of_path
from gtvision.errors import BadCredentials, Forbidden, GTVisionError, NotFound
from gtvision.tenancy import Caller
from streaming.live.domain import LIVE_PROTOCOLS, AccessRequest
from streaming.streams.domain import DesiredCamera


class Authorizer:
    """Answers the media server's auth hook from memory, in well under a millisecond: the hook holds up every other reader.

    The authenticator of this process remembers spent tickets.
    """

    def __init__(self, authenticator: Authenticator, refusals: Refusals, *, reader: tuple[str, str], operator: tuple[str, str]) -> None:
        """`reader` and `operator` are the credentials (user, password) of machines: of RTSP readers, and of the control API."""
        self._authenticator, self._refusals, self._reader, self._operator = authenticator, refusals, reader, operator
        self._cameras: dict[UUID, DesiredCamera] = {}

    def learn(self, cameras: Sequence[DesiredCamera]) -> None:
        """Takes the desired cameras over, in place of those known before."""
        self._cameras = {camera.camera_id: camera for camera in cameras}

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
        camera_id = camera_of_path(request.path)
        camera = self._cameras.get(UUID(camera_id)) if camera_id else None
        if camera is None or not camera.wanted or camera.tenant_id != claims.caller.tenant_id:
            raise NotFound("There is no such camera.")
        if claims.camera_id != camera.camera_id or not claims.caller.may_see(camera.groups):
            raise Forbidden("The ticket is for another camera.")
        return claims.caller


def _attempt(request: AccessRequest) -> Attempt:
    camera_id = camera_of_path(request.path)
    return Attempt("camera", UUID(camera_id) if camera_id else None, request.address or None)


def _check(request: AccessRequest, credential: tuple[str, str]) -> None:
    user_fits = hmac.compare_digest(request.user.encode(), credential[0].encode())
    if not (hmac.compare_digest(request.password.encode(), credential[1].encode()) and user_fits):
        raise BadCredentials
