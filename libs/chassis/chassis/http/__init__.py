"""HTTP in: one middleware, one shape of error, pages and cursors.

Every error leaves as problem+json (RFC 9457): `{type, title, status, code, detail, errors?, correlation_id}`. `KINDS` is the one
place that knows which kind of error is which status; routes raise `gtvision.errors` and build no HTTPException.
"""

from fastapi import FastAPI

from chassis.http.exchange import Observed, route_template
from chassis.http.pages import NoStore, Page, StrictModel, decode_cursor, encode_cursor
from chassis.http.parameters import refuse_unknown_parameters, takes_any_parameter
from chassis.http.problems import KINDS, install_handlers, problem, problem_of
from chassis.http.provided import Provided, check_provided, provide, provided

__all__ = [
    "KINDS",
    "NoStore",
    "Observed",
    "Page",
    "Provided",
    "StrictModel",
    "check_provided",
    "decode_cursor",
    "encode_cursor",
    "install",
    "problem",
    "problem_of",
    "provide",
    "provided",
    "refuse_unknown_parameters",
    "route_template",
    "takes_any_parameter",
]


def install(app: FastAPI, *, max_body_bytes: int) -> None:
    """Gives an app the error handlers and the middleware."""
    install_handlers(app)
    app.add_middleware(Observed, max_body_bytes=max_body_bytes)
