"""Rules of identity that need nothing but themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.auth.tokens import ACCESS_LIFETIME_S
from gtvision.errors import BadCredentials, Forbidden
from gtvision.ids import new_id
from gtvision.tenancy import Role
from identity.domain import sessions as domain
from identity.domain.passwords import WeakPassword, check_password
from identity.domain.sessions import Session, SubjectKind
from identity.domain.users import InvalidEmail, check_role, email_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "aaaaaaaaaaaaaaaa", "abababababab", "x" * 257, "maria@example.org", "MARIA@example.org"],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(password, "maria@example.org")


@pytest.mark.parametrize("password", ["correct horse battery", "çãõéíúàâêô12", "0123456789ab"])
def test_twelve_different_characters_are_enough(password: str) -> None:
    check_password(password, "maria@example.org")


@pytest.mark.parametrize("text", ["Maria@Example.ORG", "  maria@example.org ", "maria@ｅxample.org"])
def test_addresses_are_compared_without_case_and_width(text: str) -> None:
    assert email_key(text) == "maria@example.org"


@pytest.mark.parametrize(
    "text", ["", "maria", "@example.org", "maria@", "maria@x", "a b@example.org", "a@b@c.org", "m\n@example.org", "m@" + "x" * 260 + ".org"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidEmail):
        email_key(text)


@given(st.uuids(), st.binary(min_size=32, max_size=32))
def test_a_refresh_token_names_its_tenant(tenant_id: object, chance: bytes) -> None:
    text = domain.refresh_token_text(tenant_id, chance)  # type: ignore[arg-type]
    assert domain.tenant_of_refresh_token(text) == tenant_id


@given(st.text())
def test_any_other_text_is_no_refresh_token(text: str) -> None:
    with pytest.raises(BadCredentials):
        domain.tenant_of_refresh_token(text)


@pytest.mark.parametrize("acting", [role for role in Role if role is not Role.PLATFORM_ADMIN])
def test_only_a_platform_admin_makes_another(acting: Role) -> None:
    with pytest.raises(Forbidden):
        check_role(acting, Role.PLATFORM_ADMIN)
    check_role(Role.PLATFORM_ADMIN, Role.PLATFORM_ADMIN)
    check_role(acting, Role.VIEWER)


def test_a_session_ends_by_time_or_by_word() -> None:
    session = Session(new_id(), new_id(), new_id(), SubjectKind.USER, NOW, NOW + timedelta(days=1))
    assert session.is_alive(NOW)
    assert not session.is_alive(NOW + timedelta(days=1))
    ended = Session(new_id(), new_id(), new_id(), SubjectKind.USER, NOW, NOW + timedelta(days=1), revoked_until=NOW)
    assert not ended.is_alive(NOW)


def test_a_revocation_outlives_every_token_of_the_session() -> None:
    assert domain.ACCESS_LIFETIME.total_seconds() >= ACCESS_LIFETIME_S
