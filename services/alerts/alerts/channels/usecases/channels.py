"""What is done with channels: a method a verb."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from alerts.alerts.domain import Alert, AlertQuery, AlertState, Notice
from alerts.browsers.domain import Browser
from alerts.channels.domain import (
    KINDS,
    SECRET_OVERLAP,
    Answer,
    Channel,
    InvalidChannel,
    Kind,
    OpenChannel,
    Outcome,
    Template,
    Told,
    Trouble,
    rates_of,
    style_of,
)
from alerts.channels.ports import Sender
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from chassis.logs import get_logger
from chassis.vault import Unsealable, Vault
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound, QuotaReached
from gtvision.events import Event, Severity, TenantRemoved
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.browsers.usecases import Browsers
    from alerts.channels.repository import PostgresChannels
    from alerts.messages.usecases import Messages

Found = TypeVar("Found")

log = get_logger(__name__)

MAX_CHANNELS = 100
_SEND_S = 12.0
"""Above the ten seconds that a gateway takes at most."""
_DELIVERED_EVERY = timedelta(seconds=30)
"""How precisely a channel's last delivery is kept: a row a message would be written by all of them at once."""
_PREVIOUS = "previous_secret"


@dataclass(frozen=True, slots=True)
class ChannelDraft:
    """A new channel, as a person described it. `settings` and `secrets` are the fields of its kind."""

    kind: Kind
    name: str
    settings: Mapping[str, object]
    secrets: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of `Channel`."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of a tenant. `senders` has one for each kind."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresChannels]
    alerts: Callable[[UnitOfWork], PostgresAlerts]
    clock: Clock
    vault: Vault
    messages: Messages
    browsers: Browsers
    senders: Mapping[Kind, Sender]

    # --- what administrators do ---

    async def create_channel(self, caller: Caller, draft: ChannelDraft, once: Once | None = None) -> Channel:
        """Raises: InvalidChannel, InvalidTemplate, Conflict where the name is taken, QuotaReached, IdempotencyKeyReused, Gone."""
        settings, secrets = KINDS[draft.kind].check(draft.settings, draft.secrets)
        channel_id = new_id()
        if draft.kind is Kind.WEBHOOK:
            secrets["secret"] = _new_secret()
        sealed = {name: self._seal(caller.tenant_id, channel_id, value) for name, value in secrets.items()}
        options = {"rate_per_minute": rates_of(draft.kind)[0], **draft.options}
        channel = Channel(channel_id, caller.tenant_id, draft.kind, draft.name, self.clock.now(), settings, sealed, **options)
        self._check(channel)
        async with self.uow(caller.tenant_id) as uow:
            channels = self.repository(uow)
            earlier = await claim(uow, caller, once, channel_id, channel.created_at)
            if earlier is not None:
                found = await channels.get(earlier)
                if found is None:
                    raise Gone
                return found
            if await channels.count() >= MAX_CHANNELS:
                raise QuotaReached(f"A city has at most {MAX_CHANNELS} channels.")
            await channels.add(channel)
            record(uow, Action.CHANNEL_CREATED, caller, _audit(channel))
        return channel

    async def list_channels(self, caller: Caller) -> list[Channel]:
        """Returns all of them, in order of id."""
        async with self.uow(caller.tenant_id) as uow:
            return await self.repository(uow).list_all()

    async def show_channel(self, caller: Caller, channel_id: UUID) -> Channel:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            return _found(await self.repository(uow).get(channel_id))

    async def change_channel(self, caller: Caller, channel_id: UUID, patch: Patch) -> Channel:
        """Changes some fields. `settings` replaces all of them; of `secrets`, those that are named, and a null one is removed.

        Raises: InvalidChannel, InvalidTemplate, Conflict where the name is taken, NotFound.
        """
        async with self.uow(caller.tenant_id) as uow:
            channels = self.repository(uow)
            channel = _found(await channels.get(channel_id, lock=True))
            settings, sealed = self._changed_fields(channel, patch)
            rest = Patch({name: patch.get(name) for name in patch if name not in {"settings", "secrets"}})
            changed = replace(rest.apply(channel), settings=settings, sealed=sealed)
            self._check(changed)
            if changed != channel:
                await channels.save(changed)
                record(uow, Action.CHANNEL_CHANGED, caller, _audit(changed, changed=", ".join(sorted(patch))))
        return changed

    def _changed_fields(self, channel: Channel, patch: Patch) -> tuple[Mapping[str, Any], dict[str, str]]:
        """Returns the settings, and the secrets as they are kept, after a change. Raises: InvalidChannel."""
        given: dict[str, str | None] = patch.get("secrets") or {}
        kept = {name: sealed for name, sealed in channel.sealed.items() if name not in given}
        secrets = {field.name: self._open(channel, field.name) for field in KINDS[channel.kind].fields if field.name in kept}
        secrets |= {name: value for name, value in given.items() if value is not None}
        settings, checked = KINDS[channel.kind].check(patch.get("settings") or channel.settings, secrets)
        fresh = {name: self._seal(channel.tenant_id, channel.channel_id, checked[name]) for name in given if name in checked}
        return settings, kept | fresh

    async def delete_channel(self, caller: Caller, channel_id: UUID) -> None:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            channel = _found(await self.repository(uow).delete(channel_id))
            record(uow, Action.CHANNEL_REMOVED, caller, _audit(channel))

    async def rotate_secret(self, caller: Caller, channel_id: UUID) -> str:
        """Returns a webhook's new secret, this one time; the one before signs too for a day. Raises: InvalidChannel, NotFound."""
        secret = _new_secret()
        async with self.uow(caller.tenant_id) as uow:
            channels = self.repository(uow)
            channel = _found(await channels.get(channel_id, lock=True))
            if channel.kind is not Kind.WEBHOOK:
                raise InvalidChannel("Only a webhook has a secret of ours.")
            sealed = {"secret": self._seal(channel.tenant_id, channel_id, secret), _PREVIOUS: channel.sealed["secret"]}
            await channels.save(replace(channel, sealed=sealed, rotated_at=self.clock.now()))
            record(uow, Action.CHANNEL_CHANGED, caller, _audit(channel, changed="secret"))
        return secret

    async def test_channel(self, caller: Caller, channel_id: UUID) -> tuple[Answer, int]:
        """Sends a test message, also where the channel is switched off. Returns the answer, and how long it took, ms. Raises: NotFound."""
        alert = _example(caller.tenant_id, self.clock, "Teste: este canal recebe os alertas da cidade")
        began = asyncio.get_running_loop().time()
        async with self.uow(caller.tenant_id) as uow:
            channel = _found(await self.repository(uow).get(channel_id))
        answer = await self._send(channel, Told(new_id(), Notice.RAISED, alert), "")
        if channel.kind is Kind.PAGERDUTY and answer.is_delivered:  # an incident of a test must not stay open
            await self._send(channel, Told(new_id(), Notice.RESOLVED, replace(alert, state=AlertState.ACKNOWLEDGED)), "")
        async with self.uow(caller.tenant_id) as uow:
            record(uow, Action.CHANNEL_TESTED, caller, _audit(channel, outcome=answer.outcome))
        return answer, round((asyncio.get_running_loop().time() - began) * 1_000)

    async def preview(self, caller: Caller, kind: Kind, template: Template | None, alert_id: UUID | None) -> tuple[str, str]:
        """Returns subject and body as they read of an alert: the one that is named, the newest, or an example. Raises: InvalidTemplate,
        NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            alerts, groups = self.alerts(uow), caller.camera_groups
            newest = AlertQuery(limit=1, groups=groups)
            found = list((await alerts.find([alert_id], groups)).values()) if alert_id else await alerts.list_newest(newest)
            if alert_id is not None:
                _found(next(iter(found), None))
            alert = found[0] if found else _example(caller.tenant_id, self.clock, "Gravação parada em Portão Norte")
            camera = await self._camera_name(uow, alert)
        style = replace(style_of(kind, template), carries_pictures=False)
        message = await self.messages.compose(style, Told(new_id(), Notice.RAISED, alert), camera)
        return self.messages.texts(style, message, strict=True)

    # --- what tells of alerts ---

    async def list_enabled(self, uow: UnitOfWork) -> list[Channel]:
        """Returns the channels that are switched on."""
        return await self.repository(uow).list_all(enabled=True)

    async def names(self, uow: UnitOfWork) -> dict[UUID, str]:
        """Returns the name of every channel."""
        return {channel.channel_id: channel.name for channel in await self.repository(uow).list_all()}

    async def send(self, tenant_id: UUID, channel_id: UUID, told: Told) -> Answer:
        """Writes the message and tries once to deliver it; whether the channel is in order is kept with it. Raises: Unavailable."""
        async with self.uow(tenant_id) as uow:
            channel = await self.repository(uow).get(channel_id)
            camera = await self._camera_name(uow, told.alert)
        if channel is None or not channel.enabled:
            return Answer(Outcome.REFUSED, "o canal foi removido ou desligado")
        answer = await self._send(channel, told, camera)
        await self._note(channel, answer)
        return answer

    async def _send(self, channel: Channel, told: Told, camera: str) -> Answer:
        try:
            message = await self.messages.compose(channel.style(), told, camera)
            opened = await self._opened(channel, told)
            async with asyncio.timeout(_SEND_S):
                answer = await self.senders[channel.kind].send(opened, message)
        except TimeoutError:
            return Answer(Outcome.LATER, "sem resposta a tempo")
        except Unsealable:
            return Answer(Outcome.LATER, "o segredo do canal foi selado com uma chave que não existe mais: troque-o")
        except Exception as error:  # a gateway's fault must not stop the others' messages; its text may hold a secret
            log.error("sender_failed", kind=channel.kind, channel_id=channel.channel_id, error=type(error).__name__)
            return Answer(Outcome.LATER, f"erro interno ({type(error).__name__})")
        if answer.gone:
            async with self.uow(channel.tenant_id) as uow:
                await self.browsers.forget(uow, answer.gone)
        return answer

    async def _opened(self, channel: Channel, told: Told) -> OpenChannel:
        secrets = {name: self._open(channel, name) for name in channel.sealed}
        if channel.rotated_at is None or self.clock.now() >= channel.rotated_at + SECRET_OVERLAP:
            secrets.pop(_PREVIOUS, None)
        browsers: tuple[Browser, ...] = ()
        partly: dict[str, int] = {}
        if channel.kind is Kind.WEB_PUSH:
            async with self.uow(channel.tenant_id) as uow:
                groups = await self._groups(uow, told.digest or (told.alert,))
                browsers, secrets["private_key"] = await self.browsers.open(uow, groups)
                seen = {each.endpoint: sum(map(each.may_see, groups)) for each in browsers}
                partly = {endpoint: count for endpoint, count in seen.items() if count < len(groups)}
        return OpenChannel(channel.channel_id, channel.tenant_id, channel.kind, channel.name, channel.settings, secrets, browsers, partly)

    async def _groups(self, uow: UnitOfWork, alerts: Sequence[Alert]) -> list[frozenset[UUID] | None]:
        """Returns, of each alert, the groups of the cameras that it is about; None where it is about no camera."""
        about = [{alert.camera_id} if alert.camera_id else set(alert.camera_ids) for alert in alerts]
        cameras = await self.alerts(uow).cameras(set().union(*about))
        return [frozenset().union(*(cameras[each].groups for each in ids if each in cameras)) if ids else None for ids in about]

    async def _note(self, channel: Channel, answer: Answer) -> None:
        now, last = self.clock.now(), channel.last_delivered_at
        if answer.is_delivered and channel.trouble is None and last is not None and now - last < _DELIVERED_EVERY:
            return
        async with self.uow(channel.tenant_id) as uow:
            channels = self.repository(uow)
            held = await channels.get(channel.channel_id, lock=True)
            if held is None:
                return
            if answer.is_delivered:
                await channels.save(replace(held, trouble=None, last_delivered_at=now))
            else:
                since = held.trouble.since if held.trouble else now
                await channels.save(replace(held, trouble=Trouble(since, answer.detail[:500])))

    async def _camera_name(self, uow: UnitOfWork, alert: Alert) -> str:
        camera = await self.alerts(uow).camera(alert.camera_id) if alert.camera_id else None
        return camera.name if camera else ""

    # --- what identity says ---

    async def delete_channels_of_city(self, consumer: str, event: Event[TenantRemoved]) -> None:
        """Deletes every channel of a city that left, with its secrets. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen(consumer, event.event_id):
                return
            for channel in await self.repository(uow).delete_all():
                record(uow, Action.CHANNEL_REMOVED, None, _audit(channel))

    def _check(self, channel: Channel) -> None:
        most = rates_of(channel.kind)[1]
        if channel.rate_per_minute > most:
            raise InvalidChannel(f"A channel of this kind takes at most {most} messages a minute.")
        if channel.template is not None:
            self.messages.check_template(channel.template)

    def _seal(self, tenant_id: UUID, channel_id: UUID, value: str) -> str:
        return self.vault.seal(value, f"channel.{tenant_id}.{channel_id}")

    def _open(self, channel: Channel, name: str) -> str:
        return self.vault.open(channel.sealed[name], f"channel.{channel.tenant_id}.{channel.channel_id}")


def _new_secret() -> str:
    """Returns 24 random bytes as Standard Webhooks writes them: whsec_ and base64."""
    return "whsec_" + base64.b64encode(os.urandom(24)).decode()


def _example(tenant_id: UUID, clock: Clock, title: str) -> Alert:
    now = clock.now()
    return Alert(new_id(), tenant_id, "test", Severity.INFO, title, AlertState.OPEN, now, captured_at=now, last_seen_at=now)


def _found(found: Found | None) -> Found:
    if found is None:
        raise NotFound
    return found


def _audit(channel: Channel, **more: str) -> AuditEntry:
    return AuditEntry("channel", channel.channel_id, details={"name": channel.name, "kind": channel.kind} | more)
