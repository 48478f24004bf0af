"""What the edge refuses before it asks whose a path is: no API answers with a page, or in a shape of somebody else's."""

from __future__ import annotations

from collections.abc import Iterator

from gtv import problems
from gtv.problems import refusal
from gtv.routes import CONSOLE, INTERNAL, Routes

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Of HTTP's, those that anything of ours answers. An HTTP library behind us answers others before any service is asked."""


def ours(routes: Routes) -> Iterator[str]:
    """What is ours and no page, by its first word."""
    tops = [f"/{top}" for top in _tops(routes)]
    yield f"    acl ours path {' '.join(tops)}"
    yield f"    acl ours path_beg {' '.join(f'{top}/' for top in tops)}"


def rules(routes: Routes) -> Iterator[str]:
    """Before maintenance, limits and the choice. Media are the media server's own: it judges methods and words refusals itself."""
    yield from ours(routes)
    yield from _disguises(routes)
    media = "{ var(txn.media) -m bool }"
    detail = "The edge knows no such method."
    yield refusal(405, "method_not_allowed", detail, f"!{{ method {' '.join(METHODS)} }} !{media}", allow=", ".join(METHODS))
    yield f"    http-request set-var(txn.machines) bool(true) if ours !{media}"
    unshaped = "{ var(txn.machines) -m bool } { status 400 } !{ res.hdr(Content-Type) -m sub json }"
    yield problems.rewording(400, unshaped)


def _disguises(routes: Routes) -> Iterator[str]:
    """A path of ours behind slashes, escapes, capitals or a known name of the page is nobody's: it must not become the page."""
    pages = "|".join(alias.prefix.removeprefix("/") for alias in routes.aliases if alias.owner == CONSOLE)
    # each known name is taken off in its turn, so that several may stand there
    known = f"([^a-z0-9]+({pages}))*" if pages else ""
    # what cannot be decoded is looked at as it is
    yield "    http-request set-var(txn.plainly) path,lower"
    yield "    http-request set-var(txn.plainly) path,url_dec,url_dec,lower"
    yield f"    acl disguised var(txn.plainly) -m reg ^{known}[^a-z0-9]+({'|'.join(_tops(routes))})([^a-z0-9_-]|$)"
    yield "    acl disguised var(txn.plainly) -m reg /[.][.]?(/|$)"
    yield refusal(404, "not_found", "There is no such path.", "disguised !ours")


def _tops(routes: Routes) -> list[str]:
    """First words of what is ours and no page."""
    mine = {prefix.split("/")[1] for _, prefix in routes.prefixes()}
    known = {alias.prefix.split("/")[1] for alias in routes.aliases if alias.owner != CONSOLE}
    return sorted(mine | known | {prefix.removeprefix("/") for prefix in INTERNAL})
