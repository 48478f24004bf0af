"""Recordings: the files that the media server writes, and the index and hash chain of them."""
