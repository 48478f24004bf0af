"""Tests of the screens of people and of groups of cameras, in a real browser against the real identity."""

from __future__ import annotations

import pyotp
import pytest
from playwright.async_api import Browser, Page, Route, expect
from pydantic_core import to_jsonable_python
from tests.console.browsing import Console, browsing, sign_in, signed_out
from tests.console.screens.fleet import Fleet, camera
from tests.console.standins import Asked, Reply, problem
from tests.identity.people.asking import send
from tests.identity.running import EMAIL, PASSWORD, Running

from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import SystemClock
from identity.people.api import UserOut

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def person_id(running: Running, email: str) -> str:
    found = await running.http.get("/api/v1/users", params={"q": email}, headers=await running.as_admin())
    [person] = found.json()["items"]
    return str(person["id"])


async def agree(page: Page, action: str) -> None:
    await page.get_by_role("dialog").get_by_role("button", name=action).click()


# --- the list ----------------------------------------------------------------------------------------------------------


def known(number: int) -> UserOut:
    rights = {"role": Role.OPERATOR, "camera_groups": None, "disabled": False, "must_change_password": False, "second_factor": False}
    ids = {"id": new_id(), "tenant_id": new_id(), "created_at": SystemClock().now(), "last_login_at": None}
    return UserOut.model_validate({"email": f"pessoa{number}@cidade.example", "name": f"Pessoa {number}", **rights, **ids})


async def test_a_long_list_of_people_is_not_cut_silently(console: Console) -> None:
    people = [known(number) for number in range(150)]

    async def answer(route: Route) -> None:
        start = int(route.request.url.partition("cursor=")[2] or 0)
        page = {"items": people[start : start + 100], "next": "100" if start == 0 else None}
        await route.fulfill(json=to_jsonable_python(page))

    page = await console.as_user(EMAIL)
    await page.route("**/api/v1/users?*", answer)
    await page.goto(f"{console.address}/pessoas")
    await expect(page.get_by_text("100 carregados; há mais")).to_be_visible()
    await page.get_by_role("button", name="Carregar mais").click()
    await expect(page.get_by_text("150 itens")).to_be_visible()
    await expect(page.get_by_role("link", name="Pessoa 149")).to_be_attached()


async def test_filters_are_in_the_address_and_survive_a_reload(console: Console) -> None:
    name = f"Zuleica {new_id()}"
    await console.user("auditor", name=name)
    page = await console.as_user(EMAIL, "/pessoas")
    await expect(page.get_by_role("cell", name=EMAIL)).to_be_visible()
    await page.get_by_role("searchbox", name="Buscar por nome ou e-mail").fill(name)
    await page.get_by_label("Papel").select_option("Auditor")
    await page.wait_for_url("**q=Zuleica*")
    await expect(page.get_by_role("row")).to_have_count(2)  # with that of the titles
    await page.reload()
    await expect(page.get_by_role("link", name=name)).to_be_visible()
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_label("Situação").select_option("desativada")
    await expect(page.get_by_text("Nenhuma pessoa encontrada com estes filtros.")).to_be_visible()
    await page.get_by_role("button", name="Limpar filtros").click()
    await expect(page.get_by_role("cell", name=EMAIL)).to_be_visible()


async def test_a_taken_address_is_said_in_words_and_nothing_typed_is_lost(console: Console) -> None:
    email = await console.user()
    page = await console.as_user(EMAIL, "/pessoas")
    await page.get_by_role("button", name="Nova pessoa").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nome").fill("Outra Ana")
    await dialog.get_by_label("E-mail").fill(email)
    await dialog.get_by_role("button", name="Cadastrar pessoa").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Já existe uma pessoa com este e-mail.")
    await expect(dialog.get_by_label("Nome")).to_have_value("Outra Ana")
    await dialog.get_by_label("E-mail").fill(f"{new_id()}@cidade.example")
    await dialog.get_by_role("button", name="Cadastrar pessoa").click()
    await expect(dialog.get_by_role("heading", name="Pessoa cadastrada")).to_be_visible()


async def test_who_may_only_read_people_has_no_buttons(console: Console, running: Running) -> None:
    other = await person_id(running, await console.user())
    page = await console.as_role("auditor", "/pessoas")
    await expect(page.get_by_role("cell", name=EMAIL)).to_be_visible()
    await expect(page.get_by_role("button", name="Nova pessoa")).to_have_count(0)
    await page.goto(f"{console.address}/pessoas/{other}")
    await expect(page.get_by_text("Você pode ver as pessoas, mas não editá-las.")).to_be_visible()
    await expect(page.locator("#content").get_by_role("button")).to_have_count(0)


