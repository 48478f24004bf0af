"""Tests of large objects, on a folder and on an S3 server."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.streaming.buckets import BUCKET, on_s3, s3_client

from chassis.settings import ObjectsSettings
from gtvision.errors import NotFound, Unavailable
from gtvision.ids import new_id
from streaming.gateways.object_files import ObjectFiles

SIZE = 20_000_003
"""More than two parts of a multipart upload, and no multiple of anything."""


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectFiles:
    if request.param == "folder":
        return ObjectFiles(ObjectsSettings(url=(tmp_path / "objects").as_uri()))
    return ObjectFiles(on_s3(request.getfixturevalue("s3")))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


async def test_a_file_is_stored_whole_and_read_in_parts(store: ObjectFiles, large: Path) -> None:
    key, told = f"exports/{new_id()}.mp4", list[int]()
    await store.put_file(key, large, SIZE, {}, told.append)
    assert told == sorted(told)
    assert told[-1] == SIZE
    whole = large.read_bytes()
    assert await store.get(key) == whole
    for start, end in ((0, SIZE), (0, 1), (SIZE - 1, SIZE), (5_000_000, 12_345_678)):
        parts = [part async for part in store.read(key, start, end)]
        assert b"".join(parts) == whole[start:end]
        assert len(parts) <= (end - start) // 1_048_576 + 1
    with pytest.raises(NotFound):
        _ = [part async for part in store.read("exports/none.mp4", 0, 1)]


async def test_an_upload_that_fails_leaves_no_object(store: ObjectFiles, large: Path) -> None:
    key = f"exports/{new_id()}.mp4"

    def breaks(sent: int) -> None:
        if sent > SIZE / 2:
            raise RuntimeError("stopped")

    with pytest.raises(Exception, match="stopped"):
        await store.put_file(key, large, SIZE, {}, breaks)
    with pytest.raises(NotFound):
        await store.get(key)
    assert [item async for item in store.list("exports") if item.key == key] == []


async def test_an_upload_that_is_cancelled_leaves_no_part(store: ObjectFiles, request: pytest.FixtureRequest, large: Path) -> None:
    def end(_: int) -> None:
        upload.cancel()

    upload = asyncio.create_task(store.put_file("cancelled/a.mp4", large, SIZE, {}, end))
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert [item async for item in store.list("cancelled")] == []
    if request.node.callspec.params["store"] == "s3":
        assert "Uploads" not in s3_client(request.getfixturevalue("s3")).list_multipart_uploads(Bucket=BUCKET)
    else:
        assert [path for path in request.getfixturevalue("tmp_path").rglob("*") if path.is_file()] == []


async def test_what_is_stored_on_s3_carries_its_hash_and_its_name(s3: str, large: Path) -> None:
    store, digest = ObjectFiles(on_s3(s3)), hashlib.sha256(large.read_bytes()).hexdigest()
    kept = {"sha256": digest, "Content-Type": "video/mp4", "Content-Disposition": "attachment; filename*=UTF-8''Ponte.mp4"}
    await store.put_file("exports/named.mp4", large, SIZE, kept, lambda _: None)
    found = s3_client(s3).head_object(Bucket=BUCKET, Key="city/exports/named.mp4")
    assert (found["ContentType"], found["Metadata"]["sha256"]) == ("video/mp4", digest)
    assert found["ContentDisposition"] == kept["Content-Disposition"]


async def test_a_link_gives_the_object_to_who_has_no_key(s3: str, large: Path) -> None:
    store = ObjectFiles(on_s3(s3), public_endpoint=s3)
    await store.put_file("exports/linked.mp4", large, SIZE, {}, lambda _: None)
    link = await store.link("exports/linked.mp4", timedelta(minutes=5))
    assert link is not None
    assert "X-Amz-Expires=300" in link
    async with httpx.AsyncClient(trust_env=False, timeout=60) as browser:
        answer = await browser.get(link, headers={"range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, large.read_bytes()[10:20])


async def test_there_is_no_link_where_browsers_do_not_reach_the_store(s3: str, tmp_path: Path) -> None:
    for settings in (on_s3(s3), ObjectsSettings(url=tmp_path.as_uri())):
        assert await ObjectFiles(settings).link("exports/a.mp4", timedelta(minutes=5)) is None
    aws = on_s3(s3).model_copy(update={"s3_endpoint": None})
    link = await ObjectFiles(aws).link("exports/a.mp4", timedelta(minutes=5))
    assert link is not None
    assert link.startswith("https://s3.us-east-1.amazonaws.com/exports/city/exports/a.mp4?")


async def test_a_store_that_is_away_is_unavailable(large: Path) -> None:
    store = ObjectFiles(on_s3("http://127.0.0.1:1").model_copy(update={"timeout_s": 1.0}))
    with pytest.raises(Unavailable):
        await store.put_file("exports/a.mp4", large, SIZE, {}, lambda _: None)
    with pytest.raises(Unavailable):
        _ = [part async for part in store.read("exports/a.mp4", 0, 1)]
