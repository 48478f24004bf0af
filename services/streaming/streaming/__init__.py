"""Streaming owns what the media server should be doing: paths, stream state, live tickets, and the index of what was recorded."""
