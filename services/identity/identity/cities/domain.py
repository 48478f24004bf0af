"""City halls and what they decide for themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from gtvision.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from gtvision.tenancy import Caller, Scope, TenantSettings

NAME_MAX = 200
LOGO_MAX_BYTES, LOGO_MAX_PIXELS = 512 * 1024, 2_000_000
_PNG = b"\x89PNG"


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


class LimitedToGroups(Forbidden):
    """This is the whole city's, and no matter for an account that is limited to camera groups."""

    code = "limited_to_groups"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A city hall. `revision` counts every change of its name and settings."""

    id: UUID
    name: str
    revision: int
    created_at: datetime
    settings: TenantSettings = field(default_factory=TenantSettings)


def check_reach(who: Caller, tenant_id: UUID, beyond: Scope) -> None:
    """One's own tenant, or with the scope `beyond` any. Raises: NotFound."""
    if tenant_id != who.tenant_id and beyond not in who.scopes:
        raise NotFound


def check_whole_city(who: Caller) -> None:
    """Retention and the ledger concern every camera, and nobody here knows which groups a camera is in. Raises: LimitedToGroups."""
    if who.camera_groups is not None:
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


def differences(before: TenantSettings, after: TenantSettings) -> dict[str, str]:
    """Dotted name of each changed field -> `old -> new`, for the record."""
    old, new = dict(_flat(before.model_dump(mode="json"))), dict(_flat(after.model_dump(mode="json")))
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
