"""What a run came to: seconds of each camera, and whether the promises were kept. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

UNKNOWN = "unknown"
MOST_UNKNOWN = 0.01
"""Share of a camera's time for which no cause may be known."""
CAUSES = ("camera", "network", "node", "disk", "operator", "planned", "retention", UNKNOWN)


def seconds(start: datetime, end: datetime) -> float:
    return max(end - start, timedelta()).total_seconds()


@dataclass(frozen=True, slots=True)
class Account:
    """A camera's time from the beginning of the run to its end, in seconds. `missing_s` is neither recorded nor a gap."""

    total_s: float
    recorded_s: float
    gaps_s: Mapping[str, float]
    """By cause."""
    missing_s: float
    twice_s: float

    @classmethod
    def of(cls, since: datetime, until: datetime, timeline: Mapping[str, Any]) -> Account:
        """Adds up the spans of an answer of `/recordings/timeline` for that range; they are not believed to cover it."""
        spans = [(*_span(each), "") for each in timeline["recorded"]] + [(*_span(each), each["cause"]) for each in timeline["gaps"]]
        recorded, twice, missing, gaps, at = 0.0, 0.0, 0.0, defaultdict[str, float](float), since
        for start, end, cause in sorted(spans):
            missing += seconds(at, start)
            twice += seconds(start, min(at, end))
            length = seconds(max(start, at), end)
            if cause:
                gaps[cause] += length
            else:
                recorded += length
            at = max(at, end)
        return cls(seconds(since, until), recorded, dict(gaps), missing + seconds(at, until), twice)

    @property
    def covered(self) -> float:
        """Share of the time that was recorded, or not with a cause, `unknown` being one. In steps of a hundredth of a per cent."""
        return round(1 - self.missing_s / self.total_s, 4)

    @property
    def unknown(self) -> float:
        """Share of the time for which nobody knows why it was not recorded."""
        return self.gaps_s.get(UNKNOWN, 0.0) / self.total_s


@dataclass(frozen=True, slots=True)
class Held:
    """Footage that was there when its hold was acknowledged, and what of it is there at the end, in seconds."""

    camera: str
    promised_s: float
    there_s: float

    @property
    def is_kept(self) -> bool:
        """A tenth of a second is the rounding of a file's end, which is known better once the file is finished."""
        return self.there_s >= self.promised_s - 0.1


@dataclass(frozen=True, slots=True)
class CameraReport:
    """What a run came to for one camera. `segments` are those of the index; `wrong` says what is wrong with which."""

    name: str
    account: Account
    segments: int
    wrong: tuple[str, ...] = ()
    is_recorded_again: bool = True
    stopped: tuple[str, ...] = ()
    """Causes with which `/recordings/usage` said that it is not recorded."""

    def problems(self) -> list[str]:
        account, found = self.account, [f"{self.name}: {each}" for each in self.wrong]
        if account.covered < 1:
            found.append(f"{self.name}: {account.missing_s:.1f} s are neither recorded nor explained")
        if account.twice_s > 0.1:
            found.append(f"{self.name}: {account.twice_s:.1f} s are told twice")
        if account.unknown > MOST_UNKNOWN:
            found.append(f"{self.name}: for {account.unknown:.1%} of the time no cause is known")
        if not self.is_recorded_again:
            found.append(f"{self.name}: is not recorded again")
        return found


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    began: datetime
    ended: datetime
    faults: Sequence[tuple[datetime, str]]
    cameras: Sequence[CameraReport]
    holds: Sequence[Held]
    notes: Sequence[str] = ()
    """What was left out, and what was seen beside."""
    trouble: Sequence[str] = field(default=())
    """What went wrong with the run itself, such as a hold that was refused."""

    def problems(self) -> list[str]:
        """Returns what was promised and not kept; nothing where all is well."""
        lost = [
            f"{held.camera}: of {held.promised_s:.1f} s under a hold only {held.there_s:.1f} s are there"
            for held in self.holds
            if not held.is_kept
        ]
        return [*self.trouble, *(problem for camera in self.cameras for problem in camera.problems()), *lost]

    def as_json(self) -> dict[str, Any]:
        return {
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat(),
            "faults": [{"at": at.isoformat(), "fault": what} for at, what in self.faults],
            "cameras": [_camera_json(camera) for camera in self.cameras],
            "holds": [{"camera": held.camera, "promised_s": held.promised_s, "there_s": held.there_s} for held in self.holds],
            "notes": list(self.notes),
            "problems": self.problems(),
        }

    def table(self) -> str:
        """Returns the seconds of each camera, by cause, as lines of text."""
        causes = [cause for cause in CAUSES if any(cause in camera.account.gaps_s for camera in self.cameras)]
        heads = ["camera", "recorded", *causes, "covered", "segments", "again", "said to be stopped"]
        rows = [heads, *(_row(camera, causes) for camera in self.cameras)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
        return "\n".join("  ".join(_placed(row, widths)).rstrip() for row in rows)


def _span(given: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(given["from"]), datetime.fromisoformat(given["to"])


def _camera_json(camera: CameraReport) -> dict[str, Any]:
    account = camera.account
    return {
        "name": camera.name,
        "total_s": round(account.total_s, 3),
        "recorded_s": round(account.recorded_s, 3),
        "gaps_s": {cause: round(length, 3) for cause, length in account.gaps_s.items()},
        "missing_s": round(account.missing_s, 3),
        "covered": account.covered,
        "segments": camera.segments,
        "wrong_segments": list(camera.wrong),
        "recorded_again": camera.is_recorded_again,
        "stopped": list(camera.stopped),
    }


def _row(camera: CameraReport, causes: Iterable[str]) -> list[str]:
    account = camera.account
    gaps = [f"{account.gaps_s.get(cause, 0.0):.1f}" for cause in causes]
    segments = f"{camera.segments} play" if not camera.wrong else f"{len(camera.wrong)} of {camera.segments} wrong"
    again = "yes" if camera.is_recorded_again else "NO"
    return [camera.name, f"{account.recorded_s:.1f}", *gaps, f"{account.covered:.2%}", segments, again, ", ".join(camera.stopped) or "-"]


def _placed(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    last = len(row) - 1
    return [
        text.ljust(width) if column in {0, last} else text.rjust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
