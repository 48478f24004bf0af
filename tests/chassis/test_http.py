from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Query, Request
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from chassis import http
from chassis.service import Service, create_app
from chassis.settings import ServiceSettings
from gtvision import errors
from gtvision.ids import new_id
from servers import free_port

CANARY = "c4n4ry"
OPEN: dict[str, Any] = {"x-access": "public"}


class _Thing(http.StrictModel):
    name: str
    password: str = ""
    size: int = 0


def _app() -> Service:
    router = APIRouter(prefix="/api/v1")

    @router.get("/things/{number}", openapi_extra=OPEN)
    async def thing(number: int) -> dict[str, int]:
        return {"number": number}

    @router.post("/things", status_code=201, openapi_extra=OPEN)
    async def create(body: _Thing) -> dict[str, str]:
        return {"name": body.name}

    @router.post("/raw", openapi_extra=OPEN)
    async def raw(request: Request) -> dict[str, int]:
        return {"bytes": sum([len(chunk) async for chunk in request.stream()])}

    @router.get("/fail/{kind}", openapi_extra=OPEN)
    async def fail(kind: str) -> None:
        raise getattr(errors, kind)

    @router.get("/patience", openapi_extra=OPEN)
    async def patience() -> None:
        raise errors.RateLimited(retry_after=timedelta(seconds=7.2))

    @router.get("/bug", openapi_extra=OPEN)
    async def bug() -> None:
        raise RuntimeError(f"secret {CANARY} inside")

    @router.get("/search", openapi_extra=OPEN)
    async def search(limit: Annotated[int, Query(ge=1, le=100)] = 10) -> dict[str, int]:
        return {"limit": limit}

    @router.get("/open", openapi_extra=OPEN)
    @http.takes_any_parameter
    async def open_to_any() -> None: ...

    settings = ServiceSettings(service_name="things", http_max_body_bytes=1_000, http_port=free_port(), private_port=free_port())
    return create_app(settings, title="Things", lifespan_parts=[], routers=[router], asyncapi=lambda: {"asyncapi": "3.0.0"})


SERVICE = _app()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(SERVICE.api), base_url="http://things") as made:
        yield made


def _is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, body
    assert answer.headers["content-type"] == "application/problem+json"
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:gtvision:problem:{code}")
    assert body["title"]
    assert body["detail"]
    assert body["correlation_id"] == answer.headers["x-correlation-id"]
    return body


# --- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("Invalid", 422, "invalid"),
        ("InvalidPlate", 422, "invalid_plate"),
        ("InvalidCursor", 422, "invalid_cursor"),
        ("TooLarge", 413, "too_large"),
        ("Unauthenticated", 401, "unauthenticated"),
        ("TokenExpired", 401, "token_expired"),
        ("Forbidden", 403, "forbidden"),
        ("MissingScope", 403, "missing_scope"),
        ("NotFound", 404, "not_found"),
        ("Conflict", 409, "conflict"),
        ("StaleRevision", 412, "stale_revision"),
        ("RateLimited", 429, "rate_limited"),
        ("Unavailable", 503, "unavailable"),
        ("GTVisionError", 500, "error"),
    ],
)
async def test_each_kind_of_error_has_its_status(client: httpx.AsyncClient, kind: str, status: int, code: str) -> None:
    answer = await client.get(f"/api/v1/fail/{kind}")
    _is_problem(answer, status, code)
    assert ("retry-after" in answer.headers) == (status in {429, 503})
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_every_error_of_the_language_has_a_status() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GTVisionError)]
    own = [kind for kind in kinds if kind.__mro__[1] is errors.GTVisionError]
    assert set(own) <= {kind for kind, _ in http.KINDS}


