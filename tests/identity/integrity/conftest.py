"""Fixtures: the ledgers of `tests.identity.ledger`."""

from tests.identity.ledger.conftest import anchored_tenant, ledger_settings, tenant

__all__ = ["anchored_tenant", "ledger_settings", "tenant"]
