"""Tests of the files that the stack writes for HAProxy before it starts."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gtv.front import HAPROXY, needs_haproxy

from chassis.settings import load
from gtv import frontage, tls
from gtv.edge import Files
from gtv.failures import BadCertificate, BadTable
from gtv.home import Home
from gtv.plan import Plan, make_plan
from gtv.settings import Settings
from gtvision.time import SystemClock
from servers import free_port


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment with free ports for the edge."""
    for name in ("EDGE", "EDGE_HTTP"):
        monkeypatch.setenv(f"GTV_PORTS_{name}", str(free_port()))
    return monkeypatch


def _plan(home: Home) -> Plan:
    return make_plan(load(Settings), home)


def _prepare(plan: Plan) -> Files:
    files = Files(plan.home.edge)
    frontage.prepare(plan, files, plan.composition.ports["haproxy-private"])
    return files


@needs_haproxy
def test_writes_what_haproxy_reads(home: Home, asked: pytest.MonkeyPatch) -> None:
    asked.setenv("GTV_PORTS_EDGE_RTSP", str(free_port()))
    asked.setenv("GTV_EDGE_TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32")
    plan = _plan(home)
    assert plan.address == f"https://localhost:{plan.composition.ports['edge']}"
    files = _prepare(plan)
    assert files.folder.joinpath("haproxy.cfg").stat().st_mode & 0o777 == 0o600
    checked = subprocess.run([str(HAPROXY), "-c", "-f", str(files.config)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr
    assert "frontend rtsp" in files.config.read_text()
    assert "frontend rtmp" not in files.config.read_text()


def test_says_what_cannot_be(home: Home, asked: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked.setenv("GTV_KONG_URL", "kong:8000")
    with pytest.raises(BadTable, match="GTV_KONG_URL"):
        _prepare(_plan(home))
    asked.delenv("GTV_KONG_URL")
    asked.setenv("GTV_PORTS_EDGE_RTMP", str(free_port()))
    with pytest.raises(BadTable, match="rtmp"):
        _prepare(_plan(home))
    asked.delenv("GTV_PORTS_EDGE_RTMP")
    asked.setenv("GTV_TLS_CERT", str(tmp_path / "own.crt"))
    with pytest.raises(BadCertificate, match="belong together"):
        _plan(home)
    deep = Home(tmp_path / ("x" * 90))
    deep.prepare()
    asked.delenv("GTV_TLS_CERT")
    with pytest.raises(BadTable, match="too long"):
        _prepare(_plan(deep))
    blank = Home(tmp_path / "my data")
    blank.prepare()
    with pytest.raises(BadTable, match="blanks"):
        _prepare(_plan(blank))


def test_a_kong_that_is_named_stands_between_the_edge_and_the_services(home: Home, asked: pytest.MonkeyPatch) -> None:
    asked.setenv("GTV_KONG_URL", "http://127.0.0.1:8000")
    text = _prepare(_plan(home)).config.read_text()
    assert "server kong 127.0.0.1:8000 check port 8100" in text
    assert "use_backend identity" not in text
    asked.setenv("GTV_KONG_URL", "http://[::1]")
    assert "server kong [::1]:80 check port 8100" in _prepare(_plan(home)).config.read_text()


def test_the_maintenance_switch_outlives_a_restart_and_the_map_of_cameras_does_not(home: Home, asked: pytest.MonkeyPatch) -> None:
    plan = _plan(home)
    files = _prepare(plan)
    for file in (files.flags, files.nodes):
        file.write_text("maintenance on\n")
    _prepare(plan)
    assert (files.flags.read_text(), files.nodes.read_text()) == ("maintenance on\n", "")


def test_an_operators_certificate_is_taken_when_it_is_replaced_and_an_ended_one_goes_on(
    home: Home, asked: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = SystemClock().now()

    def put(days_ago: int) -> str:
        folder = tmp_path / f"authority{days_ago}"
        folder.mkdir()
        bundle = tls.own(folder, ("gtv.example",), now - timedelta(days=days_ago)).bundle
        at = bundle.index("-----BEGIN PRIVATE")
        (tmp_path / "own.crt").write_text(bundle[:at])
        (tmp_path / "own.key").write_text(bundle[at:])
        return bundle

    first = put(0)
    asked.setenv("GTV_TLS_CERT", str(tmp_path / "own.crt"))
    asked.setenv("GTV_TLS_KEY", str(tmp_path / "own.key"))
    asked.setenv("GTV_PUBLIC_HOST", "gtv.example")
    plan = _plan(home)
    files = _prepare(plan)
    assert files.certificate.read_text() == first
    assert frontage.fresh_certificate(plan, files) is None
    second = put(1)
    assert frontage.fresh_certificate(plan, files) == second
    put(400)
    assert _prepare(plan).certificate.read_text() == first
    assert "goes on with the certificate that it had" in capsys.readouterr().out
    # nor does it keep the stack from starting, so that cameras are recorded
    _plan(home)
    files.certificate.unlink()
    with pytest.raises(BadCertificate, match="has ended"):
        _prepare(plan)
    with pytest.raises(BadCertificate, match="has ended"):
        _plan(home)
