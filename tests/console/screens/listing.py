"""A list of plates and an entry of it, as their service says them."""

from __future__ import annotations

from typing import Any

from alerts.watchlists.api import EntryOut, WatchlistOut
from alerts.watchlists.domain import Match
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.time import SystemClock


def watchlist(name: str, **more: Any) -> WatchlistOut:
    """A list that is switched on and holds no plate."""
    known: dict[str, Any] = {
        "watchlist_id": new_id(),
        "name": name,
        "severity": Severity.WARNING,
        "enabled": True,
        "channel_ids": None,
        "legal_basis": "",
        "description": "",
        "created_at": SystemClock().now(),
        "entries": 0,
    }
    return WatchlistOut(**known | more)


def entry(of: WatchlistOut, plate: str, **more: Any) -> EntryOut:
    """A plate that is looked for always and everywhere."""
    known: dict[str, Any] = {
        "entry_id": new_id(),
        "watchlist_id": of.watchlist_id,
        "plate": plate,
        "match": Match.ERA,
        "reason": "",
        "valid_until": None,
        "valid_from": None,
        "enabled": True,
        "legal_basis": "",
        "priority": None,
        "hours": None,
        "camera_ids": (),
        "group_ids": (),
        "created_at": SystemClock().now(),
    }
    return EntryOut(**known | more)
