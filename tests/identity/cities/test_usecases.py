"""Tests of tenants: how they are created, and their settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from tests.identity.wiring import Wiring

from chassis.db import UnitOfWork
from chassis.storage import ObjectStore
from gtvision.errors import InvalidImage, NotFound, StaleRevision, TooLarge, Unavailable
from gtvision.events import TenantCreated, TenantRemoved, TenantUpdated
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Purposes, Quotas, Retention, Role, TenantSettings
from identity.cities.domain import (
    AboveCeiling,
    CityDeleted,
    LogoByUpload,
    NameTaken,
    Tenant,
    TenantSearch,
    differences,
    merged,
    named_limits,
)
from identity.cities.usecases.tenants import NewTenant, SettingsChange, Tenants
from identity.gateways.tenant_board import RedisTenantBoard
from identity.people.domain.users import EmailTaken, InvalidEmail, User

AsCaller = Callable[[User], Caller]
STRICT = TenantSettings(purposes=Purposes(codes=("crime",), required=True))


@dataclass
class Board(RedisTenantBoard):
    """The tenants' settings as written for every service to read; while `down` is set, writes are lost."""

    known: dict[UUID, Tenant] = field(default_factory=dict)
    down: bool = False
    writes: int = 0

    async def is_whole(self) -> bool:
        self._check()
        return bool(self.known)

    async def publish(self, tenants: Sequence[Tenant]) -> None:
        self._check()
        self.writes += 1
        for tenant in tenants:
            if tenant.id not in self.known or self.known[tenant.id].revision <= tenant.revision:
                self.known[tenant.id] = tenant

    def _check(self) -> None:
        if self.down:
            raise Unavailable


@dataclass
class Folder(ObjectStore):
    """Pictures in memory."""

    pictures: dict[str, bytes] = field(default_factory=dict)

    async def put(self, key: str, data: bytes, sha256: str | None = None) -> str:
        self.pictures[key] = data
        return "hash"

    async def get(self, key: str, sha256: str | None = None) -> bytes:
        if key not in self.pictures:
            raise NotFound
        return self.pictures[key]


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def folder() -> Folder:
    return Folder()


@pytest.fixture
def tenants(wiring: Wiring, board: Board, folder: Folder) -> Tenants:
    return Tenants(wiring.uow, wiring.rows, board, folder, wiring.checker, wiring.clock)


@pytest.fixture
async def admin(wiring: Wiring, as_caller: AsCaller) -> Caller:
    return as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))


@pytest.fixture
async def root(wiring: Wiring, as_caller: AsCaller) -> Caller:
    return as_caller(await wiring.add_user(await wiring.add_tenant(), Role.PLATFORM_ADMIN))


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 32)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, kind)
    return made.getvalue()


def becomes(settings: TenantSettings) -> SettingsChange:
    return SettingsChange(lambda _: settings)


def limiting(**limits: Any) -> SettingsChange:
    """Returns a change of the limits, as a request with a merge patch makes it."""
    budget = {"ai_budget": {"daily_usd": limits.pop("daily_usd")}} if "daily_usd" in limits else {}
    patch = budget | ({"quotas": limits} if limits else {})
    return SettingsChange(lambda before: TenantSettings.model_validate(merged(before.model_dump(), patch)), named_limits(patch))


