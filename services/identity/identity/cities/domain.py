"""City halls and what they decide for themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from gtvision.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from gtvision.tenancy import Caller, Quotas, Scope, TenantSettings

NAME_MAX = 200
LOGO_MAX_BYTES, LOGO_MAX_PIXELS = 512 * 1024, 2_000_000
_PNG = b"\x89PNG"

_DEFAULTS = TenantSettings()
Limits = Mapping[str, float | None]
"""Limits by their dotted name in the settings."""
LIMITS = (*(f"quotas.{name}" for name in Quotas.model_fields), "ai_budget.daily_usd")
"""What the platform can bound: the most that a city may use or spend."""


class NameTaken(Conflict):
    """There is a tenant of this name."""

    code = "name_taken"


class TenantAlreadyMade(Conflict):
    """This request made a tenant before, whose first administrator's password is not kept."""

    code = "tenant_already_made"

    def __init__(self, tenant_id: UUID) -> None:
        super().__init__(
            f"This request made the tenant {tenant_id}, whose first administrator's password is not kept: "
            "`gtv users reset-password` gives another."
        )


class LogoByUpload(Invalid):
    """The logo is set by uploading it, not by naming an object."""

    code = "logo_by_upload"


class AboveCeiling(Invalid):
    """The platform allows this city less."""

    code = "above_ceiling"


class LimitedToGroups(Forbidden):
    """This is the whole city's, and no matter for an account that is limited to camera groups."""

    code = "limited_to_groups"


class CitySuspended(Forbidden):
    """The city is suspended: its people and programs cannot sign in. Its administration can ask the platform's."""

    code = "city_suspended"


class CityActive(Conflict):
    """A city is suspended before it is deleted."""

    code = "city_active"


class CityDeleted(Conflict):
    """The city was deleted."""

    code = "city_deleted"


class OwnCity(Conflict):
    """A city with an administrator of the platform can be neither suspended nor deleted."""

    code = "own_city"


class TenantState(StrEnum):
    """What becomes of a city."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    """Suspended, and to be deleted at a set time."""
    DELETED = "deleted"
    """A tombstone: its name stays, so that its audit ledger says whose it is."""


@dataclass(frozen=True, slots=True)
class TenantSearch:
    """Which cities are looked for. A deleted one is found only by its state."""

    text: str | None = None
    """A part of the name, in any case."""
    state: TenantState | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A city hall. `revision` counts every change of its name, settings and ceiling.

    `ceiling` is what the platform allows at most, for those of LIMITS that it bounded. What the city set for itself is in `settings` and
    never above the ceiling, so the settings are what holds.
    """

    id: UUID
    name: str
    revision: int
    created_at: datetime
    settings: TenantSettings = field(default_factory=TenantSettings)
    ceiling: Mapping[str, int | float] = field(default_factory=dict)
    suspended_at: datetime | None = None
    deletes_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def state(self) -> TenantState:
        if self.deleted_at is not None:
            return TenantState.DELETED
        if self.deletes_at is not None:
            return TenantState.CLOSING
        return TenantState.ACTIVE if self.suspended_at is None else TenantState.SUSPENDED

    def check_open(self) -> None:
        """Checks that its people and programs may sign in. Raises: CitySuspended."""
        if self.state is not TenantState.ACTIVE:
            raise CitySuspended

    def check_there(self) -> None:
        """Raises: CityDeleted."""
        if self.state is TenantState.DELETED:
            raise CityDeleted

    def check_room(self, users: int) -> None:
        """Checks that one more user fits beside those that are enabled. Raises: QuotaReached."""
        self.settings.quotas.check_room("users", users)


def check_reach(caller: Caller, tenant_id: UUID, beyond: Scope) -> None:
    """One's own tenant, or with the scope `beyond` any. Raises: NotFound."""
    if tenant_id != caller.tenant_id and beyond not in caller.scopes:
        raise NotFound


