"""Tests of Kong's configuration: how it is rendered, checked and sent to Kong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from tests.chassis.waiting import until
from tests.gtv.keys import jwk, numbers
from tests.gtv.routers import KongRouter

from gtv import jwks
from gtv.failures import BadTable
from gtv.jwks import BadKeys
from gtv.kong import KongSettings, render
from gtv.kong_check import BadKong, check
from gtv.kong_push import KongRefused, Watch, push
from gtv.routes import load_routes

ROOT = Path(__file__).parents[2]
TEMPLATE = (ROOT / "kong/kong.yml.template").read_text()
ROUTES = load_routes(ROOT / "deploy/routes.yml")
CAMERA = "0190a5c2-0000-7000-8000-000000000001"


def rendered(*kids: str, **settings: Any) -> str:
    keys = jwks.parse({"keys": [jwk(kid) for kid in kids or ("k1",)]})
    return render(TEMPLATE, ROUTES, keys, KongSettings(**settings), {})


@pytest.fixture(scope="module")
def router() -> KongRouter:
    return KongRouter(rendered("k1", "k2", origins="https://a.example", traces_url="http://jaeger:4318/v1/traces"))


# --- the document --------------------------------------------------------------------------------------------------------


def test_is_whole_and_leaves_nothing_open(router: KongRouter) -> None:
    document = check(yaml.safe_dump(router.document))
    assert {service["name"] for service in document["services"]} == {*ROUTES.services, "ingest-live"}


def test_the_same_keys_give_the_same_document() -> None:
    """Kong compares a hash of the text, so another order would reload it every few seconds."""
    assert rendered("k1", "k2") == rendered("k2", "k1")


def test_every_key_of_identity_is_a_credential_of_the_one_issuer(router: KongRouter) -> None:
    [consumer] = router.document["consumers"]
    assert [secret["key"] for secret in consumer["jwt_secrets"]] == ["k1", "k2"]
    for secret in consumer["jwt_secrets"]:
        assert secret["algorithm"] == "RS256"
        assert load_pem_public_key(secret["rsa_public_key"].encode()).public_numbers() == numbers(3_072, 0)  # type: ignore[union-attr]


def test_every_protected_route_reads_the_token_from_the_header_alone(router: KongRouter) -> None:
    plugins = router.find("GET", "/api/v1/cameras").plugins
    assert plugins["jwt"] == {
        "key_claim_name": "kid",
        "claims_to_verify": ["exp"],
        "header_names": ["authorization"],
        "uri_param_names": [],
        "cookie_names": [],
        "run_on_preflight": False,
        "realm": "gtvision",
    }


@pytest.mark.parametrize(
    ("method", "path", "minute", "by"),
    [
        ("GET", "/api/v1/cameras", 300, "header"),
        ("POST", "/api/v1/auth/login", 30, "ip"),
        ("POST", "/api/v1/auth/token", 30, "ip"),
        ("POST", "/api/v1/auth/refresh", 1_000, "ip"),
        ("GET", "/api/v1/.well-known/jwks.json", 1_000, "ip"),
        ("POST", "/api/v1/users", 30, "header"),
        ("GET", "/api/v1/users/me", 300, "header"),
        ("POST", "/api/v1/detect/frame", 600_000, "header"),
        ("POST", "/detect/frame", 600_000, "header"),
        ("GET", "/ws/v1/live", 1_000, "ip"),
        ("GET", "/api/v1/nothing", 1_000, "ip"),
    ],
)
def test_limits_are_those_of_the_design(router: KongRouter, method: str, path: str, minute: int, by: str) -> None:
    limit = router.limit(router.find(method, path))
    assert (limit["minute"], limit["limit_by"]) == (minute, by)
    assert limit["policy"] == "redis"
    assert limit["fault_tolerant"] is True


def test_one_counter_of_a_user_serves_all_services(router: KongRouter) -> None:
    """A plugin at a route or a service has a counter of its own; only the global one counts over all services."""
    for name in ROUTES.services:
        [route] = [route for service in router.document["services"] for route in service["routes"] if route["name"] == name]
        assert "rate-limiting" not in {plugin["name"] for plugin in route["plugins"]}


def test_no_password_is_in_the_document(router: KongRouter) -> None:
    limit = router.limit(router.find("GET", "/api/v1/cameras"))
    assert limit["redis"]["password"] == "{vault://env/gtv-kong-redis-password}"
    assert limit["redis"]["host"] == "redis-cache"


def test_the_websocket_is_not_cut_while_it_is_silent(router: KongRouter) -> None:
    hit = router.find("GET", "/ws/v1/live")
    assert hit.service is not None
    assert hit.service["read_timeout"] == hit.service["write_timeout"] == 3_600_000
    assert hit.service["retries"] == 1
    assert "jwt" not in hit.plugins
    assert "jwt" in router.find("GET", "/ws/v1/other").plugins


def test_plugins_without_their_setting_are_left_out() -> None:
    names = {plugin["name"] for plugin in yaml.safe_load(rendered())["plugins"]}
    assert not names & {"cors", "opentelemetry"}  # without origins, cors would allow every one


def test_a_preflight_reaches_cors_and_no_token_is_asked(router: KongRouter) -> None:
    for path in ("/api/v1/auth/login", "/api/v1/cameras", "/api/v1/docs/cameras/openapi.json"):
        hit = router.find("OPTIONS", path)
        assert hit.plugins.get("jwt", {"run_on_preflight": False})["run_on_preflight"] is False


# --- known names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "known", "ours", "service"),
    [
        ("GET", "/api/cameras", "/api/v1/cameras", "cameras"),
        ("GET", "/api/cameras/", "/api/v1/cameras", "cameras"),
        ("PATCH", f"/api/cameras/{CAMERA}", f"/api/v1/cameras/{CAMERA}", "cameras"),
        ("GET", "/api/cameras/health", "/api/v1/cameras/health", "cameras"),
        ("GET", "/api/detections/", "/api/v1/detections", "ingest"),
        ("GET", "/api/deteccoes/", "/api/v1/detections", "ingest"),
        ("POST", "/detect/frame", "/api/v1/detect/frame", "ai-detect"),
        ("GET", "/ws/detections", "/ws/v1/live", "ingest-live"),
        ("GET", "/ws/", "/ws/v1/live", "ingest-live"),
    ],
)
def test_aliases_lead_to_the_present_paths(router: KongRouter, method: str, known: str, ours: str, service: str) -> None:
    hit = router.find(method, known)
    assert hit.service is not None
    assert (hit.service["name"], hit.path) == (service, ours)
    assert ("jwt" in hit.plugins) is (service != "ingest-live")


@pytest.mark.parametrize(
    "path",
    [
        *("/api/alerts/webhook", "/internal/media/auth", "/metrics", "/health/ready", "/api/v1/camerasx", "/api/camerasx", "/api", "/"),
        *("/ws/v2/live", "/api/cameras//x", "/batch/detect", "/media/x", "/api/v1/docs/nobody/"),
    ],
)
def test_what_no_service_has_is_answered_by_none(router: KongRouter, path: str) -> None:
    hit = router.find("GET", path)
    assert hit.service is None
    assert hit.plugins["request-termination"]["status_code"] == 404


def test_the_gateway_tells_that_it_is_there(router: KongRouter) -> None:
    assert router.find("GET", "/api/health").plugins["request-termination"]["status_code"] == 200


# --- the template --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["routes: {}", TEMPLATE + "\nmore: 1\n", TEMPLATE.replace("@{redis_host}", "@{nobody}"), "a: ["])
def test_a_template_that_is_wrong_is_a_sentence(wrong: str) -> None:
    with pytest.raises(BadTable, match=r"kong\.yml\.template"):
        render(wrong, ROUTES, jwks.parse({"keys": [jwk("k1")]}), KongSettings(), {})


# --- the keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda keys: keys.clear(), "no keys"),
        (lambda keys: keys.append(jwk("k1")), "same id"),
        (lambda keys: keys[0].pop("kid"), "without an id"),
        (lambda keys: keys[0].pop("n"), "broken"),
        (lambda keys: keys[0].update(n="!"), "broken"),
        (lambda keys: keys[0].update(kty="EC"), "no RSA key"),
        (lambda keys: keys[0].update(alg="HS256"), "no RSA key"),
        (lambda keys: keys[0].update(use="enc"), "no RSA key"),
        (lambda keys: keys.append(jwk("small", bits=2_048)), "2048 bits"),
        (lambda keys: keys.append("k"), "no RSA key"),
    ],
)
def test_refuses_keys_that_cannot_be_identitys(change: Callable[[list[Any]], object], complaint: str) -> None:
    keys: list[Any] = [jwk("k1")]
    change(keys)
    with pytest.raises(BadKeys, match=complaint):
        jwks.parse({"keys": keys})


def test_keys_that_cannot_be_read_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("{")
    for source in (str(tmp_path / "missing"), str(tmp_path / "broken"), "http://127.0.0.1:9/jwks"):
        with pytest.raises(BadKeys, match="cannot be read"):
            jwks.read(source)


# --- the check -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("routes"), "routes"),
        (lambda d: d.update(_format_version="2.1"), "_format_version"),
        (lambda d: d["services"][0].update(host="elsewhere"), "no upstream"),
        (lambda d: d["services"].append(d["services"][0]), "two of the service"),
        (lambda d: d["services"][0]["routes"][0].update(strip_path=True), "takes the path away"),
        (lambda d: d["services"][0]["routes"][0].pop("strip_path"), "takes the path away"),
        (lambda d: d["services"][0]["routes"][0].update(paths=["~/api/v1/auth/login"]), "no exact path"),
        (lambda d: d["services"][0]["routes"][0].pop("methods"), "no exact path"),
        (lambda d: d["services"][1]["routes"][-1].update(plugins=[]), "asks for no token"),
        (lambda d: d["services"][1]["routes"][-1]["plugins"][0].update(enabled=False), "asks for no token"),
        (lambda d: d["consumers"][0]["jwt_secrets"].clear(), "no key"),
        (lambda d: d["consumers"][0]["jwt_secrets"][0].update(algorithm="HS256"), "algorithm"),
        (lambda d: d["consumers"][0]["jwt_secrets"].append(d["consumers"][0]["jwt_secrets"][0]), "two of the key"),
        (lambda d: d.update(services="x"), "no configuration"),
    ],
)
def test_the_check_names_what_is_wrong(change: Callable[[dict[str, Any]], object], complaint: str) -> None:
    document = yaml.safe_load(rendered(origins="https://a.example", traces_url="http://jaeger:4318/v1/traces"))
    change(document)
    with pytest.raises(BadKong, match=complaint):
        check(yaml.safe_dump(document))


# --- Kong's admin port -----------------------------------------------------------------------------------


class _Admin:
    """A server of Kong's POST /config as in its source: 201, 304 for the text that it already has, 400."""

    def __init__(self) -> None:
        self.has = ""
        self.refuses = False

    def answer(self, body: bytes, query: str) -> int:
        config = json.loads(body)["config"]
        if self.refuses:
            return 400
        if query == "check_hash=1" and config == self.has:
            return 304
        self.has = config
        return 201


