"""Tests of the second factor over HTTP, with the whole service on real servers."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from tests.identity.people.asking import admin, enter, make_user, send
from tests.identity.running import PASSWORD, Running, code

from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("no_throttle_left")]


class TestSecondFactor:
    async def test_from_the_picture_to_the_recovery_code(self, running: Running) -> None:
        email = await make_user(running)
        token = (await enter(running, email)).json()["access_token"]
        assert code(await send(running, "POST", "/auth/second-factor", token, json={"password": "wrong"})) == (403, "wrong_password")
        started = (await send(running, "POST", "/auth/second-factor", token, json={"password": PASSWORD})).json()
        assert started["otpauth_uri"].startswith("otpauth://totp/GT-Vision:")
        assert started["qr_svg"].startswith("<svg")
        assert "viewBox=" in started["qr_svg"], "else it is cut off where it is shown smaller"
        assert not [word for word in ("script", "style", "href") if word in started["qr_svg"]]
        totp, now = pyotp.TOTP(started["secret"]), SystemClock().now()
        wrong = await send(running, "POST", "/auth/second-factor/confirm", token, json={"code": "000000"})
        assert code(wrong) == (422, "second_factor_invalid")
        confirmed = await send(running, "POST", "/auth/second-factor/confirm", token, json={"code": totp.at(now)})
        codes = confirmed.json()["recovery_codes"]
        assert len(codes) == 10
        assert (await send(running, "GET", "/users/me", token)).json()["second_factor"] is True
        assert code(await enter(running, email)) == (401, "second_factor_required")
        assert code(await enter(running, email, code="000000")) == (401, "second_factor_invalid")
        assert code(await enter(running, email, code=totp.at(now))) == (401, "second_factor_invalid"), "it was spent"
        later = max(SystemClock().now(), now + timedelta(seconds=30))  # the next step of the code, or the present one where time has passed
        assert (await enter(running, email, code=totp.at(later))).status_code == 200
        assert (await enter(running, email, code=codes[3])).status_code == 200
        assert code(await enter(running, email, code=codes[3])) == (401, "second_factor_invalid")
        asked = {"password": PASSWORD, "code": codes[4]}
        assert (await send(running, "DELETE", "/auth/second-factor", token, json=asked)).status_code == 204
        assert (await enter(running, email)).status_code == 200

    async def test_an_administrator_resets_it(self, running: Running) -> None:
        email = await make_user(running)
        hers = (await enter(running, email)).json()
        started = (await send(running, "POST", "/auth/second-factor", hers["access_token"], json={"password": PASSWORD})).json()
        first = {"code": pyotp.TOTP(started["secret"]).at(SystemClock().now())}
        await send(running, "POST", "/auth/second-factor/confirm", hers["access_token"], json=first)
        path, token = f"/users/{hers['user']['id']}", await admin(running)
        assert (await send(running, "GET", path, token)).json()["second_factor"] is True
        assert (await send(running, "DELETE", f"{path}/second-factor", token)).status_code == 204
        assert (await send(running, "GET", path, token)).json()["second_factor"] is False
        assert (await enter(running, email)).status_code == 200
