"""HTTP in, split by noun; `app` includes each router."""
