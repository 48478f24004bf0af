"""One live stream: it hands what its source receives to its readers, and keeps the last group of pictures for readers that join later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from media_standin.h264 import AccessUnit, Depacketizer, Picture, read_picture

log = logging.getLogger("media_standin.stream")

MAX_GROUP_BYTES = 16 * 1024 * 1024
"""A group of pictures longer than this is not kept; late readers then wait for the next key picture."""

UnitReader = Callable[[AccessUnit], None]
PacketReader = Callable[[list[bytes]], None]


@dataclass(slots=True)
class Track:
    """What the camera's SDP says of its H264 track."""

    payload_type: int
    sps: bytes = b""
    pps: bytes = b""
    format_parameters: dict[str, str] = field(default_factory=dict)


class Stream:
    """Belongs to one connection with a source; a new connection makes a new stream with counters at zero."""

    def __init__(self, track: Track, max_group_bytes: int = MAX_GROUP_BYTES) -> None:
        self.track = track
        self.inbound_bytes = 0
        self.outbound_bytes = 0
        self.group: list[AccessUnit] = []
        """Units since the last key picture, that one included. Empty until the first."""
        self.closed = False
        self._group_bytes = 0
        self._max_group_bytes = max_group_bytes
        self._depacketizer = Depacketizer(track.sps, track.pps)
        self._units: dict[object, UnitReader] = {}
        self._packets: dict[object, PacketReader] = {}
        self._on_close: dict[object, Callable[[], None]] = {}

    @property
    def sps(self) -> bytes:
        return self._depacketizer.sps

    @property
    def pps(self) -> bytes:
        return self._depacketizer.pps

    @property
    def frames_in_error(self) -> int:
        return self._depacketizer.frames_in_error

    def picture(self) -> Picture | None:
        """Size and profile, None as long as no usable parameter set was seen."""
        try:
            return read_picture(self.sps, self.pps)
        except ValueError:
            return None

    def push(self, packets: list[bytes], size: int, arrived_at: float) -> None:
        """Interleaved RTP packets of the video track, `size` bytes in all, in the order in which they came."""
        self.inbound_bytes += size
        for read_packets in tuple(self._packets.values()):
            read_packets(packets)
        for unit in self._depacketizer.push(packets, arrived_at):
            self._remember(unit)
            for read_unit in tuple(self._units.values()):
                read_unit(unit)

    def push_control(self, packet: bytes) -> None:
        """An interleaved RTCP packet of the camera: handed to packet readers unchanged, since their RTP is unchanged too."""
        for read_packets in tuple(self._packets.values()):
            read_packets([packet])

    def _remember(self, unit: AccessUnit) -> None:
        if unit.key:
            self.group = [unit]
            self._group_bytes = unit.size()
        elif self.group:
            self._group_bytes += unit.size()
            if self._group_bytes > self._max_group_bytes:
                self.group = []
            else:
                self.group.append(unit)

    def read_units(self, reader: object, callback: UnitReader, closed: Callable[[], None]) -> None:
        """Calls back with each unit from now on; `closed` when the source is gone."""
        self._units[reader] = callback
        self._on_close[reader] = closed

    def read_packets(self, reader: object, callback: PacketReader, closed: Callable[[], None]) -> None:
        """Calls back with the raw interleaved packets from now on."""
        self._packets[reader] = callback
        self._on_close[reader] = closed

    def forget(self, reader: object) -> None:
        """Stops calling back. Does nothing for a reader that is not registered."""
        self._units.pop(reader, None)
        self._packets.pop(reader, None)
        self._on_close.pop(reader, None)

    def close(self) -> None:
        """The source is gone: tells every reader once."""
        if self.closed:
            return
        self.closed = True
        callbacks = list(self._on_close.values())
        self._units.clear()
        self._packets.clear()
        self._on_close.clear()
        for callback in callbacks:
            callback()
        self.group = []
