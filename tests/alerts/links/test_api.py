"""Tests of the page behind the link of a message, on real servers."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from tests.alerts.conftest import Running, seen

from alerts.links.usecases import Links
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def visit(running: Running, method: str, url: str) -> httpx.Response:
    """Opens a link as a browser does: without a token."""
    return await running.http.request(method, f"http://alerts{urlsplit(url).path}")


async def test_the_page_asks_and_its_button_acknowledges_once(running: Running) -> None:
    caller = running.tenant()
    await running.watch(caller, "ABC1234", name="Furtados <b>hoje</b>")
    await running.store(caller.tenant_id, seen("ABC1234"))
    [alert] = await running.alerts(caller)
    links = running.service.api.state.provided[Links]
    link = links.make(caller.tenant_id, UUID(str(alert["alert_id"])), new_id(), new_id(), "")
    for _ in range(2):
        page = await visit(running, "GET", link)
        assert page.status_code == 200
        assert "Furtados &lt;b&gt;hoje&lt;/b&gt;" in page.text
        assert '<form method="post"><button>' in page.text
        assert (await running.alerts(caller))[0]["state"] == "open", "whoever looks has not answered"
    for name, value in (("cache-control", "no-store"), ("referrer-policy", "no-referrer")):
        assert page.headers[name] == value
    assert "default-src 'none'" in page.headers["content-security-policy"]
    done = await visit(running, "POST", link)
    assert (done.status_code, "Ciência registrada" in done.text) == (200, True)
    [after] = await running.alerts(caller)
    assert (after["state"], after["acknowledged_by"]) == ("acknowledged", str(UUID(int=0)))
    for method in ("GET", "POST"):
        again = await visit(running, method, link)
        assert (again.status_code, "já foi usado" in again.text, "<form" in again.text) == (410, True, False)


async def test_a_link_that_was_not_made_here_is_told_so(running: Running) -> None:
    for method in ("GET", "POST"):
        page = await visit(running, method, "/api/v1/alerts/links/v1.k.QUJD")
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
