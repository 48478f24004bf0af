"""Verbs of the timeline: `timelines` reads it; `interruptions`, `open_files`, `watch` write what explains it; `gaps` tells of gaps."""

from streaming.timeline.usecases.gaps import ClosedGaps
from streaming.timeline.usecases.interruptions import StreamInterruptions
from streaming.timeline.usecases.open_files import OpenFiles
from streaming.timeline.usecases.pruning import Pruning
from streaming.timeline.usecases.timelines import TimelineReader, Timelines
from streaming.timeline.usecases.watch import RecordingWatch

__all__ = ["ClosedGaps", "OpenFiles", "Pruning", "RecordingWatch", "StreamInterruptions", "TimelineReader", "Timelines"]
