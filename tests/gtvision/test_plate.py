"""Tests of Brazilian plates: eras, keys, distance, and the plates that a misread text may stand for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtvision import plate as plates
from gtvision.errors import InvalidPlate
from gtvision.plate import CONFUSION_CLASSES, Era

letters = st.sampled_from(plates.LETTERS)
digits = st.sampled_from(plates.DIGITS)


def shaped(shape: str) -> st.SearchStrategy[str]:
    return st.tuples(*(letters if kind == "L" else digits for kind in shape)).map("".join)


old_plates = shaped("LLLNNNN")
new_plates = shaped("LLLNLNN")
any_plate = old_plates | new_plates
any_text = st.text(st.sampled_from(plates.ALPHABET), max_size=12)


def replaced(text: str, position: int, character: str) -> str:
    return text[:position] + character + text[position + 1 :]


class TestNormalise:
    @given(st.text())
    def test_leaves_only_the_alphabet_and_is_idempotent(self, text: str) -> None:
        clean = plates.normalise(text)
        assert set(clean) <= set(plates.ALPHABET)
        assert plates.normalise(clean) == clean

    @pytest.mark.parametrize("text", ["abc-1234", " ABC 1234 ", "a.b.c1234", "ABC·1234", "abc1234ß１"])
    def test_drops_what_is_printed_around(self, text: str) -> None:
        assert plates.normalise(text) == "ABC1234"


class TestEras:
    @given(old_plates)
    def test_old_shape(self, plate: str) -> None:
        assert plates.era(plate) is Era.OLD
        assert plates.is_valid(plate)

    @given(new_plates)
    def test_new_shape(self, plate: str) -> None:
        assert plates.era(plate) is Era.MERCOSUL
        assert plates.is_valid(plate)

    @pytest.mark.parametrize("text", ["", "ABC123", "ABC12345", "AB12345", "1BC1234", "ABC1DD4", "AB123CD", "ABC12D4"])
    def test_other_shapes_are_of_no_era(self, text: str) -> None:
        assert plates.era(text) is None
        assert not plates.is_valid(text)

    @given(old_plates)
    def test_every_old_plate_has_a_twin_and_comes_back(self, plate: str) -> None:
        twin = plates.to_mercosul(plate)
        assert plates.era(twin) is Era.MERCOSUL
        assert plates.to_old(twin) == plate
        assert [i for i in range(7) if twin[i] != plate[i]] == [4]

    @given(new_plates)
    def test_only_a_to_j_have_an_old_twin(self, plate: str) -> None:
        twin = plates.to_old(plate)
        assert (twin is None) == (plate[4] in "KLMNOPQRSTUVWXYZ")
        assert plates.to_mercosul(plate) == plate
        if twin is not None:
            assert plates.to_mercosul(twin) == plate

    @pytest.mark.parametrize(("digit", "letter"), list(zip("0123456789", "ABCDEFGHIJ", strict=True)))
    def test_the_table_of_the_law(self, digit: str, letter: str) -> None:
        assert plates.to_mercosul(f"ABC1{digit}34") == f"ABC1{letter}34"

    @pytest.mark.parametrize("convert", [plates.to_mercosul, plates.to_old])
    def test_what_is_no_plate_is_refused(self, convert: object) -> None:
        with pytest.raises(InvalidPlate):
            convert("HELLO")  # type: ignore[operator]

    @given(any_plate)
    def test_is_printed_with_a_hyphen_in_the_old_era_only(self, plate: str) -> None:
        printed = plates.format_plate(plate.lower())
        assert plates.normalise(printed) == plate
        assert ("-" in printed) == (plates.era(plate) is Era.OLD)

    def test_a_text_of_no_era_is_printed_as_it_is(self) -> None:
        assert plates.format_plate("ab-123.cd") == "AB123CD"


class TestKeys:
    def test_the_same_vehicle(self) -> None:
        assert plates.key("ABC1234") == plates.key("abc-1c34") == "ABC1234"

    @given(any_plate)
    def test_the_key_is_era_neutral(self, plate: str) -> None:
        assert plates.key(plate) == plates.key(plates.to_mercosul(plate))
        assert plates.key(plates.key(plate)) == plates.key(plate)

    @given(any_plate, any_plate)
    def test_the_key_tells_vehicles_apart(self, a: str, b: str) -> None:
        assert (plates.key(a) == plates.key(b)) == (plates.to_mercosul(a) == plates.to_mercosul(b))

    @given(any_text)
    def test_other_texts_are_their_own_key(self, text: str) -> None:
        if not plates.is_valid(text):
            assert plates.key(text) == text

    @given(any_plate)
    def test_the_confusion_key_survives_the_change_of_era(self, plate: str) -> None:
        assert plates.confusion_key(plate) == plates.confusion_key(plates.to_mercosul(plate))

    @given(any_plate | any_text, st.data())
    def test_the_confusion_key_survives_any_confusion(self, text: str, data: st.DataObject) -> None:
        confused = "".join(
            data.draw(st.sampled_from(next((group for group in CONFUSION_CLASSES if character in group), character))) for character in text
        )
        assert plates.confusion_key(confused) == plates.confusion_key(text)

    @given(any_plate, st.data())
    def test_the_confusion_key_survives_both_together(self, plate: str, data: st.DataObject) -> None:
        twin = plates.to_mercosul(plate)
        group = next((group for group in CONFUSION_CLASSES if twin[4] in group), twin[4])
        assert plates.confusion_key(replaced(twin, 4, data.draw(st.sampled_from(group)))) == plates.confusion_key(plate)

    def test_the_confusion_key_does_not_collapse_everything(self) -> None:
        assert len({plates.confusion_key(f"A{a}C1K{b}4") for a, b in itertools.product("EFHJKLMN", "3479")}) == 32

    def test_classes_are_disjoint(self) -> None:
        characters = "".join(CONFUSION_CLASSES)
        assert len(set(characters)) == len(characters)


class TestDistance:
    @given(any_text, any_text)
    def test_is_symmetric_and_bounded(self, a: str, b: str) -> None:
        assert plates.distance(a, b) == plates.distance(b, a)
        assert 0 <= plates.distance(a, b) <= max(len(a), len(b))

    @given(any_plate | any_text, any_plate | any_text)
    def test_is_zero_for_the_same_key_only(self, a: str, b: str) -> None:
        assert (plates.distance(a, b) == 0) == (plates.key(a) == plates.key(b))

    @given(any_plate, st.integers(0, 6), st.sampled_from(plates.ALPHABET))
    def test_one_replaced_character_is_at_most_one(self, plate: str, position: int, character: str) -> None:
        assert plates.distance(plate, replaced(plate, position, character)) <= 1

    @given(any_plate, st.integers(0, 6))
    def test_one_lost_character_is_one(self, plate: str, position: int) -> None:
        assert plates.distance(plate, plate[:position] + plate[position + 1 :]) == 1

    @pytest.mark.parametrize(("a", "b", "expected"), [("ABC1234", "ABC1C34", 0), ("ABC1234", "ABC1D34", 1), ("ABC1234", "XYZ9K99", 7)])
    def test_examples(self, a: str, b: str, expected: int) -> None:
        assert plates.distance(a, b) == expected


class TestNeighbours:
    @settings(max_examples=15)
    @given(any_plate, st.integers(0, 6), st.sampled_from(plates.ALPHABET))
    def test_holds_the_key_of_every_replacement_in_either_era(self, plate: str, position: int, character: str) -> None:
        near = plates.neighbours(plate)
        for form in {plate, plates.to_mercosul(plate)}:
            other = replaced(form, position, character)
            assert plates.key(other) in near or plates.key(other) == plates.key(plate)

    @settings(max_examples=15)
    @given(any_plate)
    def test_are_keys_one_step_away(self, plate: str) -> None:
        near = plates.neighbours(plate)
        assert plates.key(plate) not in near
        assert all(plates.key(other) == other and plates.distance(plate, other) == 1 for other in near)

    @settings(max_examples=15)
    @given(any_plate)
    def test_are_era_neutral(self, plate: str) -> None:
        assert plates.neighbours(plate) == plates.neighbours(plates.to_mercosul(plate))


class TestRepair:
    @given(any_plate | any_text | st.text(st.sampled_from("O0DQI1B8S5Z2G6"), max_size=9))
    def test_never_discards_what_was_read(self, text: str) -> None:
        found = plates.repair(text)
        assert ([] if not text else [text]) == [candidate.text for candidate in found if candidate.text == text]

    @given(any_text, st.data())
    def test_probabilities_are_ordered_and_leave_room(self, text: str, data: st.DataObject) -> None:
        sure = data.draw(st.lists(st.floats(0, 1), min_size=len(text), max_size=len(text)))
        chances = [candidate.confidence for candidate in plates.repair(text, sure)]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1.0 + 1e-9

    @given(any_plate, st.floats(0.6, 1.0))
    def test_a_plate_that_fits_stays_first(self, plate: str, confidence: float) -> None:
        assert plates.repair(plate, [confidence] * 7)[0].text == plate

    @given(any_plate, st.sampled_from([0, 1, 2, 3, 5, 6]), st.data())
    def test_position_mends_a_confusion_everywhere_but_the_fifth(self, plate: str, position: int, data: st.DataObject) -> None:
        group = next((group for group in CONFUSION_CLASSES if plate[position] in group), None)
        wrong_kind = [c for c in group or "" if (c in plates.DIGITS) != (plate[position] in plates.DIGITS)]
        if not wrong_kind:
            return
        read = replaced(plate, position, data.draw(st.sampled_from(wrong_kind)))
        found = [candidate.text for candidate in plates.repair(read)]
        assert plate in found
        assert plates.is_valid(found[0])
        assert all(found[0][i] == plate[i] for i in range(7) if i not in {position, 4})

    @given(any_plate, st.data())
    def test_the_fifth_keeps_both_ways(self, plate: str, data: st.DataObject) -> None:
        group = next((group for group in CONFUSION_CLASSES if plate[4] in group), None)
        if group is None:
            return
        read = replaced(plate, 4, data.draw(st.sampled_from(group)))
        assert {read, plate} <= {candidate.text for candidate in plates.repair(read)}

    @pytest.mark.parametrize(
        ("read", "meant"),
        [("PAM6TO7", "PAM6T07"), ("XAPOJ99", "XAP0J99"), ("QYR3NO7", "QYR3N07"), ("A8C1234", "ABC1234"), ("5RI5I23", "SRI5I23")],
    )
    def test_reads_seen_from_a_recogniser(self, read: str, meant: str) -> None:
        best = plates.repair(read, [0.95] * 7)[0]
        assert best.text == meant
        assert best.confidence > 0.7

    def test_a_stray_character_at_the_edge_is_dropped_first(self) -> None:
        assert plates.repair("IABC1D34")[0].text == "ABC1D34"
        assert plates.repair("ABC-1D34I", [0.9] * 8 + [0.2])[0].text == "ABC1D34"

    def test_the_motorcycle_rule_of_old_is_a_low_alternate(self) -> None:
        found = {candidate.text: candidate.confidence for candidate in plates.repair("ABC12D4", [0.99] * 7)}
        assert 0 < found["ABC12D4"] < 1
        assert plates.repair("ABC1I34", [0.9] * 7)[0].text == "ABC1I34"

    def test_doubt_lowers_the_probability(self) -> None:
        assert plates.repair("ABC1D34", [0.99] * 7)[0].confidence > plates.repair("ABC1D34", [0.7] * 7)[0].confidence

    def test_a_foreign_text_is_kept_with_little_belief(self) -> None:
        best = plates.repair("AB123CD", [0.99] * 7)[0]
        assert best.text == "AB123CD"
        assert best.confidence < 0.2

    def test_confidences_may_count_the_hyphen(self) -> None:
        assert plates.repair("ABC-1234", [0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9]) == plates.repair("ABC1234", [0.9] * 7)

    def test_a_wrong_number_of_confidences_is_refused(self) -> None:
        with pytest.raises(ValueError, match="confidences"):
            plates.repair("ABC1234", [0.5])

    @pytest.mark.parametrize("text", ["", "--", "A" * 17])
    def test_nothing_to_repair(self, text: str) -> None:
        assert plates.repair(text) == []


class TestOneWrongCharacter:
    @given(any_plate, st.integers(0, 6), st.sampled_from(plates.ALPHABET), st.booleans())
    def test_a_plate_with_one_shares_a_part_with_the_right_one(self, plate: str, at: int, character: str, other_era: bool) -> None:
        form = (plates.to_old(plate) or plate) if other_era else plates.to_mercosul(plate)
        misread = form[:at] + character + form[at + 1 :]
        assert plates.wrong_characters(plate, misread) in {0, 1}
        assert any(one == other for one, other in zip(plates.parts(plates.key(plate)), plates.parts(misread), strict=True))

    @pytest.mark.parametrize(("read", "wrong"), [("ABC1C34", 0), ("ABC1Z34", 1), ("ABC1D35", 2), ("ABC123", None), ("XABC1234", None)])
    def test_they_are_counted_in_the_era_where_they_are_fewest(self, read: str, wrong: int | None) -> None:
        assert plates.wrong_characters("ABC1234", read) == wrong
