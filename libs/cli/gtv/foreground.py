"""`gtv run`: the whole stack in this terminal, with the demo, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from rich.text import Text

from gtv import tls, watch
from gtv.client import Client
from gtv.credentials import load_or_make
from gtv.demo import Done, demo_cameras, register, until_reached
from gtv.home import Home
from gtv.plan import Plan
from gtv.stack import Stack
from servers.units import Phase

DEMO_TRIES = 200
DEMO_PAUSE_S = 1.5
"""Together the five minutes that rendering the clips may take."""


async def serve(plan: Plan, *, demo: bool, write: Callable[[Text], None], introduce: Callable[[], None]) -> None:
    """Run the stack, say what becomes ready, then show what it sees."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    began = loop.time()
    told: dict[str, Phase] = {}

    def changed() -> None:
        for name, record in stack.records().items():
            if told.get(name) != record.phase:
                told[name] = record.phase
                _tell(write, loop.time() - began, name, record.phase, record.reason)

    async def show() -> None:
        introduce()
        if demo:
            done = await start_demo(plan.home, plan.address, plan.options.demo_cameras)
            write(Text(f"Demo     {len(done.cameras) + done.known} cameras, {len(done.watched)} new plates on the watchlist"))
        write(Text("Ctrl-C ends everything.\n", "dim"))
        async with tool(plan.home, plan.address) as client:
            await watch.show(client, write)

    stack = Stack(plan, changed)
    await stack.run(stop, demo=demo, when_ready=show)
    write(Text("Ended."))


def _tell(write: Callable[[Text], None], elapsed: float, name: str, phase: Phase, reason: str | None) -> None:
    match phase:
        case Phase.READY | Phase.DONE:
            write(Text(f"  {elapsed:5.1f} s  {name}", "dim"))
        case Phase.BACKOFF | Phase.FAILING:
            write(Text(f"  {elapsed:5.1f} s  {name}: {reason}", "red"))


def tool(home: Home, address: str) -> Client:
    """A client with the tool's key that believes the stack's certificate."""
    return Client(address, load_or_make(home.secrets_file).tool_key, tls.trusting(home.trust_file))


async def start_demo(home: Home, address: str, wanted: tuple[str, ...] = ()) -> Done:
    """Register the demo's cameras and plates, as soon as cameras and services are there. Raises: GtvError, httpx.HTTPError."""

    async def attempt() -> Done:
        cameras = demo_cameras(home.demo, wanted)
        async with tool(home, address) as client:
            return await register(client, cameras)

    return await until_reached(attempt, DEMO_TRIES, lambda: asyncio.sleep(DEMO_PAUSE_S))
