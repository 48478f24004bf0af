"""Verbs of streams: `paths` keeps the media server as desired, `edges` tells the edges."""

from streaming.streams.usecases.edges import EdgeMaps
from streaming.streams.usecases.paths import Paths
from streaming.streams.usecases.reconciler import Reconciler
from streaming.streams.usecases.streams import Streams

__all__ = ["EdgeMaps", "Paths", "Reconciler", "Streams"]
