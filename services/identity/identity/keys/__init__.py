"""API keys of programs, and the keys that tokens are signed with."""
