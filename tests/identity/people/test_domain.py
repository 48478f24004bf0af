"""Tests of the rules of people."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.auth.tokens import ACCESS_LIFETIME_S
from gtvision.errors import BadCredentials, Forbidden
from gtvision.ids import new_id
from gtvision.tenancy import Role
from identity.keys.domain import ACCESS_LIFETIME
from identity.people.domain.passwords import WeakPassword, check_password, generated_password
from identity.people.domain.users import InvalidEmail, User, check_reach, check_role, email_key
from identity.sessions.domain import (
    CsrfFailed,
    Session,
    SubjectKind,
    caller_of,
    check_csrf,
    csrf_token,
    refresh_token_text,
    tenant_of_refresh_token,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    [
        *("", "short", "elevenchars", "x" * 257),
        *("maria@example.org", "MARIA@example.org", "Maria.da.Penha.99", "Águas Lindas!", "aguaslindas2026"),
        *("aaaaaaaaaaaaaaaa", "abababababab", "abcabcabcabcabc", "0123456789ab", "zyxwvutsrqponm", "qwertyuiop123", "1q2w3e4r5t6y"),
        *("123456789012", "19851985123", "48991234567890"),
        *("prefeitura2026", "Prefeitura@2026", "senha12345678", "Senha@123456", "minhasenha123", "S3nh4F0rt3!!2026", "P@ssw0rd12345"),
        *("administrador1", "flamengo2026!!", "correct-horse-battery-staple", "2026guardamunicipal", "SegurançaPública"[:9] + "1234"),
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(password, "maria.da.penha@example.org" if "Penha" in password else "maria@example.org", "Águas Lindas")


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "çãõéíúàâêô12", "telhado verde de zinco", "uma senha bem longa", "k9-Txq!u7mWz", "x" * 4 + "uP7-" * 63],
)
def test_others_are_good_enough(password: str) -> None:
    check_password(password, "maria@example.org", "Águas Lindas")


def test_generated_passwords_are_good_enough_and_never_the_same() -> None:
    made = {generated_password(os.urandom) for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_password(password, "maria@example.org")


def test_a_csrf_token_proves_one_refresh_token() -> None:
    check_csrf("gtr_one", csrf_token("gtr_one"))
    for shown in ("", "x", csrf_token("gtr_two"), "ação"):
        with pytest.raises(CsrfFailed):
            check_csrf("gtr_one", shown)


def test_who_must_change_a_password_has_no_right_yet() -> None:
    user = User(new_id(), new_id(), "a@b.org", Role.ADMIN, "hash", NOW, must_change_password=True)
    assert caller_of(user, new_id()).scopes == frozenset()
    assert caller_of(replace(user, must_change_password=False), new_id()).scopes


def test_no_caller_reaches_a_user_with_more_rights() -> None:
    group = new_id()
    admin = caller_of(User(new_id(), new_id(), "a@b.org", Role.ADMIN, "hash", NOW), new_id())
    for role in Role:
        if role is Role.PLATFORM_ADMIN:
            with pytest.raises(Forbidden):
                check_reach(admin, role, None)
        else:
            check_reach(admin, role, None)
    limited = replace(admin, camera_groups=frozenset({group}))
    check_reach(limited, Role.VIEWER, frozenset({group}))
    for groups in (None, frozenset({group, new_id()})):
        with pytest.raises(Forbidden):
            check_reach(limited, Role.VIEWER, groups)
    with pytest.raises(Forbidden):
        check_reach(replace(admin, scopes=frozenset({"users:write"})), Role.VIEWER, None)


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
def test_a_refresh_token_names_its_tenant(tenant_id: object, random_bytes: bytes) -> None:
    text = refresh_token_text(tenant_id, random_bytes)  # type: ignore[arg-type]
    assert tenant_of_refresh_token(text) == tenant_id


@given(st.text())
def test_any_other_text_is_no_refresh_token(text: str) -> None:
    with pytest.raises(BadCredentials):
        tenant_of_refresh_token(text)


@pytest.mark.parametrize("acting", [role for role in Role if role is not Role.PLATFORM_ADMIN])
def test_only_a_platform_admin_makes_another(acting: Role) -> None:
    with pytest.raises(Forbidden):
        check_role(acting, Role.PLATFORM_ADMIN)
    check_role(Role.PLATFORM_ADMIN, Role.PLATFORM_ADMIN)
    check_role(acting, Role.VIEWER)


def test_a_session_ends_by_time_or_by_revocation() -> None:
    session = Session(new_id(), new_id(), new_id(), SubjectKind.USER, NOW, NOW + timedelta(days=1))
    assert session.is_alive(NOW)
    assert not session.is_alive(NOW + timedelta(days=1))
    ended = Session(new_id(), new_id(), new_id(), SubjectKind.USER, NOW, NOW + timedelta(days=1), revoked_until=NOW)
    assert not ended.is_alive(NOW)


def test_a_revocation_outlives_every_token_of_the_session() -> None:
    assert ACCESS_LIFETIME.total_seconds() >= ACCESS_LIFETIME_S
