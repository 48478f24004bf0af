"""Brazilian licence plates: both eras, the keys by which they are searched, and what a reader may have confused.

    era        shape     printed    since
    OLD        LLLNNNN   ABC-1234   1990
    MERCOSUL   LLLNLNN   ABC1C34    2018

A vehicle that changed to the new era keeps its plate but for the 5th character, 0-9 -> A-J: ABC1234 and ABC1C34 are one vehicle.
Letters K-Z at that place exist in the new era only and have no old twin. Text here is always *normalised*: A-Z and 0-9, nothing else.
The reader joins the two lines of a motorcycle's plate before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import combinations, pairwise, product

from gtvision.detection import PlateCandidate
from gtvision.errors import InvalidPlate

LENGTH = 7
MAX_TEXT = 16
"""The longest text that a candidate may carry; longer ones are signs, not plates."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
ALPHABET = LETTERS + DIGITS

_ERA_POSITION = 4
_TWIN_LETTER = dict(zip(DIGITS, LETTERS[:10], strict=True))
_TWIN_DIGIT = {letter: digit for digit, letter in _TWIN_LETTER.items()}

CONFUSION_CLASSES: tuple[str, ...] = ("0ODQ", "1I", "8B", "5S", "2Z", "6G")
"""Characters that readers take for one another; the first names the class."""
_CLASS_OF = {character: group[0] for group in CONFUSION_CLASSES for character in group}
_MATES = {character: group.replace(character, "") for group in CONFUSION_CLASSES for character in group}
_ROUND_SHARES = {"0": "ODQ", "O": "0DQ", "D": "O0Q", "Q": "O0D"}
"""The one class of four is no tie: O and 0 are taken for each other far more often than for D or Q. Likeliest first."""
_SHARES = (0.7, 0.2, 0.1)


def _mates(character: str) -> list[tuple[str, float]]:
    """Returns what a character may have been, with shares that add up to 1."""
    if character in _ROUND_SHARES:
        return list(zip(_ROUND_SHARES[character], _SHARES, strict=True))
    return [(mate, 1.0) for mate in _MATES.get(character, "")]


class Era(StrEnum):
    """Which of the two shapes a plate has."""

    OLD = "old"
    MERCOSUL = "mercosul"


_SHAPES = {Era.OLD: "LLLNNNN", Era.MERCOSUL: "LLLNLNN"}


def normalise(text: str) -> str:
    """Returns the upper-case A-Z and 0-9 of a text; everything else is dropped. May be empty."""
    return "".join(character for character in text if character.isascii() and character.isalnum()).upper()


def _fits(text: str, shape: str) -> bool:
    return len(text) == len(shape) and all((c in LETTERS) if kind == "L" else (c in DIGITS) for c, kind in zip(text, shape, strict=True))


def span(beginning: str) -> tuple[str, str]:
    """Returns the first and the last text of A-Z and 0-9 that begins so: a range keeps its index under row-level security, LIKE does not.

    Of these characters digits come before letters in every collation, and Z is the last.
    """
    first = normalise(beginning)
    return first, first.ljust(MAX_TEXT, "Z")


def era(plate: str) -> Era | None:
    """Returns the era whose shape the plate has, or None where it has neither."""
    text = normalise(plate)
    return next((found for found, shape in _SHAPES.items() if _fits(text, shape)), None)


def is_valid(plate: str) -> bool:
    """Returns whether the plate has the shape of one of the eras."""
    return era(plate) is not None


def to_mercosul(plate: str) -> str:
    """Returns the plate in the shape of the new era.

    Raises: InvalidPlate, where it has neither shape.
    """
    text = normalise(plate)
    match era(text):
        case Era.MERCOSUL:
            return text
        case Era.OLD:
            return text[:_ERA_POSITION] + _TWIN_LETTER[text[_ERA_POSITION]] + text[_ERA_POSITION + 1 :]
        case _:
            raise InvalidPlate(f"'{text}' has the shape of neither era.")


def to_old(plate: str) -> str | None:
    """Returns the plate in the shape of the old era, or None where it has no form there.

    Raises: InvalidPlate, where it has neither shape.
    """
    text = normalise(plate)
    match era(text):
        case Era.OLD:
            return text
        case Era.MERCOSUL:
            digit = _TWIN_DIGIT.get(text[_ERA_POSITION])
            return None if digit is None else text[:_ERA_POSITION] + digit + text[_ERA_POSITION + 1 :]
        case _:
            raise InvalidPlate(f"'{text}' has the shape of neither era.")


