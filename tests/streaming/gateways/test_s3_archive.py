"""Tests of the archive's bucket, on a server that speaks S3."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from tests.fixtures import needs
from tests.streaming.buckets import SECRET, a_plain_store, on_s3

from chassis.settings import ObjectsSettings
from gtvision.errors import GTVisionError, NotFound, Unavailable
from gtvision.ids import new_id
from gtvision.time import SystemClock
from streaming.archive.domain import Stored, Thaw
from streaming.gateways.s3_archive import ArchiveRefused, S3Archive, thaw_of, trouble

DATA = os.urandom(3_000_001)
SHA256 = hashlib.sha256(DATA).hexdigest()


async def chunks(data: bytes = DATA) -> AsyncGenerator[bytes, None]:
    for begin in range(0, len(data), 1 << 18):
        yield data[begin : begin + (1 << 18)]


def archive_of(settings: ObjectsSettings) -> S3Archive:
    return S3Archive(settings, SystemClock(), storage_class="STANDARD")


def a_key() -> str:
    return f"recordings/{new_id()}/a+b=c@_-.mp4"


@pytest.fixture
async def archive(s3: str) -> AsyncIterator[S3Archive]:
    async with aclosing(archive_of(on_s3(s3))) as made:
        yield made


async def content(archive: S3Archive, key: str) -> bytes:
    return b"".join([chunk async for chunk in archive.get(key)])


async def test_an_object_is_stored_told_of_read_and_deleted(archive: S3Archive) -> None:
    key = a_key()
    await archive.put(key, chunks(), len(DATA), SHA256)
    assert await archive.head(key) == Stored(len(DATA), SHA256, "STANDARD", Thaw.NONE)
    assert await content(archive, key) == DATA
    await archive.put(key, chunks(b"other"), 5, hashlib.sha256(b"other").hexdigest())
    assert await content(archive, key) == b"other"
    for _ in range(2):
        await archive.delete(key)
    with pytest.raises(NotFound):
        await archive.head(key)
    with pytest.raises(NotFound):
        await content(archive, key)


async def test_what_arrives_changed_is_refused_by_the_store_itself(archive: S3Archive) -> None:
    if needs.minio() is None:
        needs.lacks("MinIO")
    key = a_key()
    with pytest.raises(ArchiveRefused, match="400"):
        await archive.put(key, chunks(DATA[:-1] + b"x"), len(DATA), SHA256)
    with pytest.raises(NotFound):
        await archive.head(key)


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError])
async def test_a_file_that_cannot_be_read_to_its_end_is_no_fault_of_the_store(archive: S3Archive, error: type[OSError]) -> None:
    async def torn() -> AsyncGenerator[bytes, None]:
        yield DATA[:1_000_000]
        raise error("gone")

    key = a_key()
    with pytest.raises(error):
        await archive.put(key, torn(), len(DATA), SHA256)
    with pytest.raises(NotFound):
        await archive.head(key)


async def test_the_wrong_bucket_is_no_missing_object(s3: str) -> None:
    wrong = on_s3(s3).model_copy(update={"url": "s3://another-bucket/city"})
    async with aclosing(archive_of(wrong)) as archive:
        for call in (archive.put(a_key(), chunks(), len(DATA), SHA256), archive.delete(a_key()), content(archive, a_key())):
            with pytest.raises(Unavailable, match="NoSuchBucket"):
                await call


async def test_what_is_not_cold_is_not_thawed(archive: S3Archive) -> None:
    key = a_key()
    await archive.put(key, chunks(), len(DATA), SHA256)
    with pytest.raises(GTVisionError):
        await archive.thaw(key, 2)


@asynccontextmanager
async def a_silent_store(says: bytes) -> AsyncIterator[str]:
    """A store that takes connections, says so much, and nothing more."""
    open_, ended = list[asyncio.StreamWriter](), asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.append(writer)
        writer.write(says)
        await ended.wait()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, limit=1) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ended.set()
        for writer in open_:
            writer.close()


@pytest.mark.parametrize(
    "says",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="go-on"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nbegun", id="a-beginning"),
    ],
)
async def test_a_store_that_falls_silent_is_unavailable(says: bytes) -> None:
    large = DATA * 10  # more than what the kernel takes for it
    async with a_silent_store(says) as address, aclosing(archive_of(on_s3(address).model_copy(update={"timeout_s": 0.5}))) as archive:
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable):
                await archive.put("a", chunks(large), len(large), hashlib.sha256(large).hexdigest())
            with pytest.raises(Unavailable):
                await content(archive, "a")


async def test_a_store_that_does_not_say_go_on_is_sent_the_file() -> None:
    async with a_plain_store() as address, aclosing(archive_of(on_s3(address).model_copy(update={"timeout_s": 5}))) as archive:
        await archive.put("a", chunks(), len(DATA), SHA256)
        assert await content(archive, "a") == DATA


async def test_only_what_the_store_has_computed_counts_as_its_hash() -> None:
    async with a_plain_store(spoils=True) as address, aclosing(archive_of(on_s3(address))) as archive:
        await archive.put("a", chunks(), len(DATA), SHA256)
        assert (await archive.head("a")).sha256 is None, "it was told a hash, and did not look"
        assert await archive.sha256("a") == hashlib.sha256(DATA[:-1] + b"?").hexdigest()


async def test_a_store_that_is_away_is_unavailable() -> None:
    async with aclosing(archive_of(on_s3("http://127.0.0.1:1"))) as archive:
        for call in (archive.put("a", chunks(), len(DATA), SHA256), archive.head("a"), archive.thaw("a", 1), archive.delete("a")):
            with pytest.raises(Unavailable):
                await call


async def test_the_machines_own_aws_configuration_is_another_programs(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text("[broken")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "another",
        "AWS_SECRET_ACCESS_KEY": "another",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    key = a_key()
    async with aclosing(archive_of(on_s3(s3))) as archive:
        await archive.put(key, chunks(), len(DATA), SHA256)
        assert (await archive.head(key)).size_bytes == len(DATA)


async def test_no_log_holds_the_secret(archive: S3Archive, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await archive.put(a_key(), chunks(), len(DATA), SHA256)
    assert caplog.records
    assert SECRET not in caplog.text


def test_only_an_agent_with_an_archive_pays_for_the_library() -> None:
    told = "import sys, streaming.app; sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        pytest.param(404, "NoSuchKey", NotFound, id="key"),
        pytest.param(404, "404", NotFound, id="head"),
        pytest.param(404, "NoSuchBucket", Unavailable, id="bucket"),
        pytest.param(403, "SignatureDoesNotMatch", Unavailable, id="rights"),
        pytest.param(403, "InvalidObjectState", ArchiveRefused, id="cold"),
        pytest.param(503, "SlowDown", Unavailable, id="slow"),
        pytest.param(400, "BadDigest", ArchiveRefused, id="hash"),
    ],
)
def test_tells_trouble_of_the_store_from_trouble_of_an_object(status: int, code: str, error: type[GTVisionError]) -> None:
    assert type(trouble(status, code)) is error
    assert str(status) in trouble(status, code).message


@pytest.mark.parametrize(
    ("storage_class", "restore", "is_cold"),
    [
        ("STANDARD", None, False),
        ("GLACIER_IR", None, False),
        ("GLACIER", None, True),
        ("DEEP_ARCHIVE", 'ongoing-request="true"', True),
        ("DEEP_ARCHIVE", 'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"', False),
    ],
)
def test_knows_what_is_in_cold_storage(storage_class: str, restore: str | None, is_cold: bool) -> None:
    stored = Stored(1, None, storage_class, thaw_of(restore))
    assert stored.is_cold is is_cold
    assert (stored.thaw is Thaw.NONE) is (restore is None)
