"""Messaging on RabbitMQ: state events on FastStream, the hot lanes (frames, detections) on aiormq, failures treated the same in both."""

from chassis.bus.batches import BatchConsumer
from chassis.bus.broker import Bus
from chassis.bus.dead import DeadLetter, DeadLetters
from chassis.bus.document import add_lane, empty_document
from chassis.bus.frames import Frame, FrameConsumer, FrameHeaders, FramePublisher
from chassis.bus.publisher import EventPublisher, Outgoing, Publisher, Sender, Unroutable

__all__ = [
    "BatchConsumer",
    "Bus",
    "DeadLetter",
    "DeadLetters",
    "EventPublisher",
    "Frame",
    "FrameConsumer",
    "FrameHeaders",
    "FramePublisher",
    "Outgoing",
    "Publisher",
    "Sender",
    "Unroutable",
    "add_lane",
    "empty_document",
]
