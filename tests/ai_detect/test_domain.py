"""Tests of the rules that decide which text is a plate, and which vehicle it belongs to."""

import pytest

from ai_detect.domain import Finding, TextLine, assemble, read_plates
from gtvision.camera import AiSettings, ObjectClass
from gtvision.detection import PlateCandidate
from gtvision.geometry import Box

SETTINGS = AiSettings(classes=(ObjectClass.CAR, ObjectClass.MOTORCYCLE, ObjectClass.PLATE))


def line(
    text: str, x: float = 0.4, y: float = 0.5, *, width: float = 0.12, height: float = 0.04, aspect: float = 4.0, sure: float = 0.98
) -> TextLine:
    return TextLine(text, (sure,) * len(text), Box(x1=x, y1=y, x2=x + width, y2=y + height), aspect)


def texts(*lines: TextLine) -> list[str]:
    return [finding.candidates[0].text for finding in read_plates(lines)]


class TestReadPlates:
    @pytest.mark.parametrize(
        ("text", "plate"), [("ABC1234", "ABC1234"), ("ABC-1234", "ABC1234"), ("ABC1D23", "ABC1D23"), ("A8C1D23", "ABC1D23")]
    )
    def test_one_row(self, text: str, plate: str) -> None:
        assert texts(line(text)) == [plate]

    @pytest.mark.parametrize("text", ["BRASIL", "AVENIDA", "00:12.05", "0012053", "PADARIA", "R$ 12,90", "TEL 5555-1234", "AB", ""])
    def test_other_text_in_the_street_is_no_plate(self, text: str) -> None:
        assert texts(line(text)) == []

    def test_two_rows_of_a_motorcycle_are_one_plate(self) -> None:
        upper = line("BRA", 0.45, 0.50, width=0.05, height=0.03, aspect=2.0)
        lower = line("2E19", 0.445, 0.535, width=0.06, height=0.03, aspect=2.4)
        [finding] = read_plates([lower, upper])
        assert finding.candidates[0].text == "BRA2E19"
        assert finding.box.iou(Box(x1=0.445, y1=0.50, x2=0.505, y2=0.565)) == pytest.approx(1.0)
        assert len(finding.character_confidences) == 7

    @pytest.mark.parametrize(("x", "y"), [(0.445, 0.70), (0.60, 0.535), (0.445, 0.46)])
    def test_rows_apart_or_upside_down_are_not(self, x: float, y: float) -> None:
        upper = line("BRA", 0.45, 0.50, width=0.05, height=0.03, aspect=2.0)
        assert texts(upper, line("2E19", x, y, width=0.06, height=0.03, aspect=2.4)) == []

    def test_a_shape_that_no_plate_has_is_refused(self) -> None:
        assert texts(line("ABC1234", aspect=14.0)) == []

    def test_alternates_travel_with_the_winner(self) -> None:
        [finding] = read_plates([line("ABC1O23", sure=0.7)])
        assert {"ABC1O23", "ABC1023"} <= {candidate.text for candidate in finding.candidates}

    def test_a_doubtful_reading_is_less_confident(self) -> None:
        sure, unsure = (read_plates([line("ABC1D23", sure=value)])[0] for value in (0.99, 0.7))
        assert sure.confidence > 0.9 > unsure.confidence

    def test_readings_of_one_place_leave_the_better_one(self) -> None:
        assert texts(line("ABC1D23", sure=0.99), line("A8C1D23", sure=0.6)) == ["ABC1D23"]


def vehicle(box: Box, object_class: ObjectClass = ObjectClass.CAR, confidence: float = 0.8) -> Finding:
    return Finding(object_class, confidence, box, "yolo")


def plate(x: float, y: float, confidence: float = 0.9) -> Finding:
    box = Box(x1=x, y1=y, x2=x + 0.1, y2=y + 0.03)
    return Finding(ObjectClass.PLATE, confidence, box, "rapidocr", (PlateCandidate(text="ABC1D23", confidence=confidence),), (0.9,) * 7)


class TestAssemble:
    def test_a_plate_belongs_to_the_smallest_vehicle_around_it(self) -> None:
        large, small = Box(x1=0, y1=0, x2=1, y2=1), Box(x1=0.3, y1=0.3, x2=0.7, y2=0.8)
        bus, car = assemble([vehicle(large, ObjectClass.CAR), vehicle(small), plate(0.45, 0.6)], SETTINGS)
        assert (bus.plate, car.plate and car.plate.text, car.source) == (None, "ABC1D23", "yolo+rapidocr")

    def test_a_lone_plate_stands_for_itself(self) -> None:
        [found] = assemble([plate(0.45, 0.6)], SETTINGS)
        assert (found.object_class, found.plate and found.plate.text, found.plate_box) == (ObjectClass.PLATE, "ABC1D23", found.box)

    def test_masks_classes_and_confidence_are_the_cameras(self) -> None:
        masked = SETTINGS.model_copy(update={"masks": (((0.0, 0.0), (1.0, 0.0), (1.0, 0.3), (0.0, 0.3)),)})
        assert assemble([plate(0.45, 0.1)], masked) == []
        assert assemble([vehicle(Box(x1=0, y1=0, x2=1, y2=1), ObjectClass.PERSON)], SETTINGS) == []
        assert assemble([vehicle(Box(x1=0, y1=0, x2=1, y2=1), confidence=0.4)], SETTINGS) == []

    def test_the_cameras_least_confidence_holds_for_plates_too(self) -> None:
        strict = SETTINGS.model_copy(update={"min_confidence": 0.95})
        assert assemble([plate(0.45, 0.6, confidence=0.94)], strict) == []
        assert len(assemble([plate(0.45, 0.6, confidence=0.95)], strict)) == 1
        car = vehicle(Box(x1=0.3, y1=0.3, x2=0.7, y2=0.8), confidence=0.97)
        [found] = assemble([car, plate(0.45, 0.6, confidence=0.94)], strict)
        assert (found.object_class, found.plate, found.plate_box) == (ObjectClass.CAR, None, None)
        assert len(assemble([plate(0.45, 0.6, confidence=0.3)], SETTINGS.model_copy(update={"min_confidence": 0.0}))) == 1
