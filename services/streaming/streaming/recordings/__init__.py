"""Recordings: the index and hash chain of what the media server recorded, and their deletion by policy."""
