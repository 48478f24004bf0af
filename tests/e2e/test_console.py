"""A city set up and run through the console alone: by keyboard, from the first sign-in to a verified audit, in the real stack.

Everybody has a browser of their own. The tests share one city, which no other module sees, and run in this order. Another one is set up
on the screen of a phone.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, async_playwright, expect
from tests.e2e.desk import MONITOR, PATIENCE_MS, PHONE, Desk
from tests.e2e.stack import DemoCamera, Stack, until
from tests.fixtures import needs

from gtvision.ids import new_id

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.media, pytest.mark.db, pytest.mark.broker]

OWN = "quatro-vagoes-lilas-77"
"""The password that everybody chooses at their first sign-in."""
GROUP = "Centro"
OPERATION = ["Painel", "Mural", "Gravações", "Alertas", "Placas", "Câmeras", "Listas de placas", "Regras"]
NOTICES = ["Canais", "Escalonamento", "Envios", "Manutenção"]
ADMINISTRATION = ["Grupos de câmeras", "Pessoas", "Chaves de acesso", "Cidade", "Armazenamento", "Auditoria"]


@dataclass
class Room:
    """The city's people at their desks."""

    stack: Stack
    camera: DemoCamera
    browser: Browser
    size: dict[str, int] = field(default_factory=lambda: MONITOR)
    scheme: str = "dark"
    name: str = field(default_factory=lambda: str(new_id())[-8:])
    """Tells this city from those of other runs in the same stack."""
    desks: dict[str, Desk] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    """First passwords by e-mail, as the console showed them."""

    @property
    def city(self) -> str:
        return f"Prefeitura de Vila {self.name}"

    def email(self, who: str) -> str:
        return f"{who}.{self.name}@vila.example"

    async def sit(self, who: str) -> Desk:
        """Opens a browser for somebody."""
        self.desks[who] = await Desk.at(self.browser, self.stack.address, self.size, self.scheme)
        return self.desks[who]

    async def sit_in(self, who: str) -> Desk:
        """Opens a browser for somebody, who signs in for the first time."""
        desk = await self.sit(who)
        await desk.sign_in_first(self.email(who), self.passwords[who], OWN)
        return desk

    async def make_person(self, desk: Desk, who: str, role: str, *, only: str = "") -> None:
        """Makes a person on the screen that is open, limited to the group `only` where one is given."""
        await desk.write("Nome", who.capitalize(), desk.dialog)
        await desk.write("E-mail", self.email(who), desk.dialog)
        await desk.choose("Papel", role, desk.dialog)
        if only:
            await desk.reach(desk.dialog.get_by_label("Todas as câmeras"))
            await desk.page.keyboard.press("ArrowDown")
            await desk.tick(only, desk.dialog)
        await desk.press("Cadastrar pessoa")
        self.passwords[who] = await desk.read("Primeira senha")

    def check(self) -> None:
        """Nobody was refused anything, and no page has thrown."""
        assert {who: desk.refused for who, desk in self.desks.items() if desk.refused} == {}
        assert {who: desk.complaints for who, desk in self.desks.items() if desk.complaints} == {}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(stack: Stack, camera: DemoCamera) -> AsyncIterator[Room]:
    program = needs.program("chromium")
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = await playwright.chromium.launch(executable_path=program, args=arguments, timeout=PATIENCE_MS)
        yield Room(stack, camera, browser)
        await browser.close()


