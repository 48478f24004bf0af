"""What really passed: a clip's sightings laid on the wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from demo_cameras.playhead import Playhead

Interval = tuple[float, float | None]
"""Unix seconds from and to; None when it still lasts."""


def iso(unix_s: float) -> str:
    """UTC time as ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _on_the_clock(clip: dict[str, Any], sighting: dict[str, Any], start_s: float) -> dict[str, Any]:
    fps = clip["fps"]
    return {
        "id": f"{clip['name']}-{int(start_s)}-{sighting['first_frame']}",
        "plate": sighting["plate"],
        "era": sighting["era"],
        "class": sighting["vehicle"],
        "first_seen": iso(start_s + sighting["first_frame"] / fps),
        "last_seen": iso(start_s + sighting["last_frame"] / fps),
        "boxes": [{"at": iso(start_s + frame / fps), "box": box} for frame, box in sighting["boxes"]],
    }


def _touches(interval: Interval, first_s: float, last_s: float) -> bool:
    return interval[0] <= last_s and (interval[1] is None or interval[1] >= first_s)


def passages(
    clip: dict[str, Any], playhead: Playhead, since_s: float, until_s: float, disturbed: Sequence[Interval]
) -> list[dict[str, Any]]:
    """Passages whose plate came into view in [since, until], oldest first.

    `complete` says whether it has left again; `disturbed` whether a fault, or the server's start, hid any part of it.
    """
    found = []
    for loop in playhead.loops_between(since_s, until_s):
        start_s = playhead.loop_start_s(loop)
        for sighting in clip["passages"]:
            first_s, last_s = (start_s + sighting[edge] / clip["fps"] for edge in ("first_frame", "last_frame"))
            if not since_s <= first_s <= until_s:
                continue
            hidden = first_s < playhead.started_wall_s or any(_touches(interval, first_s, last_s) for interval in disturbed)
            found.append({**_on_the_clock(clip, sighting, start_s), "complete": last_s <= playhead.wall_s(), "disturbed": hidden})
    return found


def in_view(clip: dict[str, Any], playhead: Playhead) -> list[dict[str, Any]]:
    """The plates that can be read at this moment, each with the box nearest to now."""
    tick = playhead.tick()
    frame, start_s = tick % playhead.frames, (tick // playhead.frames) * playhead.frames / playhead.fps
    visible = []
    for sighting in clip["passages"]:
        if sighting["first_frame"] <= frame <= sighting["last_frame"]:
            at, box = min(sighting["boxes"], key=lambda entry: abs(int(entry[0]) - frame))
            visible.append({"plate": sighting["plate"], "class": sighting["vehicle"], "box": box, "at": iso(start_s + at / playhead.fps)})
    return visible
