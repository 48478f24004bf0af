"""Verbs of clips: what callers do, and what the recorder agent does for them."""

from streaming.clips.usecases.clips import ClipBounds, Clips, Download
from streaming.clips.usecases.making import ClipMaking
from streaming.clips.usecases.tidying import ClipTidying

__all__ = ["ClipBounds", "ClipMaking", "ClipTidying", "Clips", "Download"]
