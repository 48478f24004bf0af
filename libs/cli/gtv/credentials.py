"""Generated secrets, one per part, in one file that only its owner may read. Never in arguments, never in logs."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gtv.failures import GtvError
from servers import MIGRATOR, SUPERUSER, new_secret
from servers.files import read_json, write_json

SERVICE_ROLES = ("identity", "cameras", "streaming", "ingest", "ai_detect", "alerts")
"""Login roles of the database, one per service."""

_NAMES = ("redis_cache", "redis_state", "rabbitmq", "media_api", "media_reader", "edge_stats")


@dataclass(frozen=True)
class Credentials:
    """Every secret of one stack."""

    roles: Mapping[str, str]
    """PostgreSQL logins: superuser, migrator, services."""
    parts: Mapping[str, str]
    encryption_keys: str
    """`kid:base64` of 32 bytes."""
    audit_keys: str
    """`kid:base64` for the audit ledger. PostgreSQL never sees them, so keep a copy apart from the database's backups."""
    tool_key: str
    """API key of `gtv demo` and `gtv watch`."""

    def __repr__(self) -> str:
        return "Credentials(…)"


def load_or_make(path: Path) -> Credentials:
    """Returns the secrets of a data folder, and makes missing ones (a first start, a new part after an upgrade). Raises: GtvError."""
    known = read_json(path)
    if not known and path.exists():
        # new ones would lock us out of the database, and what the old keys sealed would be lost
        raise GtvError(f"{path} cannot be read. Call gtv as the user who started the stack, or put it back from a copy.")
    roles = {name: new_secret() for name in (SUPERUSER, MIGRATOR, *SERVICE_ROLES)} | known.get("roles", {})
    parts = {name: new_secret() for name in _NAMES} | known.get("parts", {})
    whole = {
        "roles": roles,
        "parts": parts,
        "encryption_keys": known.get("encryption_keys") or _first_key(),
        "audit_keys": known.get("audit_keys") or _first_key(),
        "tool_key": known.get("tool_key") or f"gtv_{secrets.token_urlsafe(32)}",
    }
    if whole != known:
        write_json(path, whole)
    return Credentials(roles, parts, whole["encryption_keys"], whole["audit_keys"], whole["tool_key"])


def _first_key() -> str:
    return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def first_password() -> str:
    """A password that a person can read aloud: four groups of five letters and digits, 100 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))
