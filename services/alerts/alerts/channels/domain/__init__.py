"""Channels, their kinds, and the messages that they carry."""

from alerts.channels.domain.answer import Answer, Outcome
from alerts.channels.domain.channel import SECRET_OVERLAP, Channel, OpenChannel, QuietHours, Trouble, rates_of, style_of
from alerts.channels.domain.kinds import KINDS, Field, FieldType, InvalidChannel, Kind, KindSpec
from alerts.messages.domain import Message, Template, Told

__all__ = [
    "KINDS",
    "SECRET_OVERLAP",
    "Answer",
    "Channel",
    "Field",
    "FieldType",
    "InvalidChannel",
    "Kind",
    "KindSpec",
    "Message",
    "OpenChannel",
    "Outcome",
    "QuietHours",
    "Template",
    "Told",
    "Trouble",
    "rates_of",
    "style_of",
]
