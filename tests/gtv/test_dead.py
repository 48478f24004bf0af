"""Tests of `gtv dead`, which shows dead-lettered messages."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from chassis.bus.dead import DeadLetter
from gtv.dead import sheet
from gtvision.ids import new_id

LETTER = DeadLetter(
    id=new_id(), event_id="7", key="tenant.created.v1", queue="alerts.x", reason="invalid", error="", attempts=1, buried_at=None, body=b""
)


def shown(letter: DeadLetter) -> str:
    console = Console(width=300)
    with console.capture() as capture:
        console.print(sheet([letter]))
    return capture.get()


def test_brackets_of_others_are_shown_as_they_are() -> None:
    assert "ValueError: [red]3[/x] is none of [1, 2]" in shown(replace(LETTER, error="ValueError: [red]3[/x] is none of [1, 2]"))
    assert "k[/b]" in shown(replace(LETTER, key="k[/b]"))
