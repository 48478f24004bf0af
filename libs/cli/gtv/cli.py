"""`gtv`: the operator's command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import psutil
import typer
from rich.console import Console
from rich.text import Text

from chassis.bus.dead import DeadLetters
from chassis.settings import load
from gtv import commands, dead, edge_cli, journal, kong_cli, maintenance, table
from gtv import status as view
from gtv.edge import Files
from gtv.failures import GtvError, NotRunning
from gtv.foreground import serve, start_demo, tool
from gtv.home import ACCOUNT, Home
from gtv.plan import Plan, certificate_trouble, home_of, make_plan
from gtv.settings import Settings, environment, find_root
from gtv.stack import Stack
from gtv.units import first_login, forget_first_login
from gtv.watch import show
from servers import ServerError, children, logfiles
from servers.files import write_json
from servers.units import Phase

_T = TypeVar("_T")
app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="GT-Vision: start, watch and mend an installation.", rich_markup_mode=None
)
dead_app = typer.Typer(no_args_is_help=True, help="Messages that failed for good.")
app.add_typer(dead_app, name="dead")
app.add_typer(edge_cli.app, name="edge")
app.command("ca")(edge_cli.ca)
app.command("maintenance")(edge_cli.maintain)
app.add_typer(kong_cli.app, name="kong")
out = Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False)


def main() -> None:
    """Runs a command. Failures that the operator can mend are one sentence, not a traceback."""
    commands.add_to(app)
    try:
        app()
    except (GtvError, ServerError) as error:
        err.print(Text(str(error), "red"))
        sys.exit(1)
    except OSError as error:
        remedy = " Call gtv as the user who started the stack." if isinstance(error, PermissionError) else ""
        err.print(Text(f"{error}.{remedy}", "red"))
        sys.exit(1)


# --- up, run, down -------------------------------------------------------------------------------------------------------


@app.command()
def up(demo: Annotated[bool, typer.Option(help="With the demo cameras.")] = False) -> None:
    """Start the installation in the background and wait until it is ready."""
    options = load(Settings)
    home = home_of(options)
    with home.held():  # refuses a second one before anything is started
        find_root(options)
    if demo:
        write_json(home.wanted_file, {"demo": True})
    with (home.logs / "gtv.log").open("ab") as output:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "gtv", "supervise"],
            env={**environment(), "GTV_DATA": str(home.root)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _await_ready(home, daemon, options.ready_timeout_s)
    _introduce(home)
    if demo:
        _start_demo(home, options)


@app.command()
def run(demo: Annotated[bool, typer.Option(help="With the demo cameras.")] = True) -> None:
    """Run in the foreground until Ctrl-C, with the demo cameras, and show what they see."""
    with _planned() as plan:
        asyncio.run(serve(plan, demo=demo, write=out.print, introduce=lambda: _introduce(plan.home)))


@app.command(hidden=True)
def supervise() -> None:
    """Run in the background, as `gtv up` starts it."""
    with _planned() as plan:
        asyncio.run(Stack(plan).run())


@contextmanager
def _planned() -> Iterator[Plan]:
    """Holds the data folder, ends what a crash left in it, and plans a run."""
    options = load(Settings)
    home = home_of(options)
    with home.held():
        if found := journal.end_leftovers(home):
            out.print(f"Ended {found} processes that an earlier run had left behind.")
        yield make_plan(options, home)


@app.command()
def down() -> None:
    """End everything that runs on the data folder, leftovers of a crash included. The data stays."""
    home = home_of(load(Settings))
    supervisor = journal.supervisor_of(home.read_state()) if home.is_held() else None
    if supervisor is not None:
        children.send([supervisor], signal.SIGTERM)
        children.send([supervisor], signal.SIGCONT)
        with out.status("ending…"):
            _, stubborn = psutil.wait_procs([supervisor], 90)
        children.kill(stubborn)
    leftovers = journal.end_leftovers(home)
    if supervisor is None and not leftovers:
        raise NotRunning(f"Nothing runs on {home.root}.")
    out.print("Ended." if not leftovers else f"Ended, with {leftovers} processes that a crash had left behind.")


def _await_ready(home: Home, daemon: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Shows processes as they become ready. Raises: GtvError."""
    deadline = time.monotonic() + timeout_s
    began = time.monotonic()
    told: set[str] = set()
    while True:
        state = home.read_state()
        ours = state.get("pid") == daemon.pid
        lines = list(journal.lines(state)) if ours else []
        for line in lines:
            if line.phase in {Phase.READY, Phase.DONE} and line.name not in told:
                told.add(line.name)
                out.print(f"  {time.monotonic() - began:5.1f} s  {line.name}")
        if ours and state.get("phase") == "up":
            return
        if daemon.poll() is not None:
            raise GtvError("The supervisor ended:\n" + "\n".join(logfiles.tail(home.logs / "gtv.log", 15)))
        if time.monotonic() > deadline:
            waiting = [f"  {line.name}: {line.phase.value} {line.reason or ''}" for line in lines if line.name not in told]
            raise GtvError("Not everything is ready; the rest goes on trying (`gtv status`, `gtv logs`):\n" + "\n".join(waiting))
        time.sleep(0.2)  # noqa: TID251 - a command line without a loop


