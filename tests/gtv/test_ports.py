"""Tests of the choice of ports: given ones, those of the last run, or free ones."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtv.failures import BadTable, PortTaken
from gtv.ports import PortRequest, assign
from gtv.settings import asked_ports
from servers import free_port, free_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_ports_stay_the_same_between_runs(tmp_path: Path) -> None:
    port_requests = [PortRequest("postgres"), PortRequest("console"), PortRequest("media", udp=True)]
    first = assign(port_requests, asked={}, kept=tmp_path / "ports.json")
    again = assign(port_requests, asked={}, kept=tmp_path / "ports.json")
    assert first.ports == again.ports
    assert len(set(first.ports.values())) == 3
    assert first.moved == again.moved == {}


def test_a_kept_port_that_was_taken_meanwhile_moves_and_is_named(tmp_path: Path, taken: int) -> None:
    (tmp_path / "ports.json").write_text(f'{{"media": {taken}}}')
    chosen = assign([PortRequest("media")], asked={}, kept=tmp_path / "ports.json")
    assert chosen.ports["media"] != taken
    assert chosen.moved == {"media": (taken, chosen.ports["media"])}


def test_the_address_of_a_folder_from_before_tls_leads_on(tmp_path: Path) -> None:
    before, postgres = free_ports(2)
    (tmp_path / "ports.json").write_text(json.dumps({"edge": before, "postgres": postgres}))
    for _ in range(2):
        chosen = assign([PortRequest("postgres"), PortRequest("edge"), PortRequest("edge-http")], asked={}, kept=tmp_path / "ports.json")
        assert (chosen.ports["edge-http"], chosen.ports["postgres"], chosen.moved) == (before, postgres, {})
        assert chosen.ports["edge"] != before


def test_a_preferred_port_is_left_to_the_stranger_who_holds_it(tmp_path: Path, taken: int) -> None:
    chosen = assign([PortRequest("edge", preferred=taken)], asked={}, kept=tmp_path / "ports.json")
    assert chosen.moved["edge"][0] == taken


def test_a_port_asked_for_by_name_is_taken_or_refused(tmp_path: Path, taken: int) -> None:
    with pytest.raises(PortTaken, match="GTV_PORTS_REDIS_CACHE"):
        assign([PortRequest("redis-cache")], asked={"redis-cache": taken}, kept=tmp_path / "ports.json")
    with pytest.raises(BadTable, match="no-such"):
        assign([PortRequest("edge")], asked={"no-such": 1}, kept=tmp_path / "ports.json")
    twice = dict.fromkeys(("edge", "media"), free_port())
    with pytest.raises(PortTaken, match="twice"):
        assign([PortRequest("edge"), PortRequest("media")], asked=twice, kept=tmp_path / "ports.json")


def test_reads_the_ports_asked_for(tmp_path: Path) -> None:
    assert asked_ports({"GTV_PORTS_REDIS_CACHE": "6380", "GTV_PORTS_EDGE": "", "PORTS": "1"}) == {"redis-cache": 6380}
    for wrong in ("x", "0", "70000", "-1"):
        with pytest.raises(BadTable, match="GTV_PORTS_EDGE"):
            asked_ports({"GTV_PORTS_EDGE": wrong})
