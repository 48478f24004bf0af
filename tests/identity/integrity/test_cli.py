"""Tests of the output and the exit status of `gtv audit verify` and `gtv audit export`."""

from __future__ import annotations

import pytest
from tests.identity.ledger.ledgers import TenantLedger, command, tools

from gtvision.errors import NotFound
from identity.integrity import cli as audit

pytestmark = pytest.mark.db


@pytest.fixture
def tenant(anchored_tenant: TenantLedger) -> TenantLedger:
    """A ledger of twenty rows: twelve with an anchor, three with a later one, five without."""
    return anchored_tenant


class TestCommand:
    async def test_names_the_row(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_entry SET address = 'x' WHERE tenant_id = $1 AND seq = 7")
        said = await command(tenant, "verify")
        assert f"WRONG  Cidade ({tenant.tenant_id})" in said
        assert "first wrong row: altered: row 7, 2026-03-04T05:06:19" in said

    async def test_says_what_only_the_mac_protects(self, tenant: TenantLedger) -> None:
        said = await command(tenant, "verify")
        assert said.startswith("right  Cidade")
        assert "rows 1 to 20: 20 right" in said
        assert "last anchor: row 15" in said
        assert "rows 16 to 20 lie behind the last anchor: only the MAC protects them" in said

    async def test_copies_can_be_left_out(self, tenant: TenantLedger) -> None:
        tenant.copy_file(12).unlink()
        assert "anchor: row 12, 2026-03-04T05:07:19.000000Z: there is no object" in await command(tenant, "verify")
        assert (await command(tenant, "verify", "--skip-copies")).startswith("right")

    async def test_the_exit_code_says_it(self, tenant: TenantLedger, capsys: pytest.CaptureFixture[str]) -> None:
        only_this = ("verify", "--tenant", str(tenant.tenant_id))
        assert await audit.run(audit.parse(only_this), tools(tenant)) == 0
        await tenant.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq = 7")
        assert await audit.run(audit.parse(only_this), tools(tenant)) == 1
        assert "missing: row 7" in capsys.readouterr().out
        with pytest.raises(NotFound):
            await audit.run(audit.parse(("verify", "--tenant", "nowhere")), tools(tenant))

    async def test_a_tenant_in_object_storage_only_is_named(self, tenant: TenantLedger, capsys: pytest.CaptureFixture[str]) -> None:
        """A tenant whose rows were all removed from the database is known by the copies of its anchors only, and is named by its id."""
        for table in ("audit_entry", "audit_anchor", "audit_head"):
            await tenant.tamper(f"DELETE FROM {table} WHERE tenant_id = $1")
        assert await audit.run(audit.parse(("verify",)), tools(tenant)) == 1
        assert f"WRONG  tenant without a name ({tenant.tenant_id})" in capsys.readouterr().out

    async def test_exports(self, tenant: TenantLedger, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        asked = ("export", "--tenant", str(tenant.tenant_id), "--from", "2026-03-01", "--to", "2026-04-01T00:00:00Z")
        assert await audit.run(audit.parse(asked), tools(tenant)) == 0
        assert capfdbinary.readouterr().out.count(b'"action":"plate.searched"') == 20

    async def test_a_repair_says_what_it_put_on_record(self, tenant: TenantLedger, capsys: pytest.CaptureFixture[str]) -> None:
        assert await audit.run(audit.parse(("repair", "--tenant", str(tenant.tenant_id))), tools(tenant)) == 0
        assert f"({tenant.tenant_id}): 0 entries" in capsys.readouterr().out

    @pytest.mark.parametrize("arguments", [(), ("export",), ("verify", "--from", "yesterday"), ("drop",)])
    def test_wrong_arguments_end_it(self, arguments: tuple[str, ...]) -> None:
        with pytest.raises(SystemExit):
            audit.parse(arguments)
