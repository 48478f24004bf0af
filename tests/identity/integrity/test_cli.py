"""`gtv audit verify` and `gtv audit export`: what an operator reads, and the exit code."""

from __future__ import annotations

import pytest
from tests.identity.ledger.ledgers import City, command, tools

from gtvision.errors import NotFound
from identity.integrity import cli as audit

pytestmark = pytest.mark.db


@pytest.fixture
def city(anchored_city: City) -> City:
    """Twenty rows: twelve anchored, three anchored later, five since."""
    return anchored_city


class TestCommand:
    async def test_names_the_row(self, city: City) -> None:
        await city.tamper("UPDATE audit_entry SET address = 'x' WHERE tenant_id = $1 AND seq = 7")
        said = await command(city, "verify")
        assert f"WRONG  Cidade ({city.tenant_id})" in said
        assert "first wrong row: altered: row 7, 2026-03-04T05:06:19" in said

    async def test_says_what_only_the_mac_protects(self, city: City) -> None:
        said = await command(city, "verify")
        assert said.startswith("right  Cidade")
        assert "rows 1 to 20: 20 right" in said
        assert "last anchor: row 15" in said
        assert "rows 16 to 20 lie behind the last anchor: only the MAC protects them" in said

    async def test_copies_can_be_left_out(self, city: City) -> None:
        city.copy_file(12).unlink()
        assert "anchor: row 12, 2026-03-04T05:07:19.000000Z: there is no object" in await command(city, "verify")
        assert (await command(city, "verify", "--skip-copies")).startswith("right")

    async def test_the_exit_code_says_it(self, city: City, capsys: pytest.CaptureFixture[str]) -> None:
        only_this = ("verify", "--tenant", str(city.tenant_id))
        assert await audit.run(audit.parse(only_this), tools(city)) == 0
        await city.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq = 7")
        assert await audit.run(audit.parse(only_this), tools(city)) == 1
        assert "missing: row 7" in capsys.readouterr().out
        with pytest.raises(NotFound):
            await audit.run(audit.parse(("verify", "--tenant", "nowhere")), tools(city))

    async def test_a_city_that_only_object_storage_remembers_is_named(self, city: City, capsys: pytest.CaptureFixture[str]) -> None:
        """Somebody removed every row of it from the database: its name is nowhere, its anchors are."""
        for table in ("audit_entry", "audit_anchor", "audit_head"):
            await city.tamper(f"DELETE FROM {table} WHERE tenant_id = $1")
        assert await audit.run(audit.parse(("verify",)), tools(city)) == 1
        assert f"WRONG  tenant without a name ({city.tenant_id})" in capsys.readouterr().out

    async def test_exports(self, city: City, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        asked = ("export", "--tenant", str(city.tenant_id), "--from", "2026-03-01", "--to", "2026-04-01T00:00:00Z")
        assert await audit.run(audit.parse(asked), tools(city)) == 0
        assert capfdbinary.readouterr().out.count(b'"action":"plate.searched"') == 20

    @pytest.mark.parametrize("arguments", [(), ("export",), ("verify", "--from", "yesterday"), ("drop",)])
    def test_wrong_arguments_end_it(self, arguments: tuple[str, ...]) -> None:
        with pytest.raises(SystemExit):
            audit.parse(arguments)
