from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.ids import uuid7
from limited_use.ledger import (
    entries,
    entry_proofs,
    ledger_audit,
    ledger_publication,
    ledger_sequencer,
    merkle_tree,
    signed_notes,
    tile_store,
    tree_tiles,
)
from limited_use.ledger.merkle_tree import BadMerkleProof
from limited_use.ledger.signed_notes import BadNote, VerifierKey
from limited_use.models import Checkpoint, Leaf, Tile
from tests.limited_use.conftest import NOW

VECTOR_LEAVES = [f"leaf-{n}".encode() for n in range(7)]
VECTOR_HASHES = [merkle_tree.hash_leaf(leaf) for leaf in VECTOR_LEAVES]
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = "ledger.example/log1+7d41893d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
VERIFIER = VerifierKey.parse(KEY)
NOTE = """ledger.example/log1
7
CwB/uRXrmyoUb1SxyG7FO2ZPjkVbdmCwtu4T7cDZIcA=

— ledger.example/log1 fUGJPaRZyLMERUT4XXFc5Rt8TBzcBaDQZOqQdu2/72dznGK50ecQUVZPdpN18laTqVeG5jSWy7psLf5grN81CorDuAc=
"""  # noqa: E501
PROOF = f"""c2sp.org/tlog-proof@v1
index 4
jxWTy5L0Kdk0C5u8HwuxIq34AmxCpKQhQuIWiTFycjY=
Z283gvWzpftDcO1JVyztxSP0pmMiJpyF8q8FCdF7Ck0=
vdHF/1WxnLaw58dhv5psyqJ/u/wHt08fq7bpEaC9KrM=

{NOTE}"""
WITNESS_BLOB = (
    "IDJKvgAAAABpVbkAPd0x7zdeytL+vdUvRbcbuVb/wMhaMpusfbPgi+iOkkWSWYoJAjcODtJg9mHwAT07Oq9OU1ubuq"
    "ExCuhXnmm9Cg=="
)


def b64(data):
    return base64.b64encode(data).decode()


class TestTree:
    def test_has_the_roots_of_the_vector(self):
        ranges = merkle_tree.build_merkle_range_root(VECTOR_HASHES)

        assert b64(ranges(0, 3)) == "z3Y6BByBzu8VeKYIP3XGG+8uABTyo+aDqX/Pylvn8Zo="
        assert b64(ranges(0, 7)) == "CwB/uRXrmyoUb1SxyG7FO2ZPjkVbdmCwtu4T7cDZIcA="
        assert ranges(0, 0) == merkle_tree.EMPTY

    def test_has_the_consistency_proof_of_the_vector(self):
        proof = merkle_tree.build_consistency_proof(
            3, 7, merkle_tree.build_merkle_range_root(VECTOR_HASHES)
        )

        assert [b64(one) for one in proof] == [
            "/KifV8n4yOtAR6f/nTM6z54PM4SyCyVbzqsPIW3Momc=",
            "92g2MlrsVpnY1x+OQunUfFwpsIBZuiljhPfKQK06QK4=",
            "YKU+7Q3oepDI5ZQnxZxGJTwzp2oJUCpRgBMAknt+a9w=",
            "jq5r07Ogfx917nKlMWKebrMeQuYvdg5H3lKlPDZB7yM=",
        ]

    def test_proves_every_leaf_of_every_size(self):
        hashes = [merkle_tree.hash_leaf(bytes([n])) for n in range(70)]
        ranges = merkle_tree.build_merkle_range_root(hashes)
        for size in range(1, 71):
            root = ranges(0, size)
            for index in range(size):
                path = merkle_tree.build_inclusion_proof(index, size, ranges)
                merkle_tree.verify_inclusion(hashes[index], index, size, path, root)
                with pytest.raises(BadMerkleProof):
                    merkle_tree.verify_inclusion(
                        hashes[index - 1], index, size, [*path, root], root
                    )

    def test_proves_that_every_size_continues_every_smaller_one(self):
        ranges = merkle_tree.build_merkle_range_root(
            [merkle_tree.hash_leaf(bytes([n])) for n in range(70)]
        )
        for new in range(1, 71):
            for old in range(1, new + 1):
                proof = merkle_tree.build_consistency_proof(old, new, ranges)
                merkle_tree.verify_consistency(old, new, proof, ranges(0, old), ranges(0, new))
                with pytest.raises(BadMerkleProof):
                    merkle_tree.verify_consistency(
                        old, new, proof, merkle_tree.EMPTY, ranges(0, new)
                    )

    @given(
        size=st.integers(1, 200),
        data=st.data(),
    )
    def test_believes_no_altered_path(self, size, data):
        hashes = [merkle_tree.hash_leaf(n.to_bytes(2, "big")) for n in range(size)]
        ranges = merkle_tree.build_merkle_range_root(hashes)
        index = data.draw(st.integers(0, size - 1))
        path = merkle_tree.build_inclusion_proof(index, size, ranges)
        altered = data.draw(
            st.sampled_from(
                [path[:-1], [*path, merkle_tree.EMPTY], path[::-1], [merkle_tree.EMPTY, *path[1:]]]
            )
        )
        if altered != path:
            with pytest.raises(BadMerkleProof):
                merkle_tree.verify_inclusion(hashes[index], index, size, altered, ranges(0, size))

    @pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
    def test_has_no_leaf_outside(self, index, size):
        with pytest.raises(ValueError, match="no such leaf"):
            merkle_tree.build_inclusion_proof(
                index, size, merkle_tree.build_merkle_range_root(VECTOR_HASHES)
            )
        with pytest.raises(BadMerkleProof):
            merkle_tree.verify_inclusion(VECTOR_HASHES[0], index, size, [], merkle_tree.EMPTY)


