"""Tests of the screens of the city's settings, of API keys and of the platform's cities, against the real identity."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, FilePayload, Page, expect
from tests.console.browsing import Console, browsing, sign_in, signed_out
from tests.identity.running import EMAIL, Running

from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Role, Scope
from identity.keys.domain import NEVER_FOR_A_KEY

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def settings_of(running: Running) -> tuple[str, dict[str, Any], str]:
    """Returns the address of the city's settings, what they are, and their tag."""
    admin = await running.as_admin()
    path = f"/api/v1/tenants/{(await running.http.get('/api/v1/users/me', headers=admin)).json()['tenant_id']}/settings"
    answer = await running.http.get(path, headers=admin)
    return path, answer.json(), answer.headers["etag"]


def picture(name: str, kind: str) -> FilePayload:
    encoded, data = cv2.imencode(".png", np.full((40, 120, 3), (120, 90, 10), np.uint8))
    assert encoded
    return {"name": name, "mimeType": kind, "buffer": data.tobytes()}


async def saved(page: Page, part: str) -> None:
    async with page.expect_response(lambda answer: answer.request.method == "PATCH") as answer:
        await page.get_by_role("button", name=f"Salvar: {part}").click()
    assert (await answer.value).status == 200


# --- the city's settings -----------------------------------------------------------------------------------------------


async def test_a_change_by_another_is_shown_in_words_and_not_undone(console: Console, running: Running) -> None:
    page = await console.as_user(EMAIL, "/cidade")
    days = page.get_by_label("Detecções (dias)")
    await days.fill("20")
    path, _, tag = await settings_of(running)
    other = await running.http.patch(path, json={"timezone": "America/Manaus"}, headers={**await running.as_admin(), "if-match": tag})
    assert other.status_code == 200, other.text
    save = page.get_by_role("button", name="Salvar: Guarda de dados")
    await save.click()
    await expect(page.get_by_role("alert")).to_contain_text("Outra pessoa alterou isto enquanto você editava.")
    await expect(page.get_by_label("Fuso horário")).to_have_value("America/Manaus")
    await expect(days).to_have_value("20")
    await save.click()
    await expect(page.get_by_text("Configurações salvas.")).to_be_visible()
    _, now, _ = await settings_of(running)
    assert (now["timezone"], now["retention"]["detections_days"]) == ("America/Manaus", 20)


async def test_settings_that_could_not_be_read_come_by_themselves(console: Console) -> None:
    page = await console.as_role("operator")
    await page.route("**/tenants/*/settings", lambda route: route.fulfill(status=502, body="<html>Bad Gateway</html>"), times=1)
    await page.goto(f"{console.address}/cidade")
    await expect(page.get_by_text("O servidor não respondeu. Tente de novo em instantes.")).to_be_visible()
    await expect(page.locator("#content").get_by_role("region", name="Guarda de dados")).to_be_visible()


async def test_who_may_only_read_the_settings_sees_them_without_a_button(console: Console) -> None:
    page = await console.as_role("operator", "/cidade")
    content = page.locator("#content")
    await expect(content.get_by_role("region", name="Guarda de dados")).to_contain_text("Auditoria1.826 dias")
    await expect(content).to_contain_text("Você pode ver as configurações, mas não alterá-las.")
    await expect(content.locator("button, input, select")).to_have_count(0)


async def test_a_city_sets_its_limits_and_its_clock(console: Console, running: Running) -> None:
    page = await console.as_role("admin", "/cidade")
    limits = page.get_by_role("region", name="Limites")
    await limits.get_by_label("Câmeras").fill("40")
    await limits.get_by_label("Pessoas ativas").fill("900")
    await saved(page, "Limites")
    await page.get_by_label("Fuso horário").select_option("Acre (UTC−5)")
    await saved(page, "Identidade")
    _, now, _ = await settings_of(running)
    assert (now["quotas"]["cameras"], now["quotas"]["users"], now["timezone"]) == (40, 900, "America/Rio_Branco")


