"""Tests of codes of authenticator apps and recovery codes."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime, timedelta

import pytest

from gtvision.ids import new_id
from identity.second_factors.domain import matching_step, new_recovery_codes, plain_code, recovery_hash

TOTP_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"), [(1111111111, "050471"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    step = seconds // 30
    assert matching_step(TOTP_SECRET, code, now, 0) == step
    assert matching_step(TOTP_SECRET, f" {code[:3]} {code[3:]} ", now, 0) == step
    for late in (-30, 30):
        assert matching_step(TOTP_SECRET, code, now + timedelta(seconds=late), 0) == step
    for late in (-60, 60):
        assert matching_step(TOTP_SECRET, code, now + timedelta(seconds=late), 0) is None
    assert matching_step(TOTP_SECRET, code, now, step) is None, "each step is good once"
    assert matching_step(TOTP_SECRET, "000000", now, 0) is None
    assert matching_step(TOTP_SECRET, "ação", now, 0) is None


def test_recovery_codes_are_long_different_and_bound_to_their_owner() -> None:
    codes = new_recovery_codes(os.urandom)
    assert len(set(codes)) == 10
    assert all(len(plain_code(code)) == 16 for code in codes)
    mine, other = new_id(), new_id()
    assert recovery_hash(mine, codes[0]) == recovery_hash(mine, codes[0].upper().replace("-", " "))
    assert recovery_hash(mine, codes[0]) != recovery_hash(other, codes[0])
