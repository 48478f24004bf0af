"""A running stack: the supervisor, its journal and its logs, on a data folder, until told to stop."""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from gtv import journal
from gtv.edge import Files
from gtv.failures import GtvError
from gtv.frontage import fresh_certificate
from gtv.plan import Plan
from gtv.units import UnitBuilder
from servers import children
from servers.files import read_json
from servers.logfiles import LogFile
from servers.supervisor import Supervisor
from servers.units import Record

CERTIFICATE_S = 3_600.0
"""How often the edge's certificate is looked at."""


class Stack:
    """A running stack. `on_change` is told each time that a process changes its phase."""

    def __init__(self, plan: Plan, on_change: Callable[[], None] | None = None) -> None:
        self.plan = plan
        self._supervisor = Supervisor(self._log_of, self._changed)
        self._journal = journal.Journal(
            plan.home, address=plan.address, ports=dict(plan.composition.ports), moved=plan.moved, account=plan.account
        )
        self._on_change = on_change
        self._builder = UnitBuilder(plan)
        self._phase = "starting"

    def _log_of(self, name: str) -> LogFile:
        options = self.plan.options
        return LogFile(self.plan.home.logs / f"{name}.log", int(options.log_max_mb * 1e6), options.log_keep)

    def records(self) -> dict[str, Record]:
        """Returns the state of each process."""
        return dict(self._supervisor.records())

    async def run(self, *, demo: bool = False, when_ready: Callable[[], Awaitable[None]] | None = None) -> None:
        """Starts everything, keeps it running until a signal tells us to end, ends everything."""
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self._start_demo_where_asked)
        children.adopt_orphans()
        # a handler, and not SIG_IGN, which the processes would inherit
        loop.add_signal_handler(signal.SIGTSTP, print, "Ctrl-Z would stop all recording and is ignored; Ctrl-C ends everything.")
        await asyncio.to_thread(self.plan.prepare_account)
        if self.plan.account is not None:
            await asyncio.to_thread(_compile, self.plan.root)
        self._builder.demo = demo or bool(read_json(self.plan.home.wanted_file).get("demo"))
        chores = [asyncio.create_task(self._renew_certificate())]
        try:
            async with self._supervisor as supervisor:
                supervisor.add(*self._builder.all())
                chores.append(asyncio.create_task(self._announce(when_ready)))
                await stop.wait()
                chores[-1].cancel()
                self._phase = "stopping"
                self._changed()
                await supervisor.stop()
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await self._builder.probes.aclose()
            await asyncio.to_thread(children.end_leftovers, self.plan.home.root)
            self._phase = "stopped"
            self._changed()

    async def _announce(self, when_ready: Callable[[], Awaitable[None]] | None) -> None:
        # the demo cameras render their clips at the first start, which may take minutes
        demo = {process.name for process in self.plan.table.process if process.kind == "demo"}
        await self._supervisor.wait_ready(tuple(name for name in self._supervisor.records() if name not in demo))
        self._phase = "up"
        self._changed()
        if when_ready is not None:
            await when_ready()

    async def _renew_certificate(self) -> None:
        """Restarts the edge where the operator has replaced the certificate, or ours is near its end."""
        files = Files(self.plan.home.edge)
        while True:
            await asyncio.sleep(CERTIFICATE_S)
            with contextlib.suppress(OSError, GtvError):
                if await asyncio.to_thread(fresh_certificate, self.plan, files):
                    for process in self.plan.table.process:
                        if process.kind == "edge":
                            self._supervisor.renew(process.name, "started again with another certificate")

    def _start_demo_where_asked(self) -> None:
        """Starts the demo cameras where `gtv demo` has asked for them."""
        wanted = bool(read_json(self.plan.home.wanted_file).get("demo"))
        if wanted and not self._builder.demo:
            self._builder.demo = True
            for process in self.plan.table.process:
                if process.demo_env:
                    self._supervisor.renew(process.name, "started again for the demo")
                if process.kind == "demo":
                    self._supervisor.add(*self._builder.of(process))

    def _changed(self) -> None:
        with contextlib.suppress(OSError):  # a full disk must not end the supervisor
            self._journal.write(self._supervisor.records(), phase=self._phase)
        if self._on_change is not None:
            self._on_change()


def _compile(root: Path) -> None:
    """Another account cannot keep the compiled form of our sources, and would compile them at each start."""
    for part in ("libs", "services", "mediamtx", "deploy/local"):
        compileall.compile_dir(root / part, quiet=2)
