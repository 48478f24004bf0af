"""Tests of deploy/keycloak's realm: its structure, and, where KEYCLOAK_HOME names a Keycloak, a real import, sign-in and exchange."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import os
import re
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.fixtures import needs
from tests.identity.federation.keycloak_names import CLIENT, COMPONENT, PROTOCOL_MAPPER, REALM, ROLE
from tests.identity.federation.oidc_provider import query_of

from gtvision.tenancy import Role
from gtvision.time import SystemClock
from identity.federation.domain import LoginRefused, LoginSecrets, ProviderTokenRefused, TokenKind, read_person
from identity.gateways.oidc import HttpIssuer, ProviderSettings, read_providers

FOLDER = Path(__file__).parents[3] / "deploy/keycloak"
FILE = FOLDER / "GT-Vision-realm.json"
CONSOLE_URL = "https://console.example"
CALLBACK = f"{CONSOLE_URL}/api/v1/auth/oidc/keycloak/callback"
GROUP = "0198c5d0-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def realm() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def check(found: Mapping[str, Any], known: Mapping[str, type]) -> None:
    assert {name: type(value) for name, value in found.items() if known.get(name) is not type(value)} == {}


def components(found: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the components with their subcomponents."""
    listed = [component for group in found.values() for component in group]
    return listed + [inner for component in listed for inner in components(component["subComponents"])]


class TestTheFile:
    def test_has_the_name_that_keycloak_imports(self, realm: dict[str, Any]) -> None:
        assert FILE.name == f"{realm['realm']}-realm.json"

    def test_has_only_names_that_were_looked_up(self, realm: dict[str, Any]) -> None:
        check(realm, REALM)
        assert set(realm["roles"]) == {"realm"}
        for client in realm["clients"]:
            check(client, CLIENT)
            for mapper in client["protocolMappers"]:
                check(mapper, PROTOCOL_MAPPER)
                assert {type(value) for value in mapper["config"].values()} == {str}
        for role in realm["roles"]["realm"]:
            check(role, ROLE)
        for component in components(realm["components"]):
            check(component, COMPONENT)
            assert all(isinstance(text, str) for values in component["config"].values() for text in values)

    def test_has_the_roles_that_identity_knows_by_default(self, realm: dict[str, Any]) -> None:
        assert {role["name"] for role in realm["roles"]["realm"]} == {"admin", "operator", "viewer", "auditor"}

    def test_has_a_public_and_a_confidential_client_and_no_weak_flow(self, realm: dict[str, Any]) -> None:
        public, confidential = realm["clients"]
        assert (public["clientId"], public["publicClient"], public["attributes"]["pkce.code.challenge.method"]) == (
            "gtvision-console",
            True,
            "S256",
        )
        assert (confidential["clientId"], confidential["publicClient"]) == ("gtvision-api", False)
        for client in realm["clients"]:
            assert not client["implicitFlowEnabled"]
            assert not client["directAccessGrantsEnabled"]
            assert not any("*" in address for address in client["redirectUris"])

    def test_leaves_the_scopes_that_keycloak_makes_itself_alone(self, realm: dict[str, Any]) -> None:
        """The file has no client scopes: with one, an import makes none of the built-in ones, and tokens would lack e-mail and `sub`."""
        assert "clientScopes" not in realm
        assert {scope for client in realm["clients"] for scope in client["defaultClientScopes"]} == {"basic", "email", "profile", "roles"}

    def test_holds_no_secret(self, realm: dict[str, Any]) -> None:
        def walk(found: Any, name: str = "") -> None:
            if isinstance(found, dict):
                for key, value in found.items():
                    walk(value, key)
            elif isinstance(found, list):
                for value in found:
                    walk(value, name)
            elif isinstance(found, str) and name in {"secret", "bindCredential", "bindDn", "connectionUrl"}:
                assert re.fullmatch(r"\$\{GTVISION_[A-Z_]+\}", found), f"{name} must come from the environment"

        walk(realm)
        assert "privateKey" not in FILE.read_text()

    def test_keeps_the_directory_switched_off(self, realm: dict[str, Any]) -> None:
        (ldap,) = realm["components"]["org.keycloak.storage.UserStorageProvider"]
        assert (ldap["config"]["enabled"], ldap["config"]["editMode"]) == (["false"], ["READ_ONLY"])

    def test_goes_with_the_readme_and_the_example_of_providers(self, realm: dict[str, Any]) -> None:
        readme = (FOLDER / "README.md").read_text()
        assert set(re.findall(r"\$\{(GTVISION_[A-Z_]+)\}", FILE.read_text())) <= set(re.findall(r"GTVISION_[A-Z_]+", readme))
        (provider,) = read_providers(str(FOLDER / "providers.toml"))
        public, confidential = realm["clients"]
        assert (provider.client_id, provider.audiences) == (public["clientId"], (confidential["clientId"],))
        assert public["redirectUris"] == [f"${{GTVISION_PUBLIC_URL}}/api/v1/auth/oidc/{provider.name}/callback"]
        assert set(provider.roles) == {role["name"] for role in realm["roles"]["realm"]}


