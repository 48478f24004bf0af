"""Recorder: what the media server recorded is found on its disk, and indexed; others follow what it sees."""
