"""The audit ledger of each tenant: entries, the chain that binds them, and the anchors that sign it."""