async def test_retry_after_is_whole_seconds_rounded_up(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/patience")).headers["retry-after"] == "8"


async def test_paths_and_methods_that_do_not_exist(client: httpx.AsyncClient) -> None:
    _is_problem(await client.get("/nowhere"), 404, "not_found")
    _is_problem(await client.get("/api/v1/things/1/"), 404, "not_found")
    answer = await client.delete("/api/v1/things")
    _is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_wrong_body_says_where_and_never_what(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/things", json={"password": [CANARY], "size": CANARY, "nmae": CANARY})
    body = _is_problem(answer, 422, "invalid")
    assert {tuple(error["loc"]) for error in body["errors"]} == {
        ("body", "name"),
        ("body", "password"),
        ("body", "size"),
        ("body", "nmae"),
    }
    assert all(error["msg"] for error in body["errors"])
    assert CANARY not in answer.text


async def test_an_unknown_field_is_refused(client: httpx.AsyncClient) -> None:
    _is_problem(await client.post("/api/v1/things", json={"name": "a", "colour": "red"}), 422, "invalid")


async def test_a_flood_of_errors_is_cut(client: httpx.AsyncClient) -> None:
    many = {f"k{index}": 0 for index in range(60)} | {"name": "a"}
    assert len((await client.post("/api/v1/things", json=many)).json()["errors"]) == 20
    long = (await client.post("/api/v1/things", json={"name": "a", "x" * 500: 0})).json()["errors"]
    assert len(long[0]["loc"][1]) == 100


@pytest.mark.parametrize("body", [b"{", b'{"name": "a"', b"nonsense", b'{"name": "a"} trailing', b"[" * 900])
async def test_malformed_json_is_its_own_failure(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/v1/things", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] in {"malformed_json", "malformed_request"}


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"name": "\xff"}'])
async def test_a_body_that_is_no_text_is_the_callers_fault(client: httpx.AsyncClient, body: bytes) -> None:
    assert (await client.post("/api/v1/things", content=body, headers={"content-type": "application/json"})).status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/things/x", "/api/v1/search?limit=0", "/api/v1/search?limit=101", "/api/v1/search?limit=c4n4ry"])
async def test_wrong_parameters(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    _is_problem(answer, 422, "invalid")
    assert CANARY not in answer.text


async def test_an_unknown_parameter_is_named(client: httpx.AsyncClient) -> None:
    errors = _is_problem(await client.get("/api/v1/search?limit=5&limti=7&limti=8&%C3%A1="), 422, "invalid")["errors"]
    assert [error["loc"] for error in errors] == [["query", "limti"], ["query", "á"]]
    assert errors[0]["msg"].endswith("takes: limit.")
    assert (await client.get("/api/v1/search?")).status_code == 200
    _is_problem(await client.get("/api/v1/things/1?x"), 422, "invalid")
    assert (await client.get("/api/v1/open?x=1")).status_code == 200


async def test_a_bug_leaves_as_internal_and_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/bug")
    _is_problem(answer, 500, "internal")
    assert CANARY not in answer.text
    assert "Traceback" not in answer.text
    assert "RuntimeError" not in answer.text


# --- correlation, metrics ----------------------------------------------------------------------------------------------


async def test_a_valid_correlation_id_is_taken_over(client: httpx.AsyncClient) -> None:
    given_id = new_id()
    answer = await client.get("/api/v1/things/1", headers={"x-correlation-id": str(given_id)})
    assert answer.headers["x-correlation-id"] == str(given_id)


@pytest.mark.parametrize("text", ["", "x", "1" * 36, "x" * 10_000, "urn:uuid:" + "0" * 27, "{00000000-0000-0000-0000-0000000000}"])
async def test_any_other_correlation_id_is_replaced(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.get("/api/v1/things/1", headers={"x-correlation-id": text})
    assert answer.headers["x-correlation-id"] != text
    assert UUID(answer.headers["x-correlation-id"]).version == 7


def _count(route: str, status: int, method: str = "GET") -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("gtvision_http_request_duration_seconds_count", labels) or 0.0


async def test_requests_are_counted_by_template_and_unknown_paths_together(client: httpx.AsyncClient) -> None:
    before = _count("/api/v1/things/{number}", 200), _count("unmatched", 404), _count("unmatched", 404, "OTHER")
    for number in range(3):
        await client.get(f"/api/v1/things/{number}")
        await client.get(f"/stranger/{number}")
        await client.request(f"ODD{number}", f"/stranger/{number}")
    after = _count("/api/v1/things/{number}", 200), _count("unmatched", 404), _count("unmatched", 404, "OTHER")
    assert [new - old for old, new in zip(before, after, strict=True)] == [3, 3, 3]
    assert REGISTRY.get_sample_value("gtvision_http_requests_in_flight") == 0


async def test_a_client_that_leaves_is_no_error() -> None:
    sent: list[Any] = []

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/raw",
        "raw_path": b"/api/v1/raw",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "http_version": "1.1",
    }
    await SERVICE.api(scope, gone, send)
    assert all(message.get("status", 0) != 500 for message in sent)


async def test_concurrent_requests_keep_their_own_ids(client: httpx.AsyncClient) -> None:
    ids = [str(new_id()) for _ in range(50)]
    answers = await asyncio.gather(*(client.get("/api/v1/fail/NotFound", headers={"x-correlation-id": one}) for one in ids))
    assert [answer.json()["correlation_id"] for answer in answers] == ids


# --- documentation -----------------------------------------------------------------------------------------------------


async def test_documentation_is_offline_and_complete(client: httpx.AsyncClient) -> None:
    page = await client.get("/api/v1/docs/things/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "://" not in page.text
    assert "GET /api/v1/things/{number}" in page.text
    assert "Default: 10. &gt;= 1, &lt;= 100." in page.text
    spec = (await client.get("/api/v1/docs/things/openapi.json")).json()
    assert "/api/v1/search" in spec["paths"]
    assert (await client.get("/api/v1/docs/things/asyncapi.json")).json() == {"asyncapi": "3.0.0"}
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await client.get(path)).status_code == 404


# --- cursors -----------------------------------------------------------------------------------------------------------

_VALUES = st.one_of(
    st.text(max_size=20),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), _VALUES, max_size=4))
def test_a_cursor_gives_back_its_values(values: dict[str, Any]) -> None:
    cursor = http.encode_cursor(**values)
    assert http.decode_cursor(cursor) == values
    assert http.decode_cursor(cursor, **{name: type(value) for name, value in values.items()}) == values


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = http.encode_cursor(captured_at=datetime(2026, 1, 1, tzinfo=UTC), id=new_id())
    assert http.decode_cursor(cursor, captured_at=datetime, id=UUID)
    for expected in ({"id": UUID}, {"captured_at": datetime, "id": str}, {"captured_at": datetime, "number": UUID}):
        with pytest.raises(errors.InvalidCursor):
            http.decode_cursor(cursor, **expected)


def _encoded(value: object) -> str:
    import base64

    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "AAAA",
        "x" * 1_001,
        _encoded({"a": 1}),
        _encoded([["a"]]),
        _encoded([["a", "t", "2026-01-01T00:00:00"]]),
        _encoded([["a", "t", 5]]),
        _encoded([["a", "t", "0001-01-01T00:00:00+14:00"]]),
        _encoded([["a", "u", "x"]]),
        _encoded([["a", "u", 5]]),
        _encoded([["a", "v", None]]),
        _encoded([["a", "v", [1]]]),
        _encoded([["a", "z", 1]]),
        _encoded(5),
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidCursor):
        http.decode_cursor(text)


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with contextlib.suppress(errors.InvalidCursor):
        http.decode_cursor(text)