def check_whole_city(caller: Caller) -> None:
    """Checks that the caller is not limited to camera groups: settings and the ledger concern every camera. Raises: LimitedToGroups."""
    if caller.camera_groups is not None:
        raise LimitedToGroups


def merged(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396: objects are merged, null removes (and so brings the default back), everything else replaces."""
    result = dict(document)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            below = result.get(name)
            result[name] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def named_limits(document: Mapping[str, Any]) -> Limits:
    """Returns the limits that a settings document or a merge patch names; None stands for "no limit"."""
    found: dict[str, float | None] = {}
    for name in LIMITS:
        part, _, field = name.partition(".")
        below = document.get(part, {})
        if below is None or (isinstance(below, Mapping) and field in below):
            found[name] = None if below is None else below[field]
    return found


def set_by_platform(before: Tenant, asked: TenantSettings, named: Limits, *, whole: bool) -> Tenant:
    """Returns the tenant as the platform's administrator wants it: the limits named become the ceiling, and the city's own value too
    unless the city had chosen less. `whole` says that the settings are replaced: a limit that is not named, or has its default, has no
    ceiling then, and one that equals what holds now keeps its ceiling: it was not edited in the document that the client read.
    """
    given = {name: None if value is None else _limit(asked, name) for name, value in named.items()}
    if whole:
        for name, value in given.items():
            if value == _limit(before.settings, name):
                given[name] = before.ceiling.get(name)
            elif value == _limit(_DEFAULTS, name):
                given[name] = None
    kept = {} if whole else dict(before.ceiling)
    ceiling = {name: value for name, value in {**kept, **given}.items() if value is not None}
    own: dict[str, float] = {}
    for name, old in before.ceiling.items():
        chosen, wanted = _limit(before.settings, name), _limit(asked, name)
        if chosen is not None and chosen < old:
            own[name] = chosen if wanted is None else min(chosen, wanted)
    return replace(before, settings=_with_limits(asked, own), ceiling=ceiling)


def set_by_city(before: Tenant, asked: TenantSettings) -> Tenant:
    """Returns the tenant with settings of the city's own choice. No limit means the platform's. Raises: AboveCeiling."""
    own: dict[str, float] = {}
    for name, most in before.ceiling.items():
        wanted = _limit(asked, name)
        if wanted is not None and wanted > most:
            raise AboveCeiling(f"The platform allows this city at most {most:g} ({name}).")
        if wanted is None:
            own[name] = most
    return replace(before, settings=_with_limits(asked, own))


def _limit(settings: TenantSettings, name: str) -> float | None:
    part, _, field = name.partition(".")
    value: float | None = getattr(getattr(settings, part), field)
    return value


def _with_limits(settings: TenantSettings, values: Mapping[str, float]) -> TenantSettings:
    document = settings.model_dump()
    for name, value in values.items():
        part, _, field = name.partition(".")
        document[part][field] = value
    return TenantSettings.model_validate(document)


def differences(before: Tenant, after: Tenant) -> dict[str, str]:
    """Dotted name of each changed field -> `old -> new`, for the record."""
    old, new = (dict(_flat(each.settings.model_dump(mode="json") | {"ceiling": each.ceiling})) for each in (before, after))
    return {name: f"{old.get(name)} -> {new.get(name)}" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)}


def _flat(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def check_logo_size(size_bytes: int) -> None:
    """Raises: TooLarge."""
    if size_bytes > LOGO_MAX_BYTES:
        raise TooLarge(f"A logo has at most {LOGO_MAX_BYTES // 1024} KB.")


def logo_key(tenant_id: UUID, data: bytes) -> str:
    """Named by its content: another picture is another object, so that no cache shows the old one."""
    kind = "png" if data.startswith(_PNG) else "jpg"
    return f"branding/{tenant_id}/{hashlib.sha256(data).hexdigest()[:32]}.{kind}"
