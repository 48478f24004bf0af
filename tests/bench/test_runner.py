"""Tests of the runner's verdicts. The measurements themselves are not tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bench import runner

HIGHER = {"id": "R3", "job": "a route", "ratio": 0.2, "min": 0.1, "max": 0.3, "floor": 0.18, "target": 0.25, "stretch": 0.32}
LOWER = {"id": "R11", "job": "recording", "ratio": 1.6, "min": 1.5, "max": 1.9, "floor": 2.0, "target": 1.5, "stretch": 1.2}


def figure(values: dict[str, Any], better: str, ratio: float) -> runner.Figure:
    return runner.Figure.of(values | {"ratio": ratio, "better": better, "rounds": 7})


@pytest.mark.parametrize(("ratio", "verdict"), [(0.17, "MISSED"), (0.18, "floor"), (0.25, "target"), (0.4, "stretch")])
def test_more_is_better(ratio: float, verdict: str) -> None:
    assert figure(HIGHER, "higher", ratio).verdict == verdict
    assert figure(HIGHER, "higher", ratio).holds == (verdict != "MISSED")


@pytest.mark.parametrize(("ratio", "verdict"), [(2.1, "MISSED"), (2.0, "floor"), (1.5, "target"), (1.0, "stretch")])
def test_less_is_better(ratio: float, verdict: str) -> None:
    assert figure(LOWER, "lower", ratio).verdict == verdict
    assert figure(LOWER, "lower", ratio).holds == (verdict != "MISSED")


def test_the_skeleton_is_there() -> None:
    assert {"R3", "R4", "R5", "R8", "R10", "R11", "LOGIN"} <= runner.modules().keys()
    assert [name for name in runner.modules() if name.startswith("W")] == [f"W{number}" for number in range(1, 10)]


def test_one_letter_names_all_of_the_console() -> None:
    console = [f"W{number}" for number in range(1, 10)]
    assert runner.chosen(["r3", "w"]) == ["R3", *console]
    assert runner.chosen(["W2"]) == ["W2"]
    assert runner.chosen([]) == list(runner.modules())
    assert runner.chosen([])[-9:] == console, "the stack that they start runs beside no other measurement"


@pytest.mark.parametrize(("value", "verdict"), [(901, "MISSED"), (900, "met"), (12, "met")])
def test_one_bar_is_met_or_missed(value: float, verdict: str) -> None:
    one = {"id": "W5", "job": "the dashboard", "min": 1, "max": 2, "floor": 900, "target": 900, "stretch": 900}
    assert figure(one, "lower", value).verdict == verdict


def test_a_run_is_added_to_the_history(tmp_path: Path) -> None:
    history = tmp_path / "benchmarks.md"
    history.write_text("# Benchmarks\n")
    result = runner.Result("R11", (figure(LOWER, "lower", 1.6),))
    for _ in range(2):
        runner.append_section(runner.Machine.here(), "make bench b=R11", [result], history)
    text = history.read_text()
    assert text.startswith("# Benchmarks\n")
    assert text.count("| R11 | recording (lower is better) | 1.6 | 1.5 | 1.9 | 2 | 1.5 | 1.2 | floor |") == 2


def test_what_cannot_be_measured_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    result = runner.take("R0", "tests.bench.no_such_module", 7)
    assert result.failure is not None
    assert "no_such_module" in result.failure
    assert "Traceback" in capsys.readouterr().err


def test_a_module_has_one_figure_or_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = LOWER | {"better": "lower", "rounds": 7}
    more = [measured | {"id": "R11b", "rounds": 1}, measured | {"id": "R11c"}]
    (tmp_path / "three_figures.py").write_text(f"def measure(rounds): return {measured | {'also': more}!r}")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = runner.take("R11", "three_figures", 7)
    assert [each.id for each in result.figures] == ["R11", "R11b", "R11c"]
    history = tmp_path / "benchmarks.md"
    runner.append_section(runner.Machine.here(), "make bench b=R11", [result], history)
    assert "; 1 to 7 rounds." in history.read_text()


def test_what_the_machine_lacks_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "no_node.py").write_text("from tests.bench.runner import NotTaken\ndef measure(rounds): raise NotTaken('no Node')")
    monkeypatch.syspath_prepend(str(tmp_path))
    lacking = runner.take("W2", "no_node", 7)
    assert (lacking.left_out, lacking.failure, lacking.figures) == ("no Node", None, ())
    history = tmp_path / "benchmarks.md"
    runner.append_section(runner.Machine.here(), "make bench b=W", [lacking, runner.Result("R11", (figure(LOWER, "lower", 1.6),))], history)
    assert "- W2: not taken: no Node" in history.read_text()
