"""Cameras that are lost, and what people are told of them. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from alerts.alerts.domain import RECORDING_ALERT, KnownCamera, Occurrence
from gtvision.events import BudgetExhausted, ProviderSwitched, RecordingStopped, Severity, StorageRanLow, StreamCause

CAMERA_LOST = "camera_lost"
"""`kind` of an alert of one camera, or of several that were lost together; `subject` is the camera, or the outage."""
CAMERAS_LOST = "cameras_lost"
"""`kind` of the alert that too many of the city's cameras are lost one by one."""
CITY = "city"
DISK = "disk"
STORAGE_LOW, BUDGET, PROVIDER, PROMETHEUS = "storage_low", "budget", "provider", "prometheus"

TOGETHER = 3
"""So many cameras lost within the window have one cause, and are one alert."""
JOINS_WITHIN = timedelta(minutes=1)
"""A camera that is lost so soon after an outage grew is part of it."""
COOLDOWN = timedelta(minutes=5)
"""What is lost again so soon after it was back comes and goes, and is one alert."""
LONG = timedelta(minutes=3)
"""A camera that is lost for longer than this does not come back by itself."""
UNSTABLE, WITHIN = 3, timedelta(minutes=30)
_SHARE = 0.1
_NAMES = 50
UNNAMED = KnownCamera("câmera ainda sem nome", frozenset())
_CAUSES = {
    StreamCause.UNREACHABLE: (
        "A câmera não responde na rede",
        "Verifique a energia, o cabo e a rede da câmera; depois o usuário e a senha.",
    ),
    StreamCause.NO_PROGRESS: ("A câmera está conectada, mas não envia imagem", "Reinicie a câmera; verifique a largura de banda do link."),
    StreamCause.MEDIA_SERVER_DOWN: ("O servidor de mídia não responde", "Verifique o servidor de mídia: as câmeras podem estar bem."),
    StreamCause.ADDRESS_REFUSED: ("O endereço leva a uma rede em que câmeras não podem estar", "Corrija o endereço da câmera."),
    StreamCause.ADDRESS_INVALID: ("O endereço da câmera não é aceito", "Corrija o endereço da câmera."),
}
_NO_CAUSE = "Causa desconhecida", "Verifique a energia, o cabo e a rede da câmera."


