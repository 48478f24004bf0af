"""HTTP in: channels."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import AfterValidator, BaseModel, Field

from alerts.alerts.domain import Notice
from alerts.channels.domain import KINDS, Channel, FieldType, Kind, KindSpec, QuietHours, Template, style_of
from alerts.channels.usecases import ChannelDraft, Channels
from alerts.messages.domain import MAX_TEMPLATE, VARIABLES, default_template
from chassis.auth import requires
from chassis.http import NoStore, Provided, StrictModel
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.errors import Invalid
from gtvision.events import Severity
from gtvision.names import clean_name
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1/channels", tags=["channels"])

Reader = Annotated[Caller, requires(Scope.CHANNELS_READ)]
Writer = Annotated[Caller, requires(Scope.CHANNELS_WRITE)]
ChannelsDep = Annotated[Channels, Provided(Channels)]

Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]
Settings = Annotated[dict[Annotated[str, Field(max_length=40)], str | int], Field(max_length=20)]
Secrets = Annotated[dict[Annotated[str, Field(max_length=40)], str], Field(max_length=10)]
AlertKind = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE)]
Hour = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Rate = Annotated[int, Field(ge=1, le=6_000, description="Messages a minute, at most 600 to people; what is more becomes a digest")]


class FieldOut(BaseModel):
    """A field of a channel's form."""

    name: str
    label: str
    type: FieldType
    required: bool
    help: str
    choices: list[str] | None


class VariableOut(BaseModel):
    """What a template may use."""

    name: str
    meaning: str
    example: Any


class TemplateModel(StrictModel):
    """The text of a channel's messages."""

    subject: Annotated[str, Field(min_length=1, max_length=500)]
    body: Text

    def noun(self) -> Template:
        return Template(self.subject, self.body)


class KindOut(BaseModel):
    """A kind of channel, from which the console draws the form."""

    kind: Kind
    name: str
    carries_pictures: bool
    fields: list[FieldOut]
    template: TemplateModel
    variables: list[VariableOut]

    @classmethod
    def of(cls, spec: KindSpec) -> KindOut:
        text = default_template(Notice.RAISED, is_short=style_of(spec.kind, None).is_short)
        return cls(
            kind=spec.kind,
            name=spec.name,
            carries_pictures=spec.carries_pictures,
            fields=[
                FieldOut(
                    name=each.name,
                    label=each.label,
                    type=each.type,
                    required=each.required,
                    help=each.help,
                    choices=list(each.choices) or None,
                )
                for each in spec.fields
            ],
            template=TemplateModel(subject=text.subject, body=text.body),
            variables=[VariableOut(name=name, meaning=meaning, example=example) for name, (meaning, example) in VARIABLES.items()],
        )


class QuietHoursModel(StrictModel):
    """Hours of the city's clock in which the channel is silent; past midnight they belong to the day on which they began."""

    start: Annotated[Hour, Field(alias="from")]
    end: Annotated[Hour, Field(alias="to")]
    days: Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], Field(max_length=7, description="From Monday, 0; empty: every day")] = ()
    except_critical: bool = True

    def noun(self) -> QuietHours:
        return QuietHours(time.fromisoformat(self.start), time.fromisoformat(self.end), frozenset(self.days), self.except_critical)

    @classmethod
    def of(cls, hours: QuietHours) -> QuietHoursModel:
        span = {"from": f"{hours.start:%H:%M}", "to": f"{hours.end:%H:%M}"}
        return cls(**span, days=tuple(sorted(hours.days)), except_critical=hours.except_critical)


class ChannelPatch(StrictModel):
    """What to change. `settings` replaces all of them; of `secrets` those that are named, and an empty one is removed."""

    name: Name | None = None
    enabled: bool | None = None
    settings: Settings | None = None
    secrets: Secrets | None = None
    min_severity: Severity | None = None
    kinds: Annotated[list[AlertKind] | None, Field(max_length=50, description="Kinds of alert; empty: every one")] = None
    rate_per_minute: Rate | None = None
    quiet_hours: QuietHoursModel | None = None
    template: TemplateModel | None = None

    def patch(self) -> Patch:
        """Raises: Invalid, where something is null that cannot be."""
        null = [name for name in sorted(self.model_fields_set - {"quiet_hours", "template"}) if getattr(self, name) is None]
        if null:
            raise Invalid(f"{' and '.join(null)} cannot be null.")
        return Patch({name: _noun(value) for name, value in Patch.of(self).values.items()})


class ChannelIn(ChannelPatch):
    """A new channel."""

    kind: Kind
    name: Name

    def draft(self) -> ChannelDraft:
        """Raises: Invalid."""
        given = dict(self.patch().values)
        kind, name, settings, secrets = (given.pop(each, None) for each in ("kind", "name", "settings", "secrets"))
        return ChannelDraft(kind, name, settings or {}, secrets or {}, given)


