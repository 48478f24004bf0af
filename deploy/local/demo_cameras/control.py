"""The small HTTP port beside the cameras: health, list, truth, faults. JSON in and out, loopback by default."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from demo_cameras.camera_server import CameraControl

_BODY_LIMIT = 4096


class Refused(Exception):
    """A request that cannot be served, with its status and an error code."""

    def __init__(self, status: HTTPStatus, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def instant(text: str) -> float:
    """Unix seconds of an ISO 8601 time (UTC when it names no zone) or of a number."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        # an unescaped "+" of a zone arrives as a blank
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, "bad_time") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


class _Handler(BaseHTTPRequestHandler):
    control: ClassVar[CameraControl]
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        """GET /health, /cameras, /cameras/<name>/truth."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """POST /cameras/<name>/fault."""
        self._answer(self._post)

    def _answer(self, serve: Callable[[], tuple[HTTPStatus, dict[str, Any]]]) -> None:
        try:
            status, body = serve()
        except Refused as refused:
            # a body that was not read would be taken for the next request
            self.close_connection = True
            status, body = refused.status, {"code": refused.code}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _get(self) -> tuple[HTTPStatus, dict[str, Any]]:
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if parts == ["health"]:
            ready = self.control.ready()
            return (HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE), {"ready": ready}
        if parts == ["cameras"]:
            return HTTPStatus.OK, {"cameras": self.control.cameras()}
        if len(parts) == 3 and parts[0] == "cameras" and parts[2] == "truth":
            query = parse_qs(url.query)
            since, until = (instant(query[key][0]) if key in query else None for key in ("since", "until"))
            truth = self.control.truth(parts[1], since, until)
            if truth is not None:
                return HTTPStatus.OK, truth
        raise Refused(HTTPStatus.NOT_FOUND, "not_found")

    def _post(self) -> tuple[HTTPStatus, dict[str, Any]]:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if len(parts) != 3 or parts[0] != "cameras" or parts[2] != "fault":
            raise Refused(HTTPStatus.NOT_FOUND, "not_found")
        # a page in a browser cannot send this type elsewhere without asking first
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json")
        fault = self._body().get("fault")
        changed = self.control.set_fault(parts[1], fault) if isinstance(fault, str) else False
        if changed is None:
            raise Refused(HTTPStatus.NOT_FOUND, "not_found")
        if not changed:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_fault")
        return HTTPStatus.OK, {"name": parts[1], "fault": fault}

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _BODY_LIMIT:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "bad_json") from None
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "bad_json")
        return body

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet: the supervisor asks for health every second."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that closed its connection is not reported; anything else is, as usual."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def serve_control(host: str, port: int, control: CameraControl) -> None:
    """Bind the port and answer in the background; OSError when the port is taken."""
    handler = type("Handler", (_Handler,), {"control": control})
    server = _Server((host, port), handler)
    threading.Thread(target=server.serve_forever, name="control", daemon=True).start()
