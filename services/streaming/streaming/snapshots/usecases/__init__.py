"""Verbs of snapshots: `thumbnails` are made and `previews` shown beside the recordings."""

from streaming.snapshots.usecases.previews import Previews, Sprite
from streaming.snapshots.usecases.thumbnails import Thumbnails

__all__ = ["Previews", "Sprite", "Thumbnails"]
