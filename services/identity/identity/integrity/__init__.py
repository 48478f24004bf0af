"""The integrity of the audit ledger: anchors that sign it, retention that signs what it drops, and the verification of all of it."""
