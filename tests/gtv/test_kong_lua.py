"""Tests of the Lua functions in Kong's configuration, run by LuaJIT with a fake of Kong's plugin interface."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fixtures import needs

ROOT = Path(__file__).parents[2]
LUAJIT = needs.find("luajit")
PLUGINS = {plugin["name"]: plugin["config"] for plugin in yaml.safe_load((ROOT / "kong/kong.yml.template").read_text())["kong"]["plugins"]}
WHO, TRACE = PLUGINS["pre-function"]["access"]
[HEADERS] = PLUGINS["post-function"]["header_filter"]
[BODY] = PLUGINS["post-function"]["body_filter"]

pytestmark = needs.marks("luajit")

STAGE = """
local asked, set, cleared, attributes, body = GIVEN, {}, {}, {}, nil
local parser = {}
function parser.new(_, token)
  local claims = asked.tokens[token]
  if claims == "broken" then error("attempt to index a number value") end
  if claims == nil then return nil, "invalid JSON" end
  if claims == "number" then return { claims = 1 } end
  return { claims = claims }
end
kong = {
  ctx = { plugin = {} },
  request = {
    get_headers = function() return asked.headers end,
    get_header = function(name) local v = asked.headers[name:lower()]; return type(v) == "table" and v[1] or v end,
    get_scheme = function() return "https" end,
    get_host = function() return "edge" end,
    get_path = function() return "/ws/v1/live" end,
  },
  service = { request = {
    set_header = function(name, value) set[name:lower()] = value end,
    clear_header = function(name) cleared[name:lower()] = true end,
  } },
  response = {
    get_status = function() return asked.status end,
    get_source = function() return asked.source end,
    set_header = function(name, value) set[name:lower()] = value end,
    clear_header = function(name) cleared[name:lower()] = true end,
    set_raw_body = function(text) body = text end,
  },
  tracing = { active_span = function()
    return asked.span and { set_attribute = function(_, name, value) attributes[name] = value end } or nil
  end },
}
require = function(name) assert(name == "kong.plugins.jwt.jwt_parser", name); return parser end
-- as kong/plugins/pre-function/_handler.lua does: the first call makes the function, the second runs it
for _, code in ipairs(asked.codes) do
  local first = assert(loadstring(code))()
  assert(type(first) == "function")
  first()
  first()
end
local function show(kind, found) for name, value in pairs(found) do print(kind .. "\\t" .. name .. "\\t" .. tostring(value)) end end
show("set", set) show("cleared", cleared) show("attribute", attributes)
if body then print("body\\t\\t" .. body) end
"""


def _lua(value: Any) -> str:
    """Returns a value as a Lua literal."""
    match value:
        case dict():
            return "{" + ",".join(f"[{_lua(key)}]={_lua(item)}" for key, item in value.items()) + "}"
        case list():
            return "{" + ",".join(map(_lua, value)) + "}"
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\{byte:03d}" for byte in value.encode()) + '"'
        case _:
            return str(value)


def run(*codes: str, **given: Any) -> dict[str, dict[str, str]]:
    asked = {"headers": {}, "tokens": {}, "status": 200, "source": "service", "span": False, **given, "codes": list(codes)}
    script = STAGE.replace("GIVEN", _lua(asked), 1)
    done = subprocess.run([str(LUAJIT), "-"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, dict[str, str]] = {"set": {}, "cleared": {}, "attribute": {}, "body": {}}
    for line in done.stdout.splitlines():
        kind, name, value = line.split("\t", 2)
        seen[kind][name] = value
    return seen


SUB = "0190a5c2-0000-7000-8000-000000000001"


@pytest.mark.parametrize("header", ["Bearer good", "bearer good", ["Bearer good", "Bearer other"]])
def test_a_request_counts_for_the_tokens_subject(header: str | list[str]) -> None:
    seen = run(WHO, headers={"authorization": header, "x-gtv-user": "somebody-else"}, tokens={"good": {"sub": SUB}, "other": {"sub": "x"}})
    assert seen["set"] == {"x-gtv-user": SUB}
    assert not seen["cleared"]


@pytest.mark.parametrize(
    ("headers", "tokens"),
    [
        ({}, {}),
        ({"authorization": "Basic abc"}, {}),
        ({"authorization": "Bearer unreadable"}, {}),
        ({"authorization": "Bearer odd"}, {"odd": {"sub": 7}}),
        ({"authorization": "Bearer odd"}, {"odd": {}}),
        ({"authorization": "Bearer odd"}, {"odd": {"sub": "x" * 65}}),
    ],
)
def test_what_a_client_says_of_itself_never_counts(headers: dict[str, str], tokens: dict[str, Any]) -> None:
    seen = run(WHO, headers={**headers, "x-gtv-user": "somebody-else"}, tokens=tokens)
    assert seen["set"] == {}
    assert seen["cleared"] == {"x-gtv-user": "true"}


@pytest.mark.parametrize("claims", ["broken", "number"])
def test_a_token_that_breaks_the_parser_is_taken_away(claims: str) -> None:
    """Without the token jwt answers 401; an error of its parser would give 500."""
    seen = run(WHO, headers={"authorization": "Bearer MQ.e30.x"}, tokens={"MQ.e30.x": claims})
    assert seen["cleared"] == {"authorization": "true", "x-gtv-user": "true"}


def test_traces_have_no_query() -> None:
    assert run(TRACE, span=True)["attribute"] == {"http.url": "https://edge/ws/v1/live"}
    assert run(TRACE, span=False)["attribute"] == {}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((400, "malformed_request"), (401, "unauthenticated"), (404, "not_found"), (413, "too_large"), (417, "too_large")),
        *((429, "rate_limited"), (500, "internal"), (502, "bad_gateway"), (503, "unavailable"), (504, "gateway_timeout"), (418, "error")),
    ],
)
def test_what_kong_refuses_is_a_problem(status: int, code: str) -> None:
    seen = run(HEADERS, BODY, status=status, source="exit", headers={"x-correlation-id": SUB})
    assert seen["set"] == {"content-type": "application/problem+json"}
    assert seen["cleared"] == {"content-length": "true"}
    problem = json.loads(seen["body"][""])
    assert problem == {**problem, "status": status, "code": code, "type": f"urn:gtvision:problem:{code}", "correlation_id": SUB}
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize("given", [{"status": 404, "source": "service"}, {"status": 200, "source": "exit"}])
def test_what_services_say_passes(given: dict[str, Any]) -> None:
    assert run(HEADERS, BODY, **given) == {"set": {}, "cleared": {}, "attribute": {}, "body": {}}


@pytest.mark.parametrize("sent", ['x","admin":"', "a" * 65, "ü"])
def test_a_correlation_id_cannot_write_the_problem(sent: str) -> None:
    seen = run(HEADERS, BODY, status=429, source="exit", headers={"x-correlation-id": sent})
    assert json.loads(seen["body"][""])["correlation_id"] == ""
