"""Failures that stop a command of the operator; each message is a sentence that names the remedy."""

from __future__ import annotations


class GtvError(Exception):
    """The command cannot go on; the message is for the person at the terminal."""


class AlreadyRunning(GtvError):
    """Another supervisor holds the data folder."""


class NotRunning(GtvError):
    """There is no supervisor on this data folder."""


class PortTaken(GtvError):
    """A port that was asked for by name is in use."""


class BadTable(GtvError):
    """A file of the stack's description is wrong."""


class BadCertificate(GtvError):
    """The edge's certificate or its key cannot be used."""


class CertificateEnded(BadCertificate):
    """Its validity has ended, or has not begun."""