def _introduce(home: Home) -> None:
    """Says where the console is and, once, with which login."""
    state = home.read_state()
    address = state.get("address", "")
    for name, (expected, now) in state.get("moved", {}).items():
        out.print(f"Port {expected} for {name} is taken by another program; it is {now} now.")
    out.print(f"\nConsole  {address}", style="bold")
    if (trouble := certificate_trouble(load(Settings))) is not None:
        out.print(Text(f"The edge goes on with the certificate that it had. {trouble}", "red"))
    if load(Settings).tls_cert is None:
        out.print(Text(f"Trust    curl --cacert {home.ca_file} {address}/health   (`gtv ca` tells more)", "dim"))
    if os.geteuid() == 0 and state.get("account") is None:
        where = find_root(load(Settings))
        out.print(Text(f"The services run as root: {ACCOUNT} cannot read {where}. Put the sources where it can, as in /opt.", "red"))
    if login := first_login(home):
        out.print(Text(f"Login    {login['email']}\nPassword {login['password']}   (shown this once)"))
        forget_first_login(home)


# --- looking -------------------------------------------------------------------------------------------------------------


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    ports: Annotated[bool, typer.Option(help="Name the ports.")] = False,
) -> None:
    """Show every process: state, restarts, CPU, memory, heartbeat."""
    (home, state), options = _running(), load(Settings)
    rows = asyncio.run(view.observe(state))
    if as_json:
        whole = {name: state[name] for name in ("address", "phase", "ports")}
        out.print_json(json.dumps({**whole, "processes": view.as_json(rows)}))
        return
    processes = table.load(options.stack_file or find_root(options) / "deploy/local/stack.toml").process
    closed = "  closed for maintenance" if maintenance.is_on(Files(home.edge)) else ""
    out.print(f"{state['address']}  {state['phase']}{closed}  {home.root}")
    rows = [row for row in rows if row.line.phase is not Phase.DONE]
    out.print(view.sheet(rows, {process.name: process.memory_mb for process in processes if process.memory_mb}))
    if ports:
        for name, number in sorted(state["ports"].items()):
            out.print(f"{number:>6}  {name}")


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="A process; all by default.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on showing what is written.")] = False,
    count: Annotated[int, typer.Option("-n", "--lines", min=0, help="Last lines of each.")] = 20,
) -> None:
    """Show what the processes wrote to their logs."""
    home = home_of(load(Settings))
    paths = sorted(home.logs.glob("*.log"))
    chosen = [path for path in paths if name in {None, path.stem}]
    if not chosen:
        raise GtvError(f"There is no log of {name}. There are: {', '.join(path.stem for path in paths) or 'none'}.")
    width = max(len(path.stem) for path in chosen)

    def show_line(path: Path, line: str) -> None:
        print(line if len(chosen) == 1 else f"{path.stem:<{width}}  {line}", flush=True)

    async def going_on() -> None:
        async for path, line in logfiles.follow(chosen):
            show_line(path, line)

    for path in chosen:
        for line in logfiles.tail(path, count) if count else ():
            show_line(path, line)
    if follow:
        _until_interrupted(going_on())


@app.command()
def demo() -> None:
    """Give the running installation its demo cameras and a watchlist with some of their plates. They come back with each `up`."""
    home, state = _running()
    write_json(home.wanted_file, {"demo": True})
    supervisor = journal.supervisor_of(state)
    children.send([supervisor] if supervisor else [], signal.SIGUSR1)
    _start_demo(home, load(Settings))


def _start_demo(home: Home, options: Settings) -> None:
    with out.status("waiting for the demo cameras (their clips are rendered at the first start)…"):
        done = asyncio.run(start_demo(home, home.read_state()["address"], options.demo_cameras))
    out.print(f"Demo: {len(done.cameras)} cameras registered, {done.known} known already; {len(done.watched)} plates put on the watchlist.")


@app.command()
def watch() -> None:
    """Show live what the cameras see: their state, plates, alerts. Ctrl-C ends it."""
    home, state = _running()

    async def body() -> None:
        async with tool(home, state["address"]) as client:
            await show(client, out.print)

    _until_interrupted(body())


# --- messages that failed for good ------------------------------------------------------------------------------------------


@dead_app.command("list")
def dead_list(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100) -> None:
    """The oldest first; looking takes nothing away."""
    letters = _dead(lambda each: each.list(limit))
    out.print(dead.sheet(letters) if letters else "No message has failed for good.")


@dead_app.command("show")
def dead_show(letter: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")]) -> None:
    """One message in full."""
    out.print(dead.page(_dead(lambda each: each.show(letter))), markup=False)


@dead_app.command("replay")
def dead_replay(
    letter: Annotated[str | None, typer.Argument(help="Its id, or the beginning of it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every message.")] = False,
) -> None:
    """Send messages back to the queue where they failed."""
    if (letter is None) != everything:
        raise GtvError("Name one message, or say --all.")
    out.print(f"{_dead(lambda each: each.replay(letter))} sent back.")


def _dead(verb: Callable[[DeadLetters], Awaitable[_T]]) -> _T:
    home, state = _running()

    async def body() -> _T:
        async with dead.letters_of(home, state) as letters:
            return await verb(letters)

    return asyncio.run(body())


# --- helpers of the commands -----------------------------------------------------------------------------------------------


def _running() -> tuple[Home, dict[str, Any]]:
    """Returns the data folder and the state that its supervisor wrote there. Raises: NotRunning."""
    home = home_of(load(Settings))
    if not home.is_held():
        raise NotRunning(f"Nothing runs on {home.root}. Start it with `gtv up`.")
    return home, home.read_state()


def _until_interrupted(body: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(body)
    except KeyboardInterrupt:
        out.print()
