"""Verbs of messages."""

from alerts.messages.usecases.messages import PICTURE_PATH, Messages

__all__ = ["PICTURE_PATH", "Messages"]
