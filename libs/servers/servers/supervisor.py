"""Keeps a set of processes running: ordered readiness, restart with back-off, replacement of what hangs, clean stop in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from gtvision.backoff import Backoff
from servers import children
from servers.children import Child
from servers.failures import ServerError
from servers.logfiles import LogFile, last_line
from servers.units import Phase, Probe, Record, Unit

STOPPED_BY_SIGNAL = "stopped by a signal"


class _Supervised:
    """The life of one unit."""

    def __init__(self, unit: Unit, stack: Supervisor) -> None:
        self.unit = unit
        self.record = Record(since=time.monotonic())
        self.stopping = asyncio.Event()
        self.was_ready = asyncio.Event()
        self.stopped = asyncio.Event()
        self.exited = asyncio.Event()
        self.child: Child | None = None
        self.renewal: str | None = None
        """Why it was told to end and start again."""
        self._stack = stack
        longest = timedelta(seconds=unit.pace.retry_max_s)
        self._backoff = Backoff(timedelta(seconds=unit.pace.retry_s), longest, well=longest)
        self._ready_at: float | None = None
        self._writer: threading.Thread | None = None

    async def live(self) -> None:
        """Start, watch, restart, until told to stop or (once) done."""
        try:
            await self._interruptible(self._stack.wait_ready(self.unit.needs))
            while not self.stopping.is_set():
                reason = await self._one_life()
                if reason is None or self.stopping.is_set():
                    break
                self.record.restarts += 1
                self._enter(Phase.BACKOFF, reason)
                lasted_s = 0.0 if self._ready_at is None else time.monotonic() - self._ready_at
                await self._interruptible(asyncio.sleep(self._backoff.wait_s(lasted_s)))
        finally:
            if self.record.phase is not Phase.DONE:
                self._enter(Phase.STOPPED, self.record.reason)
            self.stopped.set()

    def look(self) -> None:
        """Notice that the child ended."""
        if self.child is not None and self.child.exit_code() is not None:
            self.exited.set()

    def _enter(self, phase: Phase, reason: str | None = None) -> None:
        if (phase, reason) != (self.record.phase, self.record.reason):
            self.record.phase, self.record.reason, self.record.since = phase, reason, time.monotonic()
            self._stack.changed()

    async def _interruptible(self, work: Awaitable[object]) -> None:
        """Wait for the work, or for the order to stop."""
        await _first_of([asyncio.ensure_future(work), asyncio.ensure_future(self.stopping.wait())])

    async def _one_life(self) -> str | None:
        """From start to end. Returns why it ended, or None when that is what was wanted."""
        try:
            child = await self._start()
        except (ServerError, OSError, KeyError, RuntimeError, ValueError) as error:
            return f"could not be started: {error}"
        guard = asyncio.ensure_future(self._guard(child))
        verdict = None
        try:
            done = await _first_of([guard, asyncio.ensure_future(self.exited.wait()), asyncio.ensure_future(self.stopping.wait())])
            if guard in done:
                verdict = guard.result()
        finally:
            await self._finish(child, kill=verdict is not None)
        reason = self._outcome(child, verdict)
        if reason is None and self.record.phase is Phase.DONE:
            reason = await self._set_up()
            if reason is None:
                self.was_ready.set()
        return reason

    async def _start(self) -> Child:
        self._enter(Phase.STARTING, self.record.reason)
        self._ready_at = None
        spec = await asyncio.to_thread(self.unit.spec)
        stdin = self.unit.stdin() if self.unit.stdin else None
        self.exited.clear()
        # in this thread, whose end is the child's end
        child, pipe = children.spawn_piped(spec, stdin)
        self.child, self._writer = child, self._stack.log_of(self.unit.name).copy(pipe)
        self.record.pid, self.record.created = child.pid, child.created
        self._stack.changed()
        return child

    async def _guard(self, child: Child) -> str:
        """Watch a running child. Returns why it must be replaced; never returns while it is well."""
        if self.unit.once:
            await self.exited.wait()
            await asyncio.Future()
        pace = self.unit.pace
        deadline = time.monotonic() + pace.start_s
        while (problem := await self._problem(child, self.unit.ready)) is not None:
            if time.monotonic() > deadline:
                return f"not ready after {pace.start_s:g} s: {problem}"
            await asyncio.sleep(min(0.2, pace.probe_s))
        if (failure := await self._set_up()) is not None:
            return failure
        self._enter(Phase.READY, self.record.reason)
        self.was_ready.set()
        return await self._watch(child)

    async def _set_up(self) -> str | None:
        """Returns why that failed."""
        if self.unit.after_start is not None:
            try:
                await self.unit.after_start()
            except Exception as error:
                return f"could not be set up: {_text(error)}"
        return None

    async def _watch(self, child: Child) -> str:
        pace = self.unit.pace
        self._ready_at = well_at = time.monotonic()
        reason = self.record.reason
        while True:
            await asyncio.sleep(pace.probe_s)
            problem = await self._problem(child, self.unit.alive or self.unit.ready)
            now = time.monotonic()
            if problem is None:
                well_at = now
                self._enter(Phase.READY, reason)
                continue
            if problem != STOPPED_BY_SIGNAL and not self._stack.all_ready(self.unit.needs):
                well_at = now  # it suffers because one that it needs is away; replacing it would heal nothing
            self._enter(Phase.FAILING, problem)
            if now - well_at > pace.stall_s:
                return f"stalled for {pace.stall_s:g} s: {problem}"

    async def _problem(self, child: Child, probe: Probe | None) -> str | None:
        """What is wrong with the child at this moment."""
        if child.frozen():
            return STOPPED_BY_SIGNAL
        if probe is None:
            return None
        try:
            async with asyncio.timeout(self.unit.pace.probe_s):
                await probe(child.pid)
        except Exception as error:
            return _text(error)
        return None

    async def _finish(self, child: Child, *, kill: bool) -> None:
        """End the child and all that it started."""
        members = await asyncio.to_thread(child.members)
        if not kill and not self.exited.is_set():
            self._enter(Phase.STOPPING, self.record.reason)
            child.ask_to_end()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.unit.pace.grace_s):
                    await self.exited.wait()
        if not self.exited.is_set():
            members += await asyncio.to_thread(child.members)
            children.send(members, signal.SIGKILL)
            await self.exited.wait()
        members += await asyncio.to_thread(child.members)
        await asyncio.to_thread(children.end, [process for process in members if process.pid != child.pid], 2.0)
        if self.unit.after_stop is not None:
            await asyncio.to_thread(self.unit.after_stop)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.join, 2.0)
        self.child = None
        self.record.pid = None

    def _outcome(self, child: Child, verdict: str | None) -> str | None:
        if verdict is not None or self.stopping.is_set():
            return verdict
        if self.renewal is not None:
            reason, self.renewal = self.renewal, None
            return reason
        code = child.exit_code() or 0
        if self.unit.once and code == 0:
            self._enter(Phase.DONE)
            return None
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        said = last_line(self._stack.log_of(self.unit.name).path) if code > 0 else ""
        return f"{how}: {said}" if said else how


class Supervisor:
    """All units of a stack."""

    def __init__(self, log_of: Callable[[str], LogFile], changed: Callable[[], None] = lambda: None) -> None:
        """`log_of` says where a unit's output goes; `changed` is called when the record of any has changed."""
        self.log_of = log_of
        self.changed = changed
        self._units: dict[str, _Supervised] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._reaper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Supervisor:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: then the reaper's turn is often enough
            loop.add_signal_handler(signal.SIGCHLD, self._look)
        self._reaper = asyncio.create_task(self._reap())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        if self._reaper is not None:
            self._reaper.cancel()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)

    def add(self, *units: Unit) -> None:
        """Begin to keep these running. A name that is known already is left alone."""
        names = {*self._units, *(unit.name for unit in units)}
        for unit in units:
            if missing := [need for need in unit.needs if need not in names]:
                raise ValueError(f"{unit.name} needs {', '.join(missing)}, which is no unit")
        fresh = [unit for unit in units if unit.name not in self._units]
        self._units |= {unit.name: _Supervised(unit, self) for unit in fresh}
        for unit in fresh:
            self._tasks[unit.name] = asyncio.create_task(self._units[unit.name].live(), name=unit.name)
            self._tasks[unit.name].add_done_callback(_complain)

    def renew(self, name: str, reason: str) -> None:
        """Let a process end in its own time and start it again, with what its `spec` says by then."""
        supervised = self._units[name]
        if supervised.child is not None:
            supervised.renewal = reason
            supervised.child.ask_to_end()

    async def stop(self) -> None:
        """Stop everything: a unit goes only after all those that need it."""

        async def stop_one(name: str, supervised: _Supervised) -> None:
            for other in list(self._units.values()):
                if name in other.unit.needs:
                    await other.stopped.wait()
            supervised.stopping.set()
            await asyncio.gather(self._tasks[name], return_exceptions=True)

        await asyncio.gather(*(stop_one(name, supervised) for name, supervised in self._units.items()))

    def records(self) -> Mapping[str, Record]:
        """What is known of each unit, in the order in which they were added."""
        return {name: supervised.record for name, supervised in self._units.items()}

    def all_ready(self, names: tuple[str, ...]) -> bool:
        """Whether these units work at this moment."""
        return all(self._units[name].record.phase in {Phase.READY, Phase.DONE} for name in names)

    async def wait_ready(self, names: tuple[str, ...] | None = None) -> None:
        """Wait until each of these (or of all) has been ready once."""
        wanted = list(self._units) if names is None else names
        await asyncio.gather(*(self._units[name].was_ready.wait() for name in wanted))

    def _look(self) -> None:
        for supervised in self._units.values():
            supervised.look()

    async def _reap(self) -> None:
        """Looks for ended children even where no signal tells, and reaps orphans that were handed to us."""
        zombies: set[int] = set()
        turn = 0
        while True:
            await asyncio.sleep(1.0)
            self._look()
            turn += 1
            if turn % 10 == 0:
                zombies = await asyncio.to_thread(children.reap_orphans, zombies)


async def _first_of(tasks: Sequence[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
    """Wait for the first; cancel the others."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    return done


def _complain(task: asyncio.Task[None]) -> None:
    """Reports an error of our own code that ended the supervision of a unit."""
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": f"{task.get_name()} is no longer watched", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)


def _text(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
