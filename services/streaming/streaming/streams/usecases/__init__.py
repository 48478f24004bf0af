"""Verbs of streams: `paths` keeps the media server as desired, `names` says where cameras' names lead, `edges` tells the edges."""

from streaming.streams.usecases.edges import EdgeMaps
from streaming.streams.usecases.names import CameraNames
from streaming.streams.usecases.paths import Paths
from streaming.streams.usecases.reconciler import Reconciler
from streaming.streams.usecases.streams import Streams

__all__ = ["CameraNames", "EdgeMaps", "Paths", "Reconciler", "Streams"]
