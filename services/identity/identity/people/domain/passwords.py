"""Which passwords are good enough: long, and not one of those that are tried first."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from itertools import pairwise

from gtvision.errors import Conflict, Forbidden, Invalid
from identity.people.domain.common_passwords import COMMON_WORDS

PASSWORD_MIN, PASSWORD_MAX = 12, 256
DIFFERENT_MIN = 5
_UNITS_MIN = 5
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_CHARACTERS = 4, 5
_LEET = str.maketrans("@4310$5!7", "aaeiossit")
_TAIL = string.digits + string.punctuation + " "
_LONGEST_WORD = max(map(len, COMMON_WORDS))


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    code = "weak_password"


class WrongPassword(Forbidden):
    """The current password is wrong."""

    code = "wrong_password"


class SamePassword(Conflict):
    """The new password must not be the old one."""

    code = "same_password"


def check_password(password: str, email: str, tenant: str = "") -> None:
    """Raises: WeakPassword, which says why."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise WeakPassword(f"The password needs {PASSWORD_MIN} to {PASSWORD_MAX} characters.")
    if len(set(password)) < DIFFERENT_MIN or _units(password) < _UNITS_MIN or _repeats(password):
        raise WeakPassword("The password repeats itself or is a row of the keyboard or the alphabet.")
    if password.isdigit():
        raise WeakPassword("The password needs more than digits: dates, telephones and documents are guessed first.")
    if _is_common(password):
        raise WeakPassword("The password is made of words that everybody uses.")
    names = (email, email.split("@", 1)[0], tenant)
    if any(_letters(password) == _letters(name) != "" for name in names):
        raise WeakPassword("The password must be neither the e-mail address nor the name of the city.")


def generated_password(chance: Callable[[int], bytes]) -> str:
    """A password that a person can read aloud: four groups of five letters and digits, 99 bits."""
    letters: list[str] = []
    while len(letters) < _GROUPS * _GROUP_CHARACTERS:  # a byte above the last whole multiple would prefer the first letters
        letters += [_ALPHABET[byte % len(_ALPHABET)] for byte in chance(32) if byte < 256 - 256 % len(_ALPHABET)]
    return "-".join("".join(letters[at : at + _GROUP_CHARACTERS]) for at in range(0, _GROUPS * _GROUP_CHARACTERS, _GROUP_CHARACTERS))


def _plain(text: str) -> str:
    """Without case, accents and width."""
    return "".join(each for each in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(each))


def _letters(text: str) -> str:
    """Without what people hang on to make a word a password: digits, signs, spaces."""
    return re.sub(r"[\W\d_]+", "", _plain(text))


def _units(password: str) -> int:
    """How many pieces are left when each run up or down the alphabet counts as one: "abcdefgh" is 1."""
    codes, pieces, direction = [ord(each) for each in _plain(password)], 1, 0
    for before, after in pairwise(codes):
        step = after - before
        if abs(step) > 1 or (direction and step != direction):
            pieces, direction = pieces + 1, 0
        else:
            direction = step
    return pieces


def _repeats(password: str) -> bool:
    """Whether it is a piece of at most a third of its length, again and again."""
    text = _plain(password)
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 3 + 1))


def _is_common(password: str) -> bool:
    """Whether nothing is left of it without common words, digits and signs; also where letters are written as digits."""
    plain = _plain(password)
    tail = len(plain) - len(plain.rstrip(_TAIL))
    return any(_only_words(text) for text in (_letters(plain), re.sub(r"[\W_]+", "", plain))) or any(
        _only_words(_letters(plain[: len(plain) - cut].lstrip(_TAIL).translate(_LEET))) for cut in range(tail + 1)
    )


def _only_words(text: str) -> bool:
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(start in reached and text[start:end] in COMMON_WORDS for start in range(max(0, end - _LONGEST_WORD), end)):
            reached.add(end)
    return len(text) > 0 and len(text) in reached
