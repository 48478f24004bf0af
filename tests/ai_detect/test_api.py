"""Tests of pictures over HTTP: what is read, and what is refused before decoding."""

import io
import struct
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from PIL import Image
from tests.ai_detect.pictures import stored_turned, street
from tests.fixtures.tokens import TokenMint

from ai_detect.app import create_api
from ai_detect.settings import ApiSettings, DetectorSettings
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.geometry import Box
from gtvision.tenancy import Role

pytestmark = pytest.mark.broker


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mint(redis_state: RedisSettings) -> TokenMint:
    mint = TokenMint()
    async with connect_redis(redis_state.state_url) as redis:
        await mint.publish(redis)
    return mint


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(mint: TokenMint, redis_state: RedisSettings) -> AsyncIterator[httpx.AsyncClient]:
    service = create_api(ApiSettings(service_name="ai-detect", redis=redis_state, detector=DetectorSettings(picture_timeout_s=120)))
    transport = httpx.ASGITransport(app=service.api)
    async with service.started(), httpx.AsyncClient(transport=transport, base_url="http://ai/api/v1", timeout=60) as client:
        yield client


def png(width: int, height: int) -> bytes:
    """Returns a PNG of a few bytes whose header claims the given size."""
    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def gif() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "GIF")
    return out.getvalue()


async def test_a_picture_is_read(http: httpx.AsyncClient, mint: TokenMint) -> None:
    headers = mint.headers() | {"content-type": "image/jpeg"}
    answer = await http.post("/detect/frame", headers=headers, content=street([("ABC1D23", 80, 100)]))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["width_px"], body["height_px"], [found["plate"]["text"] for found in body["objects"]]) == (640, 480, ["ABC1D23"])
    health = (await http.get("/ai/providers", headers=mint.headers())).json()["items"][0]
    assert (health["name"], health["state"], health["pictures"]) == ("cpu", "ready", 1)


@pytest.mark.parametrize(("orientation", "form"), [(3, "JPEG"), (5, "PNG"), (6, "JPEG"), (8, "JPEG"), (8, "PNG")])
async def test_size_and_boxes_are_the_upright_pictures(http: httpx.AsyncClient, mint: TokenMint, orientation: int, form: str) -> None:
    content = stored_turned(street([("ABC1D23", 80, 100)]), orientation, form)
    answer = await http.post("/detect/frame", headers=mint.headers() | {"content-type": f"image/{form.lower()}"}, content=content)
    body = answer.json()
    assert (body["width_px"], body["height_px"]) == (640, 480)
    [found] = body["objects"]
    assert found["plate"]["text"] == "ABC1D23"
    assert Box(**found["plate_box"]).iou(Box(x1=70 / 640, y1=94 / 480, x2=215 / 640, y2=136 / 480)) > 0.8


@pytest.mark.parametrize("kind", ["image/jpg", "IMAGE/JPEG; charset=binary", "image/png"])
async def test_a_jpeg_may_be_sent_under_the_name_that_many_programs_give_it(http: httpx.AsyncClient, mint: TokenMint, kind: str) -> None:
    answer = await http.post("/detect/frame", headers=mint.headers() | {"content-type": kind}, content=street([]))
    assert (answer.status_code, answer.json()["objects"]) == (200, [])


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (street([])[:-40], "image/jpeg", 422, "invalid_image"),
        (street([]) + b"PK\x03\x04 hidden archive", "image/jpeg", 422, "invalid_image"),
        (b"<svg/>", "image/png", 422, "invalid_image"),
        (gif(), "image/png", 422, "invalid_image"),
        (b"", "image/jpeg", 422, "invalid_image"),
        (png(60_000, 60_000), "image/png", 413, "too_large"),
        (png(4, 4), "image/png", 422, "invalid_image"),
        (png(64, 64), "image/png", 422, "invalid_image"),
        (b"\xff\xd8\xff" + bytes(6_000_000) + b"\xff\xd9", "image/jpeg", 413, "too_large"),
        (street([]), "text/plain", 422, "unsupported_picture"),
    ],
)
async def test_what_is_no_picture_is_refused(
    http: httpx.AsyncClient, mint: TokenMint, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = await http.post("/detect/frame", headers=mint.headers() | {"content-type": kind}, content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_scopes_are_needed(http: httpx.AsyncClient, mint: TokenMint) -> None:
    viewer = mint.headers(mint.caller(Role.VIEWER))
    assert (await http.post("/detect/frame", headers=viewer, content=b"")).status_code == 403
    assert (await http.get("/ai/providers", headers=viewer)).status_code == 403
    assert (await http.post("/detect/frame", content=b"")).status_code == 401
