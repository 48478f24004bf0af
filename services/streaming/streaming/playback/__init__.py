"""Playback: sessions of viewers of recordings, and the playlists over the recorded files."""
