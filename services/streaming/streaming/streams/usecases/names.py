"""Where cameras' names lead: looked up again and again, beside the reconciler, which never waits for them."""

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
from streaming.streams.domain import Fares, PathConfig, Pin, Place
from streaming.streams.ports import Certificates, Names

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
    """Since the last look-up a camera there made no progress: its certificate may have been renewed."""
    well: bool = False
    """When the reconciler last went round, a camera there made progress."""
    seen_well: bool = False
    """As `well`, while it still goes round."""
    silent_looks: int = 0
    """Look-ups in a row between which a camera failed and at which none was well."""

    def fares(self) -> Fares:
        """Judged at a look-up. One silent look-up may come right after a start of any process, and says nothing yet."""
        self.silent_looks = self.silent_looks + 1 if self.failing and not self.well else 0
        return Fares.WELL if self.well else Fares.DEAD if self.silent_looks > 1 else Fares.UNTRIED


class CameraNames:
    """Says what the media server is told in place of a camera's address, from memory; `look_up` keeps the memory fresh."""

    def __init__(self, names: Names, certificates: Certificates, policy: AddressPolicy, clock: Clock, every: timedelta) -> None:
        """`every` is the time between two look-ups of a name."""
        self._names, self._certificates, self._policy, self._clock, self._every = names, certificates, policy, clock, every
        self.wake = asyncio.Event()
        """Set when there is a new name to look up."""
        self.changed = asyncio.Event()
        """Set when a name stands for something else; the reconciler waits for it."""
        self._known: dict[Place, _Known] = {}

    def source(self, url: CameraUrl, present: PathConfig | None, *, well: bool) -> tuple[str, str]:
        """Source and fingerprint; `present` is what the server holds. Raises: InvalidCameraUrl; Unavailable, not known yet."""
        literal = literal_address(url.host)
        if literal is not None:
            if not self._policy.accepts(literal):
                raise InvalidCameraUrl("The camera address leads to a network that cameras may not be in.")
            return url.source, ""
        place = Place.of(url)
        if place not in self._known:
            self._known[place] = _Known()
            self.wake.set()
        known = self._known[place]
        known.failing, known.seen_well = known.failing or not well, known.seen_well or well
        if known.pin == Pin() and present is not None:
            known.pin = Pin.adopted(url, present.source, present.fingerprint, self._policy)
        if known.pin.refused:
            raise InvalidCameraUrl("The camera's name leads to networks that cameras may not be in.")
        if known.pin.address is None or not known.pin.serves(place):
            if present is not None and present.source == url.text:  # as releases before this told it: it goes on until there is an answer
                return present.source, present.fingerprint
            raise Unavailable("The camera's name is not resolved yet.")
        return url.at(known.pin.address), known.pin.fingerprint

    def keep(self, urls: Sequence[CameraUrl]) -> None:
        """The cameras are through: forgets every name but these."""
        for gone in self._known.keys() - {Place.of(url) for url in urls}:
            del self._known[gone]
        for known in self._known.values():
            known.well, known.seen_well = known.seen_well, False

    async def look_up(self) -> int:
        """Looks up the names whose turn it is, the longest waiting first, new ones before all; returns how many were asked."""
        now = self._clock.monotonic()
        due = [(known.due_s, place) for place, known in self._known.items() if known.due_s <= now]
        due = sorted(due, key=lambda item: item[0])[:_AT_ONCE]
        await asyncio.gather(*(self._look(place, self._known[place]) for _, place in due))
        if due:
            self.wake.set()  # there may be more
        return len(due)

    async def _look(self, place: Place, known: _Known) -> None:
        before, failing, fares = known.pin, known.failing, known.fares()
        known.failing = False
        try:
            after = before.after(await self._names.addresses(place.host), self._policy, fares)
            if place.tls_port is not None and after.address is not None and (failing or not after.fingerprint):
                proof = await self._certificates.fingerprint(after.address, place.tls_port, place.host)
                after = replace(after, fingerprint=proof)
            outcome = "refused" if after.refused else "same" if after == before else "moved"
        except Unavailable as error:
            after, outcome = before, "unanswered"
            log.log(INFO if before.address is None else DEBUG, "camera_name_unanswered", host=place.host, reason=error.message)
        metrics.names.labels(outcome).inc()
        pause = self._every if after.refused or after.serves(place) else min(self._every, _FIRST_AGAIN)
        known.due_s = self._clock.monotonic() + pause.total_seconds()
        known.pin = after
        if after == before:
            return
        known.silent_looks = 0
        if after.refused:
            log.warning("camera_address_refused", host=place.host, reason="all of the name's addresses are in networks without cameras")
        else:
            log.info("camera_name_leads_elsewhere", host=place.host, address=str(after.address))
        self.changed.set()
