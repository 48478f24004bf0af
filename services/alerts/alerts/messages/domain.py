"""Messages, and their texts where a channel has none of its own. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from alerts.alerts.domain import Alert, Notice
from gtvision.errors import Invalid
from gtvision.events import Severity

_ORDER = tuple(Severity)

MAX_SUBJECT: Final = 200
MAX_BODY: Final = 10_000
MAX_TEMPLATE: Final = 4_000


class InvalidTemplate(Invalid):
    """The template cannot be used."""

    code = "invalid_template"


@dataclass(frozen=True, slots=True)
class Template:
    """The text of a channel's messages, in the sandboxed part of Jinja2."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Style:
    """How a channel writes: its own template, if it has one, at which length, and whether it carries pictures."""

    template: Template | None = None
    is_short: bool = False
    carries_pictures: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel is to be told: one alert, or a digest of several. The same delivery keeps its id however often it is tried.

    `to` replaces the channel's own address by that of one person: a chat, an e-mail address, a telephone, or a user's id for web push.
    """

    delivery_id: UUID
    notice: Notice
    alert: Alert
    acknowledge_url: str | None = None
    to: str | None = None
    digest: tuple[Alert, ...] = ()
    """Of a digest: every alert, `alert` being the gravest."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is handed to a gateway: texts are plain, and escaped there as its medium needs it."""

    delivery_id: UUID
    notice: Notice
    alert: Alert
    city: str
    camera_name: str
    subject: str
    body: str
    picture: bytes | None = None
    picture_url: str | None = None
    link: str = ""
    acknowledge_url: str | None = None
    to: str | None = None
    digest: tuple[Alert, ...] = ()


VARIABLES: Final[Mapping[str, tuple[str, object]]] = {
    "notice": ("O que aconteceu com o alerta", "Novo alerta"),
    "title": ("O título do alerta", "Placa ABC1D23 da lista “Furtados” vista em Portão Norte"),
    "severity": ("Gravidade: informação, atenção ou crítico", "crítico"),
    "city": ("O nome da cidade", "Cidade Exemplo"),
    "camera": ("O nome da câmera; vazio, se não há", "Portão Norte"),
    "plate": ("A placa; vazio, se não há", "ABC1D23"),
    "time": ("Quando aconteceu, no fuso da cidade", "30/11/2026 19:10:05"),
    "last_time": ("Quando foi visto pela última vez", "30/11/2026 19:12:40"),
    "sightings": ("Quantas vezes foi visto", 3),
    "reason": ("O motivo, como está na lista ou regra", "Furto registrado, BO 1234"),
    "is_possible": ("Se é só uma possível correspondência", True),
    "alternatives": ("As outras leituras possíveis, separadas por vírgula", "ABC1O23, A8C1D23"),
    "details": ("Outros fatos: uma lista, cada um com name e value", [{"name": "Causa", "value": "sem resposta da câmera"}]),
    "link": ("O endereço do alerta na tela; vazio, se a instalação não tem um", "https://video.cidade.example/alertas/0190"),
    "acknowledge_url": ("O endereço para dar ciência; vazio, se não há", "https://video.cidade.example/api/v1/alerts/links/abc"),
    "picture_url": (
        "O endereço da imagem, por 24 horas; vazio, se não há",
        "https://video.cidade.example/api/v1/channels/picture?ticket=abc",
    ),
}
"""Name -> what it is, for the console, and an example."""
EXAMPLE: Final = {name: example for name, (_, example) in VARIABLES.items()}

NOTICES: Final[Mapping[Notice, tuple[str, str]]] = {
    Notice.RAISED: ("Novo alerta", "{{ severity | upper }}: {{ title }}"),
    Notice.WORSENED: ("O alerta se agravou", "AGRAVOU ({{ severity }}): {{ title }}"),
    Notice.ESCALATED: ("Ainda sem ciência", "SEM CIÊNCIA ({{ severity }}): {{ title }}"),
    Notice.REMINDER: ("Continua aberto", "AINDA ABERTO ({{ severity }}): {{ title }}"),
    Notice.ACKNOWLEDGED: ("Ciência dada", "CIENTE: {{ title }}"),
    Notice.RESOLVED: ("Resolvido", "RESOLVIDO: {{ title }}"),
}
"""What each is called in a message, and its subject where a channel has no template of its own."""
_BODY = """\
{% if city %}
{{ city }}
{% endif %}
{% if camera %}
Câmera: {{ camera }}
{% endif %}
{% if plate %}
Placa: {{ plate }}
{% endif %}
{% if is_possible %}
Possível correspondência; outras leituras: {{ alternatives }}
{% endif %}
{% if reason %}
Motivo: {{ reason }}
{% endif %}
Quando: {{ time }}
{% if sightings > 1 %}
Visto {{ sightings }} vezes, a última em {{ last_time }}
{% endif %}
{% for fact in details %}
{{ fact.name }}: {{ fact.value }}
{% endfor %}
{% if link %}
{{ link }}
{% endif %}"""
_SHORT = "{{ city }}, {{ time }}{% if link %} {{ link }}{% endif %}"


def default_template(notice: Notice, *, is_short: bool = False) -> Template:
    """Returns the text of a channel that has none of its own; a short one where a message costs by its length."""
    return Template(NOTICES[notice][1], _SHORT if is_short else _BODY)


def digest_notice(notices: Iterable[str]) -> Notice:
    """Returns what a digest of these says: that alerts are over, where all of them do."""
    return Notice.RESOLVED if all(notice == Notice.RESOLVED for notice in notices) else Notice.RAISED


def gravest_first(alerts: Iterable[Alert]) -> list[Alert]:
    """Returns the alerts, the loudest first and then the oldest."""
    return sorted(alerts, key=lambda each: (-_ORDER.index(each.severity), each.raised_at, each.alert_id))
