"""Tests of what a list of plates and its files are beside plate and reason: who is told, where and when, import and export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import AWAY
from tests.console.screens.fleet import Fleet, camera
from tests.console.screens.listing import entry, watchlist
from tests.console.standins import Asked, Reply, paged, problem

from alerts.watchlists.api import EntryOut, WatchlistOut
from gtvision.ids import new_id
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

CSV = {"name": "placas.csv", "mimeType": "text/csv", "buffer": "placa;motivo\nABC1D23;São João\nXYZ;\n".encode("cp1252")}


def answers(console: Console, listed: WatchlistOut, *entries: EntryOut) -> None:
    console.services.answer("GET", "/watchlists", paged([listed]))
    console.services.answer("GET", "/watchlists/*", listed)
    console.services.answer("GET", "/watchlists/*/entries", paged(entries))
    console.services.answer("PATCH", "/watchlists/*", lambda asked: listed.model_copy(update=asked.body))


class Files:
    """Imports as the service runs them: seen once while each is under way, and at its end with one line that is wrong."""

    def __init__(self, console: Console, listed: WatchlistOut) -> None:
        self.listed = listed
        self.imports: dict[str, dict[str, Any]] = {}
        console.services.answer("POST", "/watchlists/*/import", self._start)
        console.services.answer("GET", "/watchlists/*/imports/*", self._look)

    def _start(self, asked: Asked) -> Reply:
        import_id, dry_run = str(new_id()), asked.value("dry_run") == "true"
        counts = {"lines": 2, "done": 1, "added": 0, "changed": 0, "unchanged": 0, "invalid": 0, "errors": []}
        more = {
            "created_at": isoformat(SystemClock().now()),
            "created_by": str(new_id()),
            "finished_at": None,
            "on_error": asked.value("on_error"),
        }
        self.imports[import_id] = {
            **(more | counts),
            "import_id": import_id,
            "watchlist_id": str(self.listed.watchlist_id),
            "dry_run": dry_run,
            "state": "checking" if dry_run else "writing",
        }
        return Reply(202, {"import_id": import_id})

    def _look(self, asked: Asked) -> dict[str, Any]:
        now = self.imports[asked.path.rsplit("/", 1)[1]]
        wrong = {"line": 3, "column": "plate", "code": "plate_invalid", "message": "This is no plate."}
        self.imports[now["import_id"]] = now | {"state": "finished", "done": 2, "added": 1, "invalid": 1, "errors": [wrong]}
        return now


async def test_a_list_says_who_is_told_and_why_it_is_kept_and_is_switched_off(console: Console) -> None:
    channel = str(new_id())
    console.services.answer("GET", "/channels", paged([{"channel_id": channel, "name": "Telegram da guarda", "enabled": True}]))
    answers(console, watchlist("Furtados", legal_basis="Convênio 12", description="Da delegacia"))
    page = await console.as_role("admin", "/listas")
    await page.get_by_role("button", name="Editar a lista Furtados").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Descrição")).to_have_value("Da delegacia")
    await dialog.get_by_label("só estes canais").check()
    await dialog.get_by_role("button", name="Salvar").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Escolha ao menos um canal")
    assert console.services.to("PATCH", "/watchlists/*") == []
    await dialog.get_by_label("Telegram da guarda").check()
    await dialog.get_by_label("Lista ligada").uncheck()
    await dialog.get_by_role("button", name="Salvar").click()
    await expect(dialog).to_have_count(0)
    (asked,) = console.services.to("PATCH", "/watchlists/*")
    assert (asked.body["enabled"], asked.body["channel_ids"], asked.body["legal_basis"]) == (False, [channel], "Convênio 12")


async def test_an_entry_is_limited_and_only_what_was_changed_is_sent(console: Console) -> None:
    gate, listed = camera("Portão 2"), watchlist("Furtados", entries=1)
    Fleet(console.services, gate).group("Centro")
    answers(console, listed, entry(listed, "ABC1D23", reason="furto"))
    console.services.answer("PATCH", "/watchlists/*/entries/*", entry(listed, "ABC1D23"))
    page = await console.as_role("admin", f"/listas/{listed.watchlist_id}")
    await page.get_by_role("button", name="Editar ABC1D23").click()
    dialog = page.get_by_role("dialog").first
    await dialog.get_by_label("Grafia").select_option("similar")
    await expect(dialog.get_by_text("marcado como “possível”")).to_be_visible()
    await dialog.get_by_text("Base legal, gravidade, lugares e horas").click()
    await dialog.get_by_label("Gravidade dos alertas desta placa").select_option("info")
    await dialog.get_by_role("button", name="Câmeras: Todas as câmeras").click()
    choice = page.get_by_role("dialog").last
    await choice.get_by_label("Buscar câmera").fill("portao")
    await choice.get_by_label("Buscar câmera").press("Enter")
    await choice.get_by_role("checkbox").check()
    await choice.get_by_role("button", name="1 câmera").click()
    await dialog.get_by_label("Só em certos dias e horas").check()
    await dialog.get_by_label("Das").fill("07:30")
    await dialog.get_by_label("Vigiar agora").uncheck()
    await dialog.get_by_role("button", name="Salvar").click()
    await expect(page.get_by_text("ABC1D23 alterada.")).to_be_visible()
    (asked,) = console.services.to("PATCH", "/watchlists/*/entries/*")
    assert asked.body == {
        "match": "similar",
        "priority": "info",
        "camera_ids": [str(gate.id)],
        "hours": {"days": [0, 1, 2, 3, 4, 5, 6], "from": "07:30", "to": "06:00"},
        "enabled": False,
    }


async def test_limits_and_a_switched_off_entry_are_in_words(console: Console) -> None:
    listed = watchlist("Furtados", enabled=False)
    hours = {"days": [0, 1, 2, 3, 4], "from": "22:00", "to": "06:00"}
    answers(
        console, listed, entry(listed, "ABC1D23", hours=hours, camera_ids=[new_id(), new_id()]), entry(listed, "QWE4567", enabled=False)
    )
    page = await console.as_role("operator", f"/listas/{listed.watchlist_id}")
    row = page.get_by_role("row")
    await expect(row.filter(has_text="ABC1D23")).to_contain_text("segunda a sexta, das 22:00 às 06:00 do dia seguinte")
    await expect(row.filter(has_text="ABC1D23")).to_contain_text("só em 2 câmeras")
    await expect(row.filter(has_text="QWE-4567")).to_contain_text("desligada")
    await expect(page.locator(".watchlist-about")).to_contain_text("desligada")


async def test_a_file_is_tried_before_it_is_imported(console: Console) -> None:
    listed = watchlist("Furtados")
    answers(console, listed)
    files = Files(console, listed)
    page = await console.as_role("admin", f"/listas/{listed.watchlist_id}")
    await page.get_by_role("button", name="Importar arquivo").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Arquivo CSV").set_input_files([CSV])
    await expect(dialog.get_by_role("status")).to_contain_text("1 a adicionar, 0 a atualizar, 0 já iguais, 1 com erro.")
    await expect(dialog.get_by_role("row").filter(has_text="placa")).to_contain_text("não é uma placa brasileira")
    assert [each.value("dry_run") for each in console.services.to("POST", "/watchlists/*/import")] == ["true"]
    console.services.answer("GET", "/watchlists/*/imports/*", AWAY)
    await dialog.get_by_role("button", name="Importar 1 placa e deixar as linhas com erro de fora").click()
    await expect(dialog.get_by_text("Enviando")).to_be_visible()
    console.services.answer("GET", "/watchlists/*/imports/*", files._look)
    await expect(dialog.get_by_role("status")).to_contain_text("Importação terminada: 1 adicionadas")
    sent = console.services.to("POST", "/watchlists/*/import")[-1]
    assert (sent.value("dry_run"), sent.value("on_error"), sent.headers["content-type"]) == ("false", "skip", "text/csv")
    console.services.answer("POST", "/watchlists/*/import", problem(422, "import_invalid"))
    await dialog.get_by_label("Arquivo CSV").set_input_files([CSV])
    await expect(dialog.get_by_text("O arquivo não pôde ser lido")).to_be_visible()


async def test_a_list_is_given_as_a_file(console: Console, tmp_path: Path) -> None:
    listed = watchlist("Furtados de São João")
    answers(console, listed)
    console.services.answer("GET", "/watchlists/*/export.csv", Reply(body=b"placa;motivo\r\n", headers={"content-type": "text/csv"}))
    page = await console.as_role("admin", f"/listas/{listed.watchlist_id}")
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Exportar").click()
    download = await downloading.value
    assert download.suggested_filename == "placas-Furtados-de-Sao-Joao.csv"
    await download.save_as(tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == b"placa;motivo\r\n"
