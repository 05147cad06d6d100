"""What somebody kept outside shows whether the log only grew; offline, and by property."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.ids import uuid7
from limited_use.ledger import (
    consistency_proofs,
    entries,
    ledger_publication,
    ledger_sequencer,
    merkle_tree,
    signed_notes,
    tile_store,
)
from limited_use.ledger.consistency_proofs import BadMerkleProof, BadNote
from limited_use.ledger.signed_notes import LogCheckpoint, VerifierKey
from limited_use.models import Checkpoint as Made
from limited_use.receipts import receipts
from limited_use.verify import checkpoint_checks
from limited_use.verify.checkpoint_checks import CheckpointsInconsistent
from tests.limited_use.conftest import NOW
from tests.limited_use.test_ledger import NOTE, SIGNER, VECTOR_HASHES, VERIFIER

ORIGIN = "ledger.example/log1"
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
# RFC 9162 §2.1.4 on the vector's tree, from 3 to 7 leaves.
VECTOR = f"""old 3
/KifV8n4yOtAR6f/nTM6z54PM4SyCyVbzqsPIW3Momc=
92g2MlrsVpnY1x+OQunUfFwpsIBZuiljhPfKQK06QK4=
YKU+7Q3oepDI5ZQnxZxGJTwzp2oJUCpRgBMAknt+a9w=
jq5r07Ogfx917nKlMWKebrMeQuYvdg5H3lKlPDZB7yM=

