"""The kinds of channel and the fields that each one's form has: one table, from which values are checked and the console draws."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gtvision.errors import Invalid

_MAX_TEXT, _MAX_SECRET = 1_000, 4_000
_URL = re.compile(r"https?://[!-~]{1,990}")
_SLACK = re.compile(r"https://hooks\.slack(-gov)?\.com/[!-~]{1,900}")
_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{10,100}")


class Kind(StrEnum):
    """By what a message travels."""

    EMAIL = "email"
    TELEGRAM = "telegram"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    WEBHOOK = "webhook"
    WEB_PUSH = "web_push"


class FieldType(StrEnum):
    """How a form asks for a value."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105, a kind of field
    NUMBER = "number"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Field:
    """A value that a channel needs. A secret one is sealed and never shown again. `shape` is what the whole text must match."""

    name: str
    label: str
    type: FieldType = FieldType.TEXT
    required: bool = True
    help: str = ""
    choices: tuple[str, ...] = ()
    shape: re.Pattern[str] | None = None

    def checked(self, value: object) -> str | int:
        """Returns the value without blanks around it. Raises: Invalid."""
        if self.type is FieldType.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65_535:
                raise InvalidChannel(f"{self.name} is a number from 1 to 65535.")
            return value
        text = value.strip() if isinstance(value, str) else ""
        if not 0 < len(text) <= (_MAX_SECRET if self.type is FieldType.SECRET else _MAX_TEXT) or not text.isprintable():
            raise InvalidChannel(f"{self.name} is a text of one line.")
        if self.choices and text not in self.choices:
            raise InvalidChannel(f"{self.name} is one of {', '.join(self.choices)}.")
        if self.shape is not None and self.shape.fullmatch(text) is None:
            raise InvalidChannel(f"{self.name} does not look like one: {self.help}")
        return text


class InvalidChannel(Invalid):
    """A field of the channel is missing or wrong."""

    code = "invalid_channel"


@dataclass(frozen=True, slots=True)
class KindSpec:
    """A kind of channel: its name on the screen, its fields, and whether a message of it carries a picture."""

    kind: Kind
    name: str
    carries_pictures: bool = False
    fields: tuple[Field, ...] = ()

    def check(self, settings: Mapping[str, object], secrets: Mapping[str, object]) -> tuple[dict[str, str | int], dict[str, str]]:
        """Returns what is stored of both. Raises: InvalidChannel, which names the field."""
        given = {**settings, **secrets}
        unknown = given.keys() - {field.name for field in self.fields}
        if unknown:
            raise InvalidChannel(f"A channel of the kind {self.kind} has no {', '.join(sorted(unknown))}.")
        plain: dict[str, str | int] = {}
        sealed: dict[str, str] = {}
        for field in self.fields:
            is_secret = field.type is FieldType.SECRET
            value = (secrets if is_secret else settings).get(field.name)
            if value is None or value == "":
                if field.required:
                    raise InvalidChannel(f"{field.name} is missing.")
            elif is_secret:
                sealed[field.name] = str(field.checked(value))
            else:
                plain[field.name] = field.checked(value)
        return plain, sealed


def _secret(name: str, label: str, help_: str = "", shape: re.Pattern[str] | None = None, *, required: bool = True) -> Field:
    return Field(name, label, FieldType.SECRET, required, help_, shape=shape)


_EMAIL = (
    Field("host", "Servidor SMTP", help="smtp.cidade.gov.br"),
    Field("port", "Porta", FieldType.NUMBER, required=False, help="587 com STARTTLS, 465 com TLS; em branco: a do modo escolhido"),
    Field("security", "Criptografia", FieldType.CHOICE, choices=("starttls", "tls"), help="starttls (587) ou tls desde o início (465)"),
    Field("username", "Usuário", required=False, help="em branco, se o servidor não pede"),
    _secret("password", "Senha", required=False),
    Field("sender", "Remetente", help="alertas@cidade.gov.br", shape=re.compile(r"[^@\s<>,]{1,64}@[^@\s<>,]{1,250}")),
    Field("recipients", "Destinatários", help="um ou mais, separados por vírgula", shape=re.compile(r"[^@]+@[^@]+(,[^@]+@[^@]+)*")),
)
_SMS = (
    Field("service", "Serviço", FieldType.CHOICE, choices=("twilio", "vonage", "clicksend", "messagebird", "sns"), help="sns: Amazon"),
    Field("account", "Conta", required=False, help="Account SID, API key, usuário ou access key; o MessageBird não tem"),
    _secret("token", "Senha da API", "auth token, secret ou chave"),
    Field("sender", "Número ou nome que envia", required=False, help="Twilio, Vonage e MessageBird pedem: +5541999990000"),
    Field("region", "Região", required=False, help="só da Amazon: sa-east-1", shape=re.compile(r"[a-z]{2}-[a-z]+-\d")),
    Field("to", "Telefones", help="com país, separados por vírgula: +5541999990000", shape=re.compile(r"\+\d{8,15}( *, *\+\d{8,15})*")),
)
_SPECS = (
    KindSpec(Kind.EMAIL, "E-mail", carries_pictures=True, fields=_EMAIL),
    KindSpec(
        Kind.TELEGRAM,
        "Telegram",
        carries_pictures=True,
        fields=(
            _secret("token", "Token do bot", "o que o @BotFather deu: 123456:ABC-DEF", _TOKEN),
            Field("chat_id", "Chat", help="número do chat ou grupo, ou @canal", shape=re.compile(r"-?\d{1,20}|@\w{4,64}")),
        ),
    ),
    KindSpec(Kind.SLACK, "Slack", fields=(_secret("webhook_url", "Incoming webhook", "https://hooks.slack.com/services/...", _SLACK),)),
    KindSpec(
        Kind.PAGERDUTY,
        "PagerDuty",
        fields=(
            _secret("routing_key", "Integration key", "32 caracteres, da integração Events API v2", re.compile(r"[A-Za-z0-9]{32}")),
            Field("region", "Região", FieldType.CHOICE, required=False, choices=("us", "eu"), help="a da conta; em branco: us"),
        ),
    ),
    KindSpec(Kind.SMS, "SMS", fields=_SMS),
    KindSpec(
        Kind.WHATSAPP,
        "WhatsApp (por um gateway)",
        fields=(
            Field("url", "Endereço do gateway", help="https://gateway.exemplo/enviar", shape=_URL),
            _secret("token", "Token", "enviado como Authorization: Bearer"),
            Field("to", "Telefones", help="com país, separados por vírgula: +5541999990000", shape=_SMS[-1].shape),
        ),
    ),
    KindSpec(Kind.WEBHOOK, "Webhook assinado", fields=(Field("url", "Endereço", help="https://sistema.exemplo/alertas", shape=_URL),)),
    KindSpec(Kind.WEB_PUSH, "Notificação no navegador"),
)
KINDS: Mapping[Kind, KindSpec] = {spec.kind: spec for spec in _SPECS}
"""In the order in which the console offers them."""
