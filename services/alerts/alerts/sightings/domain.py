"""When a stored plate is worth an alert. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.alerts.domain import PLATE_ALERT, Occurrence
from alerts.watchlists.domain import Certainty, Entry, Read, Watchlist, severity_of
from gtvision import plate as plates
from gtvision.events import StoredDetection


@dataclass(frozen=True, slots=True)
class SightingRules:
    """When a plate that was read counts. Confidences are 0..1.

    `min_confidence` is that of a reading, or of it and what else the reader may have meant together; a way of reading it counts from
    `min_alternate` on. Within `cooldown` a plate at a camera is one alert.
    """

    min_confidence: float
    min_alternate: float
    cooldown: timedelta


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detection with a plate that was read well enough to be compared."""

    seen: StoredDetection
    read: Read


@dataclass(frozen=True, slots=True)
class Hit:
    """A sighting of a plate that is looked for, or may be it."""

    sighting: Sighting
    watchlist: Watchlist
    entry: Entry
    certainty: Certainty


def sightings_of(detections: Iterable[StoredDetection], rules: SightingRules) -> list[Sighting]:
    """Returns what counts, in order of capture."""
    reads = ((seen, Read.of(seen.object, rules.min_confidence, rules.min_alternate)) for seen in detections)
    return sorted((Sighting(seen, read) for seen, read in reads if read is not None), key=lambda each: each.seen.captured_at)


def hits_of(sightings: Iterable[Sighting], watched: Sequence[tuple[Watchlist, Entry]], zone: ZoneInfo) -> list[Hit]:
    """Returns the sightings of plates that are looked for at that time, wherever that is.

    A plate that is on a list for certain is not possibly another one of the same list.
    """
    hits: list[Hit] = []
    for each in sightings:
        found = [Hit(each, watchlist, entry, sure) for watchlist, entry in watched if (sure := entry.compare(each.read)) is not None]
        certain = {hit.watchlist.watchlist_id for hit in found if hit.certainty is Certainty.CERTAIN}
        hits += [
            hit
            for hit in found
            if hit.entry.watches(each.seen.captured_at, zone)
            and (hit.certainty is Certainty.CERTAIN or hit.watchlist.watchlist_id not in certain)
        ]
    return hits


def occurrence(hit: Hit, camera_name: str, cooldown: timedelta) -> Occurrence:
    """What is told of a plate that is looked for. A vehicle at a camera is one alert for as long as it is seen again within the cooldown.

    A possible match is told under the plate that is looked for, with what was read among its alternatives.
    """
    seen, entry, read, name = hit.sighting.seen, hit.entry, hit.sighting.read, hit.watchlist.name
    possible = hit.certainty is Certainty.POSSIBLE
    plate = entry.plate if possible else read.text
    text = plates.format_plate(plate)
    was_read = f" (lida {plates.format_plate(read.text)})" if read.text != plate else ""
    return Occurrence(
        kind=PLATE_ALERT,
        subject=f"{entry.entry_id}/{seen.camera_id}",
        severity=severity_of(hit.watchlist, entry, hit.certainty),
        title=f"{f'Possível placa {text}{was_read}' if possible else f'Placa {text}'} da lista “{name}” vista em {camera_name}",
        at=seen.captured_at,
        cooldown=cooldown,
        camera_id=seen.camera_id,
        plate=plate,
        watchlist_id=hit.watchlist.watchlist_id,
        entry_id=entry.entry_id,
        detection_id=seen.detection_id,
        captured_at=seen.captured_at,
        evidence_key=seen.evidence_key,
        reason=entry.reason,
        is_possible=possible,
        alternatives=tuple(dict.fromkeys(text for text in read.texts if text != plate)) if possible else (),
    )


def cameras_of(hits: Iterable[Hit]) -> list[UUID]:
    """Returns the cameras, each once, in order of id."""
    return sorted({hit.sighting.seen.camera_id for hit in hits})
