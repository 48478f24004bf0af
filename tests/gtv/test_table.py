"""Tests of the table of processes, and of the environments made from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gtv import mediaserver, table
from gtv.composition import Composition
from gtv.credentials import load_or_make
from gtv.failures import BadTable
from gtv.home import Home
from gtv.routes import load_routes
from gtv.settings import inherited

ROOT = Path(__file__).parents[2]


@pytest.fixture
def processes() -> dict[str, table.Process]:
    return {process.name: process for process in table.load(ROOT / "deploy/local/stack.toml").process}


@pytest.fixture
def composition(home: Home, processes: dict[str, table.Process]) -> Composition:
    port_requests = [request for process in processes.values() for request in process.port_requests("127.0.0.1")]
    ports = {request.name: 20_000 + number for number, request in enumerate(port_requests)}
    operator = inherited({"PATH": "/bin", "GTV_ADMIN_PASSWORD": "never-handed-on", "RECORDINGS_MAX_GB": "7", "DATABASE_URL": "elsewhere"})
    return Composition(home, ports, load_or_make(home.secrets_file), operator, "http://localhost:8080")


def test_the_table_and_the_routes_name_the_same_services(processes: dict[str, table.Process]) -> None:
    routed = set(load_routes(ROOT / "deploy/routes.yml").services)
    assert routed == {name for name, process in processes.items() if process.has_api}


def test_every_port_has_one_name(processes: dict[str, table.Process]) -> None:
    names = [request.name for process in processes.values() for request in process.port_requests("127.0.0.1")]
    assert len(set(names)) == len(names)


def test_each_service_gets_what_it_uses_and_no_more(processes: dict[str, table.Process], composition: Composition) -> None:
    env = composition.service(processes["alerts"])
    assert env["SERVICE_NAME"] == "alerts"
    assert env["HTTP_PORT"] != env["PRIVATE_PORT"]
    assert env["DATABASE_URL"].startswith("postgresql+asyncpg://alerts:")
    assert f":{composition.ports['pgbouncer']}/" in env["DATABASE_URL"]
    assert "MEDIAMTX_API_PASSWORD" not in env
    assert "MIGRATION_DATABASE_URL" not in env
    assert not [name for name in env if name.startswith("GTV_")]
    assert "never-handed-on" not in env.values()


def test_a_migration_goes_past_the_pooler(processes: dict[str, table.Process], composition: Composition) -> None:
    url = composition.migration(processes["ingest"])["MIGRATION_DATABASE_URL"]
    assert url.startswith("postgresql+asyncpg://gtvision_migrator:")
    assert f":{composition.ports['postgres']}/" in url


def test_the_operator_overrides_defaults_but_not_addresses(processes: dict[str, table.Process], composition: Composition) -> None:
    env = composition.service(processes["recorder"])
    assert env["RECORDINGS_MAX_GB"] == "7"
    assert env["DATABASE_URL"] != "elsewhere"
    assert env["SERVICE_NAME"] == "streaming"
    assert "HTTP_PORT" not in env


def test_loopback_cameras_are_allowed_in_the_demo_only(processes: dict[str, table.Process], composition: Composition) -> None:
    for name in ("cameras", "streaming"):
        assert "CAMERA_ALLOW_LOOPBACK" not in composition.service(processes[name])
        assert composition.service(processes[name], demo=True)["CAMERA_ALLOW_LOOPBACK"] == "true"


def test_the_media_server_listens_on_loopback_and_asks_the_hook(composition: Composition) -> None:
    production = (ROOT / "mediamtx/mediamtx.yml").read_text()
    options = yaml.safe_load(mediaserver.render(production, composition, edge_host="0.0.0.0", public_host="192.0.2.7"))
    addresses = {key: value for key, value in options.items() if key.endswith("Address") and not key.startswith("auth")}
    assert all(value.startswith("127.0.0.1:") for key, value in addresses.items() if key != "webrtcLocalUDPAddress")
    assert options["webrtcLocalUDPAddress"].startswith("0.0.0.0:")
    assert options["webrtcAdditionalHosts"] == ["127.0.0.1", "192.0.2.7"]
    six = yaml.safe_load(mediaserver.render(production, composition, edge_host="2001:db8::7", public_host="2001:db8::7"))
    assert six["webrtcLocalUDPAddress"].startswith("[2001:db8::7]:")
    assert options["authHTTPAddress"] == f"http://127.0.0.1:{composition.ports['streaming-private']}/internal/media/auth"
    assert options["authHTTPExclude"] == []
    assert options["paths"] == {}
    assert [options[name] for name in ("rtmp", "srt", "moq")] == [False, False, False]
    assert options["pathDefaults"]["recordPath"].startswith(str(composition.home.recordings))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[process]]\nname = "a"\nkind = "service"', "names its package"),
        ('[[process]]\nname = "a"\nkind = "server"\nneeds = ["b"]', "must stand before it"),
        ('[[process]]\nname = "a"\nkind = "server"\n[[process]]\nname = "a"\nkind = "server"', "twice"),
        ('[[process]]\nname = "a"\nkind = "server"\ncolour = "red"', "colour"),
        ("[[process]", "stack.toml"),
    ],
)
def test_refuses_a_wrong_table(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "stack.toml").write_text(text)
    with pytest.raises(BadTable, match=complaint):
        table.load(tmp_path / "stack.toml")
