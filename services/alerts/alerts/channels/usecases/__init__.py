"""Verbs of channels."""

from alerts.channels.usecases.channels import ChannelDraft, Channels

__all__ = ["ChannelDraft", "Channels"]
