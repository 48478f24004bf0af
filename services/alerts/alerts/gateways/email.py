"""E-mail by SMTP (RFC 5321), always encrypted: STARTTLS (RFC 3207) or TLS from the beginning (RFC 8314)."""

from __future__ import annotations

import asyncio
import html
import re
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from alerts.channels.domain import Answer, Message, OpenChannel, Outcome
from alerts.gateways.answers import NO_NETWORK, clean, unreached
from chassis.outbound import AddressRefused, open_connection
from gtvision.addresses import AddressPolicy
from gtvision.time import Clock

_PORTS = {"starttls": 587, "tls": 465}
_SECONDS = 10.0
_LINK = re.compile(r"https?://[^\s<>\"]+")


class EmailSender:
    """Sends by the city's own mail server. `context` says whose certificates are trusted."""

    def __init__(self, policy: AddressPolicy, context: ssl.SSLContext, clock: Clock) -> None:
        self._policy, self._context, self._clock = policy, context, clock

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        to = [each.strip() for each in (message.to or str(channel.settings["recipients"])).split(",")]
        try:
            mail = self._mail(channel, message, to)
        except ValueError:  # a line end in an address
            return Answer(Outcome.REFUSED, "o endereço não é de e-mail")
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._send(channel, to, mail)
        except AddressRefused:
            return Answer(Outcome.REFUSED, NO_NETWORK)
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = min(error.recipients, key=lambda each: each.code)  # one that is refused for now, if there is one
            return _judged(first.code, first.message)
        except aiosmtplib.SMTPResponseException as error:
            return _judged(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            return Answer(Outcome.LATER, f"sem resposta ({unreached(error)})")

    async def _send(self, channel: OpenChannel, to: list[str], mail: EmailMessage) -> Answer:
        """Raises: AddressRefused, aiosmtplib.SMTPException, OSError, TimeoutError."""
        host, security = str(channel.settings["host"]), str(channel.settings["security"])
        connection = await open_connection(self._policy, host, int(channel.settings.get("port", _PORTS[security])))
        smtp = aiosmtplib.SMTP(
            hostname=host,
            sock=connection,
            local_hostname="gtvision",
            timeout=_SECONDS,
            use_tls=security == "tls",
            start_tls=security == "starttls",  # an error where the server does not offer it
            tls_context=self._context,
        )
        try:
            await smtp.connect()
            if user := channel.settings.get("username"):
                await smtp.login(str(user), channel.secrets.get("password", ""))
            refused, said = await smtp.send_message(mail, recipients=to)
            detail = f"entregue; recusado para {len(refused)} de {len(to)} destinatários" if refused else "entregue ao servidor de e-mail"
            return Answer(Outcome.DELIVERED, detail, external_id=clean(said))
        finally:
            if smtp.transport is None:
                connection.close()
            smtp.close()  # the connection is the transport's, which closes it by itself

    def _mail(self, channel: OpenChannel, message: Message, to: list[str]) -> EmailMessage:
        sender = str(channel.settings["sender"])
        domain = sender.rpartition("@")[2]
        mail = EmailMessage()
        mail["From"] = f"GT-Vision <{sender}>"
        mail["To"] = ", ".join(to)
        mail["Subject"] = " ".join(message.subject.split())
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = f"<{message.delivery_id}@{domain}>"
        mail["References"] = f"<{message.delivery_id if message.digest else message.alert.alert_id}.alert@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        closing = f"\n\nDar ciência: {message.acknowledge_url}" if message.acknowledge_url else ""
        mail.set_content(message.body + closing)
        shown = '<p><img src="cid:picture" alt="" style="max-width:100%"></p>' if message.picture is not None else ""
        button = f'<p><a href="{html.escape(message.acknowledge_url)}">Dar ciência</a></p>' if message.acknowledge_url else ""
        text = f"<h3>{html.escape(message.subject)}</h3><p>{_as_html(message.body)}</p>"
        mail.add_alternative(f'<!doctype html><html lang="pt-BR"><body>{text}{shown}{button}</body></html>', subtype="html")
        if message.picture is not None:
            kind = "png" if message.picture.startswith(b"\x89PNG") else "jpeg"
            part = mail.get_payload()[1]  # type: ignore[index]
            part.add_related(message.picture, "image", kind, cid="<picture>", filename=f"alerta.{kind}", disposition="inline")  # type: ignore[union-attr]
        return mail


def _as_html(text: str) -> str:
    """Escaped, with its addresses as links."""
    made = _LINK.sub(lambda found: f"\0{found[0]}\0", text.replace("\0", ""))
    parts = [
        f'<a href="{html.escape(part)}">{html.escape(part)}</a>' if number % 2 else html.escape(part)
        for number, part in enumerate(made.split("\0"))
    ]
    return "".join(parts).replace("\n", "<br>\n")


def _judged(code: int, said: str) -> Answer:
    outcome = Outcome.LATER if 400 <= code < 500 else Outcome.REFUSED
    return Answer(outcome, f"o servidor de e-mail respondeu {code}: {clean(said)}", code)
