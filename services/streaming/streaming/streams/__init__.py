"""Streams: the media server's paths for the announced cameras, where their names lead, and what each stream is doing."""
