"""The audit ledger of each tenant: its entries, the chain that binds them, and what reads them."""
