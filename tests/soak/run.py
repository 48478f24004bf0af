"""One run: cameras are recorded, faults come one after the other, and the timeline is asked what became of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from tests.e2e.stack import CLOCK, Person, Stack, until, usurped
from tests.soak.home import DemoCamera, SmallDisk
from tests.soak.plan import Step, plan
from tests.soak.report import UNKNOWN, Account, CameraReport, Held, Report, seconds
from tests.soak.segments import check
from tests.soak.watch import Watch

from gtvision.time import isoformat

_LEAST_QUIET = timedelta(seconds=10)
"""Between two faults, also where the one before took longer than was planned."""
_HEALED_WITHIN_S = 300.0
_KNOWN_WITHIN_S = 180.0
_AFTERWARDS_S = 20.0
"""So long all cameras are recorded without a fault before the run ends, so that the end of each interruption is seen."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A hold that was acknowledged, and how many seconds of its footage each of its cameras had then."""

    since: datetime
    until: datetime
    recorded_s: dict[str, float]
    """By the camera's identifier."""


@dataclass
class Soak:
    """A run on an installation whose cameras are registered."""

    stack: Stack
    person: Person
    cameras: list[DemoCamera]
    disk: SmallDisk
    say: Callable[[str], None]
    began: datetime = field(default_factory=CLOCK.now)
    faults: list[tuple[datetime, str]] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    segments: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """By camera, what is wrong with each segment that was looked at; a full disk takes most of them away before the end."""
    notes: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    async def run(self, run_s: float) -> Report:
        """Goes through the faults, waits until all is recorded again, and takes stock."""
        await until(self._all_recorded, "every camera is recorded")
        self.began = CLOCK.now()
        watch = Watch(self.person)
        async with watch.watching():
            for step in plan(run_s):
                await self._quiet_until(max(self.began + timedelta(seconds=step.at_s), CLOCK.now() + _LEAST_QUIET))
                await self._go_through(step)
            await self._quiet_until(self.began + timedelta(seconds=run_s))
            is_healed = await self._is_healed()
            await asyncio.sleep(_AFTERWARDS_S)
        ended = CLOCK.now()
        self.say("taking stock")
        self.notes.append(f"the disk was said to be full of held footage: {'yes' if watch.was_full_of_held else 'no'}")
        self.notes.append(f"questions that no service answered: {watch.unanswered}")
        self.notes.append(await self._alerts())
        if not is_healed:
            self.trouble.append(f"not every camera was recorded again within {_HEALED_WITHIN_S:g} s")
        cameras = [await self._report(camera, ended, watch, is_healed) for camera in self.cameras]
        return Report(self.began, ended, self.faults, cameras, await self._held(), self.notes, self.trouble)

    # --- faults --------------------------------------------------------------------------------------------------------

    async def _go_through(self, step: Step) -> None:
        acts: dict[str, Callable[[float], Awaitable[None]]] = {
            "a camera freezes": lambda lasts_s: self._camera(0, "freeze", lasts_s),
            "a camera refuses": lambda lasts_s: self._camera(1, "refuse", lasts_s),
            "footage is held": self._hold,
            "the media server is killed": lambda _: self._kill("media"),
            "the recorder is killed": lambda _: self._kill("recorder"),
            "streaming is killed": lambda _: self._kill("streaming"),
            "PostgreSQL is away": self._without_postgres,
            "the disk is full": self._full_disk,
        }
        self.faults.append((CLOCK.now(), step.what))
        self.say(f"{step.what}{f' for {step.lasts_s:.0f} s' if step.lasts_s else ''}")
        await acts[step.what](step.lasts_s)

    async def _camera(self, number: int, fault: str, lasts_s: float) -> None:
        camera = self.cameras[number % len(self.cameras)]
        await camera.fault(fault)
        await asyncio.sleep(lasts_s)
        await camera.fault("none")

    async def _kill(self, name: str) -> None:
        killed = await self.stack.kill(name)
        await self.stack.is_back(name, killed)

    async def _without_postgres(self, lasts_s: float) -> None:
        async with usurped(self.stack, "postgres") as killed:
            await asyncio.sleep(lasts_s)
        await self.stack.is_back("postgres", killed)

    async def _full_disk(self, lasts_s: float) -> None:
        if not self.disk.is_small:
            self.faults.pop()
            self.notes.append("the disk was not made full: this account may not mount a small one")
            return
        for camera in self.cameras:
            await self._look_at_segments(camera, CLOCK.now())
        self.say(f"{sum(map(len, self.segments.values()))} segments were looked at before")
        self.faults[-1] = (CLOCK.now(), self.faults[-1][1])
        async with self.disk.full():
            await asyncio.sleep(lasts_s)

    async def _hold(self, _lasts_s: float) -> None:
        """The last camera's footage so far, and the first half of everybody's."""
        now = CLOCK.now()
        middle = self.began + (now - self.began) / 2
        for cameras, camera_id, end in (
            (self.cameras[-1:], self.cameras[-1].camera_id, now),
            (self.cameras, None, middle),
        ):
            body = {"camera_id": camera_id, "from": isoformat(self.began), "to": isoformat(end), "reason": "soak"}
            try:
                await self.person.post("/holds", body)
            except httpx.HTTPStatusError as refused:
                self.trouble.append(f"a hold was refused: {refused.response.status_code} {refused.response.text[:200]}")
                continue
            there = {each.camera_id: await self._recorded_s(each, self.began, end) for each in cameras}
            self.promises.append(Promise(self.began, end, there))

    # --- what there is -------------------------------------------------------------------------------------------------

    async def _timeline(self, camera: DemoCamera, since: datetime, end: datetime) -> dict[str, Any]:
        query = {"camera_id": camera.camera_id, "from": isoformat(since), "to": isoformat(end)}
        return dict(await self.person.get("/recordings/timeline", **query))

    async def _recorded_s(self, camera: DemoCamera, since: datetime, end: datetime) -> float:
        return Account.of(since, end, await self._timeline(camera, since, end)).recorded_s

    async def _held(self) -> list[Held]:
        names = {camera.camera_id: camera for camera in self.cameras}
        return [
            Held(names[camera_id].title, promised_s, await self._recorded_s(names[camera_id], promise.since, promise.until))
            for promise in self.promises
            for camera_id, promised_s in promise.recorded_s.items()
        ]

    async def _look_at_segments(self, camera: DemoCamera, end: datetime) -> None:
        self.segments[camera.camera_id] |= await check(self.person, self.disk.folder, camera.camera_id, self.began, end)

    async def _report(self, camera: DemoCamera, ended: datetime, watch: Watch, is_healed: bool) -> CameraReport:
        timeline: dict[str, Any] = {}

        async def is_known() -> bool:
            timeline.update(await self._timeline(camera, self.began, ended))
            return datetime.fromisoformat(timeline["to"]) >= ended

        try:
            await until(is_known, f"the timeline of {camera.title} is known to the end of the run", _KNOWN_WITHIN_S)
        except AssertionError as error:
            self.trouble.append(str(error))
        self.notes += [
            f"{camera.title}: no cause is known from {gap['from']} to {gap['to']}" for gap in timeline["gaps"] if gap["cause"] == UNKNOWN
        ]
        await self._look_at_segments(camera, ended)
        segments = self.segments[camera.camera_id].values()
        wrong = tuple(sorted(filter(None, segments)))
        account = Account.of(self.began, ended, timeline)
        is_again = is_healed and await self._recorded_s(camera, ended - timedelta(seconds=_AFTERWARDS_S), ended) > 0
        return CameraReport(camera.title, account, len(segments), wrong, is_again, tuple(sorted(watch.stopped[camera.camera_id])))

    async def _alerts(self) -> str:
        kinds: dict[str, int] = {}
        for alert in await self.person.every("/alerts"):
            kinds[alert["kind"]] = kinds.get(alert["kind"], 0) + 1
        return f"alerts: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items())) or 'none'}"

    async def _all_recorded(self) -> bool:
        usage = await self.person.get("/recordings/usage")
        states = {camera["id"]: camera["state"] for camera in await self.person.every("/cameras")}
        return usage["cameras_recording"] == len(self.cameras) and set(states.values()) == {"online"}

    async def _is_healed(self) -> bool:
        try:
            await until(self._all_recorded, "every camera is recorded again", _HEALED_WITHIN_S)
        except AssertionError as error:
            self.say(str(error))
            return False
        return True

    async def _quiet_until(self, instant: datetime) -> None:
        await asyncio.sleep(seconds(CLOCK.now(), instant))


@contextlib.asynccontextmanager
async def registered(stack: Stack, cameras: list[DemoCamera]) -> AsyncIterator[Person]:
    """The administrator, whose city has these cameras. Their pictures are recorded and not read: it is the recordings that are tried."""
    person = Person(stack)
    await person.log_in()
    for number, camera in enumerate(cameras, start=1):
        body = {"name": camera.title, "url": camera.url, "external_id": f"soak-{number}", "ai": {"enabled": False}}
        camera.camera_id = (await person.post("/cameras", body))["id"]
    yield person
    await person.http.aclose()