async def test_the_logo_is_seen_before_it_is_sent_then_in_the_header_and_is_removed(console: Console) -> None:
    page = await console.as_user(EMAIL, "/cidade")
    field = page.get_by_label("Escolher imagem")
    await field.set_input_files({"name": "logo.gif", "mimeType": "image/gif", "buffer": io.BytesIO(b"GIF89a").getvalue()})
    await expect(page.get_by_text("Só imagens PNG ou JPEG podem ser usadas.")).to_be_visible()
    await expect(page.get_by_role("button", name="Enviar logotipo")).to_be_disabled()
    await field.set_input_files(picture("logo.png", "image/png"))
    await expect(page.get_by_role("img", name="Logotipo escolhido, ainda não enviado")).to_be_visible()
    await page.get_by_role("button", name="Enviar logotipo").click()
    await expect(page.get_by_role("img", name="Logotipo atual")).to_be_visible()
    await expect(page.get_by_role("banner").locator("a.city img")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("banner").locator("a.city img")).to_be_visible()
    await expect(page.get_by_role("img", name="Logotipo atual")).to_be_visible()  # it moves what is below
    await page.get_by_role("button", name="Remover logotipo").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remover", exact=True).click()
    await expect(page.get_by_text("A cidade ainda não tem logotipo.")).to_be_visible()
    await expect(page.get_by_role("banner").locator("a.city img")).to_have_count(0)
    await expect(page.get_by_role("img", name="Logotipo atual")).to_have_count(0)
    await expect(page.get_by_role("button", name="Remover logotipo")).to_have_count(0)


async def test_pictures_leave_the_city_only_after_a_second_yes(console: Console, running: Running) -> None:
    page = await console.as_user(EMAIL, "/cidade")
    await page.get_by_label("Permitir o envio de imagens para a nuvem").check()
    save = page.get_by_role("button", name="Salvar: Inteligência artificial na nuvem")
    await save.click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancelar").click()
    assert (await settings_of(running))[1]["ai_budget"]["allow_cloud"] is False
    await save.click()
    await page.get_by_role("dialog").get_by_role("button", name="Permitir").click()
    await expect(page.get_by_text("Configurações salvas.")).to_be_visible()
    assert (await settings_of(running))[1]["ai_budget"]["allow_cloud"] is True


# --- keys --------------------------------------------------------------------------------------------------------------


async def test_every_scope_has_words_and_all_that_a_key_may_have_can_be_given(console: Console, running: Running) -> None:
    page = await console.as_role("admin", "/chaves")
    await page.get_by_role("button", name="Nova chave").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nome", exact=True).fill("Tudo")
    boxes = dialog.get_by_role("group", name="O que pode fazer").get_by_role("checkbox")
    wanted = ROLE_SCOPES[Role.ADMIN] - NEVER_FOR_A_KEY
    await expect(boxes).to_have_count(len(wanted))
    for box in await boxes.all():
        await box.check()
    await dialog.get_by_role("button", name="Criar chave").click()
    await expect(dialog.get_by_role("heading", name="Chave criada")).to_be_visible()
    keys = (await running.http.get("/api/v1/api-keys", headers=await running.as_admin())).json()["items"]
    assert next(set(key["scopes"]) for key in keys if key["name"] == "Tudo") == wanted
    texts = "import(document.querySelector('script[type=module]').src.replace('shell/main.js', 'texts/pt-BR/keys.js'))"
    described = await page.evaluate(f"{texts}.then(({{ SCOPES }}) => SCOPES.flatMap(([, words]) => Object.keys(words)))")
    assert sorted(described) == sorted(Scope)


async def test_a_key_without_scopes_is_refused_in_words_and_who_may_only_read_makes_none(console: Console) -> None:
    page = await console.as_user(EMAIL, "/chaves")
    await page.get_by_role("button", name="Nova chave").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nome", exact=True).fill("Nada")
    await dialog.get_by_role("button", name="Criar chave").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Escolha ao menos uma coisa que a chave pode fazer.")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Sair").click()
    await signed_out(page)
    await sign_in(page, await console.user("auditor"))
    await page.get_by_role("link", name="Chaves de acesso").click()
    await expect(page.get_by_role("cell", name="Todas as câmeras").first).to_be_visible()
    await expect(page.locator("#content").get_by_role("button")).to_have_count(0)