@contextmanager
def _serving(admin: _Admin) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(admin.answer(body, query) if path == "/config" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_pushes_once_and_says_what_kong_says() -> None:
    admin = _Admin()
    with _serving(admin) as url:
        assert push(url, "one") is True
        assert push(url, "one") is False
        admin.refuses = True
        with pytest.raises(KongRefused, match="400"):
            push(url, "two")
    with pytest.raises(KongRefused, match="does not answer"):
        push(url, "two")


async def test_a_rotation_reaches_kong_and_a_failure_changes_nothing(tmp_path: Path) -> None:
    admin, told = _Admin(), list[str]()
    keys = ["k1"]

    def read() -> list[jwks.PublicKey]:
        if not keys:
            raise BadKeys("identity is away")
        return jwks.parse({"keys": [jwk(kid) for kid in keys]})

    def text(found: list[jwks.PublicKey]) -> str:
        return " ".join(key.kid for key in found)

    out = tmp_path / "kong.yml"
    with _serving(admin) as url:
        running = asyncio.create_task(Watch(read, text, url, told.append, out, every_s=0.02).run())
        await until(lambda: admin.has == "k1")
        keys.append("k2")
        await until(lambda: admin.has == "k1 k2")
        keys.clear()
        await until(lambda: "identity is away" in told)
        assert admin.has == "k1 k2"
        admin.has = "an older file, after a restart"
        keys.extend(["k1", "k2"])
        await until(lambda: admin.has == "k1 k2")
        running.cancel()
        await asyncio.wait([running])
    assert out.read_text() == "k1 k2"
    assert told.count("identity is away") == 1


async def test_a_disk_that_is_full_keeps_no_key_from_kong(tmp_path: Path) -> None:
    admin, told = _Admin(), list[str]()
    with _serving(admin) as url:
        nowhere = tmp_path / "gone/kong.yml"
        keys = jwks.parse({"keys": [jwk("k1")]})
        running = asyncio.create_task(Watch(lambda: keys, lambda found: found[0].kid, url, told.append, nowhere, 0.02).run())
        await until(lambda: any("gone" in line for line in told))
        await until(lambda: admin.has == "k1")
        running.cancel()
        await asyncio.wait([running])
