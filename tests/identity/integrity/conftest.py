"""The ledgers of `tests.identity.ledger`."""

from tests.identity.ledger.conftest import anchored_city, city, ledger_settings

__all__ = ["anchored_city", "city", "ledger_settings"]
