"""What can go wrong with a local server.

ServerError
├── BinaryMissing       the program, or the account that its package makes, is not there
├── FolderUnreachable   the user that must own the data cannot get there
└── NotReady            it does not answer a login with our secret (yet)
"""

from __future__ import annotations


class ServerError(Exception):
    """A local server cannot be used."""


class BinaryMissing(ServerError):
    """A program that the server needs is not installed."""


class FolderUnreachable(ServerError):
    """The data folder lies where the server's user cannot go."""


class NotReady(ServerError):
    """The server does not answer a login with our secret."""
