"""Answers that HAProxy gives by itself, in the shape that every service uses."""

from __future__ import annotations

import json
from http import HTTPStatus

ERRORS = {
    400: ("malformed_request", "The request is not acceptable HTTP."),
    408: ("request_timeout", "The request did not arrive in time."),
    500: ("internal", "Something went wrong on our side."),
    502: ("bad_gateway", "The service behind this path ended the connection."),
    503: ("unavailable", "The service behind this path is not reachable at the moment."),
    504: ("gateway_timeout", "The service behind this path did not answer in time."),
}
"""What can go wrong between HAProxy and its neighbours."""


def refusal(status: int, code: str, detail: str, condition: str, *, retry_after_s: int | None = None, allow: str = "") -> str:
    """Rules of a frontend. A small body is waited for: over h2 an answer that overtakes it ends the stream, and the client reads none."""
    later = "" if retry_after_s is None else f" hdr Retry-After {retry_after_s}"
    allowed = f' hdr Allow "{allow}"' if allow else ""
    # not where it is the body that is refused: it would be asked for first
    wait = "" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else f"    http-request wait-for-body time 1s if {condition}\n"
    answer = f"status {status} {_content(status, code, detail)}{later}{allowed} hdr Cache-Control no-store"
    return f"{wait}    http-request return {answer} if {condition}"


def rewording(status: int, condition: str) -> str:
    """A rule of a frontend for an answer from behind it, which says in a shape of its own what `ERRORS` says in ours."""
    return f"    http-response return status {status} {_content(status, *ERRORS[status])} hdr Cache-Control no-store if {condition}"


def error(status: int) -> str:
    """HAProxy's own errors."""
    return f"    http-error status {status} {_content(status, *ERRORS[status])} hdr Cache-Control no-store"


def _content(status: int, code: str, detail: str) -> str:
    body = {"type": f"urn:gtvision:problem:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    text = json.dumps(body)[:-1] + ', "correlation_id": "%[var(txn.id)]"}'
    return f"content-type application/problem+json lf-string '{text}'"
