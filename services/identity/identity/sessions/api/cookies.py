"""A browser's refresh token: a cookie that no script can read, and a second one that proves that a page of ours is asking."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request, Response

from gtvision.errors import BadCredentials
from identity.sessions.domain import CsrfFailed, check_csrf, csrf_token
from identity.sessions.usecases.opening import Opened

REFRESH_COOKIE = "__Secure-gtv_refresh"
CSRF_COOKIE = "__Secure-gtv_csrf"
REFRESH_PATH = "/api/v1/auth"
"""The refresh token travels to nowhere else."""


def keep(response: Response, opened: Opened) -> str:
    """Both cookies, for as long as the token is good. Returns the CSRF token."""
    assert opened.refresh_token is not None
    csrf, ends = csrf_token(opened.refresh_token), opened.refresh_expires_at
    response.set_cookie(
        REFRESH_COOKIE, opened.refresh_token, expires=ends, path=REFRESH_PATH, secure=True, httponly=True, samesite="strict"
    )
    response.set_cookie(CSRF_COOKIE, csrf, expires=ends, path="/", secure=True, httponly=False, samesite="strict")
    return csrf


def forget(response: Response) -> None:
    """Both cookies end now."""
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, secure=True, httponly=True, samesite="strict")
    response.delete_cookie(CSRF_COOKIE, path="/", secure=True, samesite="strict")


def has_refresh_token(request: Request) -> bool:
    """Whether the browser sent one along."""
    return REFRESH_COOKIE in request.cookies


def refresh_token(request: Request) -> str:
    """The browser's, once a page of ours proved that it asks. Raises: BadCredentials, CsrfFailed."""
    token = request.cookies.get(REFRESH_COOKIE)
    if not token:
        raise BadCredentials("A refresh token is needed.")
    check_site(request)
    check_csrf(token, request.headers.get("x-csrf-token", ""))
    return token


def check_site(request: Request) -> None:
    """Refuses what a page of another origin sends. Programs send neither header; a browser sends both or, without TLS, `Origin` alone.

    The edge tells the name that the browser asked for in X-Forwarded-Host; ports differ on the way and are not compared.
    Raises: CsrfFailed.
    """
    headers = request.headers
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise CsrfFailed
    origin = headers.get("origin")
    if origin is None:
        return
    asked = headers.get("x-forwarded-host", headers.get("host", "")).partition(",")[0].strip()
    if _host(origin) is None or _host(origin) != _host(f"//{asked}"):
        raise CsrfFailed


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
