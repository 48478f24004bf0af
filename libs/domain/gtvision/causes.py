"""Why a stream is not well, and why there is no recording."""

from __future__ import annotations

from enum import StrEnum


class StreamCause(StrEnum):
    """Why a stream is not well."""

    UNREACHABLE = "unreachable"
    NO_PROGRESS = "no_progress"
    MEDIA_SERVER_DOWN = "media_server_down"
    DISABLED = "disabled"
    ADDRESS_REFUSED = "address_refused"
    """The camera's address leads, or its name leads by now, to a network that cameras may not be in."""
    ADDRESS_INVALID = "address_invalid"
    """The camera's address is none that the media server takes."""
    NOT_RECORDED = "not_recorded"
    """The stream should be recorded, and nothing is written."""
    DISK_FULL = "disk_full"
    """Nothing is written, because the disk of the recordings takes nothing."""
    NO_VIDEO = "no_video"
    CODEC_UNSUPPORTED = "codec_unsupported"
    """No browser can play the video."""
    UNKNOWN = "unknown"


class GapCause(StrEnum):
    """Whose doing it is that nothing was recorded."""

    CAMERA = "camera"
    NETWORK = "network"
    NODE = "node"
    DISK = "disk"
    OPERATOR = "operator"
    PLANNED = "planned"
    """The installation was stopped on purpose."""
    RETENTION = "retention"
    """It was recorded, and deleted by policy."""
    UNKNOWN = "unknown"
