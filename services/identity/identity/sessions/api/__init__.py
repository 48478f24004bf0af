"""HTTP of sessions."""