class TestTiles:
    @given(steps=st.lists(st.integers(1, 700), min_size=1, max_size=5))
    def test_have_the_roots_and_proofs_of_the_whole_tree(self, steps):
        held: dict[tree_tiles.TileAddress, bytes] = {}
        hashes: list[bytes] = []

        def read(place):
            return held.get(place, b"")

        for step in steps:
            new = [merkle_tree.hash_leaf((len(hashes) + n).to_bytes(4, "big")) for n in range(step)]
            held |= tree_tiles.append_leaves(len(hashes), new, read)
            hashes += new

        size, whole, ranges = (
            len(hashes),
            merkle_tree.build_merkle_range_root(hashes),
            tree_tiles.build_tile_range_root(read),
        )
        assert ranges(0, size) == whole(0, size)
        for index in {0, size // 3, size - 1}:
            assert merkle_tree.build_inclusion_proof(
                index, size, ranges
            ) == merkle_tree.build_inclusion_proof(index, size, whole)
        old = max(1, size // 2)
        assert merkle_tree.build_consistency_proof(
            old, size, ranges
        ) == merkle_tree.build_consistency_proof(old, size, whole)

    def test_reach_a_third_level(self):
        # 65,536 leaves fill a tile of level one.
        hashes = [merkle_tree.hash_leaf(n.to_bytes(4, "big")) for n in range(65_537)]
        held = tree_tiles.append_leaves(0, hashes, lambda _: b"")
        ranges = tree_tiles.build_tile_range_root(lambda place: held.get(place, b""))

        assert (2, 0) in held
        path = merkle_tree.build_inclusion_proof(4_321, 65_537, ranges)
        merkle_tree.verify_inclusion(hashes[4_321], 4_321, 65_537, path, ranges(0, 65_537))

    def test_miss_no_tile_in_silence(self):
        with pytest.raises(tree_tiles.TileMissing):
            tree_tiles.append_leaves(10, VECTOR_HASHES, lambda _: b"")
        with pytest.raises(tree_tiles.TileMissing):
            tree_tiles.build_tile_range_root(lambda _: b"")(0, 4)


class TestNotes:
    def test_sign_the_vector(self):
        text = str(
            signed_notes.LogCheckpoint(
                "ledger.example/log1", 7, merkle_tree.build_merkle_range_root(VECTOR_HASHES)(0, 7)
            )
        )

        assert signed_notes.sign_note(text, VERIFIER, SIGNER.sign) == NOTE
        assert (
            signed_notes.LogCheckpoint.parse(signed_notes.verify_note(NOTE, [VERIFIER])).size == 7
        )

    def test_write_a_verifier_key_as_the_vector_does(self):
        assert (
            str(VerifierKey("ledger.example/log1", SIGNER.public_key().public_bytes_raw())) == KEY
        )

    def test_accept_a_witness_and_check_it_if_known(self):
        witness = Ed25519PrivateKey.from_private_bytes(bytes(range(0x20, 0x40)))
        key = VerifierKey(
            "witness.example/w1", witness.public_key().public_bytes_raw(), signed_notes.COSIGNATURE
        )
        cosigned = f"{NOTE}\N{EM DASH} witness.example/w1 {WITNESS_BLOB}\n"

        assert signed_notes.verify_note(cosigned, [VERIFIER])
        assert signed_notes.verify_note(cosigned, [VERIFIER, VerifierKey.parse(str(key))])
        with pytest.raises(BadNote, match=r"signature of witness\.example/w1 is wrong"):
            signed_notes.verify_note(cosigned.replace("AAAABpVbkA", "AAAABpVbkB"), [VERIFIER, key])

    def test_are_not_verified_by_a_witness_alone(self):
        witness = Ed25519PrivateKey.from_private_bytes(bytes(range(0x20, 0x40)))
        key = VerifierKey(
            "witness.example/w1", witness.public_key().public_bytes_raw(), signed_notes.COSIGNATURE
        )

        with pytest.raises(BadNote):
            signed_notes.verify_note(
                f"{NOTE}\N{EM DASH} witness.example/w1 {WITNESS_BLOB}\n", [key]
            )

    def test_are_not_believed_without_a_key(self):
        with pytest.raises(BadNote):
            signed_notes.verify_note(NOTE, [])

    def test_are_not_believed_with_any_byte_changed(self):
        data = NOTE.encode()
        for at in range(len(data)):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with pytest.raises((BadNote, UnicodeDecodeError)):
                signed_notes.verify_note(changed.decode(), [VERIFIER])

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "name",
            "name+7d41893d",
            KEY.replace("7d41893d", "7d41893e"),
            KEY + "=",
            KEY.replace("AQ", "Ag"),
            "two words" + KEY[19:],
        ],
    )
    def test_know_what_is_no_key(self, text):
        with pytest.raises(BadNote):
            VerifierKey.parse(text)

    @pytest.mark.parametrize(
        "text",
        ["", "a\n1\n", "a\n01\nAAAA\n", "a b\n1\n" + b64(bytes(32)) + "\n", "a\n1\nAAAA\n"],
    )
    def test_know_what_is_no_checkpoint(self, text):
        with pytest.raises(BadNote):
            signed_notes.LogCheckpoint.parse(text)


