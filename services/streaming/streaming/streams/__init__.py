"""Streams: the media server's paths for the announced cameras, and what each stream is doing."""
