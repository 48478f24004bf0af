"""HTTP in: the page behind the link of a message. It needs no token: the link is sealed, for one use, and ends after a day."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined

from alerts.alerts.domain import Alert
from alerts.links.domain import LinkState
from alerts.links.usecases import Links
from chassis.http import Provided

router = APIRouter(prefix="/api/v1/alerts/links", tags=["alerts"])

LinksDep = Annotated[Links, Provided(Links)]
Token = Annotated[str, Path(max_length=1_500)]

_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
_SAID: Final = {
    LinkState.VALID: (200, "Dar ciência deste alerta?"),
    LinkState.DONE: (200, "Ciência registrada. Obrigado."),
    LinkState.USED: (410, "Este link já foi usado: a ciência está registrada."),
    LinkState.OVER: (200, "Não é mais preciso: outra pessoa já deu ciência, ou o alerta terminou."),
    LinkState.EXPIRED: (410, "Este link venceu: ele vale por 24 horas. Abra o alerta na tela do sistema."),
    LinkState.UNKNOWN: (404, "Este link não existe. Abra o alerta na tela do sistema."),
}
_PAGE: Final = Environment(autoescape=True, undefined=StrictUndefined).from_string("""\
<!doctype html>
<html lang="pt-BR"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Alerta</title>
<style>
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 10vh auto; max-width: 30rem; padding: 0 1rem }
button { font: inherit; padding: .8rem 1.5rem; width: 100%; border: 0; border-radius: .5rem; background: #0b57d0; color: #fff }
</style></head><body><main>
{% if title %}<h1>{{ title }}</h1>{% endif %}
<p role="status">{{ said }}</p>
{% if asks %}<form method="post"><button>Dar ciência</button></form>{% endif %}
</main></body></html>
""")


@router.get("/{token}", openapi_extra={"x-access": "public"}, response_class=HTMLResponse, summary="Ask before an alert is acknowledged")
async def show_link(token: Token, links: LinksDep) -> HTMLResponse:
    """A page with a button, and nothing more: scanners of mail and previews of chats open every link."""
    return _page(*await links.show(token))


@router.post("/{token}", openapi_extra={"x-access": "public"}, response_class=HTMLResponse, summary="Acknowledge the alert of a message")
async def use_link(token: Token, links: LinksDep) -> HTMLResponse:
    return _page(*await links.use(token))


def _page(state: LinkState, alert: Alert | None) -> HTMLResponse:
    status, said = _SAID[state]
    title = alert.title if alert else ""
    return HTMLResponse(_PAGE.render(title=title, said=said, asks=state is LinkState.VALID), status, _HEADERS)
