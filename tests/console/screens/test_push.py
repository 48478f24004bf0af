"""Tests of alerts on a device: the switch, the subscription that the API gets, and what the service worker shows of a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

ENDPOINT = "https://push.example/device"
SUBSCRIBED = """
  let known = null;
  const endpoint = "https://push.example/device";
  const made = { endpoint, toJSON: () => ({ endpoint, keys: { p256dh: "p", auth: "a" } }) };
  made.unsubscribe = async () => { known = null; };
  Notification.requestPermission = async () => "granted";
  PushManager.prototype.subscribe = async function (options) {
    window.pushKey = options.applicationServerKey.length;
    return (known = made);
  };
  PushManager.prototype.getSubscription = async () => known;
"""
"""JavaScript: a browser that reaches a push service, which the tests' has none of."""
WORKER = Path(__file__).parents[3] / "console/sw.js"
PUSHED = """() => {
  const heard = {}, shown = [];
  const showNotification = async (title, { body, tag, data, requireInteraction }) => {
    shown.push([title, body, tag, data, requireInteraction]);
  };
  const self = { addEventListener: (name, act) => (heard[name] = act), registration: { showNotification } };
  %s
  const data = { title: "Placa ABC1D23", body: "Portão 2", alert_id: "7", severity: "critical", url: "https://cidade.example/alertas/7" };
  heard.push({ data: { json: () => data }, waitUntil: () => {} });
  return { shown, listens: Object.keys(heard) };
}"""
"""JavaScript: runs the service worker's file on a message; the browser of the tests has no notifications of its own."""


async def test_the_worker_shows_what_comes(console: Console) -> None:
    page = await console.as_role("operator", "/conta")
    found = await page.evaluate(PUSHED % WORKER.read_text())
    assert found["shown"] == [["Placa ABC1D23", "Portão 2", "7", "https://cidade.example/alertas/7", True]]
    assert found["listens"] == ["push", "notificationclick"]


async def test_a_device_is_told_once_it_is_switched_on(console: Console) -> None:
    console.services.answer("GET", "/channels/push-key", {"public_key": "B" * 87})
    console.services.answer("POST", "/channels/push-subscriptions", None)
    console.services.answer("DELETE", "/channels/push-subscriptions", None)
    await console.context.add_init_script(SUBSCRIBED)
    await console.context.grant_permissions(["notifications"], origin=console.address)
    page = await console.as_role("operator", "/conta")
    switch = page.get_by_label("Avisos neste aparelho")
    await switch.click()
    await expect(switch).to_be_checked()
    await expect(page.locator(".toast", has_text="Este aparelho recebe avisos.")).to_be_visible()
    [asked] = console.services.to("POST", "/channels/push-subscriptions")
    assert asked.body == {"endpoint": ENDPOINT, "keys": {"p256dh": "p", "auth": "a"}}
    assert await page.evaluate("window.pushKey") == 65

    await switch.click()
    await expect(page.locator(".toast", has_text="não recebe mais avisos")).to_be_visible()
    assert console.services.to("DELETE", "/channels/push-subscriptions")[0].value("endpoint") == ENDPOINT


async def test_a_browser_that_refuses_says_so(console: Console) -> None:
    await console.context.add_init_script("Notification.requestPermission = async () => 'denied'")
    page = await console.as_role("operator", "/conta")
    await page.get_by_label("Avisos neste aparelho").click()
    await expect(page.get_by_text("O navegador não deixa: permita notificações deste endereço")).to_be_visible()
    await expect(page.get_by_label("Avisos neste aparelho")).not_to_be_checked()
