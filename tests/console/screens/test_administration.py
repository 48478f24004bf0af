"""A city is set up from its first login, by keyboard alone, in a real browser against the real identity."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect
from tests.console.browsing import Console, browsing, entered, sign_in
from tests.console.screens.fleet import Fleet, camera
from tests.console.screens.keyboard import press, tab_to, write
from tests.identity.running import EMAIL, Running

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

OWN = "telhado verde de zinco"


async def go(page: Page, screen: str) -> None:
    await press(page, page.get_by_role("navigation", name="Navegação").get_by_role("link", name=screen, exact=True))
    await expect(page.get_by_role("heading", level=1)).to_have_text(screen)


async def make_group(page: Page, name: str, first_camera: str) -> None:
    await go(page, "Grupos de câmeras")
    await press(page, page.get_by_role("button", name="Novo grupo"))
    await expect(page.get_by_role("dialog").get_by_label("Nome do grupo")).to_be_focused()
    await page.keyboard.type(name)
    await page.keyboard.press("Enter")
    await press(page, page.get_by_role("button", name="Escolher câmeras"))
    dialog = page.get_by_role("dialog")
    await press(page, dialog.get_by_role("checkbox", name=first_camera), "Space")
    await press(page, dialog.get_by_role("button", name="Salvar grupo com 1 câmera"))
    await expect(page.get_by_role("button", name=f"Tirar do grupo: {first_camera}")).to_be_visible()


async def make_person(page: Page, name: str, email: str, role: str, group: str | None = None) -> str:
    """Returns the first password, as it is shown."""
    await go(page, "Pessoas")
    await press(page, page.get_by_role("button", name="Nova pessoa"))
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Nome")).to_be_focused()
    await page.keyboard.type(name)
    await write(page, dialog.get_by_label("E-mail"), email)
    await tab_to(page, dialog.get_by_label("Papel"))
    await page.keyboard.type(role[:5])
    if group is not None:
        await tab_to(page, dialog.get_by_role("radio", name="Todas as câmeras"))
        await page.keyboard.press("ArrowDown")
        await press(page, dialog.get_by_role("checkbox", name=group), "Space")
    await press(page, dialog.get_by_role("button", name="Cadastrar pessoa"))
    password = await dialog.get_by_label("Primeira senha", exact=True).input_value()
    await expect(dialog.get_by_role("button", name="Copiar: Primeira senha")).to_be_focused()
    await page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has_text=email)
    await expect(row).to_contain_text(role)
    await expect(row).to_contain_text("senha provisória")
    return password


async def make_key(page: Page, name: str) -> str:
    """Returns the text of the key, as it is shown."""
    await go(page, "Chaves de acesso")
    await press(page, page.get_by_role("button", name="Nova chave"))
    dialog = page.get_by_role("dialog")
    await write(page, dialog.get_by_label("Nome"), name)
    await press(page, dialog.get_by_role("checkbox", name="buscar placas"), "Space")
    await press(page, dialog.get_by_role("button", name="Criar chave"))
    text = await dialog.get_by_label("Texto da chave", exact=True).input_value()
    await press(page, dialog.get_by_role("button", name="Já copiei"))
    return text


async def set_city(page: Page) -> None:
    await go(page, "Cidade")
    await write(page, page.get_by_label("Gravações de vídeo (dias)"), "30")
    await press(page, page.get_by_role("button", name="Salvar: Guarda de dados"))
    await expect(page.get_by_role("status").filter(has_text="Configurações salvas.")).to_be_visible()
    await write(page, page.get_by_label("Nova finalidade"), "Investigacao")
    await page.keyboard.press("Enter")
    await press(page, page.get_by_role("checkbox", name="Exigir uma finalidade"), "Space")
    await press(page, page.get_by_role("button", name="Salvar: Finalidades"))
    await expect(page.get_by_role("search").get_by_label("Finalidade")).to_be_visible()  # the header asks for one from now on


async def first_login(page: Page, email: str, password: str) -> None:
    await sign_in(page, email, password)
    await page.get_by_label("Senha atual").fill(password)
    await page.get_by_label("Nova senha", exact=True).fill(OWN)
    await page.get_by_label("Repita a nova senha").fill(OWN)
    await page.get_by_role("button", name="Trocar senha").click()
    await entered(page)


async def exchanged(running: Running, key: str) -> int:
    """Returns what a program hears that asks for a token with this key."""
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": key}
    return (await running.http.post("/api/v1/auth/token", data=grant)).status_code


async def test_a_city_is_set_up_by_keyboard_from_the_first_login(console: Console, browser: Browser, running: Running) -> None:
    fleet = Fleet(console.services, camera("Portão 1"), camera("Portão 2"))
    page = await console.as_user(EMAIL)
    await make_group(page, "Centro", "Portão 2")
    [group] = fleet.groups.values()
    assert fleet.members(group.id) == ["Portão 2"]
    password = await make_person(page, "Vera", "vera@cidade.example", "Visualizador", "Centro")
    await make_person(page, "Otávio", "otavio@cidade.example", "Operador")
    key = await make_key(page, "Polícia Militar")
    await set_city(page)

    admin = await running.as_admin()
    users = (await running.http.get("/api/v1/users", headers=admin)).json()["items"]
    assert {each["email"]: each["camera_groups"] for each in users} == {
        EMAIL: None,
        "vera@cidade.example": [str(group.id)],
        "otavio@cidade.example": None,
    }
    city = (await running.http.get("/api/v1/users/me", headers=admin)).json()["tenant_id"]
    settings = (await running.http.get(f"/api/v1/tenants/{city}/settings", headers=admin)).json()
    assert settings["retention"]["video_days"] == 30
    assert settings["purposes"] == {"codes": ["investigacao"], "required": True}
    assert await exchanged(running, key) == 200

    async with browsing(console.address, browser, running) as other:
        Fleet(other.services, camera("Portão 2", groups=[group.id]))
        vera = await other.tab()
        await first_login(vera, "vera@cidade.example", password)
        links = vera.get_by_role("navigation", name="Navegação").get_by_role("link")
        await expect(links).to_have_text(["Painel", "Mural", "Alertas", "Câmeras"])

        await go(page, "Pessoas")
        await press(page, page.get_by_role("link", name="Vera"))
        await press(page, page.get_by_role("button", name="Desativar"))
        await press(page, page.get_by_role("dialog").get_by_role("button", name="Desativar"))
        await expect(page.get_by_role("button", name="Ativar de novo")).to_be_visible()
        await vera.reload()
        await expect(vera.get_by_label("E-mail")).to_be_visible()

    await go(page, "Chaves de acesso")
    await press(page, page.get_by_role("button", name="Revogar a chave Polícia Militar"))
    await press(page, page.get_by_role("dialog").get_by_role("button", name="Revogar"))
    await expect(page.get_by_role("row").filter(has_text="Polícia Militar")).to_contain_text("revogada")
    assert await exchanged(running, key) == 401