@dataclass
class Keycloak:
    """A running Keycloak and its administrator."""

    url: str
    admin: httpx.AsyncClient
    api_secret: str

    @property
    def issuer(self) -> str:
        return f"{self.url}/realms/GT-Vision"

    async def get(self, path: str) -> Any:
        answer = await self.admin.get(f"{self.url}/admin/realms/GT-Vision{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def give_role(self, user_id: str, role: str) -> None:
        found = await self.get(f"/roles/{role}")
        answer = await self.admin.post(f"{self.url}/admin/realms/GT-Vision/users/{user_id}/role-mappings/realm", json=[found])
        assert answer.status_code == 204, answer.text

    async def add_person(self, name: str, password: str, role: str) -> None:
        person = {
            "username": name,
            "email": f"{name}@cidade.example",
            "emailVerified": True,
            "enabled": True,
            "firstName": name,
            "lastName": "da Silva",
            "attributes": {"tenant": ["norte"], "camera_groups": [GROUP]},
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
        answer = await self.admin.post(f"{self.url}/admin/realms/GT-Vision/users", json=person)
        assert answer.status_code == 201, answer.text
        await self.give_role(answer.headers["location"].rpartition("/")[2], role)

    def issuer_for(self, **given: Any) -> HttpIssuer:
        known = {
            "name": "keycloak",
            "title": "Keycloak",
            "issuer": self.issuer,
            "allow_http": True,
            "client_id": "gtvision-console",
            "audiences": ["gtvision-api"],
            "tenant_claim": "tenant",
            "tenants": {"norte": "Cidade Norte"},
            "groups_claim": "camera_groups",
        }
        return HttpIssuer(ProviderSettings.model_validate(known | given), SystemClock())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def keycloak(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Keycloak]:
    home = os.environ.get("KEYCLOAK_HOME")
    if not home:
        needs.lacks("Keycloak")
    place = tmp_path_factory.mktemp("keycloak")
    for name in ("lib", "conf", "providers", "themes", "version.txt"):
        (place / name).symlink_to(Path(home, name))
    shutil.copytree(Path(home, "bin"), place / "bin")
    (place / "data/import").mkdir(parents=True)
    shutil.copy(FILE, place / "data/import")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    password, api_secret = secrets.token_urlsafe(16), secrets.token_urlsafe(24)
    env = os.environ | {
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        "GTVISION_PUBLIC_URL": CONSOLE_URL,
        "GTVISION_API_CLIENT_SECRET": api_secret,
        **{f"GTVISION_LDAP_{name}": "x" for name in ("BIND_DN", "BIND_PASSWORD", "USERS_DN", "ROLES_DN")},
        "GTVISION_LDAP_URL": "ldaps://directory.example:636",
        "JAVA_OPTS_APPEND": "-Xmx700m",
    }
    with (place / "log").open("wb") as log:
        options = ("--import-realm", "--http-host=127.0.0.1", f"--http-port={port}", "--db=dev-mem")
        process = await asyncio.create_subprocess_exec(place / "bin/kc.sh", "start-dev", *options, env=env, stdout=log, stderr=log)
    try:
        async with httpx.AsyncClient(timeout=30) as http:
            await _answers(http, f"http://127.0.0.1:{port}/realms/GT-Vision", process, place / "log")
            form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": password}
            answer = await http.post(f"http://127.0.0.1:{port}/realms/master/protocol/openid-connect/token", data=form)
            assert answer.status_code == 200, answer.text
            http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
            running = Keycloak(f"http://127.0.0.1:{port}", http, api_secret)
            await running.add_person("ana", "uma senha longa 1", "operator")
            yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _answers(http: httpx.AsyncClient, url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(300):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(url)).status_code == 200:
                    return
            assert process.returncode is None, log.read_text()[-3_000:]
            await asyncio.sleep(1)


async def sign_in(url: str, name: str, password: str) -> str:
    """Signs in by Keycloak's form as a browser does, and returns the address to which it redirects."""
    async with httpx.AsyncClient(timeout=30) as browser:
        page = await browser.get(url)
        assert page.status_code == 200, page.text
        found = re.search(r'action="([^"]+)"', page.text)
        assert found is not None
        # Keycloak's cookies are Secure; browsers send them to loopback without TLS too, httpx does not
        cookies = "; ".join(cookie.partition(";")[0] for cookie in page.headers.get_list("set-cookie"))
        form = {"username": name, "password": password}
        answer = await browser.post(html.unescape(found.group(1)), data=form, headers={"cookie": cookies})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


@pytest.mark.e2e
class TestARealKeycloak:
    async def test_signs_a_person_in(self, keycloak: Keycloak) -> None:
        issuer, login = keycloak.issuer_for(), LoginSecrets.of("cookie", "state")
        back = await sign_in(await issuer.login_url("state", login, CALLBACK), "ana", "uma senha longa 1")
        assert back.startswith(f"{CALLBACK}?")
        said = query_of(back)
        assert (said["state"], said["iss"]) == ("state", keycloak.issuer)
        token = await issuer.redeem(said["code"], login.verifier, CALLBACK)
        person = read_person(issuer.provider, await issuer.claims_of(token, TokenKind.LOGIN, login.nonce))
        assert (person.role, person.tenant, person.email, person.email_verified) == (
            Role.OPERATOR,
            "Cidade Norte",
            "ana@cidade.example",
            True,
        )
        assert {str(group) for group in person.camera_groups or ()} == {GROUP}
        with pytest.raises(ProviderTokenRefused):
            await issuer.claims_of(token, TokenKind.ACCESS_TOKEN)
        await issuer.aclose()

    async def test_asks_for_the_right_verifier(self, keycloak: Keycloak) -> None:
        issuer, login = keycloak.issuer_for(), LoginSecrets.of("cookie", "state")
        said = query_of(await sign_in(await issuer.login_url("state", login, CALLBACK), "ana", "uma senha longa 1"))
        with pytest.raises(LoginRefused):
            await issuer.redeem(said["code"], LoginSecrets.of("thief", "state").verifier, CALLBACK)
        await issuer.aclose()

    async def test_lets_the_console_in_with_pkce_only(self, keycloak: Keycloak) -> None:
        asked = {"response_type": "code", "client_id": "gtvision-console", "redirect_uri": CALLBACK, "scope": "openid", "state": "s"}
        async with httpx.AsyncClient(timeout=30) as browser:
            answer = await browser.get(f"{keycloak.issuer}/protocol/openid-connect/auth", params=asked)
            assert query_of(answer.headers["location"])["error"] == "invalid_request"
            elsewhere = asked | {"redirect_uri": "https://evil.example/"}
            assert (await browser.get(f"{keycloak.issuer}/protocol/openid-connect/auth", params=elsewhere)).status_code == 400

    async def test_gives_a_program_a_token_to_trade(self, keycloak: Keycloak) -> None:
        (client,) = await keycloak.get("/clients?clientId=gtvision-api")
        account = await keycloak.get(f"/clients/{client['id']}/service-account-user")
        await keycloak.give_role(account["id"], "viewer")
        change = account | {"attributes": {"tenant": ["norte"]}, "email": "api@cidade.example"}
        done = await keycloak.admin.put(f"{keycloak.url}/admin/realms/GT-Vision/users/{account['id']}", json=change)
        assert done.status_code == 204, done.text
        async with httpx.AsyncClient(timeout=30) as program:
            form = {"grant_type": "client_credentials", "client_id": "gtvision-api", "client_secret": keycloak.api_secret}
            answer = await program.post(f"{keycloak.issuer}/protocol/openid-connect/token", data=form)
        assert answer.status_code == 200, answer.text
        issuer = keycloak.issuer_for(authorized_parties=["gtvision-api"])
        person = read_person(issuer.provider, await issuer.claims_of(answer.json()["access_token"], TokenKind.ACCESS_TOKEN))
        assert (person.role, person.tenant, person.camera_groups) == (Role.VIEWER, "Cidade Norte", frozenset())
        with pytest.raises(ProviderTokenRefused):
            await issuer.claims_of(answer.json()["access_token"], TokenKind.ID_TOKEN)
        await issuer.aclose()

    async def test_gives_no_token_for_a_password(self, keycloak: Keycloak) -> None:
        form = {"grant_type": "password", "client_id": "gtvision-console", "username": "ana", "password": "uma senha longa 1"}
        async with httpx.AsyncClient(timeout=30) as http:
            answer = await http.post(f"{keycloak.issuer}/protocol/openid-connect/token", data=form)
        assert answer.json()["error"] == "unauthorized_client"

    async def test_has_the_directory_switched_off_with_its_mappers(self, keycloak: Keycloak) -> None:
        (ldap,) = await keycloak.get("/components?type=org.keycloak.storage.UserStorageProvider")
        assert ldap["config"]["enabled"] == ["false"]
        assert ldap["config"]["connectionUrl"] == ["ldaps://directory.example:636"]
        mappers = await keycloak.get(f"/components?parent={ldap['id']}&type=org.keycloak.storage.ldap.mappers.LDAPStorageMapper")
        assert {"username", "email", "roles from groups"} <= {mapper["name"] for mapper in mappers}
