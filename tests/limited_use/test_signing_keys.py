"""Keys that sign are replaced; what the former ones signed is checked by who pinned them."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.ids import uuid7
from limited_use.ledger import (
    entries,
    ledger_audit,
    ledger_publication,
    ledger_sequencer,
    signed_notes,
    signing_keys,
    tile_store,
)
from limited_use.ledger.signed_notes import BadNote, VerifierKey
from limited_use.models import Leaf
from limited_use.receipts import receipts
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import NoKeyring, SigningKey
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from limited_use.verify import verifier
from limited_use.verify.receipt_checks import ReceiptNotProven
from tests.limited_use.conftest import EITHER, NOW
from tests.limited_use.test_receipts import BODY

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


def record(about=None):
    about = about or uuid7()
    return about, [
        entries.record_ledger_event(event="integration.disconnected", about=about, at=NOW),
        entries.record_ledger_event(
            event="key.destroyed",
            about=about,
            body={"key_id": BODY["keys_destroyed"][0]["key_id"]},
            at=NOW,
        ),
    ]


def receipt():
    about, ids = record()
    ledger_sequencer.run_sequencer(NOW)
    made = receipts.issue_receipt(
        subject_id=about, owner_id=uuid7(), body=BODY, entry_ids=ids, at=NOW
    )
    return bytes(made.document)


def pinned():
    return [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]


def rotate(role):
    out = StringIO()
    call_command("rotate_signing_key", str(role), stdout=out)
    return out.getvalue()


class TestRotate:
    @EITHER
    @pytest.mark.parametrize("role", list(SigningKey))
    @pytest.mark.control("6.4.2")
    def test_puts_a_new_key_in_place_and_publishes_both(self, ring, role):
        receipt()
        former = signing_keys.get_current_signing_key(role)

        said = rotate(role)

        new = signing_keys.get_current_signing_key(role)
        assert new != former
        assert str(former) in said
        assert str(new) in said
        newest, before = (one for one in signing_keys.list_published_keys() if one.role == role)
        assert (newest.key, newest.until) == (new, None)
        assert (before.key, before.until) == (former, newest.since)
        assert {one.key for one in signing_keys.list_published_keys()} >= {former, new}
        # The other role's stays as it is.
        assert len(signing_keys.list_published_keys()) == 3

    @EITHER
    def test_is_an_entry_of_the_ledger(self, ring):
        receipt()
        former = signing_keys.get_current_signing_key(SigningKey.LEDGER)

        rotate(SigningKey.LEDGER)

        said = json.loads(bytes(Leaf.objects.order_by("id").last().payload))
        assert said["event"] == "signing_key.replaced"
        assert said["body"] == {
            "role": "ledger",
            "former": former.id.hex(),
            "new": signing_keys.get_current_signing_key(SigningKey.LEDGER).id.hex(),
        }

    @pytest.mark.claim("keys.former")
    @EITHER
    def test_leaves_receipts_of_before_and_after_to_who_pinned_their_keys(self, ring):
        before, keys_before = receipt(), pinned()
        rotate(SigningKey.LEDGER)
        rotate(SigningKey.RECEIPTS)
        after, keys_after = receipt(), pinned()

        assert verifier.check_signed_document(before, keys_before)
        assert verifier.check_signed_document(after, keys_after)
        assert verifier.check_signed_document(after, [*keys_before, *keys_after])
        for document, keys in ((after, keys_before), (before, keys_after)):
            with pytest.raises(ReceiptNotProven):
                verifier.check_signed_document(document, keys)

    @EITHER
    @pytest.mark.invariant(3)
    def test_leaves_a_ledger_that_fits_from_its_first_entry_on(self, ring):
        record()
        ledger_sequencer.run_sequencer(NOW)
        former = signing_keys.get_current_signing_key(SigningKey.LEDGER)

        rotate(SigningKey.LEDGER)
        ledger_sequencer.run_sequencer(LATER)

        assert ledger_audit.audit_ledger().checkpoint_count == 2
        signed = [
            note for _, note in ledger_publication.get_ledger_publication().read_checkpoints()
        ]
        new = signing_keys.get_current_signing_key(SigningKey.LEDGER)
        assert signed_notes.verify_note(signed[0], [former])
        assert signed_notes.verify_note(signed[1], [new])
        for note, key in ((signed[0], new), (signed[1], former)):
            with pytest.raises(BadNote):
                signed_notes.verify_note(note, [key])

    def test_is_noticed_by_a_process_that_used_the_former_key(self, ring, settings):
        elsewhere = FileKeyring(settings.KEYRING.folder)
        former = elsewhere.get_public_key(SigningKey.LEDGER)
        record()

        rotate(SigningKey.LEDGER)

        assert elsewhere.get_public_key(SigningKey.LEDGER) != former
        key = signing_keys.get_current_signing_key(SigningKey.LEDGER)
        assert key.is_valid_signature(elsewhere.sign(SigningKey.LEDGER, b"text"), b"text")

    def test_does_not_end_the_former_twice_where_it_was_killed(self, ring, monkeypatch):
        record()
        ledger_sequencer.run_sequencer(NOW)
        former = signing_keys.get_current_signing_key(SigningKey.LEDGER)
        note = signing_keys.record_current_key

        def killed(role, *, at):
            if signing_keys.get_current_signing_key(role) != former:
                raise KeyboardInterrupt
            return note(role, at=at)

        with monkeypatch.context() as patch:
            patch.setattr(signing_keys, "record_current_key", killed)
            with pytest.raises(KeyboardInterrupt):
                signing_keys.rotate_signing_key(SigningKey.LEDGER, at=LATER)

        record()
        ledger_sequencer.run_sequencer(LATER)

        newest, before = (
            one for one in signing_keys.list_published_keys() if one.role == SigningKey.LEDGER
        )
        assert (before.key, before.until, newest.until) == (former, LATER, None)
        assert ledger_audit.audit_ledger()

    def test_leaves_nothing_of_the_former_in_its_file(self, ring, settings):
        path = settings.KEYRING.folder / "sign-ledger.key"
        former = path.read_bytes()
        linked = settings.KEYRING.folder.parent / "kept"
        linked.hardlink_to(path)

        rotate(SigningKey.LEDGER)

        assert former not in {one.read_bytes() for one in settings.KEYRING.folder.iterdir()}
        assert linked.read_bytes() != former
        assert path.stat().st_mode & 0o777 == 0o600
        assert not list(settings.KEYRING.folder.glob("*.new"))

    @pytest.mark.parametrize("process_class", ["web", "sync", "purge", "console"])
    def test_is_an_operators(self, ring, settings, process_class):
        settings.PROCESS_CLASS = process_class

        with pytest.raises(CommandError, match="may not"):
            rotate(SigningKey.LEDGER)

    def test_of_a_transit_engine_needs_a_token_that_may(self, openbao, place, use):
        TransitKeyring.create(place._replace(token=openbao.root))
        ring = use(place)
        ring.get_public_key(SigningKey.LEDGER)

        with pytest.raises(NoKeyring):
            ring.replace_signing_key(SigningKey.LEDGER)

    def test_keeps_proofs_of_entries_from_before(self, ring):
        _, ids = record()
        ledger_sequencer.run_sequencer(NOW)
        rotate(SigningKey.LEDGER)
        ledger_sequencer.run_sequencer(LATER)

        (first, *_) = tile_store.prove_entries(ids)
        assert signing_keys.get_current_signing_key(SigningKey.LEDGER).name in first.proof
