"""The ledger is computed again, and what does not fit is named."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.ids import uuid7
from limited_use.ledger import (
    entries,
    entry_diff,
    ledger_audit,
    ledger_publication,
    ledger_sequencer,
    merkle_tree,
)
from limited_use.ledger.entry_diff import EntryDifferenceKind
from limited_use.models import Checkpoint, Leaf, Tile
from tests.limited_use.conftest import NOW


def record(count):
    for n in range(count):
        entries.record_ledger_event(
            event="integration.connected", about=uuid7(), body={"n": n}, at=NOW
        )
    ledger_sequencer.run_sequencer(NOW)


def behind_the_triggers_back(*statements):
    """Change entries as only an owner of the database can."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE limited_use_leaf DISABLE TRIGGER limited_use_keep_leaf")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("ALTER TABLE limited_use_leaf ENABLE TRIGGER limited_use_keep_leaf")


def found():
    with pytest.raises(ledger_audit.LedgerBroken) as broken:
        ledger_audit.audit_ledger()
    return broken.value


MOVE_UP = "UPDATE limited_use_leaf SET idx = {} WHERE idx = {}"


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestAudit:
    def test_names_a_changed_entry(self, ring):
        record(9)
        entry = Leaf.objects.get(idx=4).id
        behind_the_triggers_back(
            "UPDATE limited_use_leaf"
            " SET payload = overlay(payload placing 'x'::bytea from 3 for 1) WHERE idx = 4"
        )

        broken = found()

        assert (broken.difference.kind, broken.difference.index) == (EntryDifferenceKind.CHANGED, 4)
        assert str(broken).splitlines() == [
            f"entry 4 ({entry}) was changed", f"entry 4 ({entry}) is no entry: form"
        ]  # fmt: skip

    @pytest.mark.parametrize("place", [0, 4, 8])
    def test_names_a_missing_entry(self, ring, place):
        record(9)
        behind_the_triggers_back(f"DELETE FROM limited_use_leaf WHERE idx = {place}")  # noqa: S608

        assert str(found()) == f"entry {place} is missing"

    def test_names_a_missing_entry_whose_gap_was_closed(self, ring):
        record(9)
        behind_the_triggers_back(
            "DELETE FROM limited_use_leaf WHERE idx = 4",
            *(MOVE_UP.format(n - 1, n) for n in range(5, 9)),
        )

        assert str(found()) == "entry 4 is missing"

    def test_names_two_entries_that_changed_places(self, ring):
        record(9)
        behind_the_triggers_back(
            MOVE_UP.format(100, 2), MOVE_UP.format(2, 6), MOVE_UP.format(6, 100)
        )

        broken = found().difference

        assert (broken.kind, broken.index, broken.belongs_at) == (
            EntryDifferenceKind.REORDERED,
            2,
            6,
        )

    @pytest.mark.parametrize("place", [4, 9])
    def test_names_an_extra_entry(self, ring, place):
        record(9)
        forged = entries.append_ledger_entry({"event": "never.happened"})
        behind_the_triggers_back(
            *(MOVE_UP.format(n + 1, n) for n in range(8, place - 1, -1)),
            f"UPDATE limited_use_leaf SET idx = {place} WHERE id = '{forged}'",  # noqa: S608
        )

        extra = f"entry {place} ({forged}) is extra: it was never placed there"
        assert str(found()).splitlines()[0] == extra

    def test_names_the_first_of_several(self, ring):
        record(9)
        behind_the_triggers_back("DELETE FROM limited_use_leaf WHERE idx IN (3, 5)")

        assert found().difference.index == 3

    @pytest.mark.parametrize("chunk", [1, 3, 300])
    def test_reads_in_chunks_of_any_size(self, ring, monkeypatch, chunk):
        monkeypatch.setattr(ledger_audit, "CHUNK", chunk)
        record(7)
        assert ledger_audit.audit_ledger().size == 7

        behind_the_triggers_back(
            "DELETE FROM limited_use_leaf WHERE idx = 2",
            *(MOVE_UP.format(n - 1, n) for n in range(3, 7)),
        )
        assert str(found()) == "entry 2 is missing"

    def test_finds_a_row_that_goes_by_another_id(self, ring):
        record(3)
        behind_the_triggers_back(
            f"UPDATE limited_use_leaf SET id = '{uuid7()}' WHERE idx = 1"  # noqa: S608
        )

        assert str(found()).endswith("is no entry: id")

    def test_finds_entries_and_hashes_that_were_rewritten_together(self, ring):
        record(5)
        leaf = Leaf.objects.get(idx=2)
        forged = bytes(leaf.payload).replace(b'"n":2', b'"n":3')
        behind_the_triggers_back(
            f"UPDATE limited_use_leaf SET payload = '\\x{forged.hex()}' WHERE idx = 2"  # noqa: S608
        )
        tile = Tile.objects.get(level=0)
        hashes = bytes(tile.hashes)
        Tile.objects.update(hashes=hashes[:64] + merkle_tree.hash_leaf(forged) + hashes[96:])
        Checkpoint.objects.all().delete()
        Checkpoint.objects.create(size=5, root=b"\0" * 32, made_at=NOW)

        # Only what stands outside the database tells.
        assert "not the one that was published" in str(found())

    @pytest.mark.parametrize("level", [0, 1])
    def test_finds_a_tile_that_is_not_made_of_the_entries(self, ring, level):
        record(300)
        tile = Tile.objects.get(level=level, position=0)
        Tile.objects.filter(id=tile.id).update(hashes=bytes(tile.hashes) + b"\1" * 32)

        assert f"tile {level}/0" in str(found()) or "was published" in str(found())

    def test_finds_a_ledger_that_was_rewound(self, ring):
        record(3)
        behind_the_triggers_back("DELETE FROM limited_use_leaf WHERE idx = 2")
        Checkpoint.objects.all().delete()
        Checkpoint.objects.create(size=2, root=b"\0" * 32, made_at=NOW)
        Tile.objects.update(hashes=bytes(Tile.objects.get().hashes)[:64])

        with pytest.raises(CommandError):
            call_command("verify_ledger")

    def test_finds_a_published_checkpoint_that_is_not_signed(self, ring):
        record(2)
        path = ledger_publication.get_ledger_publication().path
        path.write_text(path.read_text().replace("ledger.example/log1 ", "ledger.example/log2 "))

        assert "not signed by this log" in str(found())

    def test_reads_past_a_line_that_a_crash_cut_short(self, ring):
        record(1)
        with ledger_publication.get_ledger_publication().path.open("a") as file:
            file.write('{"note": "ledger.exa')
        record(1)

        assert ledger_audit.audit_ledger().published_count == 2


