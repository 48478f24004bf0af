"""Errors as answers: problem+json (RFC 9457), one table from kind to status."""

from __future__ import annotations

import math
from datetime import timedelta
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from chassis import logs, metrics
from gtvision.errors import (
    Conflict,
    Forbidden,
    GTVisionError,
    Invalid,
    NotFound,
    PreconditionRequired,
    RateLimited,
    StaleRevision,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

log = logs.get_logger("chassis.http")

KINDS: tuple[tuple[type[GTVisionError], int], ...] = (
    (TooLarge, 413),
    (PreconditionRequired, 428),
    (Invalid, 422),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (StaleRevision, 412),
    (Conflict, 409),
    (RateLimited, 429),
    (Unavailable, 503),
    (GTVisionError, 500),
)
"""Kind of error -> status; the first that fits."""

_PLAIN_CODES = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_media_type",
}
TOO_LARGE = "The request body is larger than allowed."
_DETAILS = {
    404: "There is no such path.",
    405: "This path does not take this method.",
    408: "The request body came too slowly.",
    413: TOO_LARGE,
}
_MAX_ERRORS = 20


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, object]] | None = None,
    reason: object = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Returns a problem+json answer."""
    body: dict[str, object] = {
        "type": f"urn:gtvision:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "correlation_id": str(logs.correlation_id()),
    }
    if errors:
        body["errors"] = errors
    if reason is not None:
        body["reason"] = reason
    metrics.HTTP_REFUSED.labels(code).inc()
    return Response(orjson.dumps(body), status, headers, "application/problem+json")


def problem_of(error: GTVisionError) -> Response:
    """Returns the answer to a failure; where the error was raised with a `reason`, the answer names it beside the code."""
    status = next(status for kind, status in KINDS if isinstance(error, kind))
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited | Unavailable):
        headers["retry-after"] = _seconds(error.retry_after)
    elif isinstance(error, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    return problem(status, error.code, error.message, reason=error.context.get("reason"), headers=headers)


def _seconds(after: timedelta) -> str:
    return str(max(1, math.ceil(after.total_seconds())))


async def _on_named(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GTVisionError)
    if isinstance(error, Unavailable):
        log.warning("dependency_unavailable", code=error.code, detail=error.message)
    return problem_of(error)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    """Answers where and why, and never with what was sent: that may be a password."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item.get("type") == "json_invalid" for item in found):
        return problem(400, "malformed_json", "The request body is not valid JSON.")
    errors: list[dict[str, object]] = [
        {"loc": [part if isinstance(part, int) else str(part)[:100] for part in item["loc"]], "msg": logs.redact(str(item["msg"]))[:300]}
        for item in found[:_MAX_ERRORS]
    ]
    return problem(422, Invalid.code, "The request is not acceptable; `errors` says where.", errors=errors)


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = _PLAIN_CODES.get(status, "error")
    return problem(status, code, _DETAILS.get(status, HTTPStatus(status).phrase + "."), headers=dict(error.headers or {}))


def install_handlers(app: FastAPI) -> None:
    """Makes every failure of the app a problem+json answer."""
    app.add_exception_handler(GTVisionError, _on_named)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
