"""What an answer over HTTP means for a message, and the one way in which gateways ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from alerts.channels.domain import Answer, Outcome
from chassis.outbound import UNREACHED, AddressRefused, OutboundHttp, Reply

_TRY_AGAIN = {408, 425, 429}
_FOR_GOOD = {400, 410, 413, 422}
"""Of a partner: what is about the message itself. The rest may be a deployment, or a key that is put right within the day."""
_UNPRINTABLE = re.compile(r"[^ -~\u00a0-\u024f]+")
NO_NETWORK = "o endereço leva a uma rede que não é permitida"


async def ask(
    http: OutboundHttp, method: str, url: str, *, says: Callable[[Reply], str] | None = None, patient: bool = False, **given: Any
) -> Answer:
    """Asks once; `patient` as in `judge`. `says` reads a vendor's own words from an answer; those of an address that a person typed are not
    repeated: they could be read out of a network that the person cannot reach."""
    try:
        reply = await http.ask(method, url, **given)
    except AddressRefused:
        return Answer(Outcome.REFUSED, NO_NETWORK)
    except UNREACHED as error:
        return Answer(Outcome.LATER, f"sem resposta ({unreached(error)})")
    return judge(reply, says, patient=patient)


def judge(reply: Reply, says: Callable[[Reply], str] | None = None, *, patient: bool = False) -> Answer:
    """2xx is delivered; too many requests and faults of the server may be tried again; anything else will not get better by itself.
    Where `patient`, all but a few may."""
    if 200 <= reply.status < 300:
        return Answer(Outcome.DELIVERED, "entregue", reply.status)
    again = reply.status not in _FOR_GOOD if patient else reply.status in _TRY_AGAIN
    outcome = Outcome.LATER if again or reply.status >= 500 else Outcome.REFUSED
    words = clean(says(reply)) if says else ""
    return Answer(
        outcome, f"resposta {reply.status}{f': {words}' if words else ''}", reply.status, retry_after(reply.headers.get("retry-after"))
    )


def retry_after(text: str | None) -> float | None:
    """Returns the seconds of a Retry-After; a date is left to the back-off."""
    return float(text) if text and re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) else None


def unreached(error: BaseException) -> str:
    """Returns what a connection ended with, by its kind: its text may hold the address, and with it a secret."""
    text = f"{type(error).__name__} {error}".lower()
    if "certificate" in text or "ssl" in text:
        return "o certificado ou a criptografia não foi aceita"
    if "timeout" in text:
        return "o tempo acabou"
    return "a conexão não foi possível" if "connect" in text or "name" in text else type(error).__name__


def json_of(reply: Reply) -> dict[str, Any]:
    """Returns the JSON object, or an empty one."""
    try:
        found = orjson.loads(reply.content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def clean(text: object, longest: int = 200) -> str:
    """Returns a text of a vendor on one line, cut."""
    return _UNPRINTABLE.sub(" ", str(text))[:longest].strip()
