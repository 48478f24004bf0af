"""Verbs of the timeline: `timelines` reads it; `interruptions`, `open_files` write what explains it; `gaps` tells of gaps."""

from streaming.timeline.usecases.gaps import ClosedGaps
from streaming.timeline.usecases.interruptions import StreamInterruptions
from streaming.timeline.usecases.open_files import OpenFiles
from streaming.timeline.usecases.pruning import Pruning
from streaming.timeline.usecases.timelines import TimelineReader, Timelines

__all__ = ["ClosedGaps", "OpenFiles", "Pruning", "StreamInterruptions", "TimelineReader", "Timelines"]
