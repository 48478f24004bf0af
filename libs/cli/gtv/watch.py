"""`gtv watch`: what the installation sees, live in the terminal, over the same WebSocket as the console."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import httpx
from rich.text import Text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from gtv.client import Client, Refused
from gtvision.backoff import Backoff
from gtvision.time import Clock, SystemClock

TOPICS = ("cameras", "alerts", "detections", "system")
RENEW_S = 300.0
"""A token lives 15 minutes; the socket gets a new one in good time."""
REPEAT_S = 10.0
"""The same plate on the same camera is shown again only after this time."""

NAME_WIDTH = 28
STATES = {"online": "green", "offline": "red", "degraded": "yellow"}


async def messages(client: Client, say: Callable[[str], None]) -> AsyncGenerator[dict[str, Any], None]:
    """Messages of the live feed, for ever: a broken connection is opened again with a new ticket."""
    pauses = Backoff(timedelta(seconds=2), timedelta(seconds=15), well=timedelta(minutes=1))
    now = asyncio.get_running_loop().time
    while True:
        began = now()
        try:
            ticket = (await client.call("POST", "/auth/tickets", {"purpose": "ws"}))["ticket"]
            url = f"{client.address.replace('http', 'ws', 1)}/ws/v1/live?ticket={ticket}"
            async with connect(url, ssl=client.trust, proxy=None, open_timeout=10) as socket:
                await socket.send(json.dumps({"type": "subscribe", "topics": list(TOPICS)}))
                renewing = asyncio.create_task(_renew(socket.send, client))
                try:
                    async for frame in socket:
                        yield json.loads(frame)
                finally:
                    renewing.cancel()
        except (Refused, httpx.HTTPError, OSError, TimeoutError, ConnectionClosed, InvalidHandshake) as error:
            say(f"sem ligação: {_said(error)}")
        await asyncio.sleep(pauses.wait_s(now() - began))


async def _renew(send: Callable[[str], Any], client: Client) -> None:
    while True:
        await asyncio.sleep(RENEW_S)
        await send(json.dumps({"type": "auth", "token": await client.token()}))


def _said(error: BaseException) -> str:
    # the address of a refused WebSocket has a ticket in it
    return type(error).__name__ if isinstance(error, InvalidHandshake) else str(error) or type(error).__name__


class Screen:
    """Turns messages into lines: cameras and their state, plates as they are read, alerts."""

    def __init__(self, names: dict[str, str] | None = None, clock: Clock | None = None) -> None:
        self._names = names or {}
        self._clock = clock or SystemClock()
        self._states: dict[str, str] = {}
        self._shown: dict[tuple[str, str], float] = {}

    def lines(self, message: dict[str, Any]) -> list[Text]:
        """What a message means to a person; nothing for what is of no interest."""
        data = message.get("data")
        match message.get("type"), data:
            case "error", _:
                return [self._line("erro", f"{message.get('detail') or message.get('code') or ''}", style="red")]
            case "resync", _:
                return [self._line("aviso", "a transmissão ao vivo recomeçou", style="yellow")]
            case "camera", dict():
                return self._camera(data)
            case "detection", dict():
                return [self._plate(data, item) for item in data.get("objects", ()) if self._is_news(data, item)]
            case "alert", dict():
                return [self._alert(data)]
        return []

    def _camera(self, data: dict[str, Any]) -> list[Text]:
        camera, state = str(data.get("camera_id")), str(data.get("state"))
        if data.get("name"):
            self._names[camera] = str(data["name"])
        if self._states.get(camera) == state:
            return []
        self._states[camera] = state
        cause = f" ({data['cause']})" if data.get("cause") else ""
        return [self._line("câmera", self._name(data), "  ", (state + cause, STATES.get(state, "")))]

    def _plate(self, data: dict[str, Any], item: dict[str, Any]) -> Text:
        confidence = item.get("plate_confidence") or item.get("confidence") or 0.0
        moment = item.get("captured_at") or data.get("captured_at")
        delay = f"{(self._clock.now() - datetime.fromisoformat(moment)).total_seconds():4.1f} s" if moment else ""
        return self._line("placa", self._name(data), "  ", (f"{item['plate']:<8}", "bold"), f" {100 * confidence:3.0f} %  {delay}")

    def _alert(self, data: dict[str, Any]) -> Text:
        reason = f"  {data['reason']}" if data.get("reason") else ""
        state = "" if data.get("state") in {None, "open", "raised", "new"} else f"  [{data['state']}]"
        title = data.get("plate") or data.get("title") or ""
        return self._line("ALERTA", f"{self._name(data)}  {title}{reason}{state}", style="bold red")

    def _is_news(self, data: dict[str, Any], item: dict[str, Any]) -> bool:
        if not item.get("plate"):
            return False
        now, key = self._clock.monotonic(), (str(data.get("camera_id")), item["plate"])
        last = self._shown.get(key)
        self._shown[key] = now
        return last is None or now - last > REPEAT_S

    def _name(self, data: dict[str, Any]) -> str:
        camera = str(data.get("camera_id"))
        name = self._names.get(camera, camera[:8])
        return f"{name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + '…':<{NAME_WIDTH}}"

    def _line(self, kind: str, *parts: str | tuple[str, str], style: str = "") -> Text:
        return Text.assemble(f"{self._clock.now().astimezone():%H:%M:%S}  {kind:<9}", *parts, style=style)


async def show(client: Client, write: Callable[[Text], None]) -> None:
    """Writes lines until cancelled."""

    def say(text: str) -> None:
        write(Text(text, "yellow"))

    screen = Screen()
    try:
        async for item in client.every("/cameras"):
            for line in screen.lines({"type": "camera", "data": {**item, "camera_id": item["id"]}}):
                write(line)
    except (Refused, httpx.HTTPError) as error:
        say(f"câmeras desconhecidas: {error}")
    async with aclosing(messages(client, say)) as feed:
        async for message in feed:
            for line in screen.lines(message):
                write(line)
