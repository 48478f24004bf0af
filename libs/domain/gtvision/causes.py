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
    """No browser can play the video, or it cannot be recorded."""
    NO_KEYFRAMES = "no_keyframes"
    """Key frames come more than ten seconds apart, or no longer: nobody can begin to watch."""
    CLOCK_JUMPED = "clock_jumped"
    """The camera's clock was set: the recording broke off, and what reads the stream may not go on."""
    CLOCK_UNSTEADY = "clock_unsteady"
    """The camera's clock jumps again and again, or stands still: the recording is full of holes."""
    UNSTABLE = "unstable"
    """The connection breaks off again and again."""
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
