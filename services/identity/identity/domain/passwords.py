"""Which passwords are good enough."""

from __future__ import annotations

from gtvision.errors import Invalid

PASSWORD_MIN, PASSWORD_MAX = 12, 256


class WeakPassword(Invalid):
    """The password is too easy to guess: at least 12 characters, at least 5 different ones, and not the e-mail address."""

    code = "weak_password"


def check_password(password: str, email: str) -> None:
    """Raises: WeakPassword."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX or len(set(password)) < 5 or password.casefold() == email.strip().casefold():
        raise WeakPassword