# --- one person --------------------------------------------------------------------------------------------------------


async def test_ones_own_account_says_why_its_rights_stay(console: Console, running: Running) -> None:
    email = await console.user("admin", name="Bia")
    page = await console.as_user(email, f"/pessoas/{await person_id(running, email)}")
    content = page.locator("#content")
    await expect(content).to_contain_text("Esta é a sua conta.")
    for gone in ("Desativar", "Gerar nova senha"):
        await expect(content.get_by_role("button", name=gone)).to_have_count(0)
    await expect(content.get_by_label("Papel", exact=True)).to_have_count(0)
    await content.get_by_label("Nome", exact=True).fill("Bia Souza")
    await content.get_by_role("button", name="Salvar: Papel e câmeras").click()
    await expect(page.get_by_role("banner").get_by_role("link", name="Bia Souza")).to_be_visible()


async def test_a_new_password_is_shown_once_and_ends_the_sessions(console: Console, browser: Browser, running: Running) -> None:
    email = await console.user(name="Caio")
    async with browsing(console.address, browser, running) as other:
        caio = await other.as_user(email)
        page = await console.as_user(EMAIL, f"/pessoas/{await person_id(running, email)}")
        sessions = page.get_by_role("region", name="Sessões abertas")
        await expect(sessions.get_by_role("button", name="Encerrar a sessão")).to_have_count(1)
        await page.get_by_role("button", name="Gerar nova senha").click()
        await agree(page, "Gerar nova senha")
        password = await page.get_by_role("dialog").get_by_label("Nova senha", exact=True).input_value()
        await page.keyboard.press("Escape")
        assert password not in await page.content()
        await caio.reload()
        await signed_out(caio)
        await sign_in(caio, email, password)
        await expect(caio.get_by_role("heading", name="Troque sua senha")).to_be_visible()


async def test_a_session_of_another_person_is_ended(console: Console, browser: Browser, running: Running) -> None:
    email = await console.user()
    async with browsing(console.address, browser, running) as other:
        theirs = await other.as_user(email)
        page = await console.as_user(EMAIL, f"/pessoas/{await person_id(running, email)}")
        await page.get_by_role("button", name="Encerrar a sessão: Chrome no Linux").click()
        await agree(page, "Encerrar")
        await expect(page.get_by_text("Nenhuma sessão aberta.")).to_be_visible()
        await theirs.reload()
        await signed_out(theirs)


async def test_an_administrator_of_the_city_cannot_change_one_of_the_platform(console: Console, running: Running) -> None:
    email = await console.user("admin")
    page = await console.as_user(email, f"/pessoas/{await person_id(running, EMAIL)}")
    await expect(page.get_by_text("Esta pessoa pode mais do que você")).to_be_visible()
    await expect(page.get_by_role("button", name="Desativar")).to_have_count(0)


async def test_another_role_ends_the_sessions_once_it_is_agreed_to(console: Console, running: Running) -> None:
    email = await console.user("viewer")
    page = await console.as_user(EMAIL, f"/pessoas/{await person_id(running, email)}")
    await page.get_by_label("Papel", exact=True).select_option("Operador")
    await page.get_by_role("button", name="Salvar: Papel e câmeras").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancelar").click()
    assert (await running.login(email, PASSWORD))["user"]["role"] == "viewer"
    await page.get_by_role("button", name="Salvar: Papel e câmeras").click()
    await agree(page, "Alterar e encerrar as sessões")
    await expect(page.get_by_text("Alterações salvas.")).to_be_visible()
    assert (await running.login(email, PASSWORD))["user"]["role"] == "operator"


async def test_a_second_factor_that_was_lost_is_removed(console: Console, running: Running) -> None:
    email = await console.user(name="Davi")
    token = (await running.login(email))["access_token"]
    secret = (await send(running, "POST", "/auth/second-factor", token, json={"password": PASSWORD})).json()["secret"]
    code = pyotp.TOTP(secret).at(SystemClock().now())
    assert (await send(running, "POST", "/auth/second-factor/confirm", token, json={"code": code})).status_code == 200
    page = await console.as_user(EMAIL, f"/pessoas/{await person_id(running, email)}")
    factor = page.get_by_role("region", name="Dados").locator("dl > div").filter(has_text="Duas etapas")
    await expect(factor).to_have_text("Duas etapasativada")
    await page.get_by_role("button", name="Remover a verificação em duas etapas").click()
    await agree(page, "Remover a verificação em duas etapas")
    await expect(page.get_by_text("Verificação em duas etapas removida.")).to_be_visible()
    await expect(factor).to_have_text("Duas etapasdesativada")
    await expect(page.get_by_role("button", name="Remover a verificação em duas etapas")).to_have_count(0)
    assert (await running.login(email))["user"]["name"] == "Davi"


