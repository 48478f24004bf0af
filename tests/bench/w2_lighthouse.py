"""W2: what Lighthouse says of the dashboard, signed in, as on a desk: performance; W2b: accessibility and W2c: best practices, the lower
of desk and phone; W2d: performance on a middling phone with a slow mobile network, as Lighthouse simulates them.

Lighthouse is no part of the product and not installed with it: where Node is, npx fetches it. axe's findings on every screen are a test
(tests/console/test_axe.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import async_playwright
from tests.bench import load
from tests.bench.control_room import ControlRoom, chromium, control_room
from tests.bench.runner import NotTaken
from tests.bench.running_services import process
from tests.e2e.stack import until

from servers import free_port

LIGHTHOUSE = "lighthouse@12.8.2"
PERFORMANCE, ACCESSIBILITY, PRACTICES = 90.0, 95.0, 95.0
ROUNDS = TRIES = 3
"""Each takes half a minute, and Lighthouse's scores are of a simulation, which evens the machine out."""
CATEGORIES = ("performance", "accessibility", "best-practices")
PRESETS = {"desk": ["--preset=desktop"], "phone": []}
Report = dict[str, Any]


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Asks Lighthouse three times for each kind of device. Raises: NotTaken."""
    if shutil.which("npx") is None:
        raise NotTaken("no Node on this machine")
    async with control_room() as room:
        reports = await _reports(room)
    worst = {name: [min(_score(each[kind], name) for kind in PRESETS) for each in reports] for name in CATEGORIES}
    faults = sorted({fault for each in reports for report in each.values() for fault in _faults(report)})
    return {
        "id": "W2",
        "job": "Lighthouse, dashboard: performance at a desk",
        **_figure([_score(each["desk"], "performance") for each in reports], PERFORMANCE),
        "detail": f"{LIGHTHOUSE}; {_timings(reports[-1]['desk'])}",
        "also": [
            {
                "id": "W2b",
                "job": "Lighthouse: accessibility",
                **_figure(worst["accessibility"], ACCESSIBILITY),
                "detail": "; ".join(faults),
            },
            {"id": "W2c", "job": "Lighthouse: best practices", **_figure(worst["best-practices"], PRACTICES)},
            {
                "id": "W2d",
                "job": "Lighthouse: performance on a simulated phone",
                **_figure([_score(each["phone"], "performance") for each in reports], PERFORMANCE),
                "detail": _timings(reports[-1]["phone"]),
            },
        ],
    }


async def _reports(room: ControlRoom) -> list[dict[str, Report]]:
    """Signs in, lets go of the browser, and lets Lighthouse look at the dashboard in it."""
    port = free_port()
    with tempfile.TemporaryDirectory() as profile:
        launch = room.launch("--headless=new", f"--remote-debugging-port={port}", f"--user-data-dir={profile}", "about:blank")
        command, log = [launch["executable_path"], *launch["args"]], Path(profile) / "chromium.log"
        with process(command, log):
            await until(partial(_listens, port), "Chromium takes commands")
            async with async_playwright() as playwright:
                browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
                page = await browser.contexts[0].new_page()
                await page.goto(room.address)
                await room.sign_in(page)
                await page.close()  # a console that ran beside it would be measured too
                await browser.close()
            asked = [(kind, preset) for _ in range(ROUNDS) for kind, preset in PRESETS.items()]
            answers = [(kind, await asyncio.to_thread(_report, room.address, port, preset)) for kind, preset in asked]
    return [dict(answers[turn : turn + len(PRESETS)]) for turn in range(0, len(answers), len(PRESETS))]


async def _listens(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"http://127.0.0.1:{port}/json/version")).is_success


def _report(address: str, port: int, preset: list[str]) -> Report:
    """Runs Lighthouse, up to three times, as it says now and then that it has lost its trace of the page. Raises: AssertionError."""
    for _ in range(TRIES):
        report = _once(address, port, preset)
        if "runtimeError" not in report:
            break
    else:
        raise AssertionError(f"Lighthouse could not measure: {report['runtimeError']['message']}")
    if not report["finalDisplayedUrl"].endswith("/painel"):
        raise AssertionError(f"Lighthouse has seen {report['finalDisplayedUrl']}")
    return report


def _once(address: str, port: int, preset: list[str]) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        command = ["npx", "--yes", LIGHTHOUSE, f"{address}/painel", f"--port={port}", "--disable-storage-reset", "--quiet", *preset]
        command += [f"--only-categories={','.join(CATEGORIES)}", "--output=json", f"--output-path={path}", "--max-wait-for-load=120000"]
        done = subprocess.run(
            command, env={**os.environ, "CHROME_PATH": chromium()}, capture_output=True, text=True, check=False, timeout=600
        )
        if not path.exists():
            raise AssertionError(f"Lighthouse has no report: {done.stderr[-2_000:]}")
        report: Report = json.loads(path.read_text())
    return report


def _score(report: Report, category: str) -> float:
    return 100 * float(report["categories"][category]["score"] or 0)


def _faults(report: Report) -> list[str]:
    """Returns the audits that cost a point in accessibility or best practices."""
    failed = []
    for category in ("accessibility", "best-practices"):
        weights = {each["id"]: each["weight"] for each in report["categories"][category]["auditRefs"]}
        failed += [
            f"{name}: {report['audits'][name]['title']}" for name in weights if weights[name] and report["audits"][name]["score"] == 0
        ]
    return failed


def _timings(report: Report) -> str:
    names = {"first-contentful-paint": "first paint", "largest-contentful-paint": "largest", "total-blocking-time": "blocked"}
    audits = report["audits"]
    return ", ".join(f"{word} {audits[name]['numericValue']:.0f} ms" for name, word in names.items()) + (
        f", shift {audits['cumulative-layout-shift']['numericValue']:.3f}"
    )


def _figure(scores: list[float], bar: float) -> dict[str, Any]:
    return {**load.spread(scores, 0), **load.bars(bar, bar, bar, len(scores)), "better": "higher"}
