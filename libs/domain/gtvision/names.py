"""Names that people type: of cameras, watchlists, users, keys and tenants. One rule for all of them.

Letters of every script, digits, punctuation, symbols and emoji are accepted. Every kind of blank, such as the no-break space that text
from a web page carries, becomes a plain one, and blanks at both ends are dropped. A character that no screen shows (a line end, a
zero-width space, half of a surrogate pair) is refused by its number, its name and its place.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
"""Makes one emoji of two: woman and microscope are a scientist."""
_EMOJI = range(0x1F000, 0x1FB00)
"""Also those that are newer than Python's own table of characters."""
_SYMBOLS = {"So", "Sk", "Sm", "Mn"}
"""Categories of what a joiner joins: symbols, skin tones, arrows, the sign that asks for the coloured form."""
_UNNAMED = {"Cc": "a control character", "Cs": "half of a surrogate pair", "Co": "a private character", "Cn": "no character"}


def clean_name(text: str) -> str:
    """Returns the name as it is stored. Raises: ValueError, which says what to change."""
    name = text.strip()
    if not name:
        raise ValueError("is blank: type at least one visible character")
    for at, each in enumerate(name):
        if not (_is_shown(each) or _joins(name, at)):
            kind = unicodedata.name(each, _UNNAMED.get(unicodedata.category(each), "")).lower()
            place = len(text) - len(text.lstrip()) + at + 1
            raise ValueError(f"holds U+{ord(each):04X} ({kind}) as character {place}, which no screen shows: delete it or type it again")
    return "".join(" " if unicodedata.category(each) == "Zs" else each for each in name)


def _is_shown(character: str) -> bool:
    return character.isprintable() or ord(character) in _EMOJI or unicodedata.category(character) == "Zs"


def _joins(text: str, at: int) -> bool:
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return (
        text[at] == _JOINER and len(around) == 2 and all(unicodedata.category(each) in _SYMBOLS or ord(each) in _EMOJI for each in around)
    )
