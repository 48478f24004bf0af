"""Verbs of snapshots: `snapshots` are asked for by callers; `thumbnails`, `previews` and `stills` are made beside the recordings."""

from streaming.snapshots.usecases.previews import Previews, Sprite
from streaming.snapshots.usecases.snapshots import Snapshots
from streaming.snapshots.usecases.stills import Stills
from streaming.snapshots.usecases.thumbnails import Thumbnails

__all__ = ["Previews", "Snapshots", "Sprite", "Stills", "Thumbnails"]
