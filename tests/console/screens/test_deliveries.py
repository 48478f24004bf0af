"""Tests of the log of messages: filtered, with each attempt, sent again."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import BEGAN
from tests.console.screens.telling import Channels, channel, delivery
from tests.console.standins import paged

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def test_a_message_that_failed_shows_its_attempts_and_is_sent_again(console: Console) -> None:
    known = channel("Plantão")
    Channels(console.services, known)
    failed = delivery(known)
    tries = [{"at": BEGAN, "outcome": "later", "detail": "503 Service Unavailable", "took_ms": 1200}]
    console.services.answer("GET", "/deliveries", paged([failed]))
    console.services.answer("GET", f"/deliveries/{failed['delivery_id']}", {**failed, "tries": tries})
    console.services.answer("POST", "/deliveries/*/replay", {**failed, "state": "waiting", "next_try_at": BEGAN})
    page = await console.as_role("admin", "/envios")
    row = page.get_by_role("row", name="Portão 1 sem sinal")
    await expect(row).to_contain_text("falhou")
    await row.get_by_role("button", name="Tentativas").click()
    await expect(page.get_by_role("dialog").get_by_role("row", name="29/11/2026")).to_contain_text("1.200 ms")
    await page.keyboard.press("Escape")
    await row.get_by_role("button", name="Reenviar").click()
    await expect(row).to_contain_text("esperando")
    await expect(row.get_by_role("button", name="Reenviar")).to_have_count(0)


async def test_messages_of_one_channel_and_state_are_asked_for(console: Console) -> None:
    known = channel("Plantão")
    Channels(console.services, known)
    console.services.answer("GET", "/deliveries", lambda asked: paged([] if asked.value("state") else [delivery(known)])(asked))
    page = await console.as_role("operator", f"/envios?canal={known['channel_id']}")
    await expect(page.get_by_role("row", name="Portão 1 sem sinal")).to_be_visible()
    await expect(page.get_by_role("button", name="Reenviar")).to_have_count(0)
    await page.get_by_label("Situação").select_option("entregue")
    await expect(page.get_by_text("Nenhum envio com estes filtros.")).to_be_visible()
    asked = console.services.to("GET", "/deliveries")[-1]
    assert asked.query["channel_id"] == [str(known["channel_id"])]
    assert asked.query["state"] == ["delivered"]
