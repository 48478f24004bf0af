"""Tests of roles, which are sets of scopes, and of camera groups, which hide all other cameras from a caller."""

from __future__ import annotations

import pytest

from gtvision.errors import MissingScope
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, Scope


def caller(role: Role, groups: frozenset[object] | None = None) -> Caller:
    return Caller(
        tenant_id=new_id(),
        user_id=new_id(),
        role=role,
        scopes=frozenset(ROLE_SCOPES[role]),
        session_id=new_id(),
        camera_groups=groups,  # type: ignore[arg-type]
    )


def test_every_role_has_scopes() -> None:
    assert set(ROLE_SCOPES) == set(Role)
    assert all(ROLE_SCOPES.values())


def test_an_operator_may_what_a_viewer_may_and_an_admin_everything() -> None:
    assert (
        ROLE_SCOPES[Role.VIEWER]
        < ROLE_SCOPES[Role.OPERATOR]
        < ROLE_SCOPES[Role.ADMIN]
        == frozenset(Scope) - {Scope.TENANTS_READ, Scope.TENANTS_WRITE}
    )


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.AUDITOR, Role.PARTNER])
@pytest.mark.parametrize("scope", [Scope.CAMERAS_WRITE, Scope.USERS_WRITE, Scope.WATCHLISTS_WRITE])
def test_only_administrators_change_things(role: Role, scope: Scope) -> None:
    with pytest.raises(MissingScope) as refused:
        caller(role).require(scope)
    assert refused.value.context == {"scope": scope}


def test_a_scope_that_is_held_passes() -> None:
    caller(Role.VIEWER).require(Scope.CAMERAS_READ)


def test_a_group_limit_hides_other_cameras() -> None:
    north, south = new_id(), new_id()
    limited = caller(Role.VIEWER, frozenset({north}))
    assert limited.may_see(frozenset({north, south}))
    assert not limited.may_see(frozenset({south}))
    assert not limited.may_see(frozenset())
    assert caller(Role.VIEWER).may_see(frozenset())
    assert not caller(Role.VIEWER, frozenset()).may_see(frozenset({north}))