def _noun(value: Any) -> Any:
    if isinstance(value, QuietHoursModel | TemplateModel):
        return value.noun()
    return tuple(value) if isinstance(value, list) else value


class TroubleOut(BaseModel):
    """Since when a channel does not deliver."""

    since: datetime
    detail: str


class ChannelOut(BaseModel):
    """A channel. Of its secrets only the names are told."""

    channel_id: UUID
    kind: Kind
    name: str
    enabled: bool
    settings: dict[str, Any]
    secrets_set: list[str]
    min_severity: Severity
    kinds: list[str]
    rate_per_minute: int
    quiet_hours: QuietHoursModel | None
    template: TemplateModel | None
    created_at: datetime
    trouble: TroubleOut | None
    last_delivered_at: datetime | None

    @classmethod
    def of(cls, channel: Channel) -> ChannelOut:
        same = ("channel_id", "kind", "name", "enabled", "settings", "min_severity", "rate_per_minute", "created_at", "last_delivered_at")
        return cls(
            **{name: getattr(channel, name) for name in same},
            kinds=list(channel.kinds),
            secrets_set=sorted(channel.sealed),
            quiet_hours=channel.quiet_hours and QuietHoursModel.of(channel.quiet_hours),
            template=channel.template and TemplateModel(subject=channel.template.subject, body=channel.template.body),
            trouble=channel.trouble and TroubleOut(since=channel.trouble.since, detail=channel.trouble.detail),
        )


class KindsOut(BaseModel):
    """Every kind of channel."""

    items: list[KindOut]


class ChannelsOut(BaseModel):
    """Every channel of the city."""

    items: list[ChannelOut]


class TestOut(BaseModel):
    """What became of a test message."""

    delivered: bool
    detail: str
    took_ms: int


class PreviewIn(StrictModel):
    """A template to try; null: the one that the kind has by itself."""

    kind: Kind
    template: TemplateModel | None = None
    alert_id: UUID | None = None


class PreviewOut(BaseModel):
    """The text as it reads of an alert."""

    subject: str
    body: str


class SecretOut(BaseModel):
    """A secret, shown this one time."""

    secret: str


@router.get("/kinds", summary="Kinds of channel and the fields of each")
async def get_kinds(caller: Reader) -> KindsOut:  # noqa: ARG001 - the scope
    return KindsOut(items=[KindOut.of(spec) for spec in KINDS.values()])


@router.post("/preview", summary="How a template reads")
async def preview(body: PreviewIn, caller: Reader, channels: ChannelsDep) -> PreviewOut:
    template = body.template.noun() if body.template else None
    subject, text = await channels.preview(caller, body.kind, template, body.alert_id)
    return PreviewOut(subject=subject, body=text)


@router.post("", status_code=status.HTTP_201_CREATED, summary="Connect a channel")
async def post_channel(body: ChannelIn, caller: Writer, channels: ChannelsDep, once: Idempotent, response: Response) -> ChannelOut:
    made = await channels.create_channel(caller, body.draft(), once)
    tell_replayed(once, response)
    return ChannelOut.of(made)


@router.get("", summary="Channels")
async def get_channels(caller: Reader, channels: ChannelsDep) -> ChannelsOut:
    return ChannelsOut(items=[ChannelOut.of(channel) for channel in await channels.list_channels(caller)])


@router.get("/{channel_id}", summary="A channel")
async def get_channel(channel_id: UUID, caller: Reader, channels: ChannelsDep) -> ChannelOut:
    return ChannelOut.of(await channels.show_channel(caller, channel_id))


@router.patch("/{channel_id}", summary="Change a channel")
async def patch_channel(channel_id: UUID, body: ChannelPatch, caller: Writer, channels: ChannelsDep) -> ChannelOut:
    return ChannelOut.of(await channels.change_channel(caller, channel_id, body.patch()))


@router.delete("/{channel_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Remove a channel with its secrets")
async def remove_channel(channel_id: UUID, caller: Writer, channels: ChannelsDep) -> None:
    await channels.delete_channel(caller, channel_id)


@router.post("/{channel_id}/test", summary="Send a test message")
async def test_channel(channel_id: UUID, caller: Writer, channels: ChannelsDep) -> TestOut:
    answer, took_ms = await channels.test_channel(caller, channel_id)
    return TestOut(delivered=answer.is_delivered, detail=answer.detail, took_ms=took_ms)


@router.post("/{channel_id}/secret", dependencies=NoStore, summary="Replace a webhook's secret; the one before signs too for a day")
async def rotate_secret(channel_id: UUID, caller: Writer, channels: ChannelsDep) -> SecretOut:
    return SecretOut(secret=await channels.rotate_secret(caller, channel_id))
