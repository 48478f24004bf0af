"""Tests of alerts on a device: the switch, the subscription that the API gets, and what the service worker shows of a message."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect
from tests.chassis.waiting import until
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
SHOWN = """() => navigator.serviceWorker.ready
  .then((worker) => worker.getNotifications())
  .then((all) => all.map(({ title, body, tag }) => [title, body, tag]))"""


async def test_a_device_is_told_once_it_is_switched_on_and_the_worker_shows_what_comes(console: Console) -> None:
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

    devtools = await console.context.new_cdp_session(page)
    known: list[str] = []

    def learn(told: dict[str, list[dict[str, str]]]) -> None:
        known.extend(each["registrationId"] for each in told["registrations"])

    devtools.on("ServiceWorker.workerRegistrationUpdated", learn)
    await devtools.send("ServiceWorker.enable")
    await until(lambda: bool(known))
    message = {
        "title": "Placa ABC1D23",
        "body": "Portão 2",
        "alert_id": "7",
        "severity": "critical",
        "url": "https://cidade.example/alertas/7",
    }
    pushed = {"origin": console.address, "registrationId": known[0], "data": json.dumps(message)}
    await devtools.send("ServiceWorker.deliverPushMessage", pushed)
    shown: list[list[str]] = []

    async def is_shown() -> bool:
        shown[:] = await page.evaluate(SHOWN)
        return bool(shown)

    await until(is_shown)
    assert shown == [["Placa ABC1D23", "Portão 2", "7"]]
    await switch.click()
    await expect(page.locator(".toast", has_text="não recebe mais avisos")).to_be_visible()
    assert console.services.to("DELETE", "/channels/push-subscriptions")[0].value("endpoint") == ENDPOINT


async def test_a_browser_that_refuses_says_so(console: Console) -> None:
    await console.context.add_init_script("Notification.requestPermission = async () => 'denied'")
    page = await console.as_role("operator", "/conta")
    await page.get_by_label("Avisos neste aparelho").click()
    await expect(page.get_by_text("O navegador não deixa: permita notificações deste endereço")).to_be_visible()
    await expect(page.get_by_label("Avisos neste aparelho")).not_to_be_checked()