HASHES = [bytes([n]) for n in range(60)]


class TestDifferences:
    """Whatever happened first is named, wherever it happened."""

    def first(self, ours, theirs, low=0):
        return entry_diff.find_first_entry_difference(
            low, ours, theirs, lambda one: theirs.index(one) + low if one in theirs else None
        )

    @given(size=st.integers(0, 40), low=st.integers(0, 10_000))
    def test_find_nothing_where_nothing_is(self, size, low):
        assert self.first(HASHES[:size], HASHES[:size], low) is None

    @given(size=st.integers(1, 40), low=st.integers(0, 10_000), data=st.data())
    def test_name_the_first_place(self, size, low, data):
        theirs = HASHES[:size]
        place = data.draw(st.integers(0, size - 1))
        change = data.draw(st.sampled_from(["changed", "emptied", "taken out", "put in"]))
        ours = {
            "changed": [*theirs[:place], b"forged", *theirs[place + 1 :]],
            "emptied": [*theirs[:place], None, *theirs[place + 1 :]],
            "taken out": [*theirs[:place], *theirs[place + 1 :]],
            "put in": [*theirs[:place], b"forged", *theirs[place:]],
        }[change]

        found = self.first(ours, theirs, low)

        assert found.index == low + place
        assert (
            found.kind
            == {
                "changed": EntryDifferenceKind.CHANGED,
                "emptied": EntryDifferenceKind.MISSING,
                "taken out": EntryDifferenceKind.MISSING,
                "put in": EntryDifferenceKind.EXTRA,
            }[change]
        )

    @given(size=st.integers(2, 40), data=st.data())
    def test_name_entries_that_changed_places(self, size, data):
        theirs = HASHES[:size]
        one, other = sorted(
            data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True))
        )
        ours = list(theirs)
        ours[one], ours[other] = ours[other], ours[one]

        found = self.first(ours, theirs)

        assert (found.kind, found.index, found.belongs_at) == (
            EntryDifferenceKind.REORDERED,
            one,
            other,
        )


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestNewName:
    """After a restore a log begins anew, over the tree that the copy has."""

    def test_goes_on_from_the_copy_and_fits(self, ring, settings, tmp_path):
        record(3)
        former = str(ledger_sequencer.get_verifier_key())
        settings.LEDGER_ORIGIN = "ledger.example/log2"
        settings.PUBLICATION_DIR = tmp_path / "outside-2"

        record(2)

        checked = ledger_audit.audit_ledger()
        assert (checked.size, checked.checkpoint_count, checked.published_count) == (5, 2, 1)
        latest, note = ledger_publication.get_ledger_publication().get_latest()
        assert (latest.origin, latest.size) == ("ledger.example/log2", 5)
        assert former.split("+", maxsplit=1)[0] not in note

    def test_does_not_make_a_sink_that_lost_something_good(self, ring, settings, tmp_path):
        record(3)
        settings.PUBLICATION_DIR = tmp_path / "outside-2"

        with pytest.raises(ledger_sequencer.LedgerFork):
            record(1)
