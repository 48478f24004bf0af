"""Tests of `gtv kong`, from identity's keys to a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from jose import jws
from tests.fixtures.tokens import TokenMint
from tests.gtv.keys import jwk
from tests.gtv.routers import KongRouter
from typer.testing import CliRunner, Result

from gtv import kong_cli
from gtv.failures import GtvError, NotRunning
from gtv.home import Home
from servers.files import write_json


def run(*arguments: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(kong_cli.app, list(arguments))


@pytest.fixture
def identity() -> Iterator[tuple[int, TokenMint]]:
    """Serves the key set of a token mint at identity's path."""
    mint = TokenMint()
    body = json.dumps(mint.jwks).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == kong_cli.JWKS_PATH else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port, mint
    server.shutdown()
    server.server_close()
    thread.join()


def test_renders_what_it_checks(tmp_path: Path) -> None:
    keys, out = tmp_path / "jwks.json", tmp_path / "kong.yml"
    keys.write_text(json.dumps({"keys": [jwk("k1")]}))
    rendered = run("render", "--jwks", str(keys), "--out", str(out), GTV_KONG_TARGET="{service}.city:9000")
    assert rendered.exit_code == 0, rendered.output
    assert "identity.city:9000" in out.read_text()
    assert "7 services" in run("check", str(out)).output
    assert run("render", "--jwks", str(keys), GTV_KONG_TARGET="{service}.city:9000").output == out.read_text()


def test_a_token_of_identity_verifies_with_kongs_credential(identity: tuple[int, TokenMint]) -> None:
    port, mint = identity
    document = yaml.safe_load(run("render", "--jwks", f"http://127.0.0.1:{port}{kong_cli.JWKS_PATH}").output)
    [credential] = document["consumers"][0]["jwt_secrets"]
    token = mint.token()
    assert jws.get_unverified_header(token)["kid"] == credential["key"]
    assert json.loads(jws.verify(token, credential["rsa_public_key"], credential["algorithm"]))["sub"]


def test_local_takes_the_running_installation(home: Home, identity: tuple[int, TokenMint]) -> None:
    port, _ = identity
    write_json(home.state_file, {"ports": {"identity": port, "cameras": 4001, "redis-cache": 4002, "console": 4003}})
    assert isinstance(run("render", "--local", GTV_DATA=str(home.root)).exception, NotRunning)
    with home.held():
        rendered = run("render", "--local", GTV_DATA=str(home.root))
    router = KongRouter(rendered.output)
    assert {service["name"] for service in router.document["services"]} == {"identity", "cameras"}
    assert [upstream["targets"] for upstream in router.document["upstreams"]] == [
        [{"target": f"127.0.0.1:{port}"}],
        [{"target": "127.0.0.1:4001"}],
    ]
    assert router.limit(router.find("GET", "/api/v1/cameras"))["redis"]["port"] == 4002
    assert router.find("GET", "/api/v1/detections").service is None
    assert router.find("GET", "/api/cameras").path == "/api/v1/cameras"


def test_a_missing_setting_is_explained(tmp_path: Path) -> None:
    for arguments in (["render"], ["check", str(tmp_path / "none")], ["push", "--jwks", str(tmp_path / "none")]):
        assert isinstance(run(*arguments).exception, GtvError)
