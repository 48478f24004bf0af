"""Tests that verification finds each change by an intruder with PostgreSQL's superuser and all triggers disabled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from tests.identity.ledger.ledgers import START, TenantLedger, command
from tests.ledger import audit_entries

from gtvision.ids import new_id
from identity.gateways.audit_keys import HmacAuditKeys
from identity.integrity.domain import Wrong
from identity.ledger.api import EntryOut
from identity.ledger.domain.anchors import Anchor, AnchorKind
from identity.ledger.domain.entries import Chained, Head, chain, chain_hash, entries_of
from identity.ledger.domain.searches import file_of
from identity.ledger.repository import PostgresLedger

pytestmark = pytest.mark.db

STRANGER = HmacAuditKeys(SecretStr("a1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDY="))
"""A wrong key, as an intruder might guess it."""


@pytest.fixture
def tenant(anchored_tenant: TenantLedger) -> TenantLedger:
    """A ledger of twenty rows: twelve with an anchor, three with a later one, five without."""
    return anchored_tenant


# --- rows --------------------------------------------------------------------------------------------------------------

FIELDS = [
    ("actor_role", "'nobody'"),
    ("action", "'plate.unmasked'"),
    ("outcome", "'refused'"),
    ("address", "'203.0.113.1'"),
    ("occurred_at", "occurred_at - interval '1 day'"),
    ("recorded_at", "recorded_at + interval '1 microsecond'"),
    ("details", '\'{"x": "y"}\''),
    ("details", "'[1]'"),
    ("details", "'null'"),
    ("details", '\'{"a": {"b": [1.5]}}\''),
    ("actor_name", "E'\\x01\\x7f'"),
    ("occurred_at", "'infinity'"),
    ("occurred_at", "'-infinity'"),
    ("occurred_at", "'20000-01-01'"),
    ("range_to", "'0044-03-15 BC'"),
    ("event_id", "gen_random_uuid()"),
    ("hash", "repeat('a', 64)"),
    ("version", "2"),
]


class TestRows:
    @pytest.mark.parametrize(("column", "value"), FIELDS)
    async def test_one_altered_row_is_named(self, tenant: TenantLedger, column: str, value: str) -> None:
        await tenant.tamper(f"UPDATE audit_entry SET {column} = {value} WHERE tenant_id = $1 AND seq = 7")
        assert await tenant.all_found() == [(Wrong.ALTERED, 7)]

    async def test_an_altered_link_is_named(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_entry SET prev_hash = repeat('a', 64) WHERE tenant_id = $1 AND seq = 7")
        assert await tenant.found() == (Wrong.ALTERED, 7)
        assert "prev_hash" in (await tenant.verify()).findings[0].says

    @pytest.mark.parametrize("mac", ["repeat('a', 64)", "''", "'no hex'", "hash"])
    async def test_an_altered_mac_is_named(self, tenant: TenantLedger, mac: str) -> None:
        await tenant.tamper(f"UPDATE audit_entry SET mac = {mac} WHERE tenant_id = $1 AND seq = 7")
        assert await tenant.found() == (Wrong.ALTERED, 7)

    async def test_a_key_that_we_never_had_is_named(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_entry SET mac_kid = 'mine' WHERE tenant_id = $1 AND seq = 7")
        assert await tenant.found() == (Wrong.KEY_UNKNOWN, 7)

    @pytest.mark.parametrize("seq", [1, 7, 12, 19])
    async def test_a_removed_row_is_named(self, tenant: TenantLedger, seq: int) -> None:
        await tenant.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq = $2", seq)
        assert await tenant.found() == (Wrong.MISSING, seq)

    @pytest.mark.parametrize("later", ["1 hour", "-1 hour"])
    async def test_an_inserted_row_is_named(self, tenant: TenantLedger, later: str) -> None:
        await _insert_like(tenant, 7, "7", later)
        assert await tenant.found() == (Wrong.INSERTED, 7)

    @pytest.mark.parametrize("number", ["0", "-4"])
    async def test_a_row_before_the_first_is_named(self, tenant: TenantLedger, number: str) -> None:
        await _insert_like(tenant, 7, number, "-1 hour")
        assert await tenant.found() == (Wrong.INSERTED, int(number))

    async def test_a_row_behind_the_head_is_named(self, tenant: TenantLedger) -> None:
        await _insert_like(tenant, 20, "21", "1 hour")
        assert await tenant.found() == (Wrong.INSERTED, 21)

    async def test_an_inserted_row_that_the_rest_made_room_for_is_named(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_entry SET seq = seq + 1000 WHERE tenant_id = $1 AND seq > 7")
        await tenant.tamper("UPDATE audit_entry SET seq = seq - 999 WHERE tenant_id = $1 AND seq > 1000")
        await _insert_like(tenant, 7, "8", "1 microsecond")
        await tenant.tamper("UPDATE audit_head SET seq = 21 WHERE tenant_id = $1")
        assert (await tenant.found())[1] == 8

    async def test_a_public_chain_recomputed_without_the_key_is_caught(self, tenant: TenantLedger) -> None:
        """All hashes and the head fit, and anchors may be rewritten too, but the MACs do not fit without the key."""
        await _rewrite(tenant, 7, STRANGER)
        assert await tenant.found() == (Wrong.ALTERED, 7)

    async def test_a_rewritten_tail_behind_the_last_anchor_is_caught(self, tenant: TenantLedger) -> None:
        """Rows after the last anchor are protected by the MAC alone."""
        await _rewrite(tenant, 17, STRANGER)
        assert await tenant.found() == (Wrong.ALTERED, 17)

    async def test_a_chain_rewritten_with_the_mac_key_is_caught_by_the_anchor(self, tenant: TenantLedger) -> None:
        await _rewrite(tenant, 7, tenant.keys)
        assert await tenant.found() == (Wrong.ALTERED, 12)
        assert "is not the one that was anchored" in (await tenant.verify()).findings[0].says

    async def test_a_second_wrong_row_is_named_too(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_entry SET occurred_at = '-infinity' WHERE tenant_id = $1 AND seq = 5")
        await tenant.tamper("UPDATE audit_entry SET address = 'x' WHERE tenant_id = $1 AND seq = 9")
        await tenant.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq = 14")
        assert await tenant.all_found() == [(Wrong.ALTERED, 5), (Wrong.ALTERED, 9), (Wrong.MISSING, 14)]

    @pytest.mark.parametrize(
        "change",
        ["occurred_at = 'infinity'", "range_from = '0044-03-15 BC'", "details = '[1]'", "details = '{\"n\": 1e400}'", "prev_hash = 'x'"],
    )
    async def test_no_row_stops_a_reader(self, tenant: TenantLedger, change: str) -> None:
        """Lists, exports and verification continue after a damaged row, with any content."""
        await tenant.tamper(f"UPDATE audit_entry SET {change} WHERE tenant_id = $1 AND seq = 7")
        rows = await tenant.rows()
        assert [row.entry.seq for row in rows] == list(range(1, 21))
        assert [EntryOut.of(row).model_dump()["seq"] for row in rows] == list(range(1, 21))

        async def pages() -> AsyncIterator[list[Chained]]:
            yield rows

        for form in ("csv", "json"):
            assert b"".join([piece async for piece in file_of(form, pages())]).count(b"plate.searched") == 20
        report = await tenant.verify()
        assert ([each.seq for each in report.findings], report.last) == ([7], 20)

    async def test_ends_of_the_calendar_are_read_as_they_were_hashed(self, tenant: TenantLedger) -> None:
        """An earlier release hashed such instants as requests gave them, and the driver stored them as infinite."""
        (row, *_) = await tenant.rows(await _with_calendars_ends(tenant))
        assert (row.entry.range_from, row.entry.range_to) == (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        assert EntryOut.of(row).model_dump()["range_from"] == row.entry.range_from
        assert (await tenant.verification.verify(row.entry.tenant_id)).right

    async def test_what_an_earlier_release_stored_as_infinite_is_put_on_record(self, tenant: TenantLedger) -> None:
        """`gtv audit repair` records the rows of an earlier release, and none that was altered."""
        tenant_id = await _with_calendars_ends(tenant)
        await tenant.ledger.add_records([tenant.event(tenant_id)])
        async with tenant.intruder() as connection:
            await connection.execute("UPDATE audit_entry SET range_to = 'infinity' WHERE tenant_id = $1 AND seq = 2", tenant_id)
        assert await tenant.ledger.record_repaired(tenant_id) == [1]
        (told,) = await audit_entries(tenant.db, tenant_id)
        assert (told.data.action, told.data.details["entries"]) == ("audit.repaired", "1")
        report = await tenant.verification.verify(tenant_id)
        assert [(each.wrong, each.seq) for each in report.findings] == [(Wrong.ALTERED, 2)]

    async def test_a_range_begins_where_it_is_told(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_entry SET address = 'x' WHERE tenant_id = $1 AND seq = 5")
        rows = await tenant.rows()
        assert rows[9].entry.recorded_at > rows[4].entry.recorded_at or rows[14].entry.recorded_at > rows[4].entry.recorded_at
        report = await tenant.verify(since=rows[12].entry.recorded_at)
        assert (report.right, report.first, report.rows) == (True, 13, 8)
        assert not (await tenant.verify(since=rows[0].entry.recorded_at)).right
        assert (await tenant.verify(after=4)).findings
        assert not (await tenant.verify(after=5)).findings

    async def test_a_range_that_begins_behind_a_forged_row_says_so(self, tenant: TenantLedger) -> None:
        await _rewrite(tenant, 5, STRANGER)
        first, *others = (await tenant.verify(after=6)).findings
        assert (first.wrong, first.seq) == (Wrong.ALTERED, 6)
        assert {each.seq for each in others} == set(range(7, 21))

    async def test_a_part_says_where_to_go_on(self, tenant: TenantLedger) -> None:
        seen, after = 0, None
        while True:
            report = await tenant.verify(after=after, at_most=8)
            assert report.right
            seen, after = seen + report.rows, report.next
            if after is None:
                break
        assert seen == 20


# --- the end -----------------------------------------------------------------------------------------------------------


class TestTheEnd:
    async def test_removed_last_rows_are_missed_by_the_head(self, tenant: TenantLedger) -> None:
        await tenant.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq > 17")
        assert await tenant.found() == (Wrong.MISSING, 18)

    async def test_with_the_head_they_are_missed_by_the_anchor(self, tenant: TenantLedger) -> None:
        await _cut_off(tenant, 13)
        assert await tenant.found() == (Wrong.MISSING, 14)

    async def test_invented_anchors_do_not_hide_it(self, tenant: TenantLedger) -> None:
        """Any number of invented anchors in front of the right one does not keep it from being found."""
        await _cut_off(tenant, 13)
        await _forge_anchors(tenant, "1000 + g", 1_200)
        assert await tenant.found() == (Wrong.MISSING, 14)
        assert set(await tenant.of_anchors()) <= {(Wrong.ANCHOR, 1000 + number) for number in range(1, 1_201)}

    async def test_with_head_and_anchors_they_are_missed_by_the_copies(self, tenant: TenantLedger) -> None:
        await _cut_off(tenant, 13)
        await tenant.tamper("DELETE FROM audit_anchor WHERE tenant_id = $1 AND seq > 13")
        assert await tenant.found() == (None, None)
        assert await tenant.of_anchors() == [(Wrong.MISSING, 15)]

    async def test_the_whole_ledger_is_missed_by_the_copies(self, tenant: TenantLedger) -> None:
        for table in ("audit_entry", "audit_anchor", "audit_head"):
            await tenant.tamper(f"DELETE FROM {table} WHERE tenant_id = $1")
        assert await tenant.of_anchors() == [(Wrong.MISSING, 12), (Wrong.MISSING, 15)]

    async def test_a_head_that_was_removed_is_missed(self, tenant: TenantLedger) -> None:
        await tenant.tamper("DELETE FROM audit_head WHERE tenant_id = $1")
        assert (await tenant.found())[0] is Wrong.MISSING

    async def test_a_head_with_another_hash_is_named(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_head SET hash = repeat('a', 64) WHERE tenant_id = $1")
        assert await tenant.found() == (Wrong.ALTERED, 20)

    @pytest.mark.parametrize("value", ["recorded_at - interval '1 hour'", "'infinity'", "'20000-01-01'"])
    async def test_a_head_with_another_time_is_named(self, tenant: TenantLedger, value: str) -> None:
        """A wrong time of the head would move the next entry into another month, with which it is dropped."""
        await tenant.tamper(f"UPDATE audit_head SET recorded_at = {value} WHERE tenant_id = $1")
        assert (await tenant.found())[0] is Wrong.ALTERED
        assert "altered: row 20" in await command(tenant, "verify")

    async def test_a_head_set_back_is_named(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_head SET seq = 18 WHERE tenant_id = $1")
        assert (await tenant.found())[0] in {Wrong.ALTERED, Wrong.INSERTED}

    async def test_what_is_chained_after_a_head_was_set_back_is_named(self, tenant: TenantLedger) -> None:
        """The chain forks there, and verification names the place."""
        rows = await tenant.rows()
        await tenant.tamper("UPDATE audit_head SET seq = 18, hash = $2 WHERE tenant_id = $1", rows[17].hash)
        await tenant.record(4)
        assert await tenant.found() == (Wrong.INSERTED, 19)


# --- anchors and their copies ------------------------------------------------------------------------------------------


class TestAnchors:
    async def test_a_forged_signature_is_named(self, tenant: TenantLedger) -> None:
        await tenant.tamper("UPDATE audit_anchor SET signature = repeat('0', 128) WHERE tenant_id = $1 AND seq = 12")
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 12)]

    @pytest.mark.parametrize("change", ["hash = repeat('a', 64)", "anchored_at = anchored_at + interval '1 second'", "kid = 'mine'"])
    async def test_an_altered_anchor_is_named(self, tenant: TenantLedger, change: str) -> None:
        await tenant.tamper(f"UPDATE audit_anchor SET {change} WHERE tenant_id = $1 AND seq = 12")
        assert (Wrong.ANCHOR, 12) in await tenant.of_anchors()

    async def test_a_forged_anchor_far_ahead_does_not_hide_the_real_ones(self, tenant: TenantLedger) -> None:
        forged = Anchor(tenant.tenant_id, 10_000, AnchorKind.SEAL, START, "ab" * 32, "a1").signed(STRANGER.sign)
        async with tenant.db.uow(tenant.tenant_id) as uow:
            await PostgresLedger(uow).add_anchor(forged)
        report = await tenant.verification.verify(tenant.tenant_id)
        assert not report.findings
        assert report.last_anchor is not None
        assert report.last_anchor.seq == 15
        assert await tenant.sealing.seal_ledgers() == 1

    async def test_a_removed_anchor_is_named_by_its_copy(self, tenant: TenantLedger) -> None:
        await tenant.tamper("DELETE FROM audit_anchor WHERE tenant_id = $1 AND seq = 12")
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 12)]
        assert "has no anchor in the database" in (await tenant.verify()).anchors[0].says

    async def test_an_anchor_of_a_row_that_never_was_is_named(self, tenant: TenantLedger) -> None:
        await _forge_anchors(tenant, "1000", 1)
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 1000)]

    async def test_an_anchor_that_cannot_be_read_is_named(self, tenant: TenantLedger) -> None:
        """An unreadable anchor does not keep the others from being read."""
        async with tenant.intruder() as connection:
            await connection.execute("ALTER TABLE audit_anchor DROP CONSTRAINT ck_audit_anchor_kind")
        await _forge_anchors(tenant, "5", 1, kind="nothing")
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 5)]
        await tenant.seal()
        report = await tenant.verify()
        assert not report.findings
        assert report.unanchored == 0

    async def test_a_copy_that_is_said_to_be_owed_is_compared_and_kept(self, tenant: TenantLedger) -> None:
        """A copy that is marked as missing is compared first: with database and key an intruder could have it replaced otherwise."""
        path = tenant.copy_file(12)
        path.write_bytes(b"{}")
        owed = "INSERT INTO audit_copy_owed SELECT tenant_id, seq, kind, anchored_at FROM audit_anchor WHERE tenant_id = $1 AND seq = 12"
        await tenant.tamper(owed)
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 12)]
        before = _failures("anchor")
        await tenant.seal()
        assert _failures("anchor") == before + 1
        assert path.read_bytes() == b"{}"
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 12)]

    async def test_a_missing_copy_is_named(self, tenant: TenantLedger) -> None:
        tenant.copy_file(12).unlink()
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 12)]
        assert "there is no object" in (await tenant.verify()).anchors[0].says

    async def test_a_changed_copy_is_named(self, tenant: TenantLedger) -> None:
        path = tenant.copy_file(12)
        path.write_bytes(path.read_bytes().replace(b'"seq":12', b'"seq":13'))
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 12)]
        assert "is not the anchor" in (await tenant.verify()).anchors[0].says

    async def test_an_invented_copy_is_named(self, tenant: TenantLedger) -> None:
        forged = Anchor(tenant.tenant_id, 17, AnchorKind.SEAL, tenant.clock.now(), "ab" * 32, "a1").signed(STRANGER.sign)
        path = tenant.objects / forged.object_key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(forged.copy(STRANGER.public_key("a1")))
        assert await tenant.of_anchors() == [(Wrong.ANCHOR, 17)]

    async def test_sealing_notices_what_was_altered_since_the_last_anchor(self, tenant: TenantLedger) -> None:
        """Sealing reports the altered row and continues, so the next anchor protects later rows; the row stays wrong."""
        await tenant.tamper("UPDATE audit_entry SET address = 'x' WHERE tenant_id = $1 AND seq = 18")
        before = _failures()
        await tenant.seal()
        assert _failures() == before + 1
        assert await tenant.found() == (Wrong.ALTERED, 18)


def _failures(wrong: str = "altered") -> float:
    return REGISTRY.get_sample_value("gtvision_identity_audit_verification_failures_total", {"wrong": wrong}) or 0.0


# --- what an intruder does ---------------------------------------------------------------------------------------------


async def _with_calendars_ends(tenant: TenantLedger) -> UUID:
    """Adds a tenant with one entry of a release that did not bound instants, and returns its id."""
    tenant_id, first, last = new_id(), datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    async with tenant.db.uow(tenant_id) as uow:
        rows = PostgresLedger(uow)
        head = await rows.lock_head(tenant.clock.now())
        (entry,) = entries_of(head, [tenant.event(tenant_id)], {}, tenant.clock.now())
        entries = chain(head, [replace(entry, range_from=first, range_to=last)], tenant.keys.mac)
        await rows.append(entries, Head.of(entries[-1]))
    async with tenant.intruder() as connection:
        stored = "SELECT range_from = '-infinity' AND range_to = 'infinity' FROM audit_entry WHERE tenant_id = $1"
        assert await connection.fetchval(stored, tenant_id)
    return tenant_id


async def _insert_like(tenant: TenantLedger, seq: int, number: str, later: str) -> None:
    async with tenant.intruder() as connection:
        await connection.execute(
            "CREATE TEMP TABLE made AS SELECT * FROM audit_entry WHERE tenant_id = $1 AND seq = $2", tenant.tenant_id, seq
        )
        await connection.execute(
            f"UPDATE made SET seq = {number}, recorded_at = recorded_at + interval '{later}', event_id = gen_random_uuid()"
        )
        await connection.execute("INSERT INTO audit_entry SELECT * FROM made")


async def _forge_anchors(tenant: TenantLedger, seq: str, count: int, kind: str = "seal") -> None:
    await tenant.tamper(
        f"INSERT INTO audit_anchor SELECT $1, {seq}, '{kind}', '2026-03-04T06:00:00Z', repeat('a', 64), 'a1', repeat('0', 128) "
        f"FROM generate_series(1, {count}) AS g"
    )


async def _cut_off(tenant: TenantLedger, last: int) -> None:
    rows = await tenant.rows()
    await tenant.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq > $2", last)
    end = rows[last - 1]
    statement = "UPDATE audit_head SET seq = $2, hash = $3, recorded_at = $4 WHERE tenant_id = $1"
    await tenant.tamper(statement, last, end.hash, end.entry.recorded_at)


async def _rewrite(tenant: TenantLedger, first: int, keys: HmacAuditKeys) -> None:
    """Changes the actor of one row, and computes all later hashes anew with the given key."""
    rows = await tenant.rows()
    prev_hash = rows[first - 2].hash
    async with tenant.intruder() as connection:
        for row in rows[first - 1 :]:
            made = _rewritten(row, prev_hash, keys)
            await connection.execute(
                "UPDATE audit_entry SET actor_role = $3, prev_hash = $4, hash = $5, mac = $6 WHERE tenant_id = $1 AND seq = $2",
                *(tenant.tenant_id, made.entry.seq, made.entry.actor_role, made.prev_hash, made.hash, made.mac),
            )
            prev_hash = made.hash
        await connection.execute("UPDATE audit_head SET hash = $2 WHERE tenant_id = $1", tenant.tenant_id, prev_hash)


def _rewritten(row: Chained, prev_hash: str, keys: HmacAuditKeys) -> Chained:
    entry = replace(row.entry, actor_role="somebody else")
    own = chain_hash(prev_hash, entry.canonical())
    kid, mac = keys.mac(own)
    return Chained(entry, prev_hash, own, mac, kid)
