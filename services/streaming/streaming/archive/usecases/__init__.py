"""Verbs of the archive: `copying` and `upkeep` work beside the media server, and so does `restoring`; `archives` answers callers."""

from streaming.archive.usecases.copying import Copying
from streaming.archive.usecases.upkeep import CopyUpkeep

__all__ = ["CopyUpkeep", "Copying"]
