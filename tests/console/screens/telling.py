"""Channels, their messages, policies and people on call as the API has them, for tests of the screens that are about them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.console.rules.city import BEGAN
from tests.console.standins import Asked, Services, problem

KINDS: list[dict[str, Any]] = [
    {
        "kind": "telegram",
        "name": "Telegram",
        "carries_pictures": True,
        "fields": [
            {"name": "token", "label": "Token do bot", "type": "secret", "required": True, "help": "do @BotFather", "choices": []},
            {"name": "chat_id", "label": "Chat", "type": "text", "required": True, "help": "número ou @canal", "choices": []},
        ],
        "template": {"subject": "{{ title }}", "body": "{{ title }}\n{{ reason }}"},
        "variables": [
            {"name": "title", "meaning": "o que aconteceu", "example": "Placa ABC1D23"},
            {"name": "camera", "meaning": "a câmera", "example": "Portão 2"},
        ],
    },
    {
        "kind": "webhook",
        "name": "Webhook assinado",
        "carries_pictures": False,
        "fields": [{"name": "url", "label": "Endereço", "type": "text", "required": True, "help": "https://…", "choices": []}],
        "template": {"subject": "", "body": "{{ title }}"},
        "variables": [{"name": "title", "meaning": "o que aconteceu", "example": "Placa ABC1D23"}],
    },
]


def channel(name: str = "Plantão", **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "channel_id": uuid4(),
        "kind": "telegram",
        "name": name,
        "enabled": True,
        "settings": {"chat_id": "@guarda"},
        "secrets_set": ["token"],
        "min_severity": "warning",
        "kinds": [],
        "rate_per_minute": 20,
        "quiet_hours": None,
        "template": None,
        "created_at": BEGAN,
        "trouble": None,
        "last_delivered_at": None,
    }
    return fields | changes


class Channels:
    """The channels of a city, made and changed as the service does it."""

    def __init__(self, services: Services, *channels: dict[str, Any]) -> None:
        self.channels = {str(each["channel_id"]): each for each in channels}
        for method, path, answer in (
            ("GET", "/channels/*", self._one),
            ("GET", "/channels/kinds", {"items": KINDS}),
            ("GET", "/channels", self._all),
            ("POST", "/channels", self._make),
            ("PATCH", "/channels/*", self._change),
            ("DELETE", "/channels/*", self._remove),
            ("POST", "/channels/*/test", {"delivered": True, "detail": "200", "took_ms": 420}),
            ("POST", "/channels/*/secret", {"secret": "whsec_bm92bw=="}),
            ("POST", "/channels/preview", {"subject": "Placa ABC1D23", "body": "Placa ABC1D23\nroubado"}),
        ):
            services.answer(method, path, answer)

    def _all(self, asked: Asked) -> Any:
        """All of them: the API knows no pages here, and refuses what it does not know."""
        return problem(422, "invalid") if asked.query else {"items": list(self.channels.values())}

    def _one(self, asked: Asked) -> Any:
        return self.channels.get(asked.path.split("/")[2], problem(404, "not_found"))

    def _make(self, asked: Asked) -> Any:
        made = channel(**{**asked.body, "secrets_set": [*asked.body.pop("secrets", {})]})
        self.channels[str(made["channel_id"])] = made
        return made

    def _change(self, asked: Asked) -> Any:
        known = self.channels[asked.path.split("/")[2]]
        known.update({name: value for name, value in asked.body.items() if name != "secrets"})
        return known

    def _remove(self, asked: Asked) -> None:
        del self.channels[asked.path.split("/")[2]]


def delivery(channel: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "delivery_id": uuid4(),
        "alert_id": uuid4(),
        "alert_title": "Portão 1 sem sinal",
        "channel_id": channel["channel_id"],
        "channel_name": channel["name"],
        "to": None,
        "notice": "raised",
        "state": "failed",
        "attempts": 9,
        "next_try_at": None,
        "last_answer": "503 Service Unavailable",
        "created_at": BEGAN,
        "delivered_at": None,
        "digest_id": None,
    }
    return fields | changes


def on_call(channel: dict[str, Any]) -> dict[str, Any]:
    """A group of one person."""
    member = {"name": "Ana", "user_id": None, "reach": [{"channel_id": channel["channel_id"], "to": "@ana"}]}
    rotation = {"starts_on": "2026-11-23", "at": "08:00", "days": 7}
    return {"group_id": uuid4(), "name": "Guarda", "members": [member], "rotation": rotation, "overrides": []}


def policy(channel: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    steps = [
        {"after_min": 0, "channel_ids": [channel["channel_id"]], "group_ids": []},
        {"after_min": 10, "channel_ids": [], "group_ids": [group["group_id"]]},
    ]
    about: dict[str, Any] = {"severities": ["critical"], "kinds": [], "watchlist_ids": [], "rule_ids": []}
    return {"policy_id": uuid4(), "name": "Críticos", "enabled": True, "order": 100, **about, "steps": steps, "repeat_h": 4}
