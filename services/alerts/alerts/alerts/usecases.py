"""What is done with alerts: by sources in their own transaction, by people with a method a verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from alerts import metrics
from alerts.alerts.domain import Alert, AlertQuery, AlertState, Entry, Notice, Occurrence, OpenAlerts, Raised, Step, join, new_alert
from alerts.alerts.ports import Notifier
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Once, claim
from chassis.live import LivePublisher
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Invalid, NotFound
from gtvision.events import AlertAcknowledged, AlertRaised, AlertResolved
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts

_INTERNAL = {"tenant_id", "entry_id", "evidence_key", "subject", "lasting", "told"}
"""Fields of an alert that no answer and no live message shows."""
_UNKNOWN_PERSON = UUID(int=0)
_WAKE_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of a tenant: the one place where they change.

    Every change is numbered, told on the live channel after the commit, and written to the alert's history where a person or its source
    did more than see it again.
    """

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresAlerts]
    clock: Clock
    live: LivePublisher
    notifier: Notifier

    # --- sources ---

    async def raise_alert(self, uow: UnitOfWork, seen: Occurrence) -> Raised:
        """Counts an occurrence to the alert that it belongs to, or raises a new one; the same occurrence again changes nothing more.

        In the transaction of the source, which has made sure that it does not handle the same event twice.
        """
        alerts, now = self.repository(uow), self.clock.now()
        change = await alerts.next_change()
        latest = await alerts.latest(seen.kind, seen.subject)
        if latest is not None and (joined := join(latest, seen, now, change)) is not None:
            metrics.sightings_joined.inc()
            told = joined.alert.snoozed_until is None
            alert = replace(joined.alert, told=joined.alert.told or told) if joined.notice else joined.alert
            await self._save(uow, alert, joined.step, text=alert.title)
            if joined.notice and told:
                await self.notifier.note(uow, alert, joined.notice, now)
            return Raised(alert, is_new=False)
        alert = new_alert(_tenant(uow), seen, now, change)
        if not await alerts.add(alert):
            return Raised(alert, is_new=False)
        uow.emit(_event(alert), camera_id=alert.camera_id, event_id=alert.alert_id)
        await alerts.write_history(alert.alert_id, Entry(now, Step.RAISED, text=alert.title))
        self._publish(uow, alert)
        metrics.alerts_raised.labels(alert.kind, alert.severity.value).inc()
        if alert.told:
            await self.notifier.note(uow, alert, Notice.RAISED, now)
        return Raised(alert, is_new=True)

    async def find_open(self, uow: UnitOfWork, kind: str, subject: str) -> Alert | None:
        """Returns the alert of this identity that is not resolved."""
        found = await self.repository(uow).latest(kind, subject)
        return found if found is not None and found.state is not AlertState.RESOLVED else None

    async def amend_alert(
        self, uow: UnitOfWork, kind: str, subject: str, *, title: str, camera_ids: tuple[UUID, ...], details: Mapping[str, str]
    ) -> Alert | None:
        """Says anew what an unresolved alert is about, such as when one of its cameras is back. Returns None where there is none."""
        change = await self.repository(uow).next_change()
        known = await self.find_open(uow, kind, subject)
        if known is None:
            return None
        alert = replace(known, title=title, camera_ids=camera_ids, details=details, change=change)
        await self._save(uow, alert)
        return alert

    async def resolve_alert(self, uow: UnitOfWork, kind: str, subject: str, at: datetime, text: str = "") -> Alert | None:
        """Ends the alert, because its source says that it is over at that instant. Returns None where none is unresolved."""
        change = await self.repository(uow).next_change()
        known = await self.find_open(uow, kind, subject)
        return await self._resolve(uow, known, max(at, known.raised_at), change, text=text) if known else None

    async def note_step(self, uow: UnitOfWork, alert_id: UUID, step: Step, text: str = "", user_id: UUID | None = None) -> None:
        """Adds a step to an alert's history that changes nothing of the alert itself, such as an escalation."""
        await self.repository(uow).write_history(alert_id, Entry(self.clock.now(), step, user_id, text))

    # --- people ---

    async def acknowledge_alert(self, caller: Caller, alert_id: UUID, comment: str = "") -> Alert:
        """Records that a person has seen it; again changes nothing. Raises: NotFound."""
        return _one(await self.acknowledge_alerts(caller, [alert_id], comment))

    async def acknowledge_alerts(self, caller: Caller, alert_ids: Sequence[UUID], comment: str = "") -> list[Alert]:
        """Records that a person has seen them, all in one transaction, and returns them in that order.

        One that was acknowledged or resolved before is returned as it is; one that does not exist, or may not be seen, is left out.
        """
        async with self.uow(caller.tenant_id) as uow:
            change = await self.repository(uow).next_change(len(alert_ids))
            found = await self.repository(uow).find(set(alert_ids), caller.camera_groups)
            still_open = [alert for alert in found.values() if alert.state is AlertState.OPEN]
            for at, alert in enumerate(still_open):
                found[alert.alert_id] = await self._acknowledge(uow, alert, change + at, caller, comment)
        return [found[each] for each in dict.fromkeys(alert_ids) if each in found]

    async def acknowledge_by_link(self, uow: UnitOfWork, alert_id: UUID, text: str) -> Alert | None:
        """Records that a person has seen it who came by a link of a message. `text` says whose link. Returns None where there is none."""
        change = await self.repository(uow).next_change()
        known = (await self.repository(uow).find([alert_id], None)).get(alert_id)
        if known is None or known.state is not AlertState.OPEN:
            return known
        return await self._acknowledge(uow, known, change, None, text)

    async def resolve_alerts(self, caller: Caller, alert_ids: Sequence[UUID], comment: str = "") -> list[Alert]:
        """Ends alerts, because a person says that they are over; otherwise as `acknowledge_alerts`."""
        async with self.uow(caller.tenant_id) as uow:
            change = await self.repository(uow).next_change(len(alert_ids))
            found = await self.repository(uow).find(set(alert_ids), caller.camera_groups)
            for at, alert in enumerate([each for each in found.values() if each.state is not AlertState.RESOLVED]):
                found[alert.alert_id] = await self._resolve(uow, alert, self.clock.now(), change + at, caller, comment)
        return [found[each] for each in dict.fromkeys(alert_ids) if each in found]

    async def comment_alert(self, caller: Caller, alert_id: UUID, text: str, once: Once | None = None) -> Alert:
        """Adds a comment; a request that is sent again adds none. Raises: NotFound, IdempotencyKeyReused."""
        async with self.uow(caller.tenant_id) as uow:
            alert = await self._mine(uow, caller, alert_id)
            if await claim(uow, caller, once, alert_id, self.clock.now()) is not None:
                return alert
            alert = replace(alert, comments=alert.comments + 1)
            await self._save(uow, alert, Step.COMMENTED, caller, text)
            record(uow, Action.ALERT_COMMENTED, caller, _audit(alert))
        return alert

    async def assign_alert(self, caller: Caller, alert_id: UUID, user_id: UUID | None) -> Alert:
        """Says who sees to it; None: no one in particular. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            alert = replace(await self._mine(uow, caller, alert_id), assigned_to=user_id)
            await self._save(uow, alert, Step.ASSIGNED, caller, str(user_id or ""))
            record(uow, Action.ALERT_ASSIGNED, caller, _audit(alert, to=str(user_id or "nobody")))
        return alert

    async def snooze_alert(self, caller: Caller, alert_id: UUID, until: datetime | None) -> Alert:
        """Has nobody told of it until then; None: from now on again. Raises: NotFound, Invalid."""
        if until is not None and until <= self.clock.now():
            raise Invalid(f"until ({isoformat(until)}) is in the past.")
        async with self.uow(caller.tenant_id) as uow:
            known = await self._mine(uow, caller, alert_id)
            if known.state is AlertState.RESOLVED:
                raise Invalid("The alert is resolved: there is nothing to be told of.")
            alert = replace(known, snoozed_until=until)
            await self._save(uow, alert, Step.SNOOZED if until else Step.WOKEN, caller, isoformat(until) if until else "")
            record(uow, Action.ALERT_SNOOZED, caller, _audit(alert, until=isoformat(until) if until else "now"))
        return alert

    # --- clock ---

    async def wake_snoozed(self) -> int:
        """Tells people of alerts whose snooze has ended and that are still there. Returns how many."""
        async with self.uow(None) as uow:
            tenants = await self.repository(uow).tenants_to_wake(self.clock.now())
        woken = 0
        for tenant_id in tenants:
            async with self.uow(tenant_id) as uow:
                now, change = self.clock.now(), await self.repository(uow).next_change(_WAKE_AT_ONCE)
                for at, known in enumerate(await self.repository(uow).snoozed(now, _WAKE_AT_ONCE)):
                    alert = replace(known, snoozed_until=None, told=True, change=change + at)
                    await self._save(uow, alert, Step.WOKEN)
                    if alert.state is AlertState.OPEN:
                        await self.notifier.note(uow, alert, Notice.REMINDER if known.told else Notice.RAISED, now)
                    woken += 1
        return woken

    async def move_mute(self, uow: UnitOfWork, end: datetime, until: datetime | None) -> None:
        """Planned work that was to end at one instant ends at another one; None: now. The clock wakes what is still there."""
        change = await self.repository(uow).next_change(_WAKE_AT_ONCE)
        for at, known in enumerate(await self.repository(uow).snoozed(end, _WAKE_AT_ONCE, muted=True)):
            await self._save(uow, replace(known, snoozed_until=until or self.clock.now(), change=change + at))

    # --- parts ---

    async def _mine(self, uow: UnitOfWork, caller: Caller, alert_id: UUID) -> Alert:
        change = await self.repository(uow).next_change()
        found = await self.repository(uow).find([alert_id], caller.camera_groups)
        return replace(_one(list(found.values())), change=change)

    async def _acknowledge(self, uow: UnitOfWork, known: Alert, change: int, caller: Caller | None, comment: str) -> Alert:
        now, user_id = self.clock.now(), caller.user_id if caller else _UNKNOWN_PERSON
        seen = replace(known, state=AlertState.ACKNOWLEDGED, acknowledged_by=user_id, acknowledged_at=now)
        alert = replace(seen, snoozed_until=None, change=change)
        await self._save(uow, alert, Step.ACKNOWLEDGED, caller, comment)
        uow.emit(AlertAcknowledged(alert_id=alert.alert_id, user_id=user_id, acknowledged_at=now), camera_id=alert.camera_id)
        record(uow, Action.ALERT_ACKNOWLEDGED, caller, _audit(alert))
        await self.notifier.note(uow, alert, Notice.ACKNOWLEDGED, now)
        metrics.seconds_to_acknowledge.observe(max(0.0, (now - alert.raised_at).total_seconds()))
        return alert

    async def _resolve(
        self, uow: UnitOfWork, known: Alert, at: datetime, change: int, caller: Caller | None = None, text: str = ""
    ) -> Alert:
        user_id = caller.user_id if caller else None
        alert = replace(known, state=AlertState.RESOLVED, resolved_at=at, resolved_by=user_id, snoozed_until=None, change=change)
        await self._save(uow, alert, Step.RESOLVED, caller, text)
        uow.emit(AlertResolved(alert_id=alert.alert_id, resolved_at=at, user_id=user_id), camera_id=alert.camera_id)
        if caller is not None:
            record(uow, Action.ALERT_RESOLVED, caller, _audit(alert))
        if known.told:
            await self.notifier.note(uow, alert, Notice.RESOLVED, at)
        return alert

    async def _save(self, uow: UnitOfWork, alert: Alert, step: Step | None = None, caller: Caller | None = None, text: str = "") -> None:
        alerts = self.repository(uow)
        await alerts.save(alert)
        if step is not None:
            entry = Entry(self.clock.now(), step, caller.user_id if caller else None, text)
            await alerts.write_history(alert.alert_id, entry)
        self._publish(uow, alert)

    def _publish(self, uow: UnitOfWork, alert: Alert) -> None:
        message = as_message(alert)
        uow.after_commit(lambda: self.live.publish(alert.tenant_id, "alerts", message))


def _tenant(uow: UnitOfWork) -> UUID:
    if uow.tenant_id is None:
        raise ValueError("an alert belongs to a tenant: open the unit of work with one")
    return uow.tenant_id


def _one(found: Sequence[Alert]) -> Alert:
    if not found:
        raise NotFound("There is no such alert.")
    return found[0]


def _audit(alert: Alert, **more: str) -> AuditEntry:
    return AuditEntry("alert", alert.alert_id, alert.camera_id, details={"kind": alert.kind} | more)


def _event(alert: Alert) -> AlertRaised:
    return AlertRaised(**{name: getattr(alert, name) for name in AlertRaised.model_fields})


def as_message(alert: Alert) -> dict[str, object]:
    """Returns the alert as REST and the live channel show it."""
    return {each.name: _as_json(getattr(alert, each.name)) for each in fields(alert) if each.name not in _INTERNAL}


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, tuple):
        return [_as_json(each) for each in value]
    return str(value) if isinstance(value, UUID) else dict(value) if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class AlertLists:
    """What people and their screens read of a tenant's alerts."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresAlerts]

    async def show_alert(self, caller: Caller, alert_id: UUID) -> Alert:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            return _one(list((await self.repository(uow).find([alert_id], caller.camera_groups)).values()))

    async def show_history(self, caller: Caller, alert_id: UUID) -> list[Entry]:
        """Returns what became of an alert, oldest first. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            alert = _one(list((await self.repository(uow).find([alert_id], caller.camera_groups)).values()))
            return await self.repository(uow).read_history(alert.alert_id)

    async def list_alerts(self, caller: Caller, query: AlertQuery) -> list[Alert]:
        """Returns alerts of cameras that the caller may see, newest first. Those of a plate are on record, or not shown."""
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).list_newest(replace(query, groups=caller.camera_groups))
            if query.plate is not None:
                record(uow, Action.PLATE_SEARCHED, caller, _searched(query, len(found)))
        return found

    async def list_changes(self, caller: Caller, after: int | None, limit: int) -> tuple[list[Alert], int]:
        """Returns alerts that changed after that number, in the order of their changes, and the number to go on from.

        Each is as it is now, so one that changed twice comes once. Without a number: none, and the number of the last change.
        """
        async with self.uow(caller.tenant_id) as uow:
            last = await self.repository(uow).last_change()
            if after is None:
                return [], last
            found = await self.repository(uow).list_changed(after, last, limit, caller.camera_groups)
        return found, found[-1].change if len(found) == limit else max(last, after)

    async def count_open_alerts(self, caller: Caller) -> OpenAlerts:
        """Counts the open alerts of cameras that the caller may see, by severity, without those that are snoozed."""
        async with self.uow(caller.tenant_id) as uow:
            alerts, groups = self.repository(uow), caller.camera_groups
            newest = await alerts.list_newest(AlertQuery(limit=1, states=frozenset({AlertState.OPEN}), awake=True, groups=groups))
            return OpenAlerts(await alerts.count_open(groups), next(iter(newest), None))


def _searched(query: AlertQuery, found: int) -> AuditEntry:
    cameras = sorted(query.camera_ids or ())
    details = {"in": "alerts", "found": found} | ({"cameras": " ".join(map(str, cameras))} if len(cameras) > 1 else {})
    return AuditEntry("plate", query.plate, cameras[0] if len(cameras) == 1 else None, query.start, query.end, details)