class TestProofs:
    def test_write_the_vector(self):
        path = merkle_tree.build_inclusion_proof(
            4, 7, merkle_tree.build_merkle_range_root(VECTOR_HASHES)
        )

        assert entry_proofs.write_entry_proof(payload=None, index=4, path=path, note=NOTE) == PROOF

    def test_show_the_entry_of_the_vector(self):
        proven = entry_proofs.verify_entry_proof(
            PROOF, [VERIFIER], payload=b"leaf-4", origin="ledger.example/log1"
        )

        assert (proven.payload, proven.index, proven.checkpoint.size) == (b"leaf-4", 4, 7)

    def test_carry_the_entry(self):
        path = merkle_tree.build_inclusion_proof(
            4, 7, merkle_tree.build_merkle_range_root(VECTOR_HASHES)
        )
        text = entry_proofs.write_entry_proof(payload=b"leaf-4", index=4, path=path, note=NOTE)

        assert entry_proofs.verify_entry_proof(text, [VERIFIER]).payload == b"leaf-4"
        with pytest.raises(BadMerkleProof):
            entry_proofs.verify_entry_proof(text, [VERIFIER], payload=b"leaf-5")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("index 4", "index 5"),
            ("index 4", "index 04"),
            ("index 4", "index " + "4" * 5000),
            ("index 4", "index ٤"),
            ("tlog-proof@v1", "tlog-proof@v2"),
            ("jxWTy5L0", "jxWTy5L1"),
            ("index 4\n", ""),
            ("\n\n", "\n"),
            ("log1\n7", "log1\n8"),
        ],
    )
    def test_show_nothing_when_changed(self, old, new):
        with pytest.raises((BadMerkleProof, BadNote)):
            entry_proofs.verify_entry_proof(
                PROOF.replace(old, new, 1), [VERIFIER], payload=b"leaf-4"
            )

    def test_show_nothing_of_another_entry_or_log(self):
        with pytest.raises(BadMerkleProof):
            entry_proofs.verify_entry_proof(PROOF, [VERIFIER], payload=b"leaf-3")
        with pytest.raises(BadMerkleProof):
            entry_proofs.verify_entry_proof(
                PROOF, [VERIFIER], payload=b"leaf-4", origin="other.example/log"
            )
        with pytest.raises(BadMerkleProof):
            entry_proofs.verify_entry_proof(PROOF, [VERIFIER])