class TestFounding:
    async def test_a_tenant_is_created_with_an_administrator(self, wiring: Wiring, tenants: Tenants, board: Board, root: Caller) -> None:
        made = await tenants.create_tenant(root, NewTenant(f"City {new_id()}", f" {new_id()}@example.org ", STRICT, admin_name="Ana"))
        assert (made.admin.role, made.admin.tenant_id, made.admin.must_change_password) == (Role.ADMIN, made.tenant.id, True)
        assert made.admin.password_hash == f"hash of {made.password}"
        assert len(made.password) == 23
        assert (made.admin.email, made.admin.name) == (made.admin.email.strip(), "Ana")
        assert board.known[made.tenant.id].settings == STRICT
        created, updated = await wiring.facts(made.tenant.id)
        assert created == TenantCreated(name=made.tenant.name, revision=1, settings=STRICT)
        assert updated == TenantUpdated(name=made.tenant.name, revision=1, settings=STRICT)
        (record,) = await wiring.audit_entries(made.tenant.id)
        assert (record.action, record.actor_id) == ("tenant.created", root.user_id)
        assert made.password not in str(await wiring.emitted(made.tenant.id))

    async def test_names_and_addresses_are_taken_once(self, wiring: Wiring, tenants: Tenants, root: Caller) -> None:
        made = await tenants.create_tenant(root, NewTenant(f"City {new_id()}", f"{new_id()}@example.org"))
        with pytest.raises(NameTaken):
            await tenants.create_tenant(root, NewTenant(made.tenant.name, f"{new_id()}@example.org"))
        name = f"City {new_id()}"
        with pytest.raises(EmailTaken):
            await tenants.create_tenant(root, NewTenant(name, made.admin.email.upper()))
        async with wiring.uow(None) as uow:
            assert await wiring.rows(uow).find_tenant(name) is None, "nothing is half made"

    async def test_strange_addresses_and_logos_are_refused(self, tenants: Tenants, root: Caller) -> None:
        with pytest.raises(InvalidEmail):
            await tenants.create_tenant(root, NewTenant("City", "nobody"))
        with pytest.raises(LogoByUpload):
            await tenants.create_tenant(root, NewTenant("City", "a@example.org", TenantSettings(logo_key="evidence/x")))


class TestSettings:
    async def test_a_change_makes_a_revision_and_is_told(self, wiring: Wiring, tenants: Tenants, board: Board, admin: Caller) -> None:
        before = await tenants.tenant(admin, admin.tenant_id)
        after = await tenants.change_settings(admin, admin.tenant_id, before.revision, becomes(STRICT))
        assert (after.revision, after.settings) == (before.revision + 1, STRICT)
        assert await tenants.tenant(admin, admin.tenant_id) == after
        assert board.known[admin.tenant_id] == after
        assert await wiring.facts(admin.tenant_id) == [TenantUpdated(name=after.name, revision=after.revision, settings=STRICT)]
        (record,) = await wiring.audit_entries(admin.tenant_id)
        assert (record.action, record.actor_id, record.object_id) == ("settings.changed", admin.user_id, str(admin.tenant_id))
        assert record.details == {"purposes.codes": "[] -> ['crime']", "purposes.required": "False -> True"}

    async def test_a_change_of_something_old_is_refused(self, wiring: Wiring, tenants: Tenants, admin: Caller) -> None:
        before = await tenants.tenant(admin, admin.tenant_id)
        await tenants.change_settings(admin, admin.tenant_id, before.revision, becomes(STRICT))
        for revision in (before.revision, before.revision + 2, 0):
            with pytest.raises(StaleRevision):
                await tenants.change_settings(admin, admin.tenant_id, revision, becomes(TenantSettings()))
        assert (await tenants.tenant(admin, admin.tenant_id)).settings == STRICT

    async def test_what_changes_nothing_is_no_revision(self, wiring: Wiring, tenants: Tenants, admin: Caller) -> None:
        before = await tenants.tenant(admin, admin.tenant_id)
        assert await tenants.change_settings(admin, admin.tenant_id, before.revision, becomes(before.settings)) == before
        assert await wiring.emitted(admin.tenant_id) == []

    async def test_a_change_that_fails_changes_nothing(self, tenants: Tenants, admin: Caller) -> None:
        before = await tenants.tenant(admin, admin.tenant_id)

        def fail(_: TenantSettings) -> TenantSettings:
            raise InvalidImage

        with pytest.raises(InvalidImage):
            await tenants.change_settings(admin, admin.tenant_id, before.revision, SettingsChange(fail))
        assert await tenants.tenant(admin, admin.tenant_id) == before

    async def test_another_tenant_does_not_exist_but_for_the_platform(
        self, wiring: Wiring, tenants: Tenants, admin: Caller, root: Caller
    ) -> None:
        stranger = await wiring.add_tenant()
        with pytest.raises(NotFound):
            await tenants.tenant(admin, stranger)
        with pytest.raises(NotFound):
            await tenants.change_settings(admin, stranger, 1, becomes(STRICT))
        with pytest.raises(NotFound):
            await tenants.set_logo(admin, stranger, picture())
        with pytest.raises(NotFound):
            await tenants.logo(admin, stranger)
        await tenants.change_settings(root, stranger, 1, becomes(STRICT))
        assert (await tenants.tenant(root, stranger)).settings == STRICT
        (record,) = await wiring.audit_entries(stranger)
        assert record.actor_id == root.user_id, "on record where it was done"
        with pytest.raises(NotFound):
            await tenants.tenant(root, new_id())

    async def test_the_state_store_may_be_away(self, wiring: Wiring, tenants: Tenants, board: Board, admin: Caller) -> None:
        board.down = True
        after = await tenants.change_settings(admin, admin.tenant_id, 1, becomes(STRICT))
        assert (await tenants.tenant(admin, admin.tenant_id)).revision == after.revision

    async def test_pages_of_all_cities(self, wiring: Wiring, tenants: Tenants) -> None:
        made = [await wiring.add_tenant() for _ in range(3)]
        found: list[UUID] = []
        while page := await tenants.list_tenants(TenantSearch(), found[-1] if found else None, 2):
            found += [tenant.id for tenant, _ in page]
        assert set(made) <= set(found)
        assert found == sorted(found)