async def the_platform_makes_a_city(room: Room) -> None:
    """With its first administrator."""
    desk = await room.sit("platform")
    await desk.sign_in(room.stack.email, room.stack.password)
    await desk.is_in()
    assert await desk.navigation() == [*OPERATION, *NOTICES, *ADMINISTRATION, "Cidades"]
    await desk.open("Pessoas")
    await desk.press("Nova pessoa")
    await room.make_person(desk, "instalador", "Administrador da plataforma")
    await desk.press("Pronto")
    await desk.sign_out()

    await desk.sign_in_first(room.email("instalador"), room.passwords["instalador"], OWN)
    await desk.open("Cidades")
    await desk.press("Nova cidade")
    await desk.write("Nome da cidade", room.city, desk.dialog)
    await desk.write("Nome do primeiro administrador", "Prefeita", desk.dialog)
    await desk.write("E-mail do primeiro administrador", room.email("prefeita"), desk.dialog)
    await desk.press("Cadastrar cidade")
    room.passwords["prefeita"] = await desk.read("Senha do primeiro administrador")
    await desk.press("Pronto")
    await desk.write("Buscar cidade", room.name)
    await expect(desk.page.locator("tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
    await desk.sees(desk.page.get_by_role("row", name=room.city))
    await desk.sign_out()
    room.check()


async def an_empty_city_leads_to_its_first_camera(room: Room) -> None:
    desk = await room.sit_in("prefeita")
    await desk.sees(room.city)
    assert await desk.navigation() == [*OPERATION, *NOTICES, *ADMINISTRATION]
    await desk.press("Adicionar câmera", "link")
    await desk.write("Nome", room.camera.title, desk.dialog)
    await desk.write("Endereço RTSP", room.camera.url, desk.dialog)
    await desk.page.keyboard.press("Enter")
    await desk.press(room.camera.title, "link")
    await desk.sees(desk.page.locator(".tile[data-status=playing]"))
    assert room.camera.url not in await desk.page.content(), "the camera's password is shown"
    room.check()


async def the_administrator_makes_groups_lists_people_and_keys(room: Room) -> None:
    desk = room.desks["prefeita"]
    await desk.open("Grupos de câmeras")
    await desk.press("Novo grupo")
    await desk.write("Nome do grupo", GROUP, desk.dialog)
    await desk.page.keyboard.press("Enter")
    await desk.press("Escolher câmeras")
    await desk.reach(desk.dialog.get_by_role("checkbox", name=room.camera.title))
    await desk.page.keyboard.press("Space")
    await desk.press("Salvar grupo com 1 câmera")
    await desk.sees(desk.page.get_by_role("button", name=f"Tirar do grupo: {room.camera.title}"))

    await desk.open("Listas de placas")
    await desk.press("Nova lista")
    await desk.write("Nome", "Veículos furtados", desk.dialog)
    await desk.press("Criar lista")
    await desk.press("Veículos furtados", "link")
    watched, *others = room.camera.plates
    await desk.press("Adicionar placa")
    await desk.write("Placa", watched, desk.dialog)
    await desk.write("Motivo", "furto, BO 1234", desk.dialog)
    await desk.page.keyboard.press("Enter")
    await desk.sees_no(desk.dialog)
    await desk.press("Colar várias")  # a camera may misread one plate, and not all of them
    await desk.reach(desk.dialog.get_by_label("Uma placa por linha"))
    await desk.page.keyboard.insert_text("\n".join(f"{plate}; clonada" for plate in others))
    await desk.press(f"Adicionar {len(others)} placas")
    await desk.sees(f"{len(others)} placas adicionadas.")
    await desk.page.keyboard.press("Escape")
    await desk.sees(f"{len(room.camera.plates)} placas")

    await desk.open("Pessoas")
    await desk.press("Nova pessoa")
    await room.make_person(desk, "operadora", "Operador")
    await desk.press("Cadastrar outra pessoa")
    await room.make_person(desk, "visitante", "Visualizador", only=GROUP)
    await desk.press("Cadastrar outra pessoa")
    await room.make_person(desk, "auditora", "Auditor")
    await desk.press("Pronto")
    await expect(desk.page.get_by_role("row", name="Visitante")).to_contain_text(GROUP, timeout=PATIENCE_MS)

    await desk.open("Chaves de acesso")
    await desk.press("Nova chave")
    await desk.write("Nome", "Sistema da guarda", desk.dialog)
    await desk.tick("ver alertas", desk.dialog)
    await desk.press("Criar chave")
    assert await desk.read("Texto da chave")
    await desk.press("Já copiei")
    await desk.sees(desk.page.get_by_role("row", name="Sistema da guarda"))
    room.check()


async def the_city_requires_a_purpose_and_keeps_its_audit_for_two_years(room: Room) -> None:
    desk = room.desks["prefeita"]
    await desk.open("Cidade")
    await desk.write("Auditoria (dias)", "730")
    await desk.press("Salvar: Guarda de dados")
    await desk.sees("Configurações salvas.")
    await desk.write("Nova finalidade", "transito")
    await desk.page.keyboard.press("Enter")
    await desk.tick("Exigir uma finalidade")
    await desk.press("Salvar: Finalidades")
    await desk.sees(desk.page.locator(".plate-search").get_by_role("combobox", name="Finalidade"))  # the header asks at once
    await desk.page.reload()
    await expect(desk.page.get_by_label("Auditoria (dias)")).to_have_value("730", timeout=PATIENCE_MS)
    await expect(desk.page.get_by_label("Exigir uma finalidade")).to_be_checked(timeout=PATIENCE_MS)
    room.check()


SET_UP = (
    the_platform_makes_a_city,
    an_empty_city_leads_to_its_first_camera,
    the_administrator_makes_groups_lists_people_and_keys,
    the_city_requires_a_purpose_and_keeps_its_audit_for_two_years,
)


@pytest.mark.parametrize("step", SET_UP)
async def test_a_city_is_set_up(room: Room, step: Callable[[Room], Awaitable[None]]) -> None:
    await step(room)


async def test_the_operator_is_told_of_a_watched_plate_and_acknowledges_it(room: Room) -> None:
    desk = await room.sit_in("operadora")
    assert await desk.navigation() == [*OPERATION, *NOTICES, "Cidade", "Armazenamento"]
    await desk.open("Mural")
    await desk.sees(desk.page.locator(".tile[data-status=playing]"))
    banner = desk.page.locator("section.banner")
    await desk.sees(banner.get_by_role("button", name=re.compile("^Ciente: ")))
    await desk.press("Ver", "link", banner)
    shown = desk.page.get_by_role("article", name="Alerta escolhido")
    await desk.choose("Finalidade", "transito", desk.dialog)  # which the picture needs
    await desk.press("Continuar")
    await desk.sees(shown.get_by_role("img", name=re.compile("^Imagem em que a placa ")))
    await desk.press(re.compile(f"^Ciente: .*{re.escape(room.camera.title)}$"), within=shown)
    await desk.sees(shown.get_by_text("ciente desde"))

    plate = await shown.locator(".facts .plate").inner_text()
    await desk.press("Ver passagens desta placa", "link", shown)
    await desk.sees(desk.page.get_by_role("button", name=f"{plate}, {room.camera.title}"))
    room.check()


async def test_the_viewer_sees_the_camera_and_can_change_nothing(room: Room) -> None:
    desk = await room.sit_in("visitante")
    assert await desk.navigation() == ["Painel", "Mural", "Alertas", "Câmeras"]
    await desk.open("Alertas")
    await desk.page.get_by_label("Situação").select_option(label="Todos")
    await desk.sees(desk.page.locator(".alert-row[data-state=acknowledged]"))
    await desk.sees_no(desk.page.get_by_role("button", name=re.compile("^Ciente")))
    await desk.open("Câmeras")
    await desk.sees_no(desk.page.get_by_role("button", name="Adicionar câmera"))
    await desk.press(room.camera.title, "link")
    await desk.sees(desk.page.locator(".tile[data-status=playing]"))
    await desk.sees_no(desk.page.get_by_role("button", name="Editar"))
    for address in ("/pessoas", "/cidade", "/auditoria", "/placas"):
        await desk.page.goto(f"{room.stack.address}{address}")
        await desk.sees("Esta página não existe, ou não é para o seu papel.")
    room.check()


DONE = {
    "Cadastrou uma câmera": "prefeita",
    "Criou um grupo de câmeras": "prefeita",
    "Adicionou uma placa a uma lista": "prefeita",
    "Cadastrou uma pessoa": "prefeita",
    "Criou uma chave de acesso": "prefeita",
    "Alterou as configurações da cidade": "prefeita",
    "Viu uma câmera ao vivo": "operadora",
    "Viu a imagem de uma leitura": "operadora",
    "Deu ciente a um alerta": "operadora",
    "Buscou uma placa": "operadora",
}
"""What the auditor reads, and of whom."""


async def test_the_auditor_reads_in_words_what_was_done_and_verifies_it(room: Room) -> None:
    desk = await room.sit_in("auditora")
    administration = [each for each in ADMINISTRATION[1:] if each != "Armazenamento"]
    assert await desk.navigation() == ["Alertas", "Câmeras", "Regras", *NOTICES, *administration]
    await desk.open("Auditoria")
    for deed, who in DONE.items():
        await desk.page.get_by_label("Ação", exact=True).select_option(label=deed)
        await _recorded(desk, desk.page.get_by_role("row", name=deed).filter(has_text=re.compile(who, re.IGNORECASE)))
    await desk.press("Verificação", "link")
    await desk.press("Verificar agora")
    await desk.sees(desk.page.get_by_role("heading", name="Íntegra até o registro"))
    room.check()


async def _recorded(desk: Desk, row: Locator) -> None:
    """Waits until the entry is there: services hand theirs over a moment later, and the reader does not follow."""
    shown = desk.page.locator("#content").get_by_role("table").or_(desk.page.get_by_text("Nenhum registro com estes filtros."))

    async def is_there() -> bool:
        await desk.page.reload()
        await desk.sees(shown)
        return bool(await row.count())

    await until(is_there, f"the auditor reads {row}")


async def test_a_session_that_an_administrator_ends_stops_the_wall_and_says_why(room: Room) -> None:
    operator, desk = room.desks["operadora"], room.desks["prefeita"]
    await operator.open("Mural")
    await operator.sees(operator.page.locator(".tile[data-status=playing]"))
    await desk.open("Pessoas")
    await desk.press("Operadora", "link")
    await desk.press(re.compile("^Encerrar a sessão: "))
    await desk.press("Encerrar", within=desk.dialog)
    await operator.sees("Sua sessão foi encerrada por você em outro lugar, ou por um administrador.")
    await operator.sees_no(operator.page.locator("video, #content"))
    await operator.sign_in(room.email("operadora"), OWN)
    await operator.is_in()
    await operator.sees(operator.page.locator(".tile[data-status=playing]"))
    room.check()


@pytest.mark.fault
async def test_the_console_heals_after_its_services_were_killed(room: Room) -> None:
    """Without a reload: the wall plays, alerts come, and every screen answers again."""
    operator, desk = room.desks["operadora"], room.desks["prefeita"]
    await desk.open("Painel")
    for each in (operator, desk):
        await each.page.evaluate("window.untouched = true")
    killed = {name: await room.stack.kill(name) for name in ("identity", "ingest")}
    for name, pid in killed.items():
        await room.stack.is_back(name, pid)
    since = await _latest(desk)
    await expect(desk.page.get_by_label("Últimas placas lidas").locator("li small").first).not_to_have_text(since, timeout=PATIENCE_MS)
    await desk.open("Pessoas")
    await desk.sees(desk.page.get_by_role("row", name="Operadora"))
    await operator.is_in()
    await operator.sees(operator.page.locator(".tile[data-status=playing]"))
    for each in (operator, desk):
        assert await each.page.evaluate("window.untouched"), "the page was loaded again"
        assert not each.complaints


async def _latest(desk: Desk) -> str:
    return await desk.page.get_by_label("Últimas placas lidas").locator("li small").first.inner_text()


async def test_a_camera_that_is_removed_leaves_the_screens(room: Room) -> None:
    await remove_the_camera(room.desks["prefeita"], room.camera.title)
    await room.desks["operadora"].sees("Nenhuma câmera foi liberada para você.")


async def test_a_city_is_set_up_on_a_phone(room: Room) -> None:
    phone = Room(room.stack, room.camera, room.browser, PHONE, "light")
    for step in SET_UP:
        await step(phone)
    await remove_the_camera(phone.desks["prefeita"], phone.camera.title)


async def remove_the_camera(desk: Desk, title: str) -> None:
    """Leaves the machine to what follows, too."""
    await desk.open("Câmeras")
    await desk.press(title, "link")
    await desk.press("Remover", within=desk.page.locator(".screen > header"))
    await desk.press("Remover", within=desk.dialog)
    await desk.sees("Nenhuma câmera cadastrada.")
