"""Part 2 of a receipt: that the epochs of the destroyed keys ended, provable offline."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.ids import uuid7
from limited_use.ledger import entries, ledger_publication, ledger_sequencer, signed_documents
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import DataKey, KeyEpoch, Receipt, ReceiptLink
from limited_use.policy.key_lines import KeyLine
from limited_use.receipts import key_destruction_receipts, receipt_links, receipts
from limited_use.receipts.key_destruction_receipts import EpochNotDestroyed, ReceiptKey
from limited_use.receipts.receipts import EntryNotSequenced, ReceiptIncomplete
from limited_use.rotation import key_epochs
from limited_use.vault import data_keys
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import EpochGone, KeyBinding, SigningKey
from limited_use.verify import verifier
from limited_use.verify.verifier import ReceiptNotProven
from tests.limited_use.conftest import NOW
from tests.limited_use.test_receipts import BODY

UNTIL = NOW + timedelta(days=30)


class Purge:
    """One purge: its key, destroyed and recorded, and part 1 of its receipt."""

    def __init__(self):
        self.subject = uuid7()
        made = data_keys.create_data_key(holder=self.subject, line=KeyLine.CONTENT, at=NOW)
        row = DataKey.objects.get(holder=made.holder)
        self.wrapped = bytes(row.wrapped)
        self.end = ReceiptKey(KeyLine.CONTENT, bytes(row.key_id).hex(), row.kek_epoch)
        data_keys.destroy_returning_id(holder=self.subject)
        self.entry_ids = [
            entries.record_ledger_event(
                event="integration.disconnected", about=self.subject, at=NOW
            ),
            entries.record_ledger_event(
                event="key.destroyed",
                about=self.subject,
                body={
                    "line": "content", "key_id": self.end.key_id, "kek_epoch": self.end.kek_epoch
                },
                at=NOW,
            ),
        ]  # fmt: skip
        ledger_sequencer.run_sequencer(NOW)
        self.first = receipts.issue_receipt(
            subject_id=self.subject,
            owner_id=uuid7(),
            body={**BODY, "keys_destroyed": [{"key_id": self.end.key_id, "at": "then"}]},
            entry_ids=self.entry_ids,
            at=NOW,
        )

    def second(self, **changes):
        defaults = {
            "first_part": self.first,
            "keys": [self.end],
            "entry_ids": self.entry_ids,
            "backups_until": UNTIL,
            "at": NOW,
        }
        return key_destruction_receipts.issue_second_part(**{**defaults, **changes})

    def opens(self):
        """Whether a kept copy of the wrapped key opens with the live key store."""
        try:
            get_keyring().unwrap(
                KeyLine.CONTENT,
                self.end.kek_epoch,
                self.wrapped,
                KeyBinding(self.subject, bytes.fromhex(self.end.key_id)),
            )
        except EpochGone:
            return False
        return True


def turn():
    key_epochs.rotate_key_epoch(KeyLine.CONTENT, NOW)
    ledger_sequencer.run_sequencer(NOW)


@pytest.fixture
def purged(ring, db):
    return Purge()


@pytest.fixture
def public(ring):
    return [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]


@pytest.mark.django_db
@pytest.mark.invariant(6)
@pytest.mark.clause("TOK-DELETE", "WDEL", "CASA-DEL")
class TestIssue:
    def test_waits_for_the_end_of_the_epoch(self, purged):
        assert purged.opens()
        with pytest.raises(EpochNotDestroyed):
            purged.second()

        turn()

        assert not purged.opens()
        assert purged.second().part == 2

    @pytest.mark.claim("part-2.backups")
    def test_waits_for_an_older_epoch_that_still_lives(self, purged):
        turn()
        KeyEpoch.objects.filter(number=purged.end.kek_epoch).update(
            destroyed_at=None, entry_id=None
        )

        with pytest.raises(EpochNotDestroyed):
            purged.second(keys=[purged.end._replace(kek_epoch=purged.end.kek_epoch + 1)])

    def test_waits_for_the_ledger(self, purged):
        key_epochs.rotate_key_epoch(KeyLine.CONTENT, NOW)
        with pytest.raises(EntryNotSequenced):
            purged.second()

        ledger_sequencer.run_sequencer(NOW)
        assert purged.second()

    @pytest.mark.scenario("X3")
    def test_is_written_once_however_often_it_is_asked_for(self, purged):
        turn()

        assert purged.second().id == purged.second().id
        assert Receipt.objects.filter(part=2).count() == 1
        assert Receipt.objects.filter(part=1).count() == 1

    def test_is_about_a_key(self, purged):
        with pytest.raises(ReceiptIncomplete):
            purged.second(keys=[])

    @pytest.mark.claim("part-2.backups", "part-2.copies", "part-2.copies-unknown")
    @pytest.mark.parametrize(
        ("days", "until", "says"),
        [
            (None, "unknown", "does not know how long"),
            (7, "2026-12-02T12:00:00.000+00:00", "operator states that copies of the key store"),
            (0, "2026-11-25T12:00:00.000+00:00", "operator states that copies of the key store"),
        ],
    )
    def test_says_until_when_copies_may_exist(self, purged, settings, days, until, says):
        settings.KEYRING = replace(settings.KEYRING, snapshot_retention_days=days)
        turn()

        remains = json.loads(bytes(purged.second().document))["body"]["remains"]

        assert remains["key_store_copies"]["until"] == until
        assert says in remains["key_store_copies"]["says"]
        assert remains["backups"]["until"] == "2026-12-25T12:00:00.000+00:00"
        # The service makes no copies: how long they are kept is the operator's word.
        assert "operator states that copies of the database" in remains["backups"]["says"]
        assert "Nobody can prove that no copy exists" in remains["proves"]

    def test_is_among_the_tombstones(self, purged):
        turn()
        second = purged.second()
        ledger_sequencer.run_sequencer(NOW)

        assert ("receipt", str(second.id)) in set(
            ledger_publication.get_ledger_publication().read_tombstones()
        )


@pytest.mark.django_db
@pytest.mark.invariant(6)
@pytest.mark.clause("TOK-DELETE", "WDEL")
class TestVerifyKeyDestruction:
    @pytest.fixture
    def second(self, purged):
        turn()
        return bytes(purged.second().document)

    def test_says_line_by_line_what_is_proven(self, purged, second, public):
        text = "\n".join(verifier.check_signed_document(second, public))

        assert f"key             {purged.end.key_id}, wrapped under content epoch 1" in text
        assert "epoch destroyed content 1, 2026-11-25" in text
        assert "key_epoch.destroyed" in text

    def test_belongs_to_its_first_part_and_to_no_other(self, purged, second, public):
        first = bytes(purged.first.document)
        assert (
            "parts 1 and 2 of one receipt" in verifier.check_both_parts(first, second, public)[-1]
        )

        for one, other in (
            (first, first),
            (second, second),
            (second, first),
            (bytes(Purge().first.document), second),
        ):
            with pytest.raises(ReceiptNotProven):
                verifier.check_both_parts(one, other, public)

    def test_finds_every_single_changed_byte(self, second, public):
        for at, byte in enumerate(second):
            forged = second[:at] + bytes([byte ^ 1]) + second[at + 1 :]
            with pytest.raises(ReceiptNotProven):
                verifier.check_signed_document(forged, public)

    @pytest.mark.parametrize(
        ("path", "value", "complaint"),
        [
            (("body", "keys"), [], "no key"),
            (("body", "keys", 0, "key_epoch"), 2, "was under content 2"),
            (("body", "keys", 0, "key_id"), "ff" * 8, "was under content 1"),
            (("body", "keys", 0, "line"), "credential", "was under credential 1"),
            (("subject",), "0" * 32, "about"),
            (("ledger", "proofs"), [], "no ledger entry"),
            (("part_1",), None, "form"),
        ],
    )
    def test_finds_what_is_well_signed_and_yet_no_proof(
        self, second, public, path, value, complaint
    ):
        forged = self.signed_anew(second, public, path, value)

        with pytest.raises(ReceiptNotProven, match=complaint):
            verifier.check_signed_document(forged, public)

    @pytest.mark.claim("part-2.proves", "receipt.part-2-there")
    def test_needs_the_proof_that_the_epoch_ended(self, second, public):
        kept = json.loads(second)["ledger"]["proofs"][:1]
        forged = self.signed_anew(second, public, ("ledger", "proofs"), kept)

        with pytest.raises(ReceiptNotProven, match="key epoch content 1 was destroyed"):
            verifier.check_signed_document(forged, public)

    def signed_anew(self, document, public, path, value):
        said = signed_documents.verify_document(document, public)
        del said["signed_by"]
        inner = said
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        ring = get_keyring()
        return signed_documents.sign_document(
            said, public[0], lambda m: ring.sign(SigningKey.RECEIPTS, m)
        )

    def test_names_the_exact_bytes_of_part_one(self, purged, second):
        digest = hashlib.sha256(bytes(purged.first.document)).hexdigest()

        assert json.loads(second)["part_1"] == {"id": str(purged.first.id), "sha256": digest}


@pytest.mark.django_db
@pytest.mark.invariant(6)
class TestLinks:
    def test_find_both_parts_of_one_receipt_and_nothing_else(self, purged):
        Purge()
        token = receipt_links.create_link(subject_id=purged.subject, at=NOW)
        assert [one.id for one in receipt_links.find_receipts(token)] == [purged.first.id]

        turn()
        second = purged.second()

        assert [one.id for one in receipt_links.find_receipts(token)] == [
            purged.first.id,
            second.id,
        ]

    @pytest.mark.control("6.7.1")
    def test_keep_no_token(self, purged):
        token = receipt_links.create_link(subject_id=purged.subject, at=NOW)

        link = ReceiptLink.objects.get()
        assert token.encode() not in bytes(link.token_hash)
        assert len(token) == 43
        assert receipt_links.find_receipts(bytes(link.token_hash).hex()) == []
        assert receipt_links.find_receipts("") == receipt_links.find_receipts(token + "x") == []

    def test_end_with_newer_ones(self, purged):
        tokens = [
            receipt_links.create_link(subject_id=purged.subject, at=NOW + timedelta(seconds=n))
            for n in range(receipt_links.MAX_LINKS + 1)
        ]

        assert receipt_links.find_receipts(tokens[0]) == []
        assert all(receipt_links.find_receipts(token) for token in tokens[1:])
