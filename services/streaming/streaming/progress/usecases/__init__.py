"""Verbs of progress, of the recorder agent: `recordings` watches whether files are written, `pictures` what is in them."""

from streaming.progress.usecases.pictures import PictureWatch
from streaming.progress.usecases.recordings import RecordingWatch

__all__ = ["PictureWatch", "RecordingWatch"]
