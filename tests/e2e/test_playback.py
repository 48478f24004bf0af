"""Tests that what a whole stack records can be watched at its address: the ticket, the playlist, and the files behind it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from tests.e2e.conftest import Deployment
from tests.e2e.stack import ANSWER_S, until
from tests.streaming.playback.rfc8216 import validated

from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.e2e, pytest.mark.media, pytest.mark.db, pytest.mark.broker]


async def test_what_is_recorded_can_be_watched_while_it_is_written(deployment: Deployment) -> None:
    stack, now = deployment.stack, SystemClock().now()
    span = {"camera_id": deployment.camera_id, "from": isoformat(now - timedelta(hours=1)), "to": isoformat(now + timedelta(hours=1))}

    async def offered() -> str | None:
        answer = await deployment.person.ask("GET", "/recordings/playback", params=span)
        return str(answer.json()["url"]) if answer.status_code == 200 else None

    ticket = await until(offered, "something is recorded")
    async with httpx.AsyncClient(base_url=stack.address, verify=stack.trust(), trust_env=False, timeout=ANSWER_S) as viewer:
        opened = await viewer.get(ticket)
        assert opened.status_code == 302, opened.text
        address = opened.headers["location"]
        assert (await viewer.get(ticket)).status_code == 401

        async def grown() -> str | None:
            answer = await viewer.get(address)
            return answer.text if answer.status_code == 200 and validated(answer.text).segments else None

        playlist = validated(await until(grown, "the playlist has a segment"))
        assert (playlist.kind, playlist.is_ended) == ("EVENT", False)
        first = playlist.segments[0]
        wanted = {"range": f"bytes={first.offset}-{first.offset + first.size - 1}"}
        media = await viewer.get(f"{address.rpartition('/')[0]}/{first.uri}", headers=wanted)
        assert (media.status_code, len(media.content), media.content[4:8]) == (206, first.size, b"moof")
        assert not [name for name in media.headers if name.startswith("access-control")]
    address = f"{stack.address}{address}"
    command = ["ffmpeg", "-v", "error", "-ca_file", str(stack.authority), "-tls_verify", "1", "-i", address, "-t", "2", "-f", "null", "-"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(300):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
