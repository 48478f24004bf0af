"""Verbs of the archive: `copying`, `upkeep` and `restoring` work beside the media server, `archives` answers callers."""

from streaming.archive.usecases.archives import Archives, RestoreDraft
from streaming.archive.usecases.copying import Copying
from streaming.archive.usecases.restoring import Restoring
from streaming.archive.usecases.upkeep import CopyUpkeep

__all__ = ["Archives", "CopyUpkeep", "Copying", "RestoreDraft", "Restoring"]
