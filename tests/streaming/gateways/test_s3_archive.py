"""Tests of the archive's requests: their signature, and what answers mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gtvision.errors import GTVisionError, NotFound, Unavailable
from streaming.archive.domain import Stored, Thaw
from streaming.gateways.s3_archive import ArchiveRefused, _raise, _thaw, signed

# The examples of "Authenticating Requests: Using the Authorization Header" in the Amazon S3 API Reference.
AT = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KEYS = {"region": "us-east-1", "key_id": "AKIAIOSFODNN7EXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


@pytest.mark.parametrize(
    ("method", "url", "headers", "signature"),
    [
        pytest.param(
            "GET",
            f"https://{HOST}/test.txt",
            {"range": "bytes=0-9", "x-amz-content-sha256": NOTHING},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            id="get",
        ),
        pytest.param(
            "PUT",
            f"https://{HOST}/test%24file.text",
            {
                "date": "Fri, 24 May 2013 00:00:00 GMT",
                "x-amz-storage-class": "REDUCED_REDUNDANCY",
                "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            },
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            id="put",
        ),
        pytest.param(
            "GET",
            f"https://{HOST}/?lifecycle=",
            {"x-amz-content-sha256": NOTHING},
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="query",
        ),
    ],
)
def test_signs_as_the_reference_does(method: str, url: str, headers: dict[str, str], signature: str) -> None:
    whole = signed(method, url, {"host": HOST, **headers}, AT, **KEYS)
    assert whole["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(404, b"<Code>NoSuchKey</Code>", NotFound, id="key"),
        pytest.param(404, b"", NotFound, id="head"),
        pytest.param(404, b"<Code>NoSuchBucket</Code>", Unavailable, id="bucket"),
        pytest.param(403, b"<Code>SignatureDoesNotMatch</Code>", Unavailable, id="rights"),
        pytest.param(503, b"<Code>SlowDown</Code>", Unavailable, id="slow"),
        pytest.param(400, b"<Code>XAmzContentSHA256Mismatch</Code>", ArchiveRefused, id="hash"),
    ],
)
def test_tells_trouble_of_the_store_from_trouble_of_an_object(status: int, body: bytes, error: type[GTVisionError]) -> None:
    with pytest.raises(error, match=str(status)):
        _raise(status, body)


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
    stored = Stored(1, None, storage_class, _thaw(restore))
    assert stored.is_cold is is_cold
    assert (stored.thaw is Thaw.NONE) is (restore is None)