{NOTE}"""


def hashes(size, mark=b""):
    return [merkle_tree.hash_leaf(mark + n.to_bytes(4, "big")) for n in range(size)]


def signed(leaves, size, signer=SIGNER):
    checkpoint = LogCheckpoint(ORIGIN, size, merkle_tree.build_merkle_range_root(leaves)(0, size))
    return signed_notes.sign_note(str(checkpoint), VERIFIER, signer.sign)


def proof(leaves, old, new):
    path = merkle_tree.build_consistency_proof(
        old, new, merkle_tree.build_merkle_range_root(leaves)
    )
    return consistency_proofs.write_consistency_proof(old=old, path=path, note=signed(leaves, new))


def check(series, proofs=()):
    return list(checkpoint_checks.check_checkpoint_series(series, proofs, [VERIFIER]))


class TestConsistencyText:
    def test_writes_the_vector(self):
        path = merkle_tree.build_consistency_proof(
            3, 7, merkle_tree.build_merkle_range_root(VECTOR_HASHES)
        )

        assert consistency_proofs.write_consistency_proof(old=3, path=path, note=NOTE) == VECTOR

    def test_shows_what_the_vector_shows(self):
        read = consistency_proofs.parse_consistency_proof(VECTOR, [VERIFIER])

        read.check_begins_with(
            LogCheckpoint(ORIGIN, 3, merkle_tree.build_merkle_range_root(VECTOR_HASHES)(0, 3))
        )
        for other in (
            LogCheckpoint(ORIGIN, 3, merkle_tree.EMPTY),
            LogCheckpoint(ORIGIN, 2, merkle_tree.build_merkle_range_root(VECTOR_HASHES)(0, 2)),
            LogCheckpoint(
                "other.example/log", 3, merkle_tree.build_merkle_range_root(VECTOR_HASHES)(0, 3)
            ),
        ):
            with pytest.raises(BadMerkleProof):
                read.check_begins_with(other)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("old 3", "old 03"),
            ("old 3", "new 3"),
            ("old 3", "old " + "3" * 30),
            ("/KifV8n4", "/KifV8n"),
            ("\n\n", "\n"),
            ("log1\n7", "log1\n8"),
            ("old 3\n", "old 3\n" + (merkle_tree.EMPTY.hex() + "\n") * 64),
        ],
    )
    def test_is_not_read_when_malformed(self, old, new):
        with pytest.raises((BadMerkleProof, BadNote)):
            consistency_proofs.parse_consistency_proof(VECTOR.replace(old, new, 1), [VERIFIER])

    @given(size=st.integers(1, 300), data=st.data())
    def test_shows_growth_and_nothing_else(self, size, data):
        old = data.draw(st.integers(1, size))
        leaves = hashes(size)
        read = consistency_proofs.parse_consistency_proof(proof(leaves, old, size), [VERIFIER])

        read.check_begins_with(
            LogCheckpoint(ORIGIN, old, merkle_tree.build_merkle_range_root(leaves)(0, old))
        )
        changed = data.draw(st.integers(0, old - 1))
        forged = [*leaves[:changed], merkle_tree.hash_leaf(b"forged"), *leaves[changed + 1 :]]
        with pytest.raises(BadMerkleProof):
            read.check_begins_with(
                LogCheckpoint(ORIGIN, old, merkle_tree.build_merkle_range_root(forged)(0, old))
            )


@pytest.mark.invariant(3)
class TestCheckpointCheck:
    @given(sizes=st.lists(st.integers(0, 80), min_size=1, max_size=6).map(sorted))
    def test_passes_every_log_that_only_grew(self, sizes):
        leaves = hashes(80)
        proofs = [proof(leaves, *pair) for pair in itertools.pairwise(sizes) if pair[0]]

        lines = check([signed(leaves, size) for size in sizes], proofs[::-1])

        assert len(lines) == len(sizes)

    @pytest.mark.claim("keys.tamper-evident")
    @given(old=st.integers(1, 40), more=st.integers(1, 40), data=st.data())
    def test_finds_every_rewritten_history(self, old, more, data):
        leaves = hashes(old + more)
        changed = data.draw(st.integers(0, old - 1))
        forged = [*leaves[:changed], merkle_tree.hash_leaf(b"forged"), *leaves[changed + 1 :]]
        series = [signed(leaves, old), signed(forged, old + more)]

        # The service proves what it likes: of its new history, or of the old one.
        for given_proof in (proof(forged, old, old + more), proof(leaves, old, old + more)):
            with pytest.raises(CheckpointsInconsistent):
                check(series, [given_proof])

    def test_finds_a_fork(self):
        with pytest.raises(CheckpointsInconsistent, match="5 and 5 show two histories"):
            check([signed(hashes(5), 5), signed(hashes(5, b"x"), 5)])

    def test_finds_a_log_that_shrank(self):
        with pytest.raises(CheckpointsInconsistent, match="5 and 4: the log shrank"):
            check([signed(hashes(5), 5), signed(hashes(5), 4)])

    def test_believes_no_growth_without_a_proof(self):
        with pytest.raises(CheckpointsInconsistent, match="no proof was given that 5 continues 3"):
            check([signed(hashes(5), 3), signed(hashes(5), 5)])

    @pytest.mark.parametrize("which", [0, 1])
    def test_believes_no_other_key(self, which):
        signers = [SIGNER, SIGNER]
        signers[which] = OTHER
        series = [signed(hashes(5), n, one) for n, one in zip((3, 5), signers, strict=True)]

        with pytest.raises(CheckpointsInconsistent, match="not signed"):
            check(series, [proof(hashes(5), 3, 5)])

    def test_shows_nothing_of_nothing(self):
        with pytest.raises(CheckpointsInconsistent):
            check([])
        with pytest.raises(CheckpointsInconsistent):
            checkpoint_checks.parse_checkpoint_notes("{nonsense}\n")


def record(count):
    for _ in range(count):
        entries.record_ledger_event(event="integration.connected", about=uuid7(), at=NOW)
    ledger_sequencer.run_sequencer(NOW)


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestProgram:
    def run(self, *arguments):
        program = (
            "import sys, runpy;"
            "sys.modules.update(dict.fromkeys(['django', 'accounts', 'integrations', 'celery']));"
            "sys.argv[0] = 'verify'; runpy.run_module('limited_use.verify', run_name='__main__')"
        )
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={},
        )

    def test_checks_what_was_published_without_django(self, ring, capsys, tmp_path):
        for count in (3, 1, 260):
            record(count)
        call_command("prove_consistency", "--all")
        proofs = tmp_path / "proofs.txt"
        proofs.write_text(capsys.readouterr().out)
        key = ["--key", str(ledger_sequencer.get_verifier_key())]
        series = ["--checkpoints", ledger_publication.get_ledger_publication().path]

        done = self.run(*key, *series, proofs)

        assert (done.returncode, done.stderr) == (0, "")
        assert "grew            from 4 to 264, nothing changed before" in done.stdout
        for arguments in (
            [*key, *series],
            [*series, proofs],
            ["--key", receipts.get_receipt_public_keys()[0], *series, proofs],
            [*key, "--checkpoints", tmp_path / "missing"],
        ):
            done = self.run(*arguments)
            assert (done.returncode, done.stderr) == (1, "")
            assert done.stdout.startswith("NOT PROVEN: ")

    def test_checks_single_checkpoints_that_were_kept(self, ring, capsys, tmp_path):
        files = []
        for at, count in enumerate((2, 5)):
            record(count)
            files += ["--checkpoints", tmp_path / f"{at}"]
            files[-1].write_text(tile_store.get_latest_note())
        call_command("prove_consistency", "2", "7")
        (tmp_path / "proof").write_text(capsys.readouterr().out)

        done = self.run("--key", ledger_sequencer.get_verifier_key(), *files, tmp_path / "proof")

        assert done.returncode == 0

    def test_needs_one_receipt_or_checkpoints(self):
        assert self.run("--key", "x").returncode == 2
        assert self.run("--key", "x", "a", "b", "c").returncode == 2


@pytest.mark.django_db
class TestProveConsistency:
    @pytest.mark.parametrize("sizes", [(), (1,), (0, 3), (2, 1), (1, 2), (4, 3), (1, 9)])
    def test_says_what_cannot_be_proven(self, ring, sizes):
        record(3)

        with pytest.raises(CommandError):
            call_command("prove_consistency", *map(str, sizes))


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestPublication:
    def test_takes_nothing_back(self, ring):
        record(3)
        sink = ledger_publication.get_ledger_publication()
        (three, note) = sink.get_latest()

        for other in (
            LogCheckpoint(ORIGIN, 2, three.root),
            LogCheckpoint(ORIGIN, 3, merkle_tree.EMPTY),
        ):
            with pytest.raises(ledger_publication.AlreadyPublished):
                sink.append_checkpoint(other, note)
        assert list(sink.read_checkpoints()) == [(three, note)]

    def test_stands_in_a_folder_of_its_own(self, ring, settings, tmp_path):
        settings.PUBLICATION_DIR = tmp_path / "outside"
        record(1)

        assert (tmp_path / "outside" / "checkpoints.jsonl").stat().st_mode & 0o077 == 0
        assert ledger_publication.get_ledger_publication().get_latest()[0].size == 1

    @pytest.mark.parametrize("lost", ["all", "the last"])
    def test_is_missed_when_lost(self, ring, lost):
        record(1)
        record(1)
        path = ledger_publication.get_ledger_publication().path
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("" if lost == "all" else lines[0])

        with pytest.raises(ledger_sequencer.LedgerFork, match="2 was signed"):
            record(1)
        assert not Made.objects.filter(size=3).exists()

    def test_begins_anew_by_command_only(self, ring, settings, tmp_path, capsys):
        record(2)
        note = tile_store.get_latest_note()
        settings.PUBLICATION_DIR = tmp_path / "new"

        call_command("publish_checkpoint")

        assert capsys.readouterr().out == note
        record(1)
        assert ledger_publication.get_ledger_publication().get_latest()[0].size == 3
        call_command("publish_checkpoint")
        assert len(list(ledger_publication.get_ledger_publication().read_checkpoints())) == 2

    def test_publishes_nothing_over_another_logs(self, ring, settings, tmp_path):
        record(2)
        settings.PUBLICATION_DIR = tmp_path / "new"
        ledger_publication.get_ledger_publication().append_checkpoint(
            LogCheckpoint(ORIGIN, 1, merkle_tree.EMPTY), NOTE
        )

        with pytest.raises(CommandError, match="nothing was published"):
            call_command("publish_checkpoint")

    def test_has_nothing_to_publish_at_first(self, ring):
        with pytest.raises(CommandError, match="no checkpoint was signed yet"):
            call_command("publish_checkpoint")


@pytest.mark.django_db
class TestSigners:
    def test_keep_a_former_key_for_what_it_signed(self, ring, settings):
        from limited_use.ledger import ledger_audit, signing_keys
        from limited_use.vault.keyring.keyring_file import FileKeyring
        from limited_use.vault.keyring.keyring_port import SigningKey

        record(2)
        before = ledger_sequencer.get_verifier_key()
        (settings.KEYRING.folder / "sign-ledger.key").unlink()
        settings.KEYRING = replace(
            settings.KEYRING,
            folder=settings.KEYRING.folder.rename(settings.KEYRING.folder.with_name("turned")),
        )
        FileKeyring.create(settings.KEYRING.folder)
        record(1)

        ledger = [
            one for one in signing_keys.list_published_keys() if one.role is SigningKey.LEDGER
        ]
        assert [(one.key, one.until) for one in ledger] == [
            (ledger_sequencer.get_verifier_key(), None),
            (before, NOW),
        ]
        assert before != ledger_sequencer.get_verifier_key()
        assert ledger_audit.audit_ledger().size == 3
        # Pinned keys of both times check the whole series; one alone does not.
        series = [
            note for _, note in ledger_publication.get_ledger_publication().read_checkpoints()
        ]
        proofs = [tile_store.prove_consistency(2, 3)]
        assert list(
            checkpoint_checks.check_checkpoint_series(
                series, proofs, signing_keys.get_known_signing_keys(SigningKey.LEDGER)
            )
        )
        with pytest.raises(CheckpointsInconsistent):
            list(checkpoint_checks.check_checkpoint_series(series, proofs, [before]))

    def test_list_a_key_that_has_signed_nothing_yet(self, ring):
        from limited_use.ledger import signing_keys

        assert [
            str(one.key) for one in signing_keys.list_published_keys()
        ] == receipts.get_receipt_public_keys()
        assert {one.since for one in signing_keys.list_published_keys()} == {None}
        assert VerifierKey.parse(receipts.get_receipt_public_keys()[0])
