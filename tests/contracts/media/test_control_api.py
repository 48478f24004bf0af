"""Tests of the control API: what the streaming service relies on, and the pitfalls that it has to avoid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.contracts.media.conftest import PATIENCE_S, MediaServer
from tests.fixtures import needs

pytestmark = pytest.mark.media

UNREACHABLE = "rtsp://127.0.0.1:1/cam"
PATH_FIELDS = {
    "name", "confName", "ready", "readyTime", "available", "availableTime", "online", "onlineTime", "source", "tracks", "tracks2",
    "readers", "inboundBytes", "outboundBytes", "inboundFramesInError", "bytesReceived", "bytesSent",
}  # fmt: skip


def is_error(answer: httpx.Response, status: int, text: str = "") -> bool:
    body = answer.json()
    return answer.status_code == status and body["status"] == "error" and text in body["error"]


def test_info_tells_the_version(server: MediaServer) -> None:
    answer = server.client.get("/info").json()
    assert answer["version"].startswith("v1.")
    assert answer["started"].endswith("Z")


def test_a_path_is_added_once(server: MediaServer) -> None:
    assert server.client.post("/config/paths/add/once", json={}).json() == {"status": "ok"}
    assert is_error(server.client.post("/config/paths/add/once", json={}), 400, "path already exists")
    assert server.client.delete("/config/paths/delete/once").status_code == 200


def test_missing_paths_are_404_and_replace_is_an_upsert(server: MediaServer) -> None:
    client = server.client
    assert is_error(client.patch("/config/paths/patch/missing", json={}), 404, "path not found")
    assert is_error(client.delete("/config/paths/delete/missing"), 404, "path not found")
    assert is_error(client.get("/config/paths/get/missing"), 404, "path configuration not found")
    assert is_error(client.get("/paths/get/missing"), 404, "path not found")
    assert client.post("/config/paths/replace/upsert", json={"maxReaders": 3}).status_code == 200
    assert client.post("/config/paths/replace/upsert", json={"record": False}).status_code == 200
    assert client.get("/config/paths/get/upsert").json()["maxReaders"] == 0
    client.delete("/config/paths/delete/upsert")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"nonsense": 1}, 'unknown field "nonsense"'),
        ({"record": "yes"}, "cannot unmarshal"),
        ({"source": 5}, "cannot unmarshal"),
        ({"recordPath": "recordings/%path"}, "recordPath"),
        ({"recordPath": "recordings/%Y-%m-%d_%H-%M-%S-%f"}, "%path"),
        ({"recordPath": "recordings/%path/%Y-%m-%d_%H-%M-%S"}, "%f"),
        ({"recordFormat": "avi"}, "invalid record format"),
        ({"recordSegmentDuration": "25h"}, "1 day"),
        ({"recordSegmentDuration": "1h", "recordDeleteAfter": "1m"}, "recordDeleteAfter"),
        ({"recordSegmentDuration": 60}, "cannot unmarshal"),
        ({"source": "ftp://somewhere"}, "invalid source"),
        ({"source": "rtsp://user@host/cam"}, "username and password"),
        ({"source": "rtsp://user:@host/cam"}, "username and password"),
        ({"source": "rtsp://:secret@host/cam"}, "username and password"),
        ({"source": "RTSP://host/cam"}, "invalid source"),
        *(({"source": f"rtsp://us{raw}er:sec{raw}ret@host/cam"}, "not a valid URL") for raw in '^{}|"<>`'),
        ({"rtspTransport": "carrier-pigeon"}, "invalid transport"),
        ({"sourceOnDemand": True}, "sourceOnDemand"),
    ],
)
def test_wrong_options_are_refused_at_once(server: MediaServer, body: dict[str, Any], text: str) -> None:
    assert is_error(server.client.post("/config/paths/add/refused", json=body), 400, text)
    assert server.client.get("/config/paths/get/refused").status_code == 404


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"{} {}"])
def test_a_body_that_is_no_object_is_refused(server: MediaServer, body: bytes) -> None:
    assert is_error(server.client.post("/config/paths/add/refused", content=body), 400)


@pytest.mark.parametrize("name", ["a%20b", "ends/", "dot/%2e%2e/dot", "~%28"])
def test_wrong_names_are_refused(server: MediaServer, name: str) -> None:
    assert is_error(server.client.post(f"/config/paths/add/{name}", json={}), 400, "invalid")


def test_durations_come_back_in_normal_form(server: MediaServer) -> None:
    given = {
        "recordSegmentDuration": "60s",
        "recordDeleteAfter": "2160h",
        "recordPartDuration": "200ms",
        "sourceOnDemandStartTimeout": "0s",
    }
    server.add("durations", **given)
    seen = server.client.get("/config/paths/get/durations").json()
    assert [seen[name] for name in given] == ["1m0s", "90d", "200ms", ""]
    assert server.client.patch("/config/paths/patch/durations", json={"recordDeleteAfter": "1d2h"}).status_code == 200
    assert server.client.get("/config/paths/get/durations").json()["recordDeleteAfter"] == "1d2h0m0s"
    server.delete("durations")


def test_a_configuration_comes_back_whole_with_its_password(server: MediaServer) -> None:
    source = "rtsp://user:secret@127.0.0.1:1/cam"
    server.add("whole", source=source)
    seen = server.client.get("/config/paths/get/whole").json()
    assert seen["source"] == source
    assert seen["name"] == "whole"
    assert {"record", "recordPath", "maxReaders", "rtspTransport", "runOnRecordSegmentComplete", "alwaysAvailable"} <= set(seen)
    server.delete("whole")


def test_patch_changes_only_what_is_given(server: MediaServer) -> None:
    server.add("patched", source=UNREACHABLE, maxReaders=4)
    server.client.patch("/config/paths/patch/patched", json={"record": True})
    seen = server.client.get("/config/paths/get/patched").json()
    assert (seen["source"], seen["maxReaders"], seen["record"]) == (UNREACHABLE, 4, True)
    server.delete("patched")


def test_an_unreachable_camera_is_online_and_not_available(server: MediaServer) -> None:
    server.add("unreachable", source=UNREACHABLE)
    path = server.path("unreachable")
    assert set(path) >= PATH_FIELDS
    assert (path["available"], path["ready"], path["online"]) == (False, False, True)
    assert path["source"] == {"type": "rtspSource", "id": ""}
    assert (path["tracks"], path["tracks2"], path["readers"], path["inboundBytes"]) == ([], [], [], 0)
    assert path["availableTime"] is None
    server.delete("unreachable")


def test_a_path_for_publishers_has_no_source(server: MediaServer) -> None:
    server.add("published")
    path = server.path("published")
    assert (path["source"], path["online"], path["onlineTime"], path["available"]) == (None, False, None, False)
    server.delete("published")


def test_names_may_hold_slashes(server: MediaServer) -> None:
    server.add("tenant/site/cam", source=UNREACHABLE)
    assert server.path("tenant/site/cam")["confName"] == "tenant/site/cam"
    server.delete("tenant/site/cam")


def test_lists_come_in_pages_of_a_hundred(own_server: MediaServer, eventually: Callable[..., Any]) -> None:
    client = own_server.client
    for number in range(230):
        client.post(f"/config/paths/add/many/{number:03d}", json={})
    eventually(lambda: client.get("/paths/list").json()["itemCount"] == 230)
    first = client.get("/paths/list").json()
    assert (first["pageCount"], len(first["items"])) == (3, 100)
    last = client.get("/config/paths/list", params={"page": 2}).json()
    assert [item["name"] for item in last["items"]] == [f"many/{number:03d}" for number in range(200, 230)]
    assert client.get("/paths/list", params={"page": 9}).json()["items"] == []
    assert client.get("/paths/list", params={"itemsPerPage": 1000}).json()["pageCount"] == 1
    for wrong in ({"itemsPerPage": "0"}, {"page": "x"}, {"page": "-1"}):
        assert is_error(client.get("/paths/list", params=wrong), 400)


def test_everything_is_forgotten_at_a_restart(own_server: MediaServer) -> None:
    own_server.add("forgotten", source=UNREACHABLE)
    own_server.restart()
    assert own_server.client.get("/config/paths/list").json() == {"itemCount": 0, "pageCount": 0, "items": []}
    assert own_server.find("forgotten") is None


def test_a_refused_patch_blocks_later_changes_until_it_is_put_right(own_server: MediaServer) -> None:
    client = own_server.client
    version = tuple(int(part) for part in client.get("/info").json()["version"].lstrip("v").split(".")[:2])
    if version > (1, 20):
        needs.left_out("MediaMTX 1.21 mends a refused patch by itself: name a 1.20 in MEDIAMTX_BIN")
    own_server.add("poisoned", source=UNREACHABLE)
    assert is_error(client.patch("/config/paths/patch/poisoned", json={"source": "ftp://x"}), 400)
    assert client.get("/config/paths/get/poisoned").json()["source"] == UNREACHABLE
    assert is_error(client.post("/config/paths/add/innocent", json={}), 400, "ftp://x")
    assert client.post("/config/paths/replace/poisoned", json={"source": UNREACHABLE}).status_code == 200
    assert client.post("/config/paths/add/innocent", json={}).status_code == 200


def test_endpoints_that_are_not_there_are_plain_404(server: MediaServer) -> None:
    for path in ("/nonsense", "/rtmpconns/list", "/srtconns/list"):
        answer = server.client.get(path)
        assert (answer.status_code, answer.text) == (404, "404 page not found")


@pytest.mark.parametrize("kind_of_session", ["hlssessions", "webrtcsessions", "rtspsessions"])
def test_unknown_sessions_are_404_and_wrong_ids_400(server: MediaServer, kind_of_session: str) -> None:
    unknown = "01920000-0000-7000-8000-000000000000"
    assert is_error(server.client.get(f"/{kind_of_session}/get/{unknown}"), 404, "session not found")
    assert is_error(server.client.post(f"/{kind_of_session}/kick/{unknown}"), 404, "session not found")
    assert is_error(server.client.post(f"/{kind_of_session}/kick/nonsense"), 400, "invalid UUID")
    assert is_error(server.client.get("/hlsmuxers/get/nothing"), 404, "muxer not found")


def test_the_api_asks_for_credentials(server: MediaServer) -> None:
    answer = httpx.get(f"{server.api_url}/v3/paths/list", timeout=PATIENCE_S)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="mediamtx"')
    wrong = httpx.get(f"{server.api_url}/v3/paths/list", auth=("operator", "wrong"), timeout=PATIENCE_S)
    assert wrong.status_code == 401
    assert "www-authenticate" not in wrong.headers
