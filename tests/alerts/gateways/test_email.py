"""Tests of mail against aiosmtpd, with TLS by an authority of its own and with passwords."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from dataclasses import replace as changed
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.alerts.gateways.conftest import HERE, JPEG, a_channel, a_message
from tests.fixtures.receivers import Certificate

from alerts.channels.domain import Kind, OpenChannel, Outcome
from alerts.gateways.email import EmailSender
from chassis.outbound import trust
from gtvision.addresses import AddressPolicy
from gtvision.time import SystemClock

pytestmark = [  # aiosmtpd's own
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]


@dataclass
class Mailbox:
    """Keeps what it is given; `says` is what it answers to the text of a mail."""

    mails: list[tuple[Envelope, EmailMessage]] = field(default_factory=list)
    says: str = "250 2.0.0 Ok: queued as 4711"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address.startswith("ninguem"):
            return "550 5.1.1 User unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return self.says


def authenticator(server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth: Any) -> AuthResult:
    right = isinstance(auth, LoginPassword) and (auth.login, auth.password) == (b"alertas", b"segredo")
    return AuthResult(success=right, handled=right)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@asynccontextmanager
async def serving(mailbox: Mailbox, context: ssl.SSLContext | None, **more: Any) -> AsyncIterator[int]:
    """Yields the port of a mail server in this loop; with a context encrypted from the beginning."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, authenticator=authenticator, hostname="localhost", loop=loop, **more), "127.0.0.1", 0, ssl=context
    )
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture(params=["starttls", "tls"])
async def channel(request: pytest.FixtureRequest, mailbox: Mailbox, certificate: Certificate) -> AsyncIterator[OpenChannel]:
    settings = {"host": "localhost", "security": request.param, "username": "alertas"}
    settings |= {"sender": "alertas@cidade.example", "recipients": "ana@cidade.example, rui@cidade.example"}
    context = certificate.context()
    if request.param == "tls":
        served = serving(mailbox, context, auth_required=True, auth_require_tls=False)
    else:
        served = serving(mailbox, None, auth_required=True, tls_context=context, require_starttls=True)
    async with served as port:
        yield a_channel(Kind.EMAIL, settings | {"port": port}, password="segredo")


@pytest.fixture
def sender(certificate: Certificate) -> Callable[..., EmailSender]:
    def make(policy: AddressPolicy = HERE, context: ssl.SSLContext | None = None) -> EmailSender:
        return EmailSender(policy, context or trust(certificate.ca_file), SystemClock())

    return make


async def test_a_mail_has_text_html_the_picture_and_one_id(
    channel: OpenChannel, mailbox: Mailbox, sender: Callable[..., EmailSender]
) -> None:
    message = a_message(picture=JPEG)
    for _ in range(2):
        answer = await sender().send(channel, message)
    assert (answer.outcome, answer.external_id) == (Outcome.DELIVERED, "2.0.0 Ok: queued as 4711")
    envelope, mail = mailbox.mails[0]
    assert envelope.rcpt_tos == ["ana@cidade.example", "rui@cidade.example"]
    assert (mail["Subject"], mail["Auto-Submitted"]) == (message.subject, "auto-generated")
    assert {each["Message-ID"] for _, each in mailbox.mails} == {f"<{message.delivery_id}@cidade.example>"}
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Câmera: Portão <1>" in plain.get_content()
    assert "Câmera: Portão &lt;1&gt;<br>" in html.get_content()
    assert '<a href="https://video.cidade.example/alertas/1">' in html.get_content()
    (picture,) = (part for part in mail.walk() if part.get_content_type() == "image/jpeg")
    assert (picture["Content-ID"], picture.get_content()) == ("<picture>", JPEG)


async def test_a_mail_for_one_person_goes_to_that_one(channel: OpenChannel, mailbox: Mailbox, sender: Callable[..., EmailSender]) -> None:
    await sender().send(channel, a_message(to="eva@cidade.example", subject="um\u2028 dois"))
    assert mailbox.mails[0][0].rcpt_tos == ["eva@cidade.example"]
    answer = await sender().send(channel, a_message(to="ninguem@cidade.example"))
    assert (answer.outcome, answer.status) == (Outcome.REFUSED, 550)


async def test_a_server_that_is_busy_is_asked_later_and_one_that_refuses_is_not(
    channel: OpenChannel, mailbox: Mailbox, sender: Callable[..., EmailSender]
) -> None:
    for says, outcome in (("451 4.3.0 Try again later", Outcome.LATER), ("552 5.3.4 Message too big", Outcome.REFUSED)):
        mailbox.says = says
        assert (await sender().send(channel, a_message())).outcome is outcome
    wrong = changed(channel, secrets={"password": "outro-segredo"})
    answer = await sender().send(wrong, a_message())
    assert (answer.outcome, answer.status, "outro" in answer.detail) == (Outcome.REFUSED, 535, False)


async def test_no_mail_goes_to_a_stranger_or_to_a_network_that_is_not_allowed(
    channel: OpenChannel, mailbox: Mailbox, sender: Callable[..., EmailSender]
) -> None:
    stranger = await sender(context=trust()).send(channel, a_message())
    assert (stranger.outcome, "certificado" in stranger.detail) == (Outcome.LATER, True)
    assert (await sender(AddressPolicy()).send(channel, a_message())).outcome is Outcome.REFUSED
    absent = changed(channel, settings={**channel.settings, "port": 9})
    assert (await sender().send(absent, a_message())).outcome is Outcome.LATER
    assert mailbox.mails == []


async def test_a_server_without_encryption_gets_neither_mail_nor_password(mailbox: Mailbox, sender: Callable[..., EmailSender]) -> None:
    settings = {"host": "localhost", "security": "starttls", "username": "alertas", "sender": "a@b.example", "recipients": "ana@b.example"}
    async with serving(mailbox, None, auth_require_tls=False) as port:
        answer = await sender().send(a_channel(Kind.EMAIL, settings | {"port": port}, password="segredo"), a_message())
    assert (answer.outcome, mailbox.mails) == (Outcome.LATER, [])
