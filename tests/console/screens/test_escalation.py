"""Tests of escalation: a policy with its steps, a group with its turns, and whose turn it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.screens.telling import Channels, channel, on_call
from tests.console.standins import paged

from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

DAY = timedelta(days=1)
CHANNEL = channel("Telegram do plantão")


def answer(console: Console, groups: list[dict[str, Any]], shifts: list[dict[str, Any]]) -> None:
    Channels(console.services, CHANNEL)
    for path, items in {"policies": [], "groups": groups, "on-call": shifts}.items():
        console.services.answer("GET", f"/escalation/{path}", paged(items))
    for path in ("policies", "groups"):
        console.services.answer("POST", f"/escalation/{path}", lambda asked: asked.body)


async def test_a_policy_tells_one_channel_at_once_and_a_group_later(console: Console) -> None:
    now = SystemClock().now()
    group = on_call(CHANNEL)
    turn = {
        "group_id": group["group_id"],
        "group_name": "Guarda",
        "member": "Ana",
        "from": now - timedelta(days=1),
        "to": now + timedelta(days=6),
    }
    answer(console, [group], [turn])
    page = await console.as_role("admin", "/escalonamento")
    await expect(page.get_by_role("region", name="Plantões").get_by_role("listitem")).to_contain_text("De plantão agora: Ana")
    await expect(page.get_by_role("row", name="Guarda")).to_contain_text("Ana")
    await page.get_by_role("button", name="Nova política").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nome").fill("Críticos")
    await dialog.get_by_role("group", name="Passo 1").get_by_label("Telegram do plantão").check()
    await dialog.get_by_role("button", name="Adicionar passo").click()
    second = dialog.get_by_role("group", name="Passo 2")
    await second.get_by_label("Minutos sem ciência").fill("10")
    await second.get_by_label("Guarda").check()
    await dialog.get_by_role("button", name="Criar").click()
    await expect(dialog).to_have_count(0)
    [asked] = console.services.to("POST", "/escalation/policies")
    first = {"after_min": 0, "channel_ids": [str(CHANNEL["channel_id"])], "group_ids": []}
    assert asked.body["steps"] == [first, {"after_min": 10, "channel_ids": [], "group_ids": [str(group["group_id"])]}]
    assert asked.body["repeat_h"] == 4


async def test_a_group_of_two_people_takes_turns(console: Console) -> None:
    answer(console, [], [])
    page = await console.as_role("admin", "/escalonamento")
    await page.get_by_role("button", name="Novo plantão").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Plantão", exact=True).fill("Guarda")
    await dialog.get_by_role("group", name="Pessoa 1").get_by_label("Nome").fill("Ana")
    await dialog.get_by_role("group", name="Pessoa 1").get_by_label("Endereço").fill("@ana")
    await dialog.get_by_role("button", name="Adicionar pessoa").click()
    await dialog.get_by_role("group", name="Pessoa 2").get_by_label("Nome").fill("Beto")
    await dialog.get_by_role("button", name="Criar").click()
    await expect(dialog).to_have_count(0)
    [asked] = console.services.to("POST", "/escalation/groups")
    assert [each["name"] for each in asked.body["members"]] == ["Ana", "Beto"]
    assert [each["reach"][0]["to"] for each in asked.body["members"]] == ["@ana", None]
    assert asked.body["rotation"]["days"] == 7


async def test_an_operator_reads_whose_turn_it_is_and_changes_nothing(console: Console) -> None:
    answer(console, [], [])
    page = await console.as_role("operator", "/escalonamento")
    await expect(page.get_by_text("Nenhuma política")).to_be_visible()
    await expect(page.get_by_role("button", name="Nova política")).to_have_count(0)
