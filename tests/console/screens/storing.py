"""Recordings of a city as streaming counts, promises and holds them: a stand-in in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.console.standins import Asked, Reply, Services, paged, problem

from cameras.cameras.api import CameraOut
from gtvision.ids import new_id
from streaming.forecast.api import ForecastOut, RecordingsDiskOut, ShareOut
from streaming.retention.api import HoldIn, HoldOut
from streaming.usage.api import DiskOut, StoppedOut, UsageOut

GIGA = 10**9
COUNTED = datetime(2026, 11, 29, 12, tzinfo=UTC)


def share(camera: CameraOut, gigabytes: int, **more: Any) -> ShareOut:
    """One camera's part of the forecast: it keeps what was promised, unless it is said otherwise."""
    known: dict[str, Any] = {
        "camera_id": camera.id,
        "name": camera.name,
        "bytes_used": gigabytes * GIGA,
        "bytes_per_day": GIGA,
        "retention_days": 90,
        "oldest": COUNTED - timedelta(days=20),
        "days_kept": 90.0,
    }
    return ShareOut(**known | more)


def forecast(*cameras: ShareOut, **more: Any) -> ForecastOut:
    known: dict[str, Any] = {
        "as_of": COUNTED,
        "disk": RecordingsDiskOut(total_bytes=4_000 * GIGA, free_bytes=1_500 * GIGA, floor_bytes=400 * GIGA),
        "quota_bytes": None,
        "held_bytes": 0,
        "full_of_held": False,
        "days_left": 12.4,
        "cameras": list(cameras),
    }
    return ForecastOut(**known | more)


def usage(*stopped: StoppedOut, bytes_per_day: int | None = 3 * GIGA) -> UsageOut:
    return UsageOut(
        as_of=COUNTED,
        bytes_used=0,
        bytes_per_day=bytes_per_day,
        oldest=None,
        newest=None,
        disk=DiskOut(total_bytes=4_000 * GIGA, free_bytes=1_500 * GIGA),
        days_left=12.4,
        cameras_recording=1,
        cameras_not_recording_total=len(stopped),
        cameras_not_recording=list(stopped),
    )


def hold(camera_id: UUID | None, **more: Any) -> HoldOut:
    """A hold that is in force, of an hour of that camera or of all."""
    known: dict[str, Any] = {
        "hold_id": new_id(),
        "camera_id": camera_id,
        "since": COUNTED - timedelta(hours=2),
        "range_until": COUNTED - timedelta(hours=1),
        "reason": "BO 2026/001234-5",
        "placed_by": new_id(),
        "placed_at": COUNTED,
        "until": None,
        "lifted_by": None,
        "lifted_at": None,
        "lift_reason": None,
    }
    return HoldOut(**known | more)


class Held:
    """Answers for `/holds` as long as the test lasts. A hold is never forgotten: it is lifted."""

    def __init__(self, services: Services, *holds: HoldOut) -> None:
        self.holds = list(holds)
        services.answer("GET", "/holds", lambda asked: paged(self._found(asked))(asked))
        services.answer("POST", "/holds", self._place)
        services.answer("POST", "/holds/*/lift", self._lift)

    def _found(self, asked: Asked) -> list[HoldOut]:
        return [each for each in self.holds if asked.value("active") != "true" or each.lifted_at is None]

    def _place(self, asked: Asked) -> Reply:
        draft = HoldIn.model_validate(asked.body)
        self.holds.insert(0, hold(**draft.model_dump()))
        return Reply(201, self.holds[0])

    def _lift(self, asked: Asked) -> Any:
        for number, each in enumerate(self.holds):
            if str(each.hold_id) == asked.path.split("/")[2]:
                if each.lifted_at is not None:
                    return problem(409, "hold_ended")
                ends = {"lifted_at": COUNTED + timedelta(days=1), "lifted_by": new_id(), "lift_reason": asked.body["reason"]}
                self.holds[number] = each.model_copy(update=ends)
                return self.holds[number]
        return problem(404, "not_found")
