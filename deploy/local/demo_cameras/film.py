"""Drawing a camera's loop frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from demo_cameras import buildings
from demo_cameras.brush import FONT, Picture, font
from demo_cameras.gate import WALL_Y_M, gate_scenery
from demo_cameras.lens import Points
from demo_cameras.roadside import upright
from demo_cameras.scenery import street_scenery
from demo_cameras.scenes import FPS, LOOP_S, Scene
from demo_cameras.stage import Face, draw
from demo_cameras.traffic import Ride


class Caption:
    """White text with a dark rim, as cameras burn it in: the camera's name and the running time."""

    def __init__(self, title: str) -> None:
        self._title = self._sheet(title)
        self._digits = {c: self._sheet(c) for c in "0123456789:."}

    @staticmethod
    def _sheet(text: str) -> Picture:
        face = font(FONT, 24)
        width = round(face.getlength(text)) + 6
        image = Image.new("LA", (width, 36), (0, 0))
        ImageDraw.Draw(image).text((3, 28), text, font=face, fill=(245, 255), anchor="ls", stroke_width=2, stroke_fill=(20, 230))
        return np.asarray(image, dtype=np.uint8)

    @staticmethod
    def _stamp(frame: Picture, sheet: Picture, x: int, y: int) -> None:
        under = frame[y : y + sheet.shape[0], x : x + sheet.shape[1]]
        alpha = sheet[..., 1:2].astype(np.uint16)
        under[...] = (sheet[..., 0:1] * alpha + under * (255 - alpha)) // 255

    def burn(self, frame: Picture, loop_s: float) -> None:
        """Burn title and time in: minutes, seconds and hundredths of the loop."""
        self._stamp(frame, self._title, 22, 16)
        x = frame.shape[1] - 190
        for character in f"{int(loop_s // 60):02d}:{loop_s % 60:05.2f}":
            sheet = self._digits[character]
            self._stamp(frame, sheet, x, 16)
            x += 12 if character in ":." else 20


class Film:
    """A scene ready to be drawn."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rides = [Ride(passage, scene.mark_m) for passage in scene.passages]
        self._still = street_scenery(scene.lens, scene.street, scene.light) if scene.street else gate_scenery(scene.lens, scene.light)
        self._caption = Caption(scene.title)
        self._halo = buildings.glow((255, 240, 210), 3.2)
        self._beam = buildings.glow((120, 112, 92), 1.5)
        self._red_halo = buildings.glow((170, 30, 24), 3.0)

    def _tint(self, distance: float) -> Points:
        if self.scene.street is None:  # the building's inside is dark
            return self.scene.light.gain(float(np.clip(1.0 - (distance - WALL_Y_M + 5) / 12, 0.10, 1.0)))
        if self.scene.light.night:  # the lamp beside the camera
            return self.scene.light.gain(float(np.clip(1.55 - distance / 40, 0.9, 1.5)))
        return self.scene.light.gain()

    def _vehicle(self, frame: Picture, ride: Ride, distance: float) -> None:
        lens, x = self.scene.lens, ride.passage.lane_m
        tint = self._tint(distance)
        if self.scene.light.night:
            ahead = Face(np.array([x - 2.4, distance - 0.2, 0.01]), np.array([4.8, 0, 0]), np.array([0, -7.0, 0]), self._beam, glow=True)
            draw(frame, ahead, lens)
        dim = float(tint.max())
        for face in ride.vehicle.faces(x, distance):
            draw(frame, face, lens, tint)
        self._lamps(frame, ride, distance, dim)

    def _lamps(self, frame: Picture, ride: Ride, distance: float, dim: float) -> None:
        behind = ride.vehicle.kind == "motorcycle"
        strength = 0.8 if self.scene.light.night else 0.35 if dim < 0.9 else 0.16
        for lamp_x, lamp_y, lamp_z in ride.vehicle.lamps:
            size = 0.9 if self.scene.light.night else 0.45
            sprite = self._red_halo if behind else self._halo
            halo = upright(sprite, ride.passage.lane_m + lamp_x, distance + lamp_y, (size, size), lamp_z - size / 2)
            draw(frame, replace(halo, lit=strength, glow=True), self.scene.lens)

    def frame(self, index: int) -> Picture:
        """Frame `index` of the loop: BGR, uint8, (720, 1280, 3)."""
        loop_s = index / FPS
        frame = self._still.copy()
        present = [(d, ride) for ride in self.rides if (d := ride.distance(loop_s)) is not None]
        for distance, ride in sorted(present, key=lambda item: -item[0]):
            self._vehicle(frame, ride, distance)
        self._caption.burn(frame, loop_s)
        return frame

    def frames(self) -> Iterator[Picture]:
        """Every frame of the loop in order."""
        for index in range(LOOP_S * FPS):
            yield self.frame(index)
