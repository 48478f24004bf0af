"""Tests of the rules of the chain. The golden vector fixes the hashed bytes, as another format would break existing ledgers."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from gtvision.audit import Outcome
from gtvision.events import AuditRecorded, Event
from gtvision.ids import new_id
from identity.gateways.audit_keys import HmacAuditKeys, InvalidAuditKeys
from identity.integrity.domain import Position, Walk, Wrong
from identity.ledger.domain.anchors import Anchor, AnchorKind
from identity.ledger.domain.entries import GENESIS, Chained, Entry, Head, chain, chain_hash, entries_of, instant
from identity.ledger.domain.searches import RangeTooLong, Search, file_of

DOCS = Path(__file__).parents[3] / "docs" / "audit.md"
SECRET = "a1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="
KEYS = HmacAuditKeys(SecretStr(SECRET))
TENANT = UUID("01890000-0000-7000-8000-000000000001")
AT = datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
GOLDEN = Entry(
    tenant_id=TENANT,
    seq=1,
    recorded_at=AT + timedelta(milliseconds=250),
    event_id=UUID("01890000-0000-7000-8000-000000000002"),
    occurred_at=AT,
    action="plate.searched",
    outcome="allowed",
    actor_id=UUID("01890000-0000-7000-8000-000000000003"),
    actor_name="josé@cidade.example",
    actor_role="operator",
    session_id=UUID("01890000-0000-7000-8000-000000000004"),
    object_kind="plate",
    object_id="ABC1D23",
    purpose="investigation",
    range_from=AT - timedelta(days=1),
    range_to=AT,
    address="203.0.113.9",
    user_agent='Mozilla/5.0 "quoted" \\ and\ttab \x7f \U0001f697',
    service="ingest",
    correlation_id=UUID("01890000-0000-7000-8000-000000000005"),
    details={"z": "ção", "a": "1"},
)
CANONICAL = (
    b'{"action":"plate.searched","actor_id":"01890000-0000-7000-8000-000000000003","actor_name":"jos\xc3\xa9@cidade.example",'
    b'"actor_role":"operator","address":"203.0.113.9","camera_id":null,"correlation_id":"01890000-0000-7000-8000-000000000005",'
    b'"details":{"a":"1","z":"\xc3\xa7\xc3\xa3o"},"event_id":"01890000-0000-7000-8000-000000000002","object_id":"ABC1D23",'
    b'"object_kind":"plate","occurred_at":"2026-02-03T04:05:06.000007Z","outcome":"allowed","purpose":"investigation",'
    b'"range_from":"2026-02-02T04:05:06.000007Z","range_to":"2026-02-03T04:05:06.000007Z",'
    b'"recorded_at":"2026-02-03T04:05:06.250007Z","seq":1,"service":"ingest",'
    b'"session_id":"01890000-0000-7000-8000-000000000004","tenant_id":"01890000-0000-7000-8000-000000000001",'
    b'"user_agent":"Mozilla/5.0 \\"quoted\\" \\\\ and\\ttab \x7f \xf0\x9f\x9a\x97","version":1}'
)
HASH = "a67b20d7ec4bd54c18d4aafec800778feac8d6e56bfdd61eff7a498f8b592719"
MAC = "79596703e2135febdc52c7d11664bcc68e375bb83053abce21215ab3a3676be5"
SIGNATURE = (
    "a562c609ad1985bc96afc92a47c87c68bac90c041c316c0cfd4f84f46948cda108cf3b25f846ebf13ffa86a0629c9703719048aa3e2c644525fd515ac9d09c0e"
)
SEAL = Anchor(TENANT, 1, AnchorKind.SEAL, AT, HASH, "a1")


class TestGoldenVector:
    def test_canonical_bytes(self) -> None:
        assert GOLDEN.canonical() == CANONICAL

    def test_hash_by_hand(self) -> None:
        assert hashlib.sha256(bytes(32) + CANONICAL).hexdigest() == HASH == chain_hash(GENESIS, CANONICAL)

    def test_mac(self) -> None:
        assert KEYS.mac(HASH) == ("a1", MAC)
        assert KEYS.mac_is_right("a1", HASH, MAC) is True

    def test_anchor(self) -> None:
        assert SEAL.signed_bytes() == (
            b'{"anchored_at":"2026-02-03T04:05:06.000007Z","hash":"' + HASH.encode() + b'","kid":"a1","kind":"seal","seq":1,'
            b'"tenant_id":"01890000-0000-7000-8000-000000000001","version":1}'
        )
        assert KEYS.sign(SEAL.signed_bytes()) == SIGNATURE
        assert SEAL.object_key == f"audit/{TENANT}/2026/02/03/1.json"


def test_a_time_has_one_text() -> None:
    brasilia = timezone(timedelta(hours=-3))
    assert instant(datetime(2026, 1, 1, 9, tzinfo=brasilia)) == "2026-01-01T12:00:00.000000Z"
    assert instant(datetime(2026, 1, 1, 12, tzinfo=UTC)) == "2026-01-01T12:00:00.000000Z"
    assert instant(datetime(7, 1, 1, tzinfo=UTC)) == "0007-01-01T00:00:00.000000Z"


# --- chaining ----------------------------------------------------------------------------------------------------------


def event(number: int = 0, **data: Any) -> Event[AuditRecorded]:
    told = AuditRecorded(**{"action": "plate.searched", **data})
    occurred_at = AT + timedelta(seconds=number)
    return Event[AuditRecorded](event_id=new_id(), type=AuditRecorded.key, occurred_at=occurred_at, tenant_id=TENANT, data=told)


def bound(
    head: Head, events: list[Event[AuditRecorded]], names: dict[UUID, str] | None = None, now: datetime = AT, keys: HmacAuditKeys = KEYS
) -> list[Chained]:
    return chain(head, entries_of(head, events, names or {}, now), keys.mac)


def chained(count: int, head: Head | None = None) -> list[Chained]:
    return bound(head or Head(0, GENESIS, AT), [event(number) for number in range(count)])


def test_entries_follow_the_head_in_order_of_occurrence() -> None:
    events = [event(number) for number in range(5)]
    made = bound(Head(7, "ab" * 32, AT), events[::-1], now=AT + timedelta(hours=1))
    assert [each.entry.seq for each in made] == [8, 9, 10, 11, 12]
    assert [each.entry.event_id for each in made] == [each.event_id for each in events]
    assert [each.prev_hash for each in made] == ["ab" * 32, *(each.hash for each in made[:-1])]
    assert Head.of(made[-1]) == Head(12, made[-1].hash, AT + timedelta(hours=1))


def test_recorded_time_never_goes_back() -> None:
    """The recorded time never decreases, also when the clock does: partitions are dropped by it, always the oldest rows first."""
    later = AT + timedelta(hours=1)
    assert chained(1, Head(3, "ab" * 32, later))[0].entry.recorded_at == later


def test_what_postgresql_cannot_store_is_still_seen() -> None:
    (made,) = bound(Head(0, GENESIS, AT), [event(user_agent="a\x00b", object_id="\x00", details={"k\x00": "v\x00"})])
    assert (made.entry.user_agent, made.entry.object_id, made.entry.details) == ("a\ufffdb", "\ufffd", {"k\ufffd": "v\ufffd"})


def test_an_entry_names_the_actor_as_known_now() -> None:
    actor = new_id()
    told = event(actor_id=actor, outcome=Outcome.REFUSED)
    (made,) = bound(Head(0, GENESIS, AT), [told], {actor: "ana@cidade.example"})
    assert (made.entry.actor_id, made.entry.actor_name, made.entry.outcome) == (actor, "ana@cidade.example", "refused")


# --- walking -----------------------------------------------------------------------------------------------------------


def walk(rows: list[Chained]) -> tuple[Wrong | None, int | None]:
    found = findings(rows)
    return found[0] if found else (None, None)


def findings(rows: list[Chained]) -> list[tuple[Wrong, int]]:
    walk = Walk(Position(0, GENESIS), KEYS.mac_is_right)
    walk.feed(rows)
    return [(each.wrong, each.seq) for each in walk.found]


def changed(row: Chained, **entry: Any) -> Chained:
    return replace(row, entry=replace(row.entry, **entry))


class TestWalk:
    def test_a_whole_chain(self) -> None:
        assert walk(chained(10)) == (None, None)

    @pytest.mark.parametrize(
        "field", ["actor_name", "action", "outcome", "details", "occurred_at", "recorded_at", "correlation_id", "tenant_id"]
    )
    def test_an_altered_field(self, field: str) -> None:
        rows, values = chained(5), {"details": {"x": "y"}, "occurred_at": AT - timedelta(1), "recorded_at": AT - timedelta(1)}
        rows[2] = changed(rows[2], **{field: values.get(field, new_id() if field.endswith("_id") else "x")})
        assert walk(rows) == (Wrong.ALTERED, 3)

    def test_a_row_rewritten_with_its_hash(self) -> None:
        rows = chained(5)
        wrong = changed(rows[2], actor_name="somebody else")
        rows[2] = replace(wrong, hash=chain_hash(wrong.prev_hash, wrong.entry.canonical()))
        assert walk(rows) == (Wrong.ALTERED, 3)

    def test_a_public_chain_recomputed_to_its_end(self) -> None:
        """An intruder with the documentation and the database can recompute the public chain, but not the MACs."""
        stranger = HmacAuditKeys(SecretStr("a1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDY="))
        rows = chained(5)
        forged = bound(Head.of(rows[1]), [event(number, actor_role="nobody") for number in range(3)], keys=stranger)
        assert walk(rows[:2] + forged) == (Wrong.ALTERED, 3)

    def test_a_missing_row(self) -> None:
        rows = chained(5)
        assert walk(rows[:2] + rows[3:]) == (Wrong.MISSING, 3)

    def test_a_first_row_that_is_missing(self) -> None:
        assert walk(chained(5)[1:]) == (Wrong.MISSING, 1)

    def test_a_second_row_of_one_number(self) -> None:
        rows = chained(5)
        assert walk([*rows[:3], rows[2], *rows[3:]]) == (Wrong.INSERTED, 3)

    def test_two_rows_that_changed_places(self) -> None:
        rows = chained(5)
        first, second = changed(rows[1], seq=3), changed(rows[2], seq=2)
        assert walk([rows[0], second, first, *rows[3:]]) == (Wrong.ALTERED, 2)

    def test_a_wrong_row_hides_no_other(self) -> None:
        rows = chained(9)
        rows[1], rows[4] = changed(rows[1], action="x"), changed(rows[4], action="x")
        assert findings([*rows[:7], rows[5], rows[8]]) == [(Wrong.ALTERED, 2), (Wrong.ALTERED, 5), (Wrong.INSERTED, 6), (Wrong.MISSING, 8)]

    @pytest.mark.parametrize("forged_first", [True, False])
    def test_what_follows_either_of_two_rows_of_one_number_is_right(self, forged_first: bool) -> None:
        rows = chained(5)
        forged = replace(changed(rows[2], action="x"), hash="ab" * 32)
        pair = [forged, rows[2]] if forged_first else [rows[2], forged]
        assert findings([*rows[:2], *pair, *rows[3:]]) == [(Wrong.INSERTED, 3)]

    def test_a_key_that_is_not_known(self) -> None:
        rows = chained(3)
        rows[1] = replace(rows[1], mac_kid="old")
        assert walk(rows) == (Wrong.KEY_UNKNOWN, 2)

    def test_a_mac_that_is_no_hex(self) -> None:
        rows = chained(3)
        rows[1] = replace(rows[1], mac="é")
        assert walk(rows) == (Wrong.ALTERED, 2)


# --- keys and anchors --------------------------------------------------------------------------------------------------


def test_old_keys_still_check() -> None:
    new = "b2:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    both = HmacAuditKeys(SecretStr(f"{new},{SECRET}"))
    assert both.kid == "b2"
    assert both.mac_is_right("a1", HASH, MAC) is True
    assert both.mac_is_right("b2", HASH, MAC) is False
    assert both.mac_is_right("c3", HASH, MAC) is None
    assert both.signature_is_right("a1", SEAL.signed_bytes(), SIGNATURE)
    assert not both.signature_is_right("c3", SEAL.signed_bytes(), SIGNATURE)
    assert set(both.public_keys()) == {"a1", "b2"}


@pytest.mark.parametrize("keys", ["", "a1", "a1:short", f"{SECRET},{SECRET}", "a b:" + SECRET[3:], SECRET + ",", "a1:" + "=" * 44])
def test_unusable_keys_are_refused_without_being_shown(keys: str) -> None:
    with pytest.raises(InvalidAuditKeys) as refused:
        HmacAuditKeys(SecretStr(keys))
    assert "QUJD" not in str(refused.value)


def test_a_seal_cannot_pass_for_a_cut() -> None:
    cut = replace(SEAL, kind=AnchorKind.CUT)
    assert not KEYS.signature_is_right("a1", cut.signed_bytes(), SIGNATURE)
    assert cut.object_key.endswith("/1.cut.json")


def test_a_copy_is_checked_by_itself() -> None:
    copy = json.loads(replace(SEAL, signature=SIGNATURE).copy(KEYS.public_key("a1")))
    assert copy["public_key"] == KEYS.public_key("a1")
    assert copy["signature"] == SIGNATURE


# --- exports -----------------------------------------------------------------------------------------------------------


async def pages(*found: list[Chained]) -> Any:
    for page in found:
        yield page


async def export(form: Any, *found: list[Chained]) -> bytes:
    return b"".join([piece async for piece in file_of(form, pages(*found))])


async def test_a_json_export_is_verified_by_the_program_in_the_documentation(tmp_path: Path) -> None:
    rows = chained(6)
    program = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)[0]
    check = tmp_path / "check.py"
    check.write_text(program)

    def run(text: bytes, *anchors: str) -> str:
        path = tmp_path / "audit.json"
        path.write_bytes(text)
        done = subprocess.run([sys.executable, "-I", check, path, *anchors], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    good = await export("json", rows[:3], rows[3:])
    assert "6 rows" in run(good, f"6={rows[5].hash}")
    assert "row 6 is not the one" in run(good, f"6={rows[4].hash}")
    assert "row 4" in run(good.replace(b"plate.searched", b"plate.unmasked", 4).replace(b"plate.unmasked", b"plate.searched", 3))
    assert "row 3" in run(json.dumps([each.plain() for each in rows if each.entry.seq != 3]).encode())


async def test_an_empty_export_is_still_a_file() -> None:
    assert json.loads(await export("json")) == []
    assert (await export("csv")).startswith(b"version,tenant_id,seq,recorded_at,")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
async def test_no_cell_is_a_formula(start: str) -> None:
    (row,) = bound(Head(0, GENESIS, AT), [event(user_agent=f'{start}HYPERLINK("http://x","y")')])
    told = list(csv.DictReader(io.StringIO((await export("csv", [row])).decode(), newline="")))
    assert told[0]["user_agent"] == f'\'{start}HYPERLINK("http://x","y")'
    assert told[0]["hash"] == row.hash


@pytest.mark.parametrize("inside", ["=cmd|'!A1", ' "=cmd', "\t@x", " +1"])
async def test_no_cell_is_a_formula_where_the_semicolon_parts_cells(inside: str) -> None:
    """Excel in Portuguese splits cells at semicolons, so these are escaped too; an ordinary user agent is not changed."""
    (row,) = bound(Head(0, GENESIS, AT), [event(user_agent=f"x;{inside}", address="Mozilla/5.0 (X11; Linux; rv:1)")])
    told = list(csv.DictReader(io.StringIO((await export("csv", [row])).decode(), newline="")))
    assert (told[0]["user_agent"], told[0]["address"]) == (f"x;'{inside}", "Mozilla/5.0 (X11; Linux; rv:1)")


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_an_export_has_bounds(days: int) -> None:
    with pytest.raises(RangeTooLong):
        Search(AT, AT + timedelta(days=days)).check_export()


def test_a_search_tells_what_it_looked_for() -> None:
    camera = new_id()
    assert Search(since=AT, actions=("a.b", "c.d"), camera_id=camera).criteria() == {"actions": "a.b,c.d", "camera_id": str(camera)}


def test_the_mac_is_plain_hmac() -> None:
    """The MAC can be computed with the key as docs/audit.md says."""
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"gtvision audit mac v1").derive(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")
    assert hmac.new(key, bytes.fromhex(HASH), "sha256").hexdigest() == MAC