# --- groups of cameras -------------------------------------------------------------------------------------------------


async def test_a_group_takes_cameras_that_changed_meanwhile_and_tells_of_one_that_failed(console: Console) -> None:
    first, second, third = camera("Praça 1"), camera("Praça 2"), camera("Praça 3")
    fleet = Fleet(console.services, first, second, third)
    group = fleet.group("Centro")
    page = await console.as_user(EMAIL, f"/grupos?grupo={group.id}")
    await page.get_by_role("button", name="Escolher câmeras").click()
    fleet.touch(second.id)
    console.services.answer("PATCH", f"/cameras/{third.id}", problem(403, "forbidden"))
    for each in (first, second, third):
        await page.get_by_role("checkbox", name=each.name).check()
    await page.get_by_role("button", name="Salvar grupo com 3 câmeras").click()
    await expect(
        page.get_by_text("1 câmera não pôde ser alterada: Sua conta não pode fazer isto. Fale com o administrador.")
    ).to_be_visible()
    assert fleet.members(group.id) == ["Praça 1", "Praça 2"]
    await page.get_by_role("button", name="Tirar do grupo: Praça 1").click()
    await expect(page.get_by_text("Praça 1 saiu do grupo.")).to_be_visible()
    assert fleet.members(group.id) == ["Praça 2"]


async def test_a_change_of_a_group_waits_as_the_edge_asks_and_goes_on_when_its_screen_is_left(console: Console) -> None:
    fleet = Fleet(console.services, *(camera(f"Praça {number}") for number in range(1, 4)))
    group = fleet.group("Centro")
    page = await console.as_user(EMAIL, f"/grupos?grupo={group.id}")
    await page.clock.install()
    await page.get_by_role("button", name="Escolher câmeras").click()
    for each in fleet.cameras.values():
        await page.get_by_role("checkbox", name=each.name).check()

    def busy(asked: Asked) -> Reply:
        return problem(429, "rate_limited") if len(console.services.to("PATCH", "/cameras/*")) == 2 else fleet.change(asked)

    console.services.answer("PATCH", "/cameras/*", busy)
    await page.get_by_role("button", name="Salvar grupo com 3 câmeras").click()
    await expect(page.get_by_text("O servidor pediu uma pausa; o envio continua sozinho.")).to_be_visible()
    assert len(fleet.members(group.id)) == 1
    await page.get_by_role("link", name="Câmeras", exact=True).click()
    await page.clock.fast_forward(10_000)
    await expect(page.get_by_text("3 câmeras alteradas.")).to_be_visible()
    assert len(fleet.members(group.id)) == 3


async def test_a_group_with_a_taken_name_is_refused_in_words_and_one_is_removed(console: Console) -> None:
    fleet = Fleet(console.services, camera("Praça 1"))
    fleet.group("Centro")
    page = await console.as_user(EMAIL, "/grupos")
    await page.get_by_role("button", name="Novo grupo").click()
    await page.get_by_label("Nome do grupo").fill("Centro")
    await page.get_by_role("button", name="Criar grupo").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("Já existe outro com este nome.")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Remover o grupo Centro").click()
    await agree(page, "Remover")
    await expect(page.get_by_text("A cidade ainda não tem grupos de câmeras.")).to_be_visible()
    assert fleet.groups == {}


async def test_a_group_of_a_thousand_cameras_is_scrolled_to_its_end(console: Console) -> None:
    group_id = new_id()
    fleet = Fleet(console.services, *(camera(f"Câmera {number:04}", groups=[group_id]) for number in range(1_000)))
    fleet.groups[group_id] = fleet.group("Tudo").model_copy(update={"id": group_id})
    page = await console.as_user(EMAIL, f"/grupos?grupo={group_id}")
    open_group = page.get_by_role("region", name="Câmeras do grupo Tudo")
    await expect(open_group).to_contain_text("1.000 câmeras")
    await open_group.locator(".virtual").evaluate("(list) => list.scrollTo(0, list.scrollHeight)")
    await expect(open_group.get_by_role("link", name="Câmera 0999")).to_be_visible()
    assert await open_group.get_by_role("listitem").count() < 100