# --- the platform's cities ---------------------------------------------------------------------------------------------


async def make_city(page: Page, name: str, email: str) -> str:
    """Returns the first administrator's password, as it is shown."""
    await page.get_by_role("button", name="Nova cidade").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nome da cidade").fill(name)
    await dialog.get_by_label("Nome do primeiro administrador").fill("Dona Rosa")
    await dialog.get_by_label("E-mail do primeiro administrador").fill(email)
    await dialog.get_by_role("button", name="Cadastrar cidade").click()
    password = await dialog.get_by_label("Senha do primeiro administrador", exact=True).input_value()
    await dialog.get_by_role("button", name="Pronto").click()
    return password


async def test_a_city_from_its_making_to_its_deletion(console: Console, browser: Browser, running: Running) -> None:
    name, email = f"Ouro Preto {new_id()}", f"{new_id()}@ouropreto.example"
    page = await console.as_user(EMAIL, "/cidades")
    password = await make_city(page, name, email)
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text("ativa")

    await page.get_by_role("button", name=f"Limites máximos de {name}").click()
    await page.get_by_role("dialog").get_by_label("Câmeras").fill("40")
    await page.get_by_role("dialog").get_by_role("button", name="Salvar").click()
    await expect(row).to_contain_text("Câmeras: 40")

    async with browsing(console.address, browser, running) as other:
        mayor = await other.tab()
        await sign_in(mayor, email, password)
        await expect(mayor.get_by_role("heading", name="Troque sua senha")).to_be_visible()
        assert (await running.login(email, password))["user"]["name"] == "Dona Rosa"
        await page.get_by_role("button", name=f"Suspender {name}").click()
        await page.get_by_role("dialog").get_by_role("button", name="Suspender").click()
        await expect(row).to_contain_text("suspensa")
        await mayor.reload()
        await signed_out(mayor)
        await sign_in(mayor, email, password)
        await expect(mayor.get_by_role("alert")).to_have_text(
            "O acesso desta cidade está suspenso. Fale com o administrador da plataforma."
        )

    await page.get_by_role("button", name=f"Apagar {name}").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Apagar", exact=True)).to_be_disabled()
    await dialog.get_by_label("Nome da cidade").fill(name)
    await dialog.get_by_role("button", name="Apagar", exact=True).click()
    await expect(row).to_contain_text("será apagada")
    await page.get_by_role("button", name=f"Reativar {name}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Reativar").click()
    await expect(page.get_by_role("button", name=f"Suspender {name}")).to_be_visible()
    await page.get_by_label("Situação").select_option("suspensa")
    await expect(page.get_by_text("Nenhuma cidade encontrada com estes filtros.")).to_be_visible()


async def test_a_city_gets_another_name_and_ones_own_is_not_suspended(console: Console) -> None:
    page = await console.as_user(EMAIL, "/cidades")
    name = f"Mariana {new_id()}"
    await make_city(page, name, f"{new_id()}@mariana.example")
    await page.get_by_role("button", name=f"Renomear {name}").click()
    await page.get_by_role("dialog").get_by_label("Nome da cidade").fill("Cidade")
    await page.get_by_role("dialog").get_by_role("button", name="Renomear", exact=True).click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("Já existe uma cidade com este nome.")
    await page.get_by_role("dialog").get_by_label("Nome da cidade").fill(f"Nova {name}")
    await page.get_by_role("dialog").get_by_role("button", name="Renomear", exact=True).click()
    await expect(page.get_by_role("row").filter(has_text=f"Nova {name}")).to_be_visible()
    own = page.get_by_role("row").filter(has_text="sua cidade")
    await expect(own.get_by_role("button", name="Renomear")).to_be_visible()
    await expect(own.get_by_role("button", name="Suspender")).to_have_count(0)