def _forms(text: str) -> tuple[str, ...]:
    """Returns the text and its twin of the other era, where there is one."""
    if not is_valid(text):
        return (text,)
    old, new = to_old(text), to_mercosul(text)
    return (new,) if old is None else (old, new)


def key(plate: str) -> str:
    """Era-neutral: the same for every way in which one vehicle's plate is written. The old form where there is one."""
    return _forms(normalise(plate))[0]


def _era_position_classes() -> dict[str, str]:
    """Classes for the 5th character: what is confused *or* is the twin of the other era, closed over both.

    So D, read as 0, still meets the 3 that it stands for, and the confusion key survives either change and both together.
    """
    groups = [set(group) for group in CONFUSION_CLASSES] + [{digit, letter} for digit, letter in _TWIN_LETTER.items()]
    merged: list[set[str]] = []
    for group in groups:
        touching = [known for known in merged if known & group]
        merged = [known for known in merged if not known & group]
        merged.append(group.union(*touching))
    return {character: min(group) for group in merged for character in group}


_CLASS_AT_ERA_POSITION = _era_position_classes()


def confusion_key(plate: str) -> str:
    """Confusion-collapsed: the same for plates that differ only in confusable characters, in their era, or in both.

    Coarse on purpose: it finds candidates, `distance` ranks them.
    """
    text = normalise(plate)
    collapsed = [_CLASS_OF.get(character, character) for character in text]
    if len(text) == LENGTH:
        collapsed[_ERA_POSITION] = _CLASS_AT_ERA_POSITION.get(text[_ERA_POSITION], text[_ERA_POSITION])
    return "".join(collapsed)


def _edits(a: str, b: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, from_a in enumerate(a, 1):
        above = row
        row = [i]
        for j, from_b in enumerate(b, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (from_a != from_b)))
    return row[-1]


def distance(a: str, b: str) -> int:
    """The fewest characters to insert, drop or replace between two plates, in whichever era they are closer. 0: the same vehicle."""
    return min(_edits(x, y) for x in _forms(normalise(a)) for y in _forms(normalise(b)))


def neighbours(plate: str) -> frozenset[str]:
    """The era-neutral keys of every text that is one replaced character away, in either era; without the plate's own key.

    Texts outside the grammar are among them, since a misread one is stored as it was read.
    """
    text = normalise(plate)
    found = {
        key(form[:position] + character + form[position + 1 :])
        for form in _forms(text)
        for position in range(len(form))
        for character in ALPHABET
        if character != form[position]
    }
    return frozenset(found - {key(text)})


def wrong_characters(a: str, b: str) -> int | None:
    """How many characters must be replaced to make one plate of the other, in whichever era these are fewest; None: the lengths differ."""
    read, other = normalise(a), normalise(b)
    if len(read) != len(other):
        return None
    return min(sum(one != two for one, two in zip(x, y, strict=True)) for x in _forms(read) for y in _forms(other))


def parts(plate: str) -> tuple[str, str, str]:
    """A plate without its first two, its next two and its last three characters, in a form that does not depend on the era.

    Of two plates that differ by one replaced character at least one of the three is equal: so the second plate is found by equality.
    """
    text = normalise(plate)
    twin = text[:_ERA_POSITION] + _TWIN_DIGIT.get(text[_ERA_POSITION : _ERA_POSITION + 1], text[_ERA_POSITION : _ERA_POSITION + 1])
    text = twin + text[_ERA_POSITION + 1 :]
    return text[2:], text[:2] + text[4:], text[:4]


def format_plate(plate: str) -> str:
    """As it is printed: ABC-1234 or ABC1C34; a text of neither era as it is."""
    text = normalise(plate)
    return f"{text[:3]}-{text[3:]}" if era(text) is Era.OLD else text


# --- what a reader may have meant --------------------------------------------------------------------------------------

_SHAPE_PRIORS: tuple[tuple[str, float], ...] = (
    ("LLLNLNN", 0.5),
    ("LLLNNNN", 0.5),
    ("LLLNNLN", 0.002),  # an early rule for motorcycles that some sources still give; never preferred to the two eras
)
_NO_SHAPE_PRIOR = 3e-5
"""A text of no Brazilian shape: a foreign plate, or not a plate. Kept, but far below anything that mends."""
_ELSEWHERE_PRIOR = 3e-4
"""A plate that is none of the candidates: characters missing, two plates in one, a shop sign."""
_DEFAULT_CONFIDENCE = 0.9
_CONFUSED_SHARE = 0.9
"""How much of a reader's doubt goes to the confusable characters; the rest is any other character."""
_CONFUSED_FLOOR = 0.02
"""Readers are sure of themselves even when they take O for 0."""
_INSERTED = 0.2
"""How likely a character that the reader doubts wholly is not on the plate at all: an edge, a screw, a hyphen read as I."""
_MAX_INSERTED = 2
_MAX_CANDIDATES = 8


