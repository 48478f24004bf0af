"""Where cameras' host names lead. They are looked up periodically, beside the reconciler, which never waits for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from logging import DEBUG, INFO

from chassis.logs import get_logger
from gtvision.addresses import AddressPolicy, literal_address
from gtvision.camera_urls import CameraUrl
from gtvision.errors import InvalidCameraUrl, Unavailable
from gtvision.time import Clock
from streaming import metrics
from streaming.names.domain import Endpoint, Pin, Progress
from streaming.names.ports import Certificates, Names

log = get_logger(__name__)

_AT_ONCE = 16
_FIRST_AGAIN = timedelta(seconds=10)
"""A name without an address is asked again sooner: nothing is recorded meanwhile."""


@dataclass
class _Known:
    """A name: what it stands for, and when it is looked up again."""

    pin: Pin = field(default_factory=Pin)
    due_s: float = 0.0
    failing: bool = False
    """Whether a camera of this name made no progress since the last look-up: its certificate may have been renewed."""
    advancing: bool = False
    """Whether a camera of this name made progress at the reconciler's last run."""
    seen_advancing: bool = False
    """The same of the run that is still under way."""
    silent_looks: int = 0
    """Consecutive look-ups at which no camera of this name made progress and one had failed."""

    def progress(self) -> Progress:
        """Judges at a look-up. One silent look-up proves nothing: a process may just have started."""
        self.silent_looks = self.silent_looks + 1 if self.failing and not self.advancing else 0
        return Progress.ADVANCING if self.advancing else Progress.STALLED if self.silent_looks > 1 else Progress.UNKNOWN


class CameraNames:
    """Says what the media server is told in place of a camera's address, from memory; `look_up` keeps the memory fresh."""

    def __init__(self, names: Names, certificates: Certificates, policy: AddressPolicy, clock: Clock, every: timedelta) -> None:
        """`every` is the time between two look-ups of a name."""
        self._names, self._certificates, self._policy, self._clock, self._every = names, certificates, policy, clock, every
        self.wake = asyncio.Event()
        """Set when there is a new name to look up."""
        self.changed = asyncio.Event()
        """Set when a name stands for something else; the reconciler waits for it."""
        self._known: dict[Endpoint, _Known] = {}

    def source(self, url: CameraUrl, present: tuple[str, str] | None, *, advancing: bool) -> tuple[str, str]:
        """Source and fingerprint; `present` are those that the server holds. Raises: InvalidCameraUrl; Unavailable, not known yet."""
        literal = literal_address(url.host)
        if literal is not None:
            if not self._policy.accepts(literal):
                raise InvalidCameraUrl("The camera address leads to a network that cameras may not be in.")
            return url.source, ""
        endpoint = Endpoint.of(url)
        if endpoint not in self._known:
            self._known[endpoint] = _Known()
            self.wake.set()
        known = self._known[endpoint]
        known.failing, known.seen_advancing = known.failing or not advancing, known.seen_advancing or advancing
        if known.pin == Pin() and present is not None:
            known.pin = Pin.adopted(url, *present, self._policy)
        if known.pin.refused:
            raise InvalidCameraUrl("The camera's name leads to networks that cameras may not be in.")
        if known.pin.address is None or not known.pin.is_complete_for(endpoint):
            if present is not None and present[0] == url.text:  # told by an older release: it stays until there is an answer
                return present
            raise Unavailable("The camera's name is not resolved yet.")
        return url.at(known.pin.address), known.pin.fingerprint

    def keep(self, urls: Sequence[CameraUrl]) -> None:
        """Ends a run of the reconciler: every name but these is forgotten."""
        for gone in self._known.keys() - {Endpoint.of(url) for url in urls}:
            del self._known[gone]
        for known in self._known.values():
            known.advancing, known.seen_advancing = known.seen_advancing, False

    async def look_up(self) -> int:
        """Looks up the names that are due, the longest overdue first, at most 16 at once; returns how many."""
        now = self._clock.monotonic()
        due = [(known.due_s, endpoint) for endpoint, known in self._known.items() if known.due_s <= now]
        due = sorted(due, key=lambda item: item[0])[:_AT_ONCE]
        await asyncio.gather(*(self._look(endpoint, self._known[endpoint]) for _, endpoint in due))
        if due:
            self.wake.set()  # there may be more
        return len(due)

    async def _look(self, endpoint: Endpoint, known: _Known) -> None:
        before, failing, progress = known.pin, known.failing, known.progress()
        known.failing = False
        try:
            after = before.after(await self._names.addresses(endpoint.host), self._policy, progress)
            if endpoint.tls_port is not None and after.address is not None and (failing or not after.fingerprint):
                proof = await self._certificates.fingerprint(after.address, endpoint.tls_port, endpoint.host)
                after = replace(after, fingerprint=proof)
            outcome = "refused" if after.refused else "same" if after == before else "moved"
        except Unavailable as error:
            after, outcome = before, "unanswered"
            log.log(INFO if before.address is None else DEBUG, "camera_name_unanswered", host=endpoint.host, reason=error.message)
        metrics.names.labels(outcome).inc()
        pause = self._every if after.refused or after.is_complete_for(endpoint) else min(self._every, _FIRST_AGAIN)
        known.due_s = self._clock.monotonic() + pause.total_seconds()
        known.pin = after
        if after == before:
            return
        known.silent_looks = 0
        if after.refused:
            log.warning("camera_address_refused", host=endpoint.host, reason="all of the name's addresses are in networks without cameras")
        else:
            log.info("camera_name_resolved", host=endpoint.host, address=str(after.address))
        self.changed.set()
