"""Tests of the channels: connected by a form that the API describes, tried, changed without their secrets, removed."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import BEGAN, City, is_live
from tests.console.screens.telling import Channels, channel

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def test_a_channel_is_connected_by_the_form_of_its_kind_and_tried(console: Console) -> None:
    Channels(console.services)
    page = await console.as_role("admin", "/canais")
    await page.get_by_role("button", name="Conectar canal").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Tipo de canal").select_option("Telegram")
    await dialog.get_by_label("Nome do canal").fill("Plantão")
    await dialog.get_by_label("Token do bot").fill("123456:ABC")
    await dialog.get_by_label("Chat").fill("@guarda")
    await dialog.get_by_label("Não avisar em certas horas").check()
    await dialog.get_by_role("button", name="Conectar", exact=True).click()
    await expect(dialog).to_have_count(0)
    row = page.get_by_role("row", name="Plantão")
    await expect(row).to_contain_text("ligado")
    [asked] = console.services.to("POST", "/channels")
    assert asked.body["settings"] == {"chat_id": "@guarda"}
    assert asked.body["quiet_hours"]["from"] == "22:00"
    await row.get_by_role("button", name="Testar").click()
    await expect(page.locator(".toast", has_text="a mensagem de teste chegou (0,4 s)")).to_be_visible()


async def test_a_secret_that_is_kept_stays_where_nothing_is_typed(console: Console) -> None:
    channels = Channels(console.services, channel("Plantão", trouble={"since": BEGAN, "detail": "401 Unauthorized"}))
    page = await console.as_role("admin", "/canais")
    await expect(page.get_by_role("row", name="Plantão")).to_contain_text("401 Unauthorized")
    await page.get_by_role("button", name="Editar: Plantão").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Token do bot")).to_have_value("")
    await expect(dialog.get_by_label("Token do bot")).to_have_attribute("placeholder", "guardado; digite para trocar")
    await dialog.get_by_label("Nome do canal").fill("Plantão da noite")
    await dialog.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_role("row", name="Plantão da noite")).to_be_visible()
    [asked] = console.services.to("PATCH", "/channels/*")
    assert "secrets" not in asked.body
    assert len(channels.channels) == 1


async def test_a_text_of_ones_own_is_seen_with_a_real_alert(console: Console) -> None:
    alert = City(console).raised()
    Channels(console.services, channel("Plantão"))
    page = await console.as_role("admin", "/canais")
    await is_live(page)
    await page.get_by_role("button", name="Editar: Plantão").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Usar um texto próprio").check()
    await dialog.get_by_label("Mensagem", exact=True).fill("Atenção: ")
    await dialog.get_by_role("button", name="camera", exact=True).click()
    await expect(dialog.get_by_label("Mensagem", exact=True)).to_have_value("Atenção: {{ camera }}")
    await dialog.get_by_label("Com qual alerta").select_option("Placa ABC1D23")
    await dialog.get_by_role("button", name="Ver como fica").click()
    await expect(dialog.locator(".channels-preview")).to_contain_text("roubado")
    [asked] = console.services.to("POST", "/channels/preview")
    assert asked.body["template"]["body"] == "Atenção: {{ camera }}"
    assert asked.body["alert_id"] == str(alert.alert_id)


async def test_a_webhooks_secret_is_shown_once_after_it_was_replaced(console: Console) -> None:
    Channels(console.services, channel("Central", kind="webhook", settings={"url": "https://a.example"}, secrets_set=[]))
    page = await console.as_role("admin", "/canais")
    await page.get_by_role("button", name="Editar: Central").click()
    await page.get_by_role("button", name="Trocar o segredo").click()
    await page.get_by_role("dialog", name="Trocar o segredo de Central?").get_by_role("button", name="Trocar o segredo").click()
    shown = page.get_by_role("dialog", name="Segredo da assinatura")
    await expect(shown.get_by_label("Segredo", exact=True)).to_have_value("whsec_bm92bw==")
    await shown.get_by_role("button", name="Já copiei").click()
    await expect(shown).to_have_count(0)


async def test_a_channel_in_trouble_is_told_to_an_administrator(console: Console) -> None:
    known = channel("Plantão", trouble={"since": BEGAN, "detail": "timeout"})
    Channels(console.services, known)
    page = await console.as_role("admin", "/canais")
    await is_live(page)
    console.live.say("system", {"kind": "channel", "channel_id": known["channel_id"], "trouble": True})
    await expect(page.locator(".toast", has_text="O canal de aviso Plantão está com falha. timeout")).to_be_visible()


async def test_an_operator_reads_the_channels_and_changes_none(console: Console) -> None:
    Channels(console.services, channel("Plantão"))
    page = await console.as_role("operator", "/canais")
    await expect(page.get_by_role("row", name="Plantão")).to_be_visible()
    await expect(page.get_by_role("button", name="Conectar canal")).to_have_count(0)
    await expect(page.get_by_role("button", name="Testar: Plantão")).to_have_count(0)
    assert "system" not in console.live.heard[0]["topics"]