@dataclass(frozen=True, slots=True)
class CameraCondition:
    """What is known of a camera's stream, by the revision of the event that said so.

    A lost camera is due (`due_at`) when it is to be told, and again when it has been lost for long. `subject` is the alert that tells of
    it; None: not told yet. `losses` are the instants of the last half hour at which it was lost.
    """

    camera_id: UUID
    revision: int
    is_lost: bool
    since: datetime
    cause: StreamCause | None = None
    losses: tuple[datetime, ...] = ()
    due_at: datetime | None = None
    subject: str | None = None
    muted_until: datetime | None = None

    @property
    def is_pending(self) -> bool:
        return self.is_lost and self.subject is None

    def lost(self, revision: int, at: datetime, cause: StreamCause, due_at: datetime) -> CameraCondition:
        """Lost again while it is lost: only the cause is new."""
        if self.is_lost:
            return replace(self, revision=revision, cause=cause)
        losses = (*(each for each in self.losses if at - each < WITHIN), at)[-10:]
        return replace(self, revision=revision, is_lost=True, since=at, cause=cause, losses=losses, due_at=due_at)

    def back(self, revision: int, at: datetime, cause: StreamCause | None = None) -> CameraCondition:
        return replace(self, revision=revision, is_lost=False, since=at, cause=cause, due_at=None, subject=None, muted_until=None)

    def told(self, subject: str, muted_until: datetime | None, now: datetime) -> CameraCondition:
        """It is part of that alert; due again when it has been lost for long."""
        return replace(self, subject=subject, muted_until=muted_until, due_at=self.since + LONG if now - self.since < LONG else None)

    def is_due(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at <= now

    def is_muted(self, now: datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now

    def losses_lately(self, now: datetime) -> int:
        return sum(now - each < WITHIN for each in self.losses)


@dataclass(frozen=True, slots=True)
class Outage:
    """Cameras that were lost together, such as those behind one switch; `camera_ids` are also those that are back."""

    subject: str
    camera_ids: tuple[UUID, ...]
    grown_at: datetime
    muted_until: datetime | None
    ended_at: datetime | None = None
    """When all of them were back; it is kept for the cooldown."""

    def is_again(self, cameras: Sequence[CameraCondition], now: datetime) -> bool:
        """Whether cameras that are lost together are mostly those of this outage, which has just ended."""
        same = sum(each.camera_id in self.camera_ids for each in cameras)
        return self.ended_at is not None and now - self.ended_at < COOLDOWN and 2 * same >= max(len(cameras), len(self.camera_ids))

    def begin_again(self, muted_until: datetime | None) -> Outage:
        return replace(self, camera_ids=(), muted_until=muted_until, ended_at=None)

    def grow(self, cameras: Iterable[CameraCondition], now: datetime) -> Outage:
        return replace(self, camera_ids=tuple(dict.fromkeys((*self.camera_ids, *(each.camera_id for each in cameras)))), grown_at=now)


@dataclass(frozen=True, slots=True)
class RecordingCondition:
    """Whether a camera's recording stands still, by the last stop that is known."""

    camera_id: UUID
    since: datetime
    is_stopped: bool
    is_disk: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm of Alertmanager. `fingerprint` is its identity."""

    fingerprint: str
    is_firing: bool
    starts_at: datetime
    ends_at: datetime | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def are_many(lost: int, total: int) -> bool:
    """Whether more than a tenth of the city's cameras is lost, and not just one or two of a few."""
    return lost >= TOGETHER and lost > total * _SHARE


def single_loss(camera: CameraCondition, known: KnownCamera, now: datetime) -> Occurrence:
    """The alert of one camera: loud where it comes and goes, or was lost for long."""
    times = camera.losses_lately(now)
    is_unstable = times >= UNSTABLE
    cause, remedy = _CAUSES.get(camera.cause, _NO_CAUSE) if camera.cause else _NO_CAUSE
    details = {"Causa": cause, "O que fazer": remedy}
    if times > 1:
        details["Quedas em 30 minutos"] = str(times)
    return Occurrence(
        kind=CAMERA_LOST,
        subject=str(camera.camera_id),
        severity=Severity.CRITICAL if is_unstable or now - camera.since >= LONG else Severity.WARNING,
        title=f"Câmera instável: {known.name} caiu {times} vezes em 30 minutos" if is_unstable else f"Câmera fora do ar: {known.name}",
        at=now,
        captured_at=camera.since,
        cooldown=COOLDOWN,
        lasting=True,
        camera_id=camera.camera_id,
        details=details,
        muted_until=camera.muted_until,
    )


def outage_loss(
    outage: Outage, lost: Sequence[CameraCondition], known: Mapping[UUID, KnownCamera], total: int, now: datetime
) -> Occurrence:
    """The alert of cameras that were lost together; `lost` are those that are not back, `total` how many the city has."""
    most = len(outage.camera_ids)
    is_large = are_many(most, total)
    title = f"{most} de {total} câmeras fora do ar" if is_large else f"{most} câmeras fora do ar"
    if 0 < len(lost) < most:
        title += f" (ainda {len(lost)})"
    times = min((each.losses_lately(now) for each in lost), default=0)
    is_unstable = times >= UNSTABLE
    if is_unstable:
        title += f", pela {times}ª vez em 30 minutos"
    is_long = any(now - each.since >= LONG for each in lost)
    return Occurrence(
        kind=CAMERA_LOST,
        subject=outage.subject,
        severity=Severity.CRITICAL if is_large or is_long or is_unstable else Severity.WARNING,
        title=title,
        at=now,
        captured_at=min((each.since for each in lost), default=now),
        cooldown=COOLDOWN,
        lasting=True,
        camera_ids=tuple(each.camera_id for each in lost) or outage.camera_ids,
        details=_of_several(lost, known),
        muted_until=outage.muted_until,
    )


def city_loss(lost: Sequence[CameraCondition], known: Mapping[UUID, KnownCamera], total: int, now: datetime) -> Occurrence:
    """The alert that the cameras lost one by one have become too many."""
    return Occurrence(
        kind=CAMERAS_LOST,
        subject=CITY,
        severity=Severity.CRITICAL,
        title=f"{len(lost)} de {total} câmeras da cidade fora do ar",
        at=now,
        lasting=True,
        camera_ids=tuple(each.camera_id for each in lost),
        details=_of_several(lost, known),
    )


def _of_several(lost: Sequence[CameraCondition], known: Mapping[UUID, KnownCamera]) -> dict[str, str]:
    listed = names_of([each.camera_id for each in lost], known)
    causes = {_CAUSES.get(each.cause, _NO_CAUSE)[0] if each.cause else _NO_CAUSE[0] for each in lost}
    shared = frozenset.intersection(*(known.get(each.camera_id, UNNAMED).groups for each in lost)) if lost else frozenset()
    common = "Todas são de um mesmo grupo de câmeras" if shared else "Não são todas de um mesmo grupo"
    if StreamCause.MEDIA_SERVER_DOWN in {each.cause for each in lost}:
        remedy = _CAUSES[StreamCause.MEDIA_SERVER_DOWN][1]
    else:
        remedy = "Procure o que elas têm em comum: switch, link, energia do trecho."
    return {"Câmeras": listed, "Causa": "; ".join(sorted(causes)), "Em comum": common, "O que fazer": remedy}


def names_of(camera_ids: Iterable[UUID], known: Mapping[UUID, KnownCamera]) -> str:
    """The first fifty names, and how many more there are."""
    names = sorted(known.get(each, UNNAMED).name for each in camera_ids)
    return ", ".join(names[:_NAMES]) + (f" e mais {len(names) - _NAMES}" if len(names) > _NAMES else "")


_NOT_RECORDED = {
    "nothing_written": "O servidor de mídia recebe a imagem e não grava nada",
    "no_video": "A câmera não envia vídeo",
    "codec_unsupported": "O codec da câmera não pode ser gravado",
    "clock_unsteady": "O relógio da câmera salta ou parou",
}


def camera_recording(stopped: RecordingStopped, camera: KnownCamera | None, muted_until: datetime | None) -> Occurrence:
    """The alert of a camera that is seen and not recorded."""
    return Occurrence(
        kind=RECORDING_ALERT,
        subject=str(stopped.camera_id),
        severity=Severity.CRITICAL,
        title=f"Gravação parada em {(camera or UNNAMED).name}",
        at=stopped.since,
        lasting=True,
        camera_id=stopped.camera_id,
        details={"Causa": _NOT_RECORDED.get(stopped.detail, stopped.detail or "Não se sabe por quê")},
        muted_until=muted_until,
    )


def disk_recording(
    stopped: RecordingStopped, affected: Sequence[UUID], known: Mapping[UUID, KnownCamera], muted_until: datetime | None
) -> Occurrence:
    """The alert of a disk that takes nothing, whichever cameras it is about."""
    return Occurrence(
        kind=RECORDING_ALERT,
        subject=DISK,
        severity=Severity.CRITICAL,
        title="Gravação parada: o disco das gravações não aceita mais nada",
        at=stopped.since,
        lasting=True,
        camera_ids=tuple(affected),
        details={"Causa": stopped.detail or "Disco cheio", "Câmeras": names_of(affected, known)},
        muted_until=muted_until,
    )


def storage_low(told: StorageRanLow, at: datetime) -> Occurrence:
    """The alert of a disk that fills up."""
    is_urgent = told.free_percent < 5 or (told.days_left is not None and told.days_left < 2)
    details = {"Nó": told.node, "Espaço livre": f"{told.free_percent:.0f} %"}
    if told.days_left is not None:
        details["Dias até apagar gravações antigas"] = f"{told.days_left:.1f}".replace(".", ",")
    return Occurrence(
        kind=STORAGE_LOW,
        subject=told.node,
        severity=Severity.CRITICAL if is_urgent else Severity.WARNING,
        title=f"Pouco espaço para gravações: {told.free_percent:.0f} % livre",
        at=at,
        lasting=True,
        details=details | {"O que fazer": "Aumente o disco, ou diminua os dias de retenção ou a qualidade das câmeras."},
    )


def budget_spent(told: BudgetExhausted, at: datetime) -> Occurrence:
    """The alert that most or all of a day's money is spent: one a day each."""
    is_all = told.spent_usd >= told.limit_usd
    return Occurrence(
        kind=BUDGET,
        subject=f"{told.day} {'all' if is_all else 'most'}",
        severity=Severity.CRITICAL if is_all else Severity.WARNING,
        title="O orçamento diário de IA na nuvem acabou" if is_all else "O orçamento diário de IA na nuvem está no fim",
        at=at,
        cooldown=timedelta(days=1),
        details={"Dia": told.day, "Gasto": f"US$ {told.spent_usd:.2f} de US$ {told.limit_usd:.2f}"},
    )


def provider_switched(told: ProviderSwitched, at: datetime) -> Occurrence:
    """The alert that pictures are not read by the provider that the installation prefers."""
    return Occurrence(
        kind=PROVIDER,
        subject=PROVIDER,
        severity=Severity.WARNING,
        title=f"Leitura de imagens passou de {told.previous} para {told.current}",
        at=at,
        lasting=True,
        details={"Causa": told.cause},
    )


_LOUDNESS = {"critical": Severity.CRITICAL, "page": Severity.CRITICAL, "info": Severity.INFO, "none": Severity.INFO}
_LABELS = 10


def alarm_raised(alarm: Alarm) -> Occurrence:
    """The alert of an alarm: its summary, and whatever else it says of itself."""
    told, labels = alarm.annotations, alarm.labels
    name = labels.get("alertname", "Alarme")
    details = {"Alarme": name}
    for fact, annotation in (("Descrição", "description"), ("O que fazer", "runbook_url")):
        if told.get(annotation):
            details[fact] = told[annotation]
    others = sorted(each for each in labels.items() if each[0] not in {"alertname", "severity", "tenant"})
    return Occurrence(
        kind=PROMETHEUS,
        subject=alarm.fingerprint,
        severity=_LOUDNESS.get(labels.get("severity", ""), Severity.WARNING),
        title=(told.get("summary") or name)[:200],
        at=alarm.starts_at,
        lasting=True,
        details=details | dict(others[:_LABELS]),
    )
