"""Where each vehicle is at each frame of the loop, and where its plate is in the picture. The loop has no beginning:
a vehicle that is still far away when the loop ends comes closer when it begins again."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from demo_cameras.lens import Lens
from demo_cameras.scenes import FPS, LOOP_S, Drive, Passage, Scene
from demo_cameras.stage import box_of
from demo_cameras.vehicles import Vehicle, build_vehicle

READABLE_PX = 84.0
"""A plate narrower than this counts as not yet in view."""
_STEP_S = 1 / 150


def _distances(drive: Drive) -> list[float]:
    """Distance at every step, integrated from speeds that change linearly with distance."""
    ahead = 1.0 if drive[-1][0] > drive[0][0] else -1.0
    at, distances, knot = drive[0][0], [drive[0][0]], 0
    while knot < len(drive) - 1:
        (y0, v0), (y1, v1) = drive[knot], drive[knot + 1]
        if (at - y1) * ahead >= 0:
            knot += 1
            continue
        speed = v0 + (v1 - v0) * (at - y0) / (y1 - y0)
        at += ahead * speed * _STEP_S
        distances.append(at)
    return distances


class Ride:
    """One passage, ready to be asked where it is."""

    def __init__(self, passage: Passage, mark_m: float) -> None:
        self.passage = passage
        self.vehicle: Vehicle = build_vehicle(passage.body, passage.colour, passage.plate)
        self._distances = _distances(passage.drive)
        coming = passage.drive[-1][0] < passage.drive[0][0]
        along = [-d for d in self._distances] if coming else self._distances
        mark = bisect_right(along, -mark_m if coming else mark_m)
        self._start_s = passage.at_s - mark * _STEP_S

    def distance(self, loop_s: float) -> float | None:
        """Distance of the near end at a time of the loop; None while it is not on the street."""
        into = (loop_s - self._start_s) % LOOP_S
        step = int(into / _STEP_S)
        return self._distances[step] if step < len(self._distances) else None


@dataclass(frozen=True, slots=True)
class Sighting:
    """The truth of one passage, in frames of the loop; boxes are normalised x1, y1, x2, y2."""

    plate: str
    era: str
    vehicle: str
    first_frame: int
    last_frame: int
    boxes: tuple[tuple[int, tuple[float, float, float, float]], ...]


def plate_box(ride: Ride, lens: Lens, frame: int) -> tuple[float, float, float, float] | None:
    """The plate's normalised box when it is whole in the picture and wide enough to read."""
    distance = ride.distance(frame / FPS)
    if distance is None:
        return None
    box = box_of(ride.vehicle.plate_face(ride.passage.lane_m, distance), lens)
    if box is None:
        return None
    left, top, right, bottom = box
    inside = left >= 2 and top >= 2 and right <= lens.width_px - 2 and bottom <= lens.height_px - 2
    if not inside or right - left < READABLE_PX:
        return None
    return left / lens.width_px, top / lens.height_px, right / lens.width_px, bottom / lens.height_px


def sightings(scene: Scene, rides: list[Ride]) -> list[Sighting]:
    """What passes in one loop, in order of appearance. A scene keeps its plates' windows clear of the loop's seam."""
    found = []
    for ride in rides:
        boxes = [(frame, box) for frame in range(LOOP_S * FPS) if (box := plate_box(ride, scene.lens, frame)) is not None]
        if not boxes:
            continue
        plate = ride.passage.plate
        kept = tuple((frame, (round(b[0], 5), round(b[1], 5), round(b[2], 5), round(b[3], 5))) for frame, b in boxes[:: FPS // 5])
        found.append(Sighting(plate.text, plate.era, ride.vehicle.kind, boxes[0][0], boxes[-1][0], kept))
    return sorted(found, key=lambda sighting: sighting.first_frame)