class TestLogo:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    async def test_it_is_kept_and_shown(self, wiring: Wiring, tenants: Tenants, folder: Folder, admin: Caller, kind: str) -> None:
        data = picture(kind)
        after = await tenants.set_logo(admin, admin.tenant_id, data)
        key, shown = await tenants.logo(admin, admin.tenant_id)
        assert shown == data
        assert key == after.settings.logo_key
        assert key.startswith(f"branding/{admin.tenant_id}/")
        assert key.endswith(".png" if kind == "PNG" else ".jpg")
        assert after.revision == 2
        assert await tenants.set_logo(admin, admin.tenant_id, data) == after, "the same picture again changes nothing"

    async def test_it_is_removed_once_and_on_record(self, wiring: Wiring, tenants: Tenants, admin: Caller) -> None:
        shown = await tenants.set_logo(admin, admin.tenant_id, picture())
        after = await tenants.remove_logo(admin, admin.tenant_id)
        assert (after.settings.logo_key, after.revision) == (None, shown.revision + 1)
        assert await tenants.remove_logo(admin, admin.tenant_id) == after, "removing none changes nothing"
        *_, removed = await wiring.audit_entries(admin.tenant_id)
        assert (removed.action, removed.details) == ("settings.changed", {"logo_key": f"{shown.settings.logo_key} -> None"})

    async def test_settings_keep_it_and_cannot_name_another(self, tenants: Tenants, admin: Caller) -> None:
        after = await tenants.set_logo(admin, admin.tenant_id, picture())
        kept = await tenants.change_settings(admin, admin.tenant_id, after.revision, becomes(STRICT))
        assert kept.settings == STRICT.model_copy(update={"logo_key": after.settings.logo_key})
        same = kept.settings.model_copy(update={"display_name": "Cidade"})
        kept = await tenants.change_settings(admin, admin.tenant_id, kept.revision, becomes(same))
        with pytest.raises(LogoByUpload):
            other = TenantSettings(logo_key=f"evidence/{new_id()}/secret.jpg")
            await tenants.change_settings(admin, admin.tenant_id, kept.revision, becomes(other))

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b"", InvalidImage),
            (b"GIF89a" + bytes(100), InvalidImage),
            (b"<svg onload='x'/>", InvalidImage),
            (picture()[:40], InvalidImage),
            (picture() + b"<script>", InvalidImage),
            (picture(size=(2_001, 1_000)), TooLarge),
            (picture("JPEG", (1_000, 2_001)), TooLarge),
            (picture() + bytes(512 * 1024), TooLarge),
        ],
    )
    async def test_what_is_no_small_picture_is_refused(
        self, tenants: Tenants, folder: Folder, admin: Caller, data: bytes, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await tenants.set_logo(admin, admin.tenant_id, data)
        assert folder.pictures == {}

    async def test_a_deleted_city_keeps_its_settings_as_they_are(
        self, wiring: Wiring, tenants: Tenants, admin: Caller, root: Caller
    ) -> None:
        async with wiring.uow(admin.tenant_id) as uow:
            await deleted(wiring, uow, admin.tenant_id)
        with pytest.raises(CityDeleted):
            await tenants.change_settings(root, admin.tenant_id, 7, becomes(STRICT))
        with pytest.raises(CityDeleted):
            await tenants.set_logo(root, admin.tenant_id, picture())
        assert (await tenants.tenant(root, admin.tenant_id)).settings == TenantSettings()

    async def test_without_one_there_is_none(self, tenants: Tenants, admin: Caller) -> None:
        with pytest.raises(NotFound):
            await tenants.logo(admin, admin.tenant_id)


async def deleted(wiring: Wiring, uow: UnitOfWork, tenant_id: UUID) -> Tenant:
    """Makes a tombstone of the city."""
    rows, now = wiring.rows(uow), wiring.clock.now()
    city = replace(await rows.lock_tenant(tenant_id), revision=7, suspended_at=now, deletes_at=now, deleted_at=now)
    await rows.save_tenant(city)
    return city


class TestAnnouncements:
    async def test_at_start_every_ten_minutes_and_whenever_they_are_lost(
        self, wiring: Wiring, tenants: Tenants, board: Board, admin: Caller
    ) -> None:
        async def told() -> int:
            return len([fact for fact in await wiring.facts(admin.tenant_id) if isinstance(fact, TenantUpdated)])

        assert await tenants.announce_if_needed()
        assert (await told(), board.known[admin.tenant_id].revision) == (1, 1)
        assert not await tenants.announce_if_needed()
        board.known.clear()
        assert await tenants.announce_if_needed()
        assert (await told(), admin.tenant_id in board.known) == (1, True)
        wiring.clock.advance(600)
        assert await tenants.announce_if_needed()
        assert await told() == 2

    async def test_a_deleted_city_is_said_to_be_gone_each_time(self, wiring: Wiring, tenants: Tenants, admin: Caller) -> None:
        async with wiring.uow(admin.tenant_id) as uow:
            city = await deleted(wiring, uow, admin.tenant_id)
        for _ in range(2):
            assert await tenants.announce_if_needed()
            wiring.clock.advance(600)
        assert await wiring.facts(admin.tenant_id) == [TenantRemoved(name=city.name, revision=7)] * 2

    async def test_more_cities_than_a_page(self, wiring: Wiring, tenants: Tenants, board: Board) -> None:
        made = [await wiring.add_tenant() for _ in range(101)]
        assert await tenants.announce_if_needed()
        assert set(made) <= board.known.keys()


class TestRules:
    def test_merge_patch(self) -> None:
        """The example of RFC 7396, with a removal."""
        before = {"a": "b", "c": {"d": "e", "f": "g"}}
        assert merged(before, {"a": "z", "c": {"f": None}}) == {"a": "z", "c": {"d": "e"}}
        assert merged(before, {"c": 1}) == {"a": "b", "c": 1}
        assert merged({"c": 1}, {"c": {"x": {"y": None, "z": 2}}}) == {"c": {"x": {"z": 2}}}
        assert before == {"a": "b", "c": {"d": "e", "f": "g"}}

    def test_differences_name_fields(self) -> None:
        before = Tenant(new_id(), "City", 1, datetime(2026, 1, 1, tzinfo=UTC))
        after = replace(before, settings=replace_retention(before.settings, video_days=30))
        assert differences(before, after) == {"retention.video_days": "90 -> 30"}
        assert differences(before, before) == {}

    def test_only_platform_administrators_reach_beyond_their_tenant(self) -> None:
        reaching = {role for role in Role if "tenants:read" in ROLE_SCOPES[role] or "tenants:write" in ROLE_SCOPES[role]}
        assert reaching == {Role.PLATFORM_ADMIN}


class TestCeiling:
    """The platform's ceiling and the tenant's own setting are two values, of which the lower one applies."""

    async def change(self, tenants: Tenants, by: Caller, city: Caller, **limits: Any) -> Tenant:
        found = await tenants.tenant(city, city.tenant_id)
        return await tenants.change_settings(by, city.tenant_id, found.revision, limiting(**limits))

    async def test_a_city_cannot_lift_what_the_platform_set(self, tenants: Tenants, admin: Caller, root: Caller) -> None:
        bounded = await self.change(tenants, root, admin, cameras=10, daily_usd=5.0)
        assert bounded.ceiling == {"quotas.cameras": 10, "ai_budget.daily_usd": 5.0}
        for limits in ({"cameras": 11}, {"daily_usd": 5.01}):
            with pytest.raises(AboveCeiling):
                await self.change(tenants, admin, admin, **limits)
        with pytest.raises(AboveCeiling):
            await tenants.change_settings(admin, admin.tenant_id, bounded.revision, becomes(TenantSettings(quotas=Quotas(cameras=11))))
        assert await tenants.tenant(admin, admin.tenant_id) == bounded

    async def test_no_limit_is_the_platforms(self, tenants: Tenants, admin: Caller, root: Caller) -> None:
        await self.change(tenants, root, admin, cameras=10)
        await self.change(tenants, admin, admin, cameras=4)
        assert (await self.change(tenants, admin, admin, cameras=None)).settings.quotas.cameras == 10

    async def test_the_lower_of_the_two_holds_and_is_announced(
        self, wiring: Wiring, tenants: Tenants, board: Board, admin: Caller, root: Caller
    ) -> None:
        await self.change(tenants, root, admin, cameras=10)
        await self.change(tenants, admin, admin, cameras=4)
        for most, holds in ((20, 4), (3, 3), (30, 30)):
            after = await self.change(tenants, root, admin, cameras=most)
            assert (after.settings.quotas.cameras, after.ceiling) == (holds, {"quotas.cameras": most})
            assert board.known[admin.tenant_id].settings.quotas.cameras == holds
            told = (await wiring.facts(admin.tenant_id))[-1]
            assert (told.settings.quotas.cameras, told.revision) == (holds, after.revision)

    async def test_what_the_platform_leaves_open_is_the_tenants(self, tenants: Tenants, admin: Caller, root: Caller) -> None:
        await self.change(tenants, root, admin, users=10)
        assert (await self.change(tenants, admin, admin, cameras=500, daily_usd=9.0)).ceiling == {"quotas.users": 10}

    async def test_the_platform_takes_a_ceiling_away(self, tenants: Tenants, admin: Caller, root: Caller) -> None:
        await self.change(tenants, root, admin, cameras=10)
        free = await self.change(tenants, root, admin, cameras=None)
        assert (free.ceiling, free.settings.quotas.cameras) == ({}, None)
        assert (await self.change(tenants, admin, admin, cameras=11)).settings.quotas.cameras == 11

    async def test_both_values_are_on_record(self, wiring: Wiring, tenants: Tenants, admin: Caller, root: Caller) -> None:
        await self.change(tenants, root, admin, cameras=10)
        (record,) = await wiring.audit_entries(admin.tenant_id)
        assert record.details == {"quotas.cameras": "None -> 10", "ceiling.quotas.cameras": "None -> 10"}


def replace_retention(settings: TenantSettings, **days: int) -> TenantSettings:
    return settings.model_copy(update={"retention": Retention(**days)})