def record(count=1):
    return [
        entries.record_ledger_event(
            event="integration.connected", about=uuid7(), body={"n": n}, at=NOW
        )
        for n in range(count)
    ]


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestEntries:
    @pytest.mark.claim(
        "ledger.no-mail",
        "review.nobody-named",
        "ledger-part.no-name",
        "receipt.ledger",
        "uses.pseudonym",
    )
    @pytest.mark.parametrize(
        "body",
        [
            {"subject": "Lunch at noon?"},
            {"to": "alice@example.com"},
            {"id": str(uuid7())},
            {"size": 1.5},
            {"names": ["fine", "not fine"]},
            {"counts": {"inbox": "many"}},
            {"raw": b"bytes"},
        ],
    )
    def test_hold_no_content_no_address_and_no_raw_id(self, ring, body):
        with pytest.raises(entries.LedgerEntryRefused):
            entries.record_ledger_event(event="x.done", about=uuid7(), body=body, at=NOW)

    def test_hold_words_counts_and_truths(self, ring):
        entries.record_ledger_event(
            event="purge.completed",
            about=uuid7(),
            body={"trigger": "owner", "n": 3, "ok": True, "stores": {"integrations.Message": 0}},
            at=NOW,
        )

        payload = bytes(Leaf.objects.get().payload)
        assert (
            payload
            == json.dumps(json.loads(payload), sort_keys=True, separators=(",", ":")).encode()
        )

    @pytest.mark.claim("data-use.permits")
    @pytest.mark.parametrize(
        "change", [{"payload": b"other"}, {"subject": b"x" * 16}, {"idx": None}, {"idx": 7}]
    )
    def test_never_change_once_placed(self, ring, change):
        (entry,) = record()
        ledger_sequencer.run_sequencer(NOW)

        with pytest.raises(IntegrityError), transaction.atomic():
            Leaf.objects.filter(id=entry).update(**change)

    @pytest.mark.claim("uses.written")
    @pytest.mark.parametrize("change", [{"payload": b"other"}, {"subject": b"x" * 16}])
    def test_get_nothing_but_their_place(self, ring, change):
        (entry,) = record()

        for values in (change, {"idx": 0, **change}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Leaf.objects.filter(id=entry).update(**values)

    @pytest.mark.claim("data-use.permits", "uses.written")
    def test_never_go(self, ring):
        record()

        with pytest.raises(IntegrityError), transaction.atomic():
            Leaf.objects.all().delete()

    def test_never_go_all_at_once(self, ring):
        record()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE limited_use_leaf ENABLE TRIGGER limited_use_keep_leaves")

            with pytest.raises(IntegrityError), transaction.atomic():
                cursor.execute("TRUNCATE limited_use_leaf")

    def test_name_the_same_subject_alike_under_one_keyring_only(self, ring, settings, tmp_path):
        from limited_use.vault.keyring.keyring_file import FileKeyring

        subject = uuid7()
        name = entries.get_ledger_pseudonym(subject)
        assert entries.get_ledger_pseudonym(subject) == name

        settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "other")
        FileKeyring.create(settings.KEYRING.folder)
        assert entries.get_ledger_pseudonym(subject) != name


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestSequencer:
    @pytest.mark.claim("data-use.permits", "uses.proof")
    def test_gives_every_entry_one_place_and_signs_the_tree(self, ring):
        record(5)

        run = ledger_sequencer.run_sequencer(NOW, batch=2)

        assert (run.placed_count, run.size) == (5, 5)
        assert sorted(Leaf.objects.values_list("idx", flat=True)) == [0, 1, 2, 3, 4]
        newest = Checkpoint.objects.get(size=5)
        signed = signed_notes.verify_note(newest.note, [ledger_sequencer.get_verifier_key()])
        assert signed_notes.LogCheckpoint.parse(signed).root == bytes(newest.root)

    def test_finds_entries_that_committed_late(self, ring):
        early = uuid7()
        record(2)
        ledger_sequencer.run_sequencer(NOW)
        # An id from before the others, seen only now.
        entries.append_ledger_entries([(early, {"event": "late.arrived", "at": 0})])

        assert ledger_sequencer.run_sequencer(NOW).placed_count == 1
        assert Leaf.objects.get(id=early).idx == 2

    def test_does_nothing_twice(self, ring):
        record(3)
        ledger_sequencer.run_sequencer(NOW)
        lines = ledger_publication.get_ledger_publication().path.read_text()

        assert ledger_sequencer.run_sequencer(NOW).placed_count == 0
        assert ledger_publication.get_ledger_publication().path.read_text() == lines

    def test_proves_its_entries_and_that_it_only_grew(self, ring):
        first = record(3)
        ledger_sequencer.run_sequencer(NOW)
        old = Checkpoint.objects.get(size=3)
        record(300)
        ledger_sequencer.run_sequencer(NOW)
        new = Checkpoint.objects.get(size=303)

        for proven in tile_store.prove_entries(first):
            assert (
                entry_proofs.verify_entry_proof(
                    proven.proof, [ledger_sequencer.get_verifier_key()]
                ).checkpoint.size
                == 303
            )
        merkle_tree.verify_consistency(
            3, 303, tile_store.build_consistency_path(3, 303), bytes(old.root), bytes(new.root)
        )

    def test_proves_nothing_that_has_no_place_yet(self, ring):
        (entry,) = record()
        with pytest.raises(tile_store.EntryNotSequenced):
            tile_store.prove_entries([entry])

        ledger_sequencer.run_sequencer(NOW)
        with pytest.raises(tile_store.EntryNotSequenced):
            tile_store.prove_entries([entry, uuid7()])

    def test_signs_what_a_killed_run_had_committed(self, ring, monkeypatch):
        record(2)
        with monkeypatch.context() as patch:
            patch.setattr(
                ledger_sequencer,
                "_publish_checkpoint",
                lambda _: (_ for _ in ()).throw(KeyboardInterrupt),
            )
            with pytest.raises(KeyboardInterrupt):
                ledger_sequencer.run_sequencer(NOW)
        assert Checkpoint.objects.get(size=2).note == ""

        ledger_sequencer.run_sequencer(NOW)

        assert Checkpoint.objects.get(size=2).note

    def test_repeats_a_published_note_that_a_killed_run_did_not_store(self, ring):
        record(2)
        ledger_sequencer.run_sequencer(NOW)
        note = Checkpoint.objects.get(size=2).note
        lines = ledger_publication.get_ledger_publication().path.read_text()
        Checkpoint.objects.update(note="", signed_at=None)

        ledger_sequencer.run_sequencer(NOW)

        assert Checkpoint.objects.get(size=2).note == note
        assert ledger_publication.get_ledger_publication().path.read_text() == lines

    def test_goes_on_after_a_line_that_a_crash_cut_short(self, ring):
        record(1)
        ledger_sequencer.run_sequencer(NOW)
        with ledger_publication.get_ledger_publication().path.open("a") as file:
            file.write('{"origin": "ledger.exa')
        record(1)

        assert ledger_sequencer.run_sequencer(NOW).size == 2
        assert ledger_publication.get_ledger_publication().get_latest()[0].size == 2

    def test_refuses_to_go_on_from_a_database_that_was_rewound(self, ring):
        record(3)
        with transaction.atomic():
            ledger_sequencer.run_sequencer(NOW)
            transaction.set_rollback(True)
        # The database forgot; the file did not.
        with pytest.raises(ledger_sequencer.LedgerFork):
            ledger_sequencer.run_sequencer(NOW)
        assert not Checkpoint.objects.exists()

    def test_refuses_a_tree_that_differs_from_the_published_one(self, ring):
        record(3)
        ledger_sequencer.run_sequencer(NOW)
        tile = Tile.objects.get(level=0)
        hashes = bytearray(tile.hashes)
        hashes[0] ^= 1
        Tile.objects.update(hashes=bytes(hashes))

        with pytest.raises(ledger_sequencer.LedgerFork):
            ledger_sequencer.run_sequencer(NOW)

    def test_refuses_another_logs_file(self, ring, settings):
        record(1)
        ledger_sequencer.run_sequencer(NOW)
        settings.LEDGER_ORIGIN = "ledger.example/log2"

        with pytest.raises(ledger_sequencer.LedgerFork):
            ledger_sequencer.run_sequencer(NOW)

    def test_says_so_by_command(self, ring, capsys, settings):
        record(2)
        call_command("sequence_ledger")
        assert "2 entries added, tree of size 2 signed" in capsys.readouterr().out

        settings.LEDGER_ORIGIN = "ledger.example/log2"
        with pytest.raises(CommandError, match="nothing was signed"):
            call_command("sequence_ledger")


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestAudit:
    def test_passes_a_ledger_as_it_was_written(self, ring, capsys):
        record(300)
        ledger_sequencer.run_sequencer(NOW, batch=77)
        record(1)

        call_command("verify_ledger")

        assert "300 entries and 4 checkpoints match; 1 entries wait" in capsys.readouterr().out

    def test_finds_a_missing_entry_behind_the_triggers_back(self, ring):
        from django.db import connection

        record(5)
        ledger_sequencer.run_sequencer(NOW)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE limited_use_leaf DISABLE TRIGGER limited_use_keep_leaf")
            cursor.execute("DELETE FROM limited_use_leaf WHERE idx = 2")
            cursor.execute("ALTER TABLE limited_use_leaf ENABLE TRIGGER limited_use_keep_leaf")

        with pytest.raises(CommandError):
            call_command("verify_ledger")

    @pytest.mark.parametrize("change", [{"root": b"\0" * 32}, {"note": NOTE}])
    def test_finds_a_checkpoint_that_is_not_of_these_entries(self, ring, change):
        record(7)
        ledger_sequencer.run_sequencer(NOW)
        Checkpoint.objects.update(**change)

        with pytest.raises(ledger_audit.LedgerBroken):
            ledger_audit.audit_ledger()
