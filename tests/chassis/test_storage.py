from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from chassis.settings import ObjectsSettings
from chassis.storage import InvalidObjectKey, ObjectCorrupt, ObjectStore, checked_key, object_key
from gtvision.errors import NotFound, Unavailable
from gtvision.ids import new_id


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(f"file://{tmp_path}/objects")


async def test_gives_back_what_was_put(store: ObjectStore, tmp_path: Path) -> None:
    key = object_key("evidence", new_id(), new_id(), datetime(2026, 1, 2, tzinfo=UTC), "a.jpg")
    digest = await store.put(key, b"picture")
    assert digest == hashlib.sha256(b"picture").hexdigest()
    assert "/2026/01/02/" in key
    assert await store.get(key, digest) == b"picture"
    assert (tmp_path / "objects" / key).read_bytes() == b"picture"


async def test_the_same_key_again_replaces(store: ObjectStore) -> None:
    await store.put("evidence/a", b"1")
    await store.put("evidence/a", b"22")
    assert await store.get("evidence/a") == b"22"


async def test_notices_another_content(store: ObjectStore) -> None:
    with pytest.raises(ObjectCorrupt):
        await store.put("evidence/a", b"1", sha256=hashlib.sha256(b"2").hexdigest())
    with pytest.raises(NotFound):
        await store.get("evidence/a")
    await store.put("evidence/a", b"1")
    with pytest.raises(ObjectCorrupt):
        await store.get("evidence/a", hashlib.sha256(b"2").hexdigest())


async def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        await store.get("evidence/none")
    await store.delete("evidence/none")


async def test_names_the_folders_right_below(store: ObjectStore) -> None:
    assert await store.folders("audit") == ()
    for key in ("audit/b/1/x.json", "audit/a/x.json", "audit/y.json", "auditor/c/x.json"):
        await store.put(key, b"x")
    assert await store.folders("audit") == ("a", "b")


async def test_lists_below_a_folder_only(store: ObjectStore) -> None:
    for key in ("evidence/t1/a", "evidence/t1/c/b", "evidence/t10/c"):
        await store.put(key, b"x")
    assert sorted([item.key async for item in store.list("evidence/t1")]) == ["evidence/t1/a", "evidence/t1/c/b"]
    await store.delete("evidence/t1/a")
    assert [item.key async for item in store.list("evidence/t1/")] == ["evidence/t1/c/b"]
    assert [item async for item in store.list("nothing")] == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../secret",
        "a/../../secret",
        "a/./b",
        "a//b",
        "a/",
        ".hidden",
        "a/.hidden",
        "a\\..\\b",
        "a/b\x00c",
        "a/b\nc",
        "a/%2e%2e/b",
        "a/b?c",
        "a/b#c",
        "a b",
        "~root/x",
        "x" * 513,
        "a/é",
        "a/$(id)",
    ],
)
async def test_refuses_keys_that_could_lead_elsewhere(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidObjectKey):
        checked_key(key)
    for call in (store.put(key, b""), store.get(key), store.delete(key)):
        with pytest.raises(InvalidObjectKey):
            await call


async def test_a_store_that_is_away_is_unavailable() -> None:
    settings = ObjectsSettings(
        url="s3://bucket/prefix",
        s3_endpoint="http://127.0.0.1:1",
        s3_access_key_id=SecretStr("id"),
        s3_secret_access_key=SecretStr("key"),
        timeout_s=1,
    )
    store = ObjectStore(settings)
    for call in (store.put("a", b"1"), store.get("a"), store.check()):
        with pytest.raises(Unavailable):
            await call


async def test_a_folder_is_ready(store: ObjectStore) -> None:
    await store.check()


@pytest.mark.parametrize("url", ["", "/tmp/x", "http://host/x", "file://host/x", "s3://", "ftp://x"])
def test_refuses_other_urls(url: str) -> None:
    with pytest.raises(ValueError):
        ObjectStore(ObjectsSettings(url=url))
