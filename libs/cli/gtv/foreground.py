"""`gtv run`: the whole stack in this terminal, with the demo, until Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx
from rich.text import Text

from gtv import tls, watch
from gtv.client import Client
from gtv.credentials import load_or_make
from gtv.demo import Done, demo_cameras, register
from gtv.failures import GtvError
from gtv.home import Home
from gtv.plan import Plan
from gtv.stack import Stack
from gtvision.backoff import Backoff
from servers.units import Phase

DEMO_PATIENCE_S = 300.0
"""Rendering the clips takes minutes."""


async def serve(plan: Plan, *, demo: bool, write: Callable[[Text], None], introduce: Callable[[], None]) -> None:
    """Runs the stack, says what becomes ready, then shows what it sees."""
    began = asyncio.get_running_loop().time()
    told: dict[str, Phase] = {}

    def changed() -> None:
        for name, record in stack.records().items():
            if told.get(name) != record.phase:
                told[name] = record.phase
                elapsed = f"  {asyncio.get_running_loop().time() - began:5.1f} s  {name}"
                if record.phase in {Phase.READY, Phase.DONE}:
                    write(Text(elapsed, "dim"))
                elif record.phase in {Phase.BACKOFF, Phase.FAILING}:
                    write(Text(f"{elapsed}: {record.reason}", "red"))

    async def show() -> None:
        introduce()
        if demo:
            done = await start_demo(plan.home, plan.address, plan.options.demo_cameras)
            write(Text(f"Demo     {len(done.cameras) + done.known} cameras, {len(done.watched)} new plates on the watchlist"))
        write(Text("Ctrl-C ends everything.\n", "dim"))
        async with tool(plan.home, plan.address) as client:
            await watch.show(client, write)

    stack = Stack(plan, changed)
    await stack.run(demo=demo, when_ready=show)
    write(Text("Ended."))


def tool(home: Home, address: str) -> Client:
    """A client with the tool's key that believes the stack's certificate."""
    return Client(address, load_or_make(home.secrets_file).tool_key, tls.trusting(home.trust_file))


async def start_demo(home: Home, address: str, wanted: tuple[str, ...] = ()) -> Done:
    """Registers the demo's cameras and plates, as soon as cameras and services are there. Raises: GtvError, httpx.HTTPError."""
    pauses = Backoff(timedelta(seconds=1), timedelta(seconds=4))
    now = asyncio.get_running_loop().time
    until = now() + DEMO_PATIENCE_S
    while True:
        try:
            cameras = demo_cameras(home.demo, wanted)
            async with tool(home, address) as client:
                return await register(client, cameras)
        except (httpx.HTTPError, GtvError):
            if now() > until:
                raise
        await asyncio.sleep(pauses.wait_s())
