"""AsyncAPI for what does not pass through FastStream: the hot lanes, and services that only publish."""

from __future__ import annotations

from typing import Any, Literal

from chassis.envelope import event_model
from gtvision.events import EventData

Action = Literal["send", "receive"]


def empty_document(service: str) -> dict[str, Any]:
    """An AsyncAPI 3 document without channels."""
    info = {"title": f"GT-Vision {service}", "version": "0.1.0"}
    return {"asyncapi": "3.0.0", "info": info, "defaultContentType": "application/json", "channels": {}, "operations": {}}


def add_lane(document: dict[str, Any], event: type[EventData], action: Action) -> dict[str, Any]:
    """The document with one more event that the service sends or receives on a lane of its own. Changes it in place."""
    name = f"{event.__name__}:{action}"
    schema = event_model(event).model_json_schema(ref_template=f"#/channels/{event.key}/messages/{event.__name__}/payload/$defs/{{model}}")
    message = {"title": event.__name__, "summary": (event.__doc__ or "").strip().splitlines()[0], "payload": schema}
    document.setdefault("channels", {})[event.key] = {"address": event.key, "messages": {event.__name__: message}}
    document.setdefault("operations", {})[name] = {"action": action, "channel": {"$ref": f"#/channels/{event.key}"}}
    return document
