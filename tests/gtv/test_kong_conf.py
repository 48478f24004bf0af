"""Tests of kong.conf."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def conf() -> dict[str, str]:
    lines = (ROOT / "kong/kong.conf").read_text().splitlines()
    pairs = [line.split(" = ", 1) for line in lines if line and not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_there_is_no_database_and_no_public_admin_port(conf: dict[str, str]) -> None:
    assert conf["database"] == "off"
    assert conf["admin_listen"].startswith("127.0.0.1:")
    assert conf["admin_gui_listen"] == "off"
    assert conf["trusted_ips"] == "127.0.0.1/32,::1/128"
    assert (conf["real_ip_header"], conf["real_ip_recursive"]) == ("X-Forwarded-For", "on")


def test_answers_do_not_tell_what_answers(conf: dict[str, str]) -> None:
    assert conf["headers"] == conf["headers_upstream"] == conf["anonymous_reports"] == "off"


def test_no_log_has_a_query(conf: dict[str, str]) -> None:
    used = set(re.findall(r"\$(\w+)", conf["nginx_http_log_format"]))
    assert not used & {"request", "request_uri", "args", "query_string", "http_authorization", "http_cookie", "http_referer"}
    assert "uri" in used
    name = conf["nginx_http_log_format"].split()[0]
    assert conf["proxy_access_log"].split()[1] == name
    assert conf["log_level"] == "crit"  # nginx's messages of lower levels quote the request line
    assert "#" not in conf["nginx_http_log_format"]  # Kong would read the rest as a comment


def test_the_sandbox_allows_what_the_functions_require_and_no_more(conf: dict[str, str]) -> None:
    template = (ROOT / "kong/kong.yml.template").read_text()
    assert conf["untrusted_lua"] == "sandbox"
    assert set(re.findall(r'require\("([^"]+)"\)', template)) == set(conf["untrusted_lua_sandbox_requires"].split(","))
