"""Tests of what a bus says of its queues, and of the hot lanes, which do not go through FastStream."""

import pytest
from pydantic import SecretStr

from chassis.bus import Bus, add_lane, empty_document
from chassis.settings import RabbitSettings
from gtvision.events import DetectionMade, DetectionsStored
from gtvision.time import SystemClock


def test_a_lane_is_described_beside_the_subscriptions() -> None:
    bus = Bus(RabbitSettings(url=SecretStr("amqp://u:p@127.0.0.1:1/")), "ingest", SystemClock())
    bus.publishes(DetectionsStored)
    bus.receives(DetectionMade)
    document = bus.asyncapi()
    assert document["operations"]["DetectionMade:receive"]["action"] == "receive"
    payload = document["channels"]["detection.made.v1"]["messages"]["DetectionMade"]["payload"]
    assert "captured_at" in payload["$defs"]["DetectionMade"]["properties"]
    assert any("detections.stored.v1" in str(channel) for channel in document["channels"].values())


def test_a_queue_has_one_handler() -> None:
    async def handler(_event: object) -> None: ...

    bus = Bus(RabbitSettings(url=SecretStr("amqp://u:p@127.0.0.1:1/")), "ingest", SystemClock())
    bus.subscribe(DetectionsStored, handler, name="own")
    with pytest.raises(ValueError, match=r"ingest\.own has a handler"):
        bus.subscribe(DetectionMade, handler, name="own")


def test_every_reference_of_a_lane_leads_somewhere() -> None:
    document = add_lane(empty_document("ai-detect"), DetectionMade, "send")

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    assert references(document)
    for reference in references(document):
        target: object = document
        for part in reference.removeprefix("#/").split("/"):
            assert isinstance(target, dict)
            target = target[part]
