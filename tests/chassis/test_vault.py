from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from chassis.settings import VaultSettings
from chassis.vault import InvalidKeys, Unsealable, Vault

OLD, NEW = (base64.b64encode(byte * 32).decode() for byte in (b"o", b"n"))
vault = Vault(f"new:{NEW},old:{OLD}")


@given(st.text(), st.text())
def test_opens_what_it_sealed(text: str, context: str) -> None:
    assert vault.open(vault.seal(text, context), context) == text


def test_sealing_twice_differs_and_hides_the_text() -> None:
    first, second = vault.seal("rtsp://admin:secret@10.0.0.7/"), vault.seal("rtsp://admin:secret@10.0.0.7/")
    assert first != second
    assert "secret" not in first
    assert first.startswith("v1.new.")


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed = Vault(f"old:{OLD}").seal("kept")
    assert vault.open(sealed) == "kept"


def test_a_key_that_is_gone_opens_nothing() -> None:
    with pytest.raises(Unsealable):
        Vault(f"new:{NEW}").open(Vault(f"old:{OLD}").seal("lost"))


def test_another_place_does_not_open() -> None:
    with pytest.raises(Unsealable):
        vault.open(vault.seal("bound", "tenant-a"), "tenant-b")


def test_another_key_under_the_same_id_does_not_open() -> None:
    with pytest.raises(Unsealable):
        Vault(f"new:{OLD}").open(vault.seal("bound"))


@given(st.data())
def test_any_change_is_noticed(data: st.DataObject) -> None:
    sealed = vault.seal("exactly this")
    position = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda char: char != sealed[position]))
    with pytest.raises(Unsealable):
        vault.open(sealed[:position] + other + sealed[position + 1 :])


def test_one_sealed_text_has_one_spelling() -> None:
    """Another base64 alphabet, padding or set unused bits are refused, which would be other spellings of the same sealed text."""
    sealed = next(text for text in (vault.seal("exactly this") for _ in range(1_000)) if "-" in text[8:] or "_" in text[8:])
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = sealed[:-1] + alphabet[alphabet.index(sealed[-1]) + 1]
    for other in (sealed.replace("-", "+").replace("_", "/"), sealed + "=", sealed + "==", spare):
        with pytest.raises(Unsealable):
            vault.open(other)


@pytest.mark.parametrize("text", ["", "v1", "v1.new", "v1.new.", "v1.new.AAAA", "v2.new.AAAA", "v1.nobody.AAAA", "a.b.c.d", "v1.new.é"])
def test_refuses_what_is_no_sealed_text(text: str) -> None:
    with pytest.raises(Unsealable):
        vault.open(text)


@pytest.mark.parametrize(
    "keys",
    ["", "a", "a:", ":" + NEW, "a:short", "a:" + base64.b64encode(b"x" * 31).decode(), f"a:{NEW},a:{OLD}", f"a b:{NEW}", f"a:{NEW},"],
)
def test_refuses_unusable_keys_without_naming_them(keys: str) -> None:
    with pytest.raises(InvalidKeys) as failure:
        Vault(keys)
    assert NEW not in str(failure.value)


def test_takes_settings() -> None:
    settings = VaultSettings(keys=SecretStr(f"a:{NEW}"))
    assert Vault(settings.keys).open(Vault(settings).seal("x")) == "x"
