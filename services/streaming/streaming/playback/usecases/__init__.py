"""Playback of recordings: tickets by the API, sessions and playlists by the agent beside the recordings."""

from streaming.playback.usecases.playlists import Playlists
from streaming.playback.usecases.sessions import PlaybackSessions
from streaming.playback.usecases.silent_files import SilentFiles
from streaming.playback.usecases.tickets import PlaybackTickets, Ticket

__all__ = ["PlaybackSessions", "PlaybackTickets", "Playlists", "SilentFiles", "Ticket"]
