"""Tests of the account's screen, in a real browser against the real identity."""

from __future__ import annotations

import cv2
import numpy as np
import pyotp
import pytest
from playwright.async_api import Page, expect
from tests.console.browsing import Console, entered, log_out, sign_in
from tests.identity.running import PASSWORD, Running

from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

NEW = "telhado verde de zinco"


def read_qr(png: bytes) -> str:
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    text, *_ = cv2.QRCodeDetector().detectAndDecode(pixels)
    return str(text)


async def code_for(page: Page, code: str) -> None:
    factor = page.get_by_role("region", name="Verificação em duas etapas")
    await factor.get_by_label("Código").fill(code)
    await factor.get_by_role("button", name="Confirmar").click()


async def test_the_second_factor_from_the_picture_to_the_recovery_code(console: Console) -> None:
    email = await console.user()
    page = await console.as_user(email, "/conta")
    await expect(page.get_by_role("region", name="Quem sou")).to_contain_text("Ana Lúcia")
    factor = page.get_by_role("region", name="Verificação em duas etapas")
    await factor.get_by_label("Senha atual").fill(PASSWORD)
    await page.keyboard.press("Enter")
    picture = factor.get_by_role("img", name="Código QR para o aplicativo autenticador")
    await expect(picture).to_be_visible()
    await expect(factor.get_by_label("Código")).to_be_focused()
    secret = (await factor.locator("code").inner_text()).replace(" ", "")
    assert f"secret={secret}" in read_qr(await picture.screenshot()), "as a phone reads it"
    await code_for(page, "000000")
    await expect(factor.get_by_role("alert")).to_have_text("Código incorreto, vencido ou já usado.")
    await code_for(page, pyotp.TOTP(secret).at(SystemClock().now()))
    await expect(factor.get_by_role("listitem")).to_have_count(10)
    codes = await factor.get_by_role("listitem").all_inner_texts()
    await factor.get_by_role("button", name="Já guardei").click()
    await expect(factor.get_by_text("Ativada", exact=True)).to_be_visible()
    await expect(factor.get_by_role("listitem")).to_have_count(0)
    await log_out(page)
    await sign_in(page, email)
    await expect(page.get_by_role("alert")).to_have_text("Digite o código do seu aplicativo autenticador.")
    await sign_in(page, email, code="000000")
    await expect(page.get_by_role("alert")).to_have_text("Código incorreto, vencido ou já usado.")
    await sign_in(page, email, code=codes[0])
    await entered(page)
    await page.goto(f"{console.address}/conta")  # who has signed out begins anew
    await factor.get_by_label("Senha atual").fill(PASSWORD)
    await factor.get_by_label("Código do aplicativo ou de recuperação").fill(codes[1])
    await factor.get_by_role("button", name="Desativar").click()
    await expect(factor.get_by_text("Desativada", exact=True)).to_be_visible()


async def test_other_sessions_are_listed_and_ended(console: Console, running: Running) -> None:
    email = await console.user()
    for device in ("Celular da Ana", "Tablet da viatura", "Computador antigo"):
        asked = {"email": email, "password": PASSWORD, "client": "mobile", "device": device}
        assert (await running.http.post("/api/v1/auth/login", json=asked)).status_code == 200
    page = await console.as_user(email, "/conta")
    sessions = page.get_by_role("table", name="Sessões abertas").locator("tbody tr")
    await expect(sessions).to_have_count(4)
    await expect(sessions.filter(has_text="esta sessão")).to_contain_text("Chrome no Linux")
    await page.get_by_role("button", name="Encerrar a sessão: Tablet da viatura").click()
    await page.get_by_role("dialog").get_by_role("button", name="Encerrar").click()
    await expect(sessions).to_have_count(3)
    password = page.get_by_role("region", name="Senha")
    await password.get_by_label("Senha atual").fill(PASSWORD)
    await password.get_by_label("Nova senha", exact=True).fill(NEW)
    await password.get_by_label("Repita a nova senha").fill("outra coisa inteiramente")
    await page.keyboard.press("Enter")
    await expect(password.get_by_role("alert")).to_have_text("As duas senhas novas não são iguais.")
    await password.get_by_label("Repita a nova senha").fill(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Senha trocada. As outras sessões foram encerradas.")).to_be_visible()
    await expect(password.get_by_label("Senha atual")).to_have_value("")
    await expect(sessions).to_have_count(1)
    await page.reload()
    await entered(page)


async def test_what_this_browser_remembers_is_there_after_a_reload(console: Console) -> None:
    page = await console.as_role("operator", "/conta")
    ground = "getComputedStyle(document.body).backgroundColor"
    await page.get_by_label("Clara").check()
    light = await page.evaluate(ground)
    await page.get_by_label("Escura").check()
    assert await page.evaluate(ground) != light
    await page.get_by_label("Som dos alertas", exact=True).uncheck()
    await expect(page.get_by_role("button", name="Som dos alertas desligado")).to_be_visible()
    await page.get_by_label("Atalhos de teclado").uncheck()
    await page.reload()
    await expect(page.get_by_label("Escura")).to_be_checked()
    await expect(page.get_by_label("Som dos alertas", exact=True)).not_to_be_checked()
    await expect(page.get_by_label("Atalhos de teclado")).not_to_be_checked()
    await page.get_by_role("heading", name="Minha conta").click()
    await page.keyboard.press("?")
    await page.get_by_label("Atalhos de teclado").check()
    assert page.url.endswith("/conta"), "a key that is off does nothing"
    await page.get_by_role("heading", name="Minha conta").click()
    await page.keyboard.press("?")
    await page.wait_for_url("**/ajuda")
