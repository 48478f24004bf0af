"""Verbs of the timeline: `timelines` reads it, `interruptions` and `open_files` write down what explains it."""

from streaming.timeline.usecases.interruptions import StreamInterruptions
from streaming.timeline.usecases.open_files import OpenFiles
from streaming.timeline.usecases.timelines import Timelines

__all__ = ["OpenFiles", "StreamInterruptions", "Timelines"]