def repair(text: str, confidences: Sequence[float] | None = None) -> list[PlateCandidate]:
    """What a reader may have meant, best first, with probabilities that leave room for 'none of these'.

    The grammar re-ranks and never discards: the text as it was read is always among the candidates. The 5th character is the one
    that grammar cannot decide, so both ways of reading it stay. `confidences` (0..1) has one value per character of `text`, or of
    `text` normalised. Empty for an empty text and for one longer than `MAX_TEXT`.

    Raises: ValueError, where the number of confidences fits neither.
    """
    read = normalise(text)
    sure = _aligned(text, read, confidences)
    if not 1 <= len(read) <= MAX_TEXT:
        return []
    weights: dict[str, float] = {read: _NO_SHAPE_PRIOR * math.prod(sure)}
    unknown = _ELSEWHERE_PRIOR * math.prod(sure)
    for kept, factor in _without_inserted(sure):
        characters, chances = "".join(read[i] for i in kept), [sure[i] for i in kept]
        for shape, prior in _SHAPE_PRIORS:
            options = _options(characters, chances, shape)
            for way in product(*options):
                meant = "".join(character for character, _ in way)
                weights[meant] = max(weights.get(meant, 0.0), prior * factor * math.prod(chance for _, chance in way))
            unknown += prior * factor * _unexplained(options, chances, shape)
    total = sum(weights.values()) + unknown
    ranked = sorted(weights, key=lambda candidate: (-weights[candidate], candidate))
    best = ranked[:_MAX_CANDIDATES]
    if read not in best:
        best[-1] = read
    return [PlateCandidate(text=candidate, confidence=weights[candidate] / total) for candidate in best]


def _aligned(text: str, read: str, confidences: Sequence[float] | None) -> list[float]:
    """One confidence per normalised character, away from 0 and 1 so that no character is certain."""
    if confidences is None:
        values = [_DEFAULT_CONFIDENCE] * len(read)
    elif len(confidences) == len(read):
        values = list(confidences)
    elif len(confidences) == len(text):
        values = [value for character, value in zip(text, confidences, strict=True) if normalise(character)]
    else:
        raise ValueError(f"{len(confidences)} confidences for a text of {len(text)} characters")
    return [min(max(value, 0.01), 0.999) for value in values]


def _without_inserted(sure: Sequence[float]) -> Iterator[tuple[tuple[int, ...], float]]:
    """Which positions of the text make up a plate, and how likely it is that the others were inserted."""
    surplus = len(sure) - LENGTH
    if not 0 <= surplus <= _MAX_INSERTED:
        return
    for kept in combinations(range(len(sure)), LENGTH):
        inside = sum(after - before - 1 for before, after in pairwise(kept))
        doubt = math.prod(_INSERTED * (1 - sure[i]) for i in range(len(sure)) if i not in kept)
        # A stray character at an edge (a screw, the frame) is likelier than one between two others.
        yield kept, doubt * 0.5**inside


def _allowed(kind: str) -> str:
    return LETTERS if kind == "L" else DIGITS


def _options(read: str, sure: Sequence[float], shape: str) -> list[list[tuple[str, float]]]:
    """By position, the characters that the shape allows and that could have been read so, with their likelihood."""
    options: list[list[tuple[str, float]]] = []
    for character, confidence, kind in zip(read, sure, shape, strict=True):
        chances = [(character, confidence)] if character in _allowed(kind) else []
        doubt = max((1 - confidence) * _CONFUSED_SHARE, _CONFUSED_FLOOR)
        chances += [(mate, doubt * share) for mate, share in _mates(character) if mate in _allowed(kind)]
        options.append(chances)
    return options


def _unexplained(options: list[list[tuple[str, float]]], sure: Sequence[float], shape: str) -> float:
    """The likelihood of all plates of the shape in which some character was taken for one that it does not resemble."""
    explained = [sum(chance for _, chance in chances) for chances in options]
    stray = [(1 - c) * (1 - _CONFUSED_SHARE) * len(_allowed(kind)) / len(ALPHABET) for c, kind in zip(sure, shape, strict=True)]
    return math.prod(a + b for a, b in zip(explained, stray, strict=True)) - math.prod(explained)
