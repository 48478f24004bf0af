"""Every failure the product can name. A kind says what a caller can do about it; none knows of HTTP or AMQP.

GTVisionError
├── Invalid            the input can never be accepted as it is
│   ├── InvalidPlate
│   ├── InvalidCameraUrl
│   ├── InvalidImage
│   ├── InvalidCursor
│   ├── TooLarge       by size alone
│   └── PreconditionRequired
├── Unauthenticated    the caller is not known
│   ├── BadCredentials
│   ├── TokenExpired
│   └── SessionRevoked
├── Forbidden          the caller is known, and may not
│   └── MissingScope
├── NotFound           it does not exist, or not for this caller
├── Conflict           it contradicts something that exists
│   ├── QuotaReached   the city has as many as it may have
│   └── StaleRevision
├── RateLimited        to be tried later: the caller asks too often
└── Unavailable        to be tried later: a dependency is down

Each class carries a stable `code`; its docstring is the default message.
HTTP has statuses of their own for `TooLarge`, `PreconditionRequired` and `StaleRevision`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar


class GTVisionError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, **context: object) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.context = context
        super().__init__(self.message)


class Invalid(GTVisionError):
    """The input is not acceptable."""

    code = "invalid"


class InvalidPlate(Invalid):
    """The text is no licence plate."""

    code = "invalid_plate"


class InvalidCameraUrl(Invalid):
    """The camera address is not acceptable."""

    code = "invalid_camera_url"


class InvalidImage(Invalid):
    """The picture cannot be read as JPEG or PNG."""

    code = "invalid_image"


class InvalidCursor(Invalid):
    """The page cursor is not one of ours."""

    code = "invalid_cursor"


class TooLarge(Invalid):
    """The input is larger than allowed."""

    code = "too_large"


class PreconditionRequired(Invalid):
    """Say which revision this change is based on."""

    code = "precondition_required"


class Unauthenticated(GTVisionError):
    """A valid access token is required."""

    code = "unauthenticated"


class BadCredentials(Unauthenticated):
    """User name or password is wrong."""

    code = "bad_credentials"


class TokenExpired(Unauthenticated):
    """The token has expired."""

    code = "token_expired"


class SessionRevoked(Unauthenticated):
    """The session was ended."""

    code = "session_revoked"


class Forbidden(GTVisionError):
    """This is not allowed."""

    code = "forbidden"


class MissingScope(Forbidden):
    """The token lacks the scope that this route needs."""

    code = "missing_scope"


class NotFound(GTVisionError):
    """There is no such thing."""

    code = "not_found"


class Conflict(GTVisionError):
    """This is in conflict with what exists."""

    code = "conflict"


class QuotaReached(Conflict):
    """The city has as many as its quota allows."""

    code = "quota_reached"


class StaleRevision(Conflict):
    """It was changed by somebody else in the meantime."""

    code = "stale_revision"


class RateLimited(GTVisionError):
    """Too many requests."""

    code = "rate_limited"

    def __init__(self, message: str | None = None, *, retry_after: timedelta = timedelta(seconds=1), **context: object) -> None:
        super().__init__(message, **context)
        self.retry_after = retry_after


class Unavailable(GTVisionError):
    """A part that this needs is not reachable at the moment."""

    code = "unavailable"

    def __init__(self, message: str | None = None, *, retry_after: timedelta = timedelta(seconds=2), **context: object) -> None:
        super().__init__(message, **context)
        self.retry_after = retry_after
