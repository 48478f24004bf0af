"""Tests of the rules for outside claims, and for the address to which a sign-in returns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.settings import InvalidSettings, load
from gtvision.ids import new_id
from gtvision.tenancy import Role
from identity.federation.domain import (
    DEFAULT_ROLES,
    ExternalPerson,
    LoginSecrets,
    NoRole,
    NoTenant,
    Provider,
    claimed_issuer,
    local_path,
    may_link,
    read_person,
)
from identity.gateways.oidc import read_providers
from identity.people.domain.users import NO_PASSWORD, User
from identity.second_factors.domain import SecondFactor
from identity.settings import FederationSettings

PROVIDER = Provider("city", "City", "https://id.example", "console", tenant="Cidade")
CLAIMS: dict[str, Any] = {"sub": "ana", "realm_access": {"roles": ["operator"]}}
NORTE = new_id()


class TestRoles:
    @pytest.mark.parametrize(
        ("outside", "role"),
        [
            (["viewer", "admin", "operator"], Role.ADMIN),
            (["viewer", "operator"], Role.OPERATOR),
            (["viewer", "auditor"], Role.AUDITOR),
            ("viewer", Role.VIEWER),
            (["default-roles-x", 7, None, "viewer"], Role.VIEWER),
        ],
    )
    def test_the_first_by_our_precedence_counts(self, outside: object, role: Role) -> None:
        assert read_person(PROVIDER, {"sub": "ana", "realm_access": {"roles": outside}}).role is role

    @pytest.mark.parametrize("outside", [[], ["platform_admin"], ["partner"], ["ADMIN"], None, {"admin": True}, [["admin"]]])
    def test_none_that_is_known_is_no_way_in(self, outside: object) -> None:
        with pytest.raises(NoRole):
            read_person(PROVIDER, {"sub": "ana", "realm_access": {"roles": outside}})

    def test_of_the_platform_need_an_explicit_line(self) -> None:
        assert Role.PLATFORM_ADMIN not in DEFAULT_ROLES.values()
        explicit = replace(PROVIDER, roles={"root": Role.PLATFORM_ADMIN})
        assert read_person(explicit, {"sub": "a", "realm_access": {"roles": ["root"]}}).role is Role.PLATFORM_ADMIN

    def test_may_be_in_a_claim_whose_name_has_dots(self) -> None:
        named = replace(PROVIDER, roles_claim="https://city.example/roles")
        assert read_person(named, {"sub": "a", "https://city.example/roles": ["admin"]}).role is Role.ADMIN


class TestTenants:
    MAPPED = replace(PROVIDER, tenant=None, tenant_claim="city.code", tenants={"1": "Norte", "2": "Sul", "um": "Norte"})

    @pytest.mark.parametrize(("said", "tenant"), [("1", "Norte"), (["2"], "Sul"), (["1", "um"], "Norte"), (["1", "9"], "Norte")])
    def test_are_what_the_map_says(self, said: object, tenant: str) -> None:
        assert read_person(self.MAPPED, CLAIMS | {"city": {"code": said}}).tenant == tenant

    @pytest.mark.parametrize("said", [None, "", "3", ["1", "2"], 1, {"1": 1}, "Norte", "01a22418-7c8e-712f-ab78-7d7f3968073c"])
    def test_are_never_guessed(self, said: object) -> None:
        with pytest.raises(NoTenant):
            read_person(self.MAPPED, CLAIMS | {"city": {"code": said}})


class TestGroups:
    @pytest.mark.parametrize("said", [None, [], "all", ["*"], [7]])
    def test_that_are_not_named_show_no_camera(self, said: object) -> None:
        assert read_person(replace(PROVIDER, groups_claim="g"), CLAIMS | {"g": said}).camera_groups == frozenset()

    def test_that_are_named_count(self) -> None:
        group = UUID(int=7)
        assert read_person(replace(PROVIDER, groups_claim="g"), CLAIMS | {"g": [str(group), "x"]}).camera_groups == {group}

    def test_are_left_alone_where_the_provider_has_no_say(self) -> None:
        assert read_person(PROVIDER, CLAIMS | {"camera_groups": []}).camera_groups is None


class TestLinking:
    TRUSTING = replace(PROVIDER, link_verified_email=True)
    PERSON = ExternalPerson("https://id.example", "ana", Role.VIEWER, "Cidade", "ana@x.example", True, None)
    USER = User(new_id(), NORTE, "ana@x.example", Role.VIEWER, "$argon2id$...", None)  # type: ignore[arg-type]

    def test_needs_everything_at_once(self) -> None:
        assert may_link(self.TRUSTING, self.PERSON, NORTE, self.USER)
        assert not may_link(PROVIDER, self.PERSON, NORTE, self.USER)
        assert not may_link(self.TRUSTING, replace(self.PERSON, email_verified=False), NORTE, self.USER)
        assert not may_link(self.TRUSTING, self.PERSON, new_id(), self.USER)
        guarded = SecondFactor("sealed", None, None)
        for other in ({"role": Role.ADMIN}, {"role": Role.PLATFORM_ADMIN}, {"password_hash": NO_PASSWORD}, {"second_factor": guarded}):
            assert not may_link(self.TRUSTING, self.PERSON, NORTE, replace(self.USER, **other))  # type: ignore[arg-type]


class TestSecrets:
    def test_belong_to_one_browser_and_one_sign_in(self) -> None:
        first = LoginSecrets.of("cookie", "state")
        assert first == LoginSecrets.of("cookie", "state")
        assert first.browser == LoginSecrets.of("cookie", "another").browser
        others = [LoginSecrets.of("another", "state"), LoginSecrets.of("cookie", "another")]
        assert len({first.nonce, first.verifier, *(each.nonce for each in others), *(each.verifier for each in others)}) == 6

    def test_make_the_challenge_of_the_standard(self) -> None:
        """The example of RFC 7636, appendix B."""
        vector = LoginSecrets("", "", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        assert vector.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        assert len(LoginSecrets.of("c", "s").verifier) == 43


class TestTheWayBack:
    @pytest.mark.parametrize("path", ["/", "/?camera=7", "/wall#live", "/a/b?x=https%3A%2F%2Fother", "/a//b"])
    def test_into_the_console_is_kept(self, path: str) -> None:
        assert local_path(path) == path

    @given(st.text(max_size=40).map(lambda text: "/" + text) | st.text(alphabet="/\\.:%2fF5cC09@ ", max_size=12))
    def test_never_leaves_it(self, text: str) -> None:
        from urllib.parse import urljoin, urlsplit

        path = local_path(text)
        assert path.startswith("/")
        assert urlsplit(urljoin("https://console.example/x", path)).netloc == "console.example"
        assert not any(ord(char) <= 0x20 or char == "\\" for char in path)


@pytest.mark.parametrize("text", ["", "a.b.c", "gtk_xyz", "..", "a." + "e30" + ".c", "x" * 10_000, "a.W10.c", "a.eyJpc3MiOjF9.c"])
def test_what_names_no_issuer_is_no_outside_token(text: str) -> None:
    assert claimed_issuer(text) is None


GOOD = {"name": "city", "title": "City", "issuer": "https://id.example/realms/x", "client_id": "console", "tenant": "Cidade"}


class TestSettings:
    def test_are_a_list_in_the_variable_or_a_file(self, tmp_path: Path) -> None:
        as_json, as_toml = tmp_path / "providers.json", tmp_path / "providers.toml"
        as_json.write_text(json.dumps([GOOD]))
        as_toml.write_text("[[provider]]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in GOOD.items()))
        wanted = read_providers(json.dumps([GOOD]))
        assert wanted[0].provider().issuer == GOOD["issuer"]
        assert read_providers(str(as_json)) == read_providers(f" {as_toml}\n") == wanted

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": "City"},
            {"name": "../x"},
            {"issuer": "http://id.example"},
            {"issuer": "http://127.0.0.1:8080"},
            {"issuer": "http://id.example", "allow_http": True},
            {"allow_http": True},
            {"issuer": "https://user:pass@id.example"},
            {"issuer": "https://id.example#x"},
            {"issuer": "https://id.example/\r\nx"},
            {"issuer": "https://id.example\\@evil.example"},
            {"issuer": "file:///etc/passwd"},
            {"algorithms": ["HS256"]},
            {"algorithms": ["none"]},
            {"algorithms": []},
            {"roles": {"x": "root"}},
            {"tenant": None},
            {"tenant_claim": "t", "tenants": {"a": "b"}},
            {"tenant": None, "tenant_claim": "t"},
            {"ca_file": "/nowhere.pem"},
            {"session_hours": 0},
            {"surprise": 1},
        ],
    )
    def test_that_are_wrong_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"0(\.|:)"):
            read_providers(json.dumps([GOOD | wrong]))

    def test_never_repeat_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PUBLIC_URL", "https://console.example")
        monkeypatch.setenv("OIDC_PROVIDERS", json.dumps([GOOD | {"client_secret": "canary", "name": "NOT A NAME"}]))
        with pytest.raises(InvalidSettings) as told:
            load(FederationSettings)
        assert "OIDC_PROVIDERS" in str(told.value)
        assert "0.name" in str(told.value)
        assert "canary" not in str(told.value)
        monkeypatch.setenv("OIDC_PROVIDERS", json.dumps([GOOD | {"client_secret": "canary-secret"}]))
        assert "canary" not in repr(load(FederationSettings))

    @pytest.mark.parametrize("text", ["/nowhere.toml", "[", "[" * 100_000, "{}", "hello"])
    def test_that_cannot_be_read_say_so(self, text: str) -> None:
        with pytest.raises(ValueError):
            read_providers(text)

    @pytest.mark.parametrize("other", [{"name": "city"}, {"issuer": GOOD["issuer"]}])
    def test_of_two_providers_are_told_apart(self, other: dict[str, str]) -> None:
        second = GOOD | {"name": "other", "issuer": "https://other.example"} | other
        with pytest.raises(ValueError, match="two providers"):
            read_providers(json.dumps([GOOD, second]))

    def test_need_the_consoles_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PUBLIC_URL", "")
        monkeypatch.setenv("OIDC_PROVIDERS", json.dumps([GOOD]))
        with pytest.raises(InvalidSettings, match="PUBLIC_URL"):
            load(FederationSettings)
