"""What ended stays ended, whatever copy of the database is restored."""

from __future__ import annotations

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts.ids import uuid7
from limited_use.ledger import entries, ledger_audit, ledger_publication, ledger_sequencer
from limited_use.models import Checkpoint, DataKey, KeyEpoch, Leaf, OwedTombstone, Tile
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import resurrected_keys
from limited_use.vault import data_keys, tombstones
from tests.limited_use.conftest import NOW

# What a backup of the database holds of us.
TABLES = (DataKey, KeyEpoch, Leaf, Tile, Checkpoint, OwedTombstone)


def copy_tables():
    return [serializers.serialize("python", table.objects.all()) for table in TABLES]


def restore(copied):
    """Put an older copy of the tables in place of what they hold now."""
    with connection.cursor() as cursor:
        names = ", ".join(table._meta.db_table for table in TABLES)
        cursor.execute(f"TRUNCATE {names}")
    for rows in copied:
        for row in serializers.deserialize("python", rows):
            row.save()
    data_keys.drop_cached_keys()


def record_entries(count=1):
    for _ in range(count):
        entries.record_ledger_event(event="integration.connected", about=uuid7(), at=NOW)
    ledger_sequencer.run_sequencer(NOW)


def make_key():
    holder = uuid7()
    data_keys.create_data_key(holder=holder, line=KeyLine.CONTENT, at=NOW)
    return holder


@pytest.mark.django_db
@pytest.mark.invariant(6)
@pytest.mark.clause("TOK-DELETE", "WDEL")
class TestPublish:
    def test_names_a_destroyed_key_outside_by_a_hash_alone(self, ring):
        key_id = data_keys.destroy_returning_id(holder=make_key())
        assert list(ledger_publication.get_ledger_publication().read_tombstones()) == []

        ledger_sequencer.run_sequencer(NOW)

        (grave,) = ledger_publication.get_ledger_publication().read_tombstones()
        assert grave == tombstones.build_key_tombstone(bytes.fromhex(key_id))
        assert key_id not in grave.value
        assert ledger_sequencer.run_sequencer(NOW)
        assert len(list(ledger_publication.get_ledger_publication().read_tombstones())) == 1

    def test_owes_nothing_for_what_was_rolled_back(self, ring):
        holder = make_key()
        with transaction.atomic():
            data_keys.destroy_returning_id(holder=holder)
            transaction.set_rollback(True)
        ledger_sequencer.run_sequencer(NOW)

        assert list(ledger_publication.get_ledger_publication().read_tombstones()) == []

    def test_is_repeated_after_a_crash_and_never_lost(self, ring, monkeypatch):
        data_keys.destroy_returning_id(holder=make_key())
        sink = ledger_publication.get_ledger_publication()
        with monkeypatch.context() as patch:

            def killed(_, graves):
                sink_bury(sink, graves)
                raise KeyboardInterrupt

            sink_bury = ledger_publication.PublicationFolder.append_tombstones
            patch.setattr(ledger_publication.PublicationFolder, "append_tombstones", killed)
            with pytest.raises(KeyboardInterrupt):
                ledger_sequencer.run_sequencer(NOW)
        ledger_sequencer.run_sequencer(NOW)

        assert len(set(sink.read_tombstones())) == 1
        assert not OwedTombstone.objects.filter(published_at=None).exists()

    def test_reads_past_a_line_that_a_crash_cut_short(self, ring):
        data_keys.destroy_returning_id(holder=make_key())
        ledger_sequencer.run_sequencer(NOW)
        with (ledger_publication.get_ledger_publication().path.parent / "tombstones.jsonl").open(
            "a"
        ) as file:
            file.write('{"kind": "k')
        data_keys.destroy_returning_id(holder=make_key())
        ledger_sequencer.run_sequencer(NOW)

        assert len(list(ledger_publication.get_ledger_publication().read_tombstones())) == 2

    def test_stops_at_a_damaged_one(self, ring):
        path = ledger_publication.get_ledger_publication().path.parent / "tombstones.jsonl"
        path.write_text('{"kind": "key"}\n')

        with pytest.raises(CommandError, match="cannot be read"):
            call_command("apply_tombstones")


@pytest.mark.django_db
@pytest.mark.invariant(3)
@pytest.mark.invariant(6)
@pytest.mark.scenario("X3")
class TestRestore:
    """A restored copy is older than what stands outside, and both ledger and keys notice."""

    def test_is_found_by_the_sequencer_and_by_the_audit(self, ring):
        record_entries(3)
        older = copy_tables()
        record_entries(4)
        lines = ledger_publication.get_ledger_publication().path.read_text()

        restore(older)

        assert Leaf.objects.count() == 3
        with pytest.raises(
            ledger_sequencer.LedgerFork, match="published at 7, but the database has 3"
        ):
            record_entries()
        with pytest.raises(ledger_audit.LedgerBroken, match="a checkpoint of 7 was made"):
            ledger_audit.audit_ledger()
        assert ledger_publication.get_ledger_publication().path.read_text() == lines

    def test_signs_no_fork_once_it_has_grown_past_what_was_published(self, ring):
        record_entries(3)
        older = copy_tables()
        record_entries(2)
        restore(older)
        # As if an older program, which did not look, had gone on to place entries.
        for _ in range(9):
            entries.record_ledger_event(event="integration.connected", about=uuid7(), at=NOW)
        ledger_sequencer._place_entries(NOW, 100)

        with pytest.raises(ledger_sequencer.LedgerFork, match="not the one that was published"):
            ledger_sequencer.run_sequencer(NOW)

    @pytest.mark.control("6.7.1")
    @pytest.mark.clause("TOK-DELETE", "WDEL")
    def test_brings_no_destroyed_key_back(self, ring, capsys):
        gone, stays = make_key(), make_key()
        record_entries()
        older = copy_tables()
        data_keys.destroy_returning_id(holder=gone)
        record_entries()
        restore(older)
        assert data_keys.unwrap(data_keys.read_row(gone))

        call_command("apply_tombstones")

        assert "1 restored keys destroyed again" in (said := capsys.readouterr().out)
        assert "The restore set the ledger back" in said
        assert data_keys.read_row(gone) is None
        assert data_keys.unwrap(data_keys.read_row(stays))
        assert b'"restored":true' in bytes(Leaf.objects.order_by("id").last().payload)
        assert resurrected_keys.destroy_resurrected_keys(at=NOW) == []

    @pytest.mark.control("6.7.1")
    def test_is_looked_for_when_a_worker_starts(self, ring, monkeypatch):
        from django.db import connections

        from config.celery import check_restored_keys

        monkeypatch.setattr(type(connections), "close_all", lambda _: None)
        gone = make_key()
        older = copy_tables()
        data_keys.destroy_returning_id(holder=gone)
        record_entries()
        restore(older)

        check_restored_keys()

        assert data_keys.read_row(gone) is None

    def test_counts_the_receipts_that_it_lost(self, ring):
        tombstones.record_owed_tombstone(tombstones.build_receipt_tombstone(uuid7()))
        record_entries()

        assert resurrected_keys.count_missing_receipts() == 1

    def test_does_nothing_where_nothing_was_restored(self, ring, capsys):
        data_keys.destroy_returning_id(holder=make_key())
        make_key()
        record_entries()

        call_command("apply_tombstones")

        assert capsys.readouterr().out == (
            "0 restored keys destroyed again; 0 receipts are missing\n"
        )
        assert DataKey.objects.count() == 1
