"""Tests of the topics of the live socket."""

from __future__ import annotations

import pytest

from gtvision.ids import new_id
from ingest.live.domain import Kind, Topic, UnknownTopic


class TestTopics:
    def test_a_topic_reads_as_it_is_written(self) -> None:
        camera = new_id()
        assert Topic.parse(f"detections:{camera}") == Topic(Kind.DETECTIONS, camera)
        assert str(Topic.parse(f"detections:{camera}")) == f"detections:{camera}"
        assert Topic.parse("alerts") == Topic(Kind.ALERTS)

    @pytest.mark.parametrize("text", ["", "nothing", "detections:", "detections:x", "alerts:018f0000-0000-7000-8000-000000000000", "*"])
    def test_anything_else_is_unknown(self, text: str) -> None:
        with pytest.raises(UnknownTopic):
            Topic.parse(text)
