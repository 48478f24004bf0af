"""Tests of people over HTTP on real servers: browsers and phones, forced password changes, lists of sessions."""

from __future__ import annotations

import asyncio
import sys

import httpx
import pyotp
import pytest
from tests.fixtures.routes import route_access
from tests.identity.people.asking import admin, enter, make_user, send
from tests.identity.running import EMAIL, KEYS, PASSWORD, Running, code, why

from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("no_throttle_left")]

REFRESH, CSRF = "__Secure-gtv_refresh", "__Secure-gtv_csrf"
NEW = "telhado verde de zinco"


async def revoked(running: Running, token: str) -> None:
    """Returns once the token's session is revoked."""
    async with asyncio.timeout(60):
        while (answer := await send(running, "GET", "/users/me", token)).status_code != 401:
            await asyncio.sleep(0.05)
    assert code(answer) == (401, "session_revoked")


def cookie(answer: httpx.Response, name: str) -> dict[str, str]:
    """Returns the attributes of the cookie that the answer sets, its value as "value"."""
    (line,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{name}=")]
    first, *rest = line.split("; ")
    return {"value": first.partition("=")[2]} | {part.partition("=")[0].lower(): part.partition("=")[2] for part in rest}


class TestBrowser:
    async def test_the_refresh_token_is_a_cookie_that_scripts_cannot_read(self, running: Running) -> None:
        answer = await enter(running, client="browser")
        body, refresh, csrf = answer.json(), cookie(answer, REFRESH), cookie(answer, CSRF)
        assert body["refresh_token"] is None
        assert {name: refresh[name] for name in ("path", "samesite", "httponly", "secure")} == {
            "path": "/api/v1/auth",
            "samesite": "strict",
            "httponly": "",
            "secure": "",
        }
        assert (csrf["path"], csrf["samesite"], csrf["secure"]) == ("/", "strict", "")
        assert "httponly" not in csrf
        assert "domain" not in refresh | csrf
        assert "expires" in refresh
        assert csrf["value"] == body["csrf_token"]
        assert refresh["value"] not in answer.text
        assert answer.headers["cache-control"] == "no-store"

    async def test_a_page_resumes_and_leaves(self, running: Running) -> None:
        opened = await enter(running, client="browser")
        old = cookie(opened, REFRESH)["value"]
        headers = {"cookie": f"{REFRESH}={old}", "x-csrf-token": opened.json()["csrf_token"], "sec-fetch-site": "same-origin"}
        second = await send(running, "POST", "/auth/refresh", headers=headers)
        assert second.status_code == 200, second.text
        assert second.json()["refresh_token"] is None
        token, new = second.json()["access_token"], cookie(second, REFRESH)["value"]
        assert new != old
        assert (await send(running, "GET", "/users/me", token)).json()["email"] == EMAIL
        headers = {"cookie": f"{REFRESH}={new}", "x-csrf-token": second.json()["csrf_token"]}
        gone = await send(running, "POST", "/auth/logout", token, headers=headers)
        assert gone.status_code == 204
        for name in (REFRESH, CSRF):
            assert cookie(gone, name)["max-age"] == "0"
        assert why(await send(running, "POST", "/auth/refresh", headers=headers)) == ("session_revoked", "logged_out")

    async def test_a_page_of_another_origin_cannot_refresh(self, running: Running) -> None:
        opened = await enter(running, client="browser")
        token, own = opened.json()["access_token"], opened.json()["csrf_token"]
        jar = {"cookie": f"{REFRESH}={cookie(opened, REFRESH)['value']}"}
        strange = (await enter(running, client="browser")).json()["csrf_token"]
        for proof in ({}, {"x-csrf-token": ""}, {"x-csrf-token": strange}, {"x-csrf-token": own, "sec-fetch-site": "cross-site"}):
            assert code(await send(running, "POST", "/auth/refresh", headers=jar | proof)) == (403, "csrf_failed")
            assert code(await send(running, "POST", "/auth/logout", token, headers=jar | proof)) == (403, "csrf_failed")
        elsewhere: dict[str, str]
        for elsewhere in (
            {"origin": "https://evil.example"},
            {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
            {"origin": "null"},
            {"origin": "http://[", "sec-fetch-site": "none"},
            {"origin": "http://evil.test", "x-forwarded-host": "test"},
            {"sec-fetch-site": "same-site"},
        ):
            proof = {"x-csrf-token": own} | elsewhere
            assert code(await send(running, "POST", "/auth/refresh", headers=jar | proof)) == (403, "csrf_failed"), elsewhere
            assert code(await send(running, "POST", "/auth/logout", token, headers=jar | proof)) == (403, "csrf_failed"), elsewhere
            asked = {"email": EMAIL, "password": PASSWORD, "client": "browser"}
            assert code(await send(running, "POST", "/auth/login", headers=elsewhere, json=asked)) == (403, "csrf_failed"), elsewhere
        wrong_site = {"sec-fetch-site": "cross-site"}
        asked = {"email": EMAIL, "password": PASSWORD, "client": "browser"}
        assert code(await send(running, "POST", "/auth/login", headers=wrong_site, json=asked)) == (403, "csrf_failed")
        behind_the_edge = {"origin": "https://video.example:8443", "x-forwarded-host": "video.example", "sec-fetch-site": "same-origin"}
        ours = {"x-csrf-token": own} | behind_the_edge
        assert (await send(running, "POST", "/auth/refresh", headers=jar | ours)).status_code == 200

    async def test_a_page_behind_a_proxy_that_rewrites_host_signs_in_and_refreshes(self, running: Running) -> None:
        page = {"origin": "https://console.example", "host": "inner.test", "x-forwarded-host": "inner.test"}
        asked = {"email": EMAIL, "password": PASSWORD, "client": "browser"}
        opened = await send(running, "POST", "/auth/login", headers=page, json=asked)
        assert opened.status_code == 200, opened.text
        proof = {"cookie": f"{REFRESH}={cookie(opened, REFRESH)['value']}", "x-csrf-token": opened.json()["csrf_token"]}
        wrong = proof | page | {"origin": "https://console.example.evil.example"}
        assert code(await send(running, "POST", "/auth/refresh", headers=wrong)) == (403, "csrf_failed")
        assert (await send(running, "POST", "/auth/refresh", headers=proof | page)).status_code == 200

    async def test_without_cookie_and_body_there_is_nothing_to_refresh(self, running: Running) -> None:
        assert code(await send(running, "POST", "/auth/refresh")) == (401, "bad_credentials")
        assert code(await send(running, "POST", "/auth/refresh", json={})) == (401, "bad_credentials")

    async def test_other_clients_get_no_cookie(self, running: Running) -> None:
        for client in ("mobile", "api"):
            answer = await enter(running, client=client)
            assert answer.json()["refresh_token"]
            assert answer.json()["csrf_token"] is None
            assert "set-cookie" not in answer.headers
        assert code(await enter(running, client="toaster")) == (422, "invalid")

    async def test_a_reused_cookie_ends_the_family(self, running: Running) -> None:
        opened = await enter(running, client="browser")
        headers = {"cookie": f"{REFRESH}={cookie(opened, REFRESH)['value']}", "x-csrf-token": opened.json()["csrf_token"]}
        second = await send(running, "POST", "/auth/refresh", headers=headers)
        assert code(await send(running, "POST", "/auth/refresh", headers=headers)) == (401, "session_revoked")
        headers = {"cookie": f"{REFRESH}={cookie(second, REFRESH)['value']}", "x-csrf-token": second.json()["csrf_token"]}
        assert why(await send(running, "POST", "/auth/refresh", headers=headers)) == ("session_revoked", "reuse")


class TestPasswords:
    async def test_a_given_password_opens_nothing_but_its_change(self, running: Running) -> None:
        email = await make_user(running, "admin", must_change_password=True)
        opened = (await enter(running, email, client="browser")).json()
        assert opened["must_change_password"] is True
        token = opened["access_token"]
        assert (await send(running, "GET", "/users/me", token)).json()["must_change_password"] is True
        tried = 0
        for access in route_access(running.service.api):
            if not access.public and access.scopes:
                path = access.path.removeprefix("/api/v1")
                for name in ("user_id", "session_id", "key_id", "tenant_id"):
                    path = path.replace("{" + name + "}", str(new_id()))
                assert code(await send(running, access.method, path, token, json={})) == (403, "missing_scope")
                tried += 1
        assert tried >= 6
        assert code(await send(running, "POST", "/auth/tickets", token, json={"purpose": "ws"})) == (403, "missing_scope")
        assert code(await send(running, "POST", "/auth/second-factor", token, json={"password": PASSWORD})) == (403, "forbidden")
        asked = {"current_password": PASSWORD, "new_password": NEW}
        fresh = await send(running, "POST", "/auth/password", token, json=asked)
        assert fresh.status_code == 200, fresh.text
        assert fresh.json()["must_change_password"] is False
        assert cookie(fresh, REFRESH)["value"]
        assert (await send(running, "GET", "/users", fresh.json()["access_token"])).status_code == 200
        assert (await enter(running, email, NEW)).status_code == 200

    @pytest.mark.parametrize(
        ("current", "new", "expected"),
        [
            ("wrong wrong wrong", NEW, (403, "wrong_password")),
            (PASSWORD, PASSWORD, (409, "same_password")),
            (PASSWORD, "prefeitura2026", (422, "weak_password")),
            (PASSWORD, "curta", (422, "weak_password")),
        ],
    )
    async def test_refused_changes(self, running: Running, current: str, new: str, expected: tuple[int, str]) -> None:
        answer = await send(
            running, "POST", "/auth/password", await admin(running), json={"current_password": current, "new_password": new}
        )
        assert code(answer) == expected
        assert new not in answer.text

    async def test_an_administrator_resets_one(self, running: Running) -> None:
        email, token = await make_user(running), await admin(running)
        hers = (await enter(running, email)).json()
        answer = await send(running, "POST", f"/users/{hers['user']['id']}/reset-password", token)
        assert answer.headers["cache-control"] == "no-store"
        assert code(await enter(running, email)) == (401, "bad_credentials")
        assert (await enter(running, email, answer.json()["password"])).json()["must_change_password"] is True
        refresh = {"refresh_token": hers["refresh_token"]}
        assert why(await send(running, "POST", "/auth/refresh", json=refresh)) == ("session_revoked", "password")
        me = (await send(running, "GET", "/users/me", token)).json()
        assert code(await send(running, "POST", f"/users/{me['id']}/reset-password", token)) == (409, "own_account")


class TestList:
    async def test_people_are_found_by_a_part_of_address_or_name_by_role_and_state(self, running: Running) -> None:
        token, mark = await admin(running), new_id().hex[:12]
        named = await make_user(running, "viewer", name=f"Águida {mark.upper()} Souza")
        plain = await make_user(running, "operator", email=f"x{mark}_%@Cidade.example")
        await make_user(running, "operator")

        async def found(**query: str) -> list[str]:
            answer = await send(running, "GET", "/users", token, params=query)
            assert answer.status_code == 200, answer.text
            return [user["email"] for user in answer.json()["items"]]

        assert await found(q=mark) == [named, plain]
        assert await found(q=f"águida {mark}") == [named]
        assert await found(q=f"X{mark}_%@CIDADE") == [plain], "what LIKE takes for a pattern is text"
        assert await found(q=f"x{mark}__@") == []
        assert await found(q=mark, role="viewer") == [named]
        assert await found(q=mark, disabled="true") == []
        user_id = (await send(running, "GET", "/users", token, params={"q": named})).json()["items"][0]["id"]
        assert (await send(running, "PATCH", f"/users/{user_id}", token, json={"disabled": True})).json()["disabled"] is True
        assert await found(q=mark, disabled="true") == [named]
        assert await found(q=mark, disabled="false") == [plain]
        for query in ({"role": "mayor"}, {"q": "a\0b"}, {"q": "x" * 101}, {"limit": "501"}):
            assert code(await send(running, "GET", "/users", token, params=query)) == (422, "invalid")
        assert (await send(running, "GET", "/users?limit=500", token)).status_code == 200

    async def test_a_user_shows_the_last_login(self, running: Running) -> None:
        email, token = await make_user(running), await admin(running)

        async def last() -> str | None:
            found = (await send(running, "GET", "/users", token, params={"q": email})).json()["items"]
            return str(found[0]["last_login_at"]) if found[0]["last_login_at"] else None

        assert await last() is None
        opened = (await enter(running, email)).json()
        first = await last()
        assert first is not None
        await send(running, "POST", "/auth/refresh", json={"refresh_token": opened["refresh_token"]})
        assert await last() == first, "a refresh is no login"
        await enter(running, email, "wrong")
        assert await last() == first
        await enter(running, email)
        assert str(await last()) > first

    async def test_everybody_learns_of_their_own_city(self, running: Running) -> None:
        group = str(new_id())
        email = await make_user(running, "viewer", camera_groups=[group])
        me = (await send(running, "GET", "/users/me", (await enter(running, email)).json()["access_token"])).json()
        assert me["camera_groups"] == [group]
        assert (me["display_name"], me["timezone"], me["has_logo"]) == (None, "America/Sao_Paulo", False)
        assert (await send(running, "GET", "/users/me", await admin(running))).json()["camera_groups"] is None


class TestSessions:
    async def test_listed_with_device_and_address_and_ended(self, running: Running) -> None:
        email = await make_user(running)
        first = (await enter(running, email, device="Tablet da viatura", client="mobile")).json()
        second = (await enter(running, email)).json()
        page = (await send(running, "GET", "/sessions?limit=1", second["access_token"])).json()
        rest = (await send(running, "GET", f"/sessions?cursor={page['next']}", second["access_token"])).json()
        (mine,), (other,) = page["items"], rest["items"]
        assert (mine["id"], mine["current"], other["id"], other["current"]) == (second["session_id"], True, first["session_id"], False)
        assert (other["device"], other["client"], other["address"]) == ("Tablet da viatura", "mobile", "127.0.0.1")
        assert mine["device"].startswith("python-httpx")
        assert (await send(running, "DELETE", f"/sessions/{other['id']}", second["access_token"])).status_code == 204
        gone = await send(running, "POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]})
        assert why(gone) == ("session_revoked", "logged_out")
        assert code(await send(running, "DELETE", f"/sessions/{other['id']}", second["access_token"])) == (404, "not_found")
        third = (await enter(running, email)).json()
        assert (await send(running, "DELETE", "/sessions", third["access_token"])).status_code == 204
        left = (await send(running, "GET", "/sessions", third["access_token"])).json()["items"]
        assert [each["id"] for each in left] == [third["session_id"]]

    async def test_of_others_by_scope_only(self, running: Running) -> None:
        hers = (await enter(running, await make_user(running))).json()
        his, token = (await enter(running, await make_user(running))).json(), await admin(running)
        whose = f"?user_id={hers['user']['id']}"
        assert code(await send(running, "GET", f"/sessions{whose}", his["access_token"])) == (403, "missing_scope")
        assert code(await send(running, "DELETE", f"/sessions{whose}", his["access_token"])) == (403, "missing_scope")
        assert code(await send(running, "DELETE", f"/sessions/{hers['session_id']}", his["access_token"])) == (404, "not_found")
        listed = (await send(running, "GET", f"/sessions{whose}", token)).json()["items"]
        assert [each["id"] for each in listed] == [hers["session_id"]]
        assert (await send(running, "DELETE", f"/sessions{whose}", token)).status_code == 204
        await revoked(running, hers["access_token"])

    async def test_changed_rights_hold_at_once(self, running: Running) -> None:
        hers, token = (await enter(running, await make_user(running))).json(), await admin(running)
        path = f"/users/{hers['user']['id']}"
        named = await send(running, "PATCH", path, token, json={"name": "Ana"})
        assert (named.json()["name"], named.json()["role"]) == ("Ana", "operator")
        changed = await send(running, "PATCH", path, token, json={"role": "viewer", "camera_groups": []})
        assert (changed.json()["role"], changed.json()["camera_groups"]) == ("viewer", [])
        await revoked(running, hers["access_token"])
        assert code(await send(running, "PATCH", path, token, json={"email": "x@y.org"})) == (422, "invalid")
        mine = (await send(running, "GET", "/users/me", token)).json()["id"]
        assert code(await send(running, "PATCH", f"/users/{mine}", token, json={"role": "viewer"})) == (409, "own_account")


class TestCommandLine:
    async def run(self, running: Running, *arguments: str) -> tuple[int, str, str]:
        environment = {
            "DATABASE_URL": running.settings.db.url.get_secret_value(),
            "DATABASE_TIMEOUT_S": "60",
            "REDIS_STATE_URL": running.settings.redis.state_url.get_secret_value(),
            "REDIS_CACHE_URL": running.settings.redis.cache_url.get_secret_value(),
            "ENCRYPTION_KEYS": KEYS,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "identity", "users", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        out, problems = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), problems.decode()

    async def test_a_reset_ends_every_session(self, running: Running) -> None:
        email = await make_user(running)
        hers = (await enter(running, email)).json()
        status, out, problems = await self.run(running, "reset-password", email.upper())
        assert status == 0, problems
        password = out.strip()
        assert password not in problems
        await revoked(running, hers["access_token"])
        again = await send(running, "POST", "/auth/refresh", json={"refresh_token": hers["refresh_token"]})
        assert why(again) == ("session_revoked", "password")
        assert code(await enter(running, email)) == (401, "bad_credentials")
        assert (await enter(running, email, password)).json()["must_change_password"] is True

    async def test_a_lost_second_factor_is_removed(self, running: Running) -> None:
        """An operator removes it also from the only administrator of a tenant."""
        email = await make_user(running, "admin")
        hers = (await enter(running, email)).json()
        started = (await send(running, "POST", "/auth/second-factor", hers["access_token"], json={"password": PASSWORD})).json()
        first = {"code": pyotp.TOTP(started["secret"]).at(SystemClock().now())}
        codes = (await send(running, "POST", "/auth/second-factor/confirm", hers["access_token"], json=first)).json()["recovery_codes"]
        assert code(await enter(running, email)) == (401, "second_factor_required")
        status, out, problems = await self.run(running, "reset-second-factor", email.upper())
        assert (status, problems) == (0, "")
        assert f"second factor and the recovery codes of {email.upper()} are removed; sessions ended: 1." in out
        await revoked(running, hers["access_token"])
        again = (await enter(running, email)).json()
        assert (await send(running, "GET", "/users/me", again["access_token"])).json()["second_factor"] is False
        asked = {"password": PASSWORD, "code": codes[0]}
        assert code(await send(running, "DELETE", "/auth/second-factor", again["access_token"], json=asked)) == (409, "no_second_factor")
        status, out, problems = await self.run(running, "reset-second-factor", email)
        assert (status != 0, out, problems) == (True, "", f"users: {email} has no second factor.\n")

    @pytest.mark.parametrize("verb", ["reset-password", "reset-second-factor"])
    async def test_an_unknown_user_has_nothing_to_reset(self, running: Running, verb: str) -> None:
        status, out, problems = await self.run(running, verb, "nobody@cidade.example")
        assert (status != 0, out) == (True, "")
        assert "nobody@cidade.example" in problems
        assert "Traceback" not in problems

    async def test_the_people_of_a_tenant(self, running: Running) -> None:
        email = await make_user(running, must_change_password=True, name="Ana Lúcia")
        status, out, _ = await self.run(running, "list", "Cidade")
        assert status == 0
        assert f"{email}\toperator\tAna Lúcia\tmust change password" in out.splitlines()
        assert (await self.run(running, "list", "Atlantis"))[0] != 0
