"""The four demo cameras: where each looks, what stands there, and what drives past with which plate."""

from __future__ import annotations

from dataclasses import dataclass

from demo_cameras.brush import Rgb
from demo_cameras.lens import Lens
from demo_cameras.plates import Plate
from demo_cameras.roadside import Light, Street

FPS = 15
LOOP_S = 60
"""One minute, so that the seconds burned into the picture are the wall clock's seconds."""

Drive = tuple[tuple[float, float], ...]
"""Knots (distance of the near end from the camera in metres, speed in metres a second) in driving order."""

OVER_THE_HUMP: Drive = ((170, 15), (48, 14), (17, 3.4), (13.2, 2.1), (7.2, 2.1), (5, 4.5), (-9, 10))
TO_THE_STOP_LINE: Drive = ((170, 14), (52, 12), (15, 2.6), (11.4, 0.5), (11.0, 0.4), (10.0, 2.0), (7.0, 3.2), (-14, 9))
OUT_OF_THE_GATE: Drive = ((48, 3.6), (17, 3.2), (10.2, 1.6), (9.0, 0.5), (8.6, 0.45), (7.6, 1.6), (5, 3.0), (-8, 6))
INTO_THE_GATE: Drive = ((1.5, 2.2), (4.9, 1.1), (5.4, 0.45), (5.8, 0.45), (6.6, 1.2), (9, 2.6), (47, 6))


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle: when its near end is at the scene's mark, what it is, and its plate."""

    at_s: float
    body: str
    colour: Rgb
    plate: Plate
    drive: Drive
    lane_m: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A camera of the demo."""

    name: str
    title: str
    """Burned into the picture."""
    place: str
    latitude: float
    longitude: float
    lens: Lens
    light: Light
    street: Street | None
    """None for the car park's gate."""
    mark_m: float
    """Distance at which `Passage.at_s` is counted."""
    passages: tuple[Passage, ...]


WHITE, SILVER, GREY, BLACK = (228, 229, 230), (170, 174, 180), (98, 102, 108), (32, 34, 38)
RED, BLUE, WINE, BEIGE = (186, 32, 34), (34, 74, 150), (104, 24, 38), (196, 180, 150)

_Cast = tuple[tuple[str, Rgb, Plate], ...]


def _every(cast: _Cast, drive: Drive, lane_m: float, first_s: float, gaps_s: tuple[float, ...]) -> tuple[Passage, ...]:
    passages, at_s = [], first_s
    for index, (body, colour, plate) in enumerate(cast):
        passages.append(Passage(at_s, body, colour, plate, drive, lane_m))
        at_s += gaps_s[index % len(gaps_s)]
    return tuple(passages)


_AVENUE = Scene(
    name="avenida",
    title="CAM 1  AV. DAS ACACIAS",
    place="Avenida das Acácias, 1200",
    latitude=-23.5489,
    longitude=-46.6388,
    lens=Lens(2900, 2.0, 4.2, 7.0),
    light=Light(),
    street=Street(hump_m=(9.0, 11.0), seed=1),
    mark_m=10.0,
    passages=_every(
        (
            ("hatch", RED, Plate("BRA2E19")),
            ("sedan", WHITE, Plate("KLM4567")),
            ("suv", BLACK, Plate("QRS8B90")),
            ("pickup", SILVER, Plate("FTZ3G47")),
            ("hatch", BLUE, Plate("DHE7382", town="SP-CAMPINAS")),
            ("sedan", GREY, Plate("RIO5C24")),
            ("suv", WHITE, Plate("GYX9A63")),
        ),
        OVER_THE_HUMP,
        1.9,
        4.0,
        (8.4, 8.0, 8.7),
    ),
)

_CROSSING = Scene(
    name="cruzamento",
    title="CAM 2  R. DO COMERCIO",
    place="Rua do Comércio, esquina com Rua das Palmeiras",
    latitude=-23.5512,
    longitude=-46.6339,
    lens=Lens(2750, 2.05, 4.4, 7.5),
    light=Light(zenith=(140, 160, 186), horizon=(232, 214, 190), tint=(1.0, 0.95, 0.88)),
    street=Street(crossing_m=(8.2, 9.8), stop_line_m=10.3, side_street_m=(22.0, 31.0), seed=3),
    mark_m=10.5,
    passages=_every(
        (
            ("bus", BLUE, Plate("GHT5E31", paid=True)),
            ("hatch", WHITE, Plate("LVC2046", town="SP-SANTOS")),
            ("truck", WHITE, Plate("DTR7720", paid=True, town="PR-CURITIBA")),
            ("sedan", WINE, Plate("JKP6D85")),
            ("pickup", BLACK, Plate("MNX1H72")),
            ("truck", BLUE, Plate("SWE4F08", paid=True)),
            ("suv", BEIGE, Plate("HBU9153", town="MG-UBERABA")),
        ),
        TO_THE_STOP_LINE,
        2.1,
        4.5,
        (8.6, 7.9, 8.8),
    ),
)


def _at_the_gate(cast: _Cast) -> tuple[Passage, ...]:
    drives = {"motorcycle": (INTO_THE_GATE, 0.78)}
    passages, at_s = [], 8.0
    for body, colour, plate in cast:
        drive, lane = drives.get(body, (OUT_OF_THE_GATE, -0.72))
        passages.append(Passage(at_s, body, colour, plate, drive, lane))
        at_s += 8.4
    return tuple(passages)


_GATE = Scene(
    name="portaria",
    title="CAM 3  PORTARIA",
    place="Estacionamento municipal, portaria",
    latitude=-23.5465,
    longitude=-46.6421,
    lens=Lens(3200, 1.3, 2.8),
    light=Light(tint=(0.97, 0.98, 1.0)),
    street=None,
    mark_m=7.0,
    passages=_at_the_gate(
        (
            ("hatch", SILVER, Plate("EWA8F36")),
            ("motorcycle", RED, Plate("FGH2J45", two_lines=True)),
            ("sedan", BLACK, Plate("CPT6904")),
            ("motorcycle", BLUE, Plate("DXN5178", two_lines=True, town="SP-OSASCO")),
            ("suv", BLUE, Plate("RVK3B71")),
            ("hatch", WHITE, Plate("NZL0I52")),
            ("motorcycle", BLACK, Plate("QUB7E93", two_lines=True)),
        )
    ),
)

_NIGHT = Scene(
    name="noturna",
    title="CAM 4  AV. BEIRA-RIO",
    place="Avenida Beira-Rio, 45",
    latitude=-23.5601,
    longitude=-46.6290,
    lens=Lens(2900, 2.0, 4.2, -7.0),
    light=Light(zenith=(12, 14, 26), horizon=(40, 38, 46), tint=(0.36, 0.37, 0.43), night=True),
    street=Street(side=-1.0, hump_m=(9.0, 11.0), seed=5),
    mark_m=10.0,
    passages=_every(
        (
            ("sedan", SILVER, Plate("PQW1C58")),
            ("hatch", WHITE, Plate("AXE3094", town="RJ-NITEROI")),
            ("pickup", RED, Plate("TUV4D67")),
            ("bus", WHITE, Plate("RDB9G12", paid=True)),
            ("suv", GREY, Plate("IZK2715", town="RS-PELOTAS")),
            ("sedan", BLUE, Plate("BCN6H80")),
            ("hatch", WINE, Plate("OLM8A39")),
        ),
        OVER_THE_HUMP,
        -1.9,
        4.0,
        (8.5, 8.2, 8.6),
    ),
)

SCENES: tuple[Scene, ...] = (_AVENUE, _CROSSING, _GATE, _NIGHT)
