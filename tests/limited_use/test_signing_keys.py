"""Keys that sign are replaced; what the former ones signed is checked by who pinned them."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.ids import uuid7
from limited_use.ledger import (
    audit,
    entries,
    publication,
    sequencer,
    signed_notes,
    signing_keys,
    tile_store,
)
from limited_use.ledger.signed_notes import BadNote, VerifierKey
from limited_use.models import Leaf
from limited_use.receipts import receipts
from limited_use.vault.keyring.file import FileKeyring
from limited_use.vault.keyring.port import NoKeyring, SigningKey
from limited_use.vault.keyring.transit import TransitKeyring
from limited_use.verify import verifier
from limited_use.verify.receipt_checks import NotProven
from tests.limited_use.conftest import EITHER, NOW
from tests.limited_use.test_receipts import BODY

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


def record(about=None):
    about = about or uuid7()
    return about, [
        entries.record(event="integration.disconnected", about=about, at=NOW),
        entries.record(
            event="key.destroyed",
            about=about,
            body={"key_id": BODY["keys_destroyed"][0]["key_id"]},
            at=NOW,
        ),
    ]


def receipt():
    about, ids = record()
    sequencer.run(NOW)
    made = receipts.issue(subject_id=about, owner_id=uuid7(), body=BODY, entry_ids=ids, at=NOW)
    return bytes(made.document)


def pinned():
    return [VerifierKey.parse(text) for text in receipts.public_keys()]


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
        former = signing_keys.current(role)

        said = rotate(role)

        new = signing_keys.current(role)
        assert new != former
        assert str(former) in said
        assert str(new) in said
        newest, before = (one for one in signing_keys.history() if one.role == role)
        assert (newest.key, newest.until) == (new, None)
        assert (before.key, before.until) == (former, newest.since)
        assert {one.key for one in signing_keys.history()} >= {former, new}
        # The other role's stays as it is.
        assert len(signing_keys.history()) == 3

    @EITHER
    def test_is_an_entry_of_the_ledger(self, ring):
        receipt()
        former = signing_keys.current(SigningKey.LEDGER)

        rotate(SigningKey.LEDGER)

        said = json.loads(bytes(Leaf.objects.order_by("id").last().payload))
        assert said["event"] == "signing_key.replaced"
        assert said["body"] == {
            "role": "ledger",
            "former": former.id.hex(),
            "new": signing_keys.current(SigningKey.LEDGER).id.hex(),
        }

    @pytest.mark.claim("keys.former")
    @EITHER
    def test_leaves_receipts_of_before_and_after_to_who_pinned_their_keys(self, ring):
        before, keys_before = receipt(), pinned()
        rotate(SigningKey.LEDGER)
        rotate(SigningKey.RECEIPTS)
        after, keys_after = receipt(), pinned()

        assert verifier.check(before, keys_before)
        assert verifier.check(after, keys_after)
        assert verifier.check(after, [*keys_before, *keys_after])
        for document, keys in ((after, keys_before), (before, keys_after)):
            with pytest.raises(NotProven):
                verifier.check(document, keys)

    @EITHER
    @pytest.mark.invariant(3)
    def test_leaves_a_ledger_that_fits_from_its_first_entry_on(self, ring):
        record()
        sequencer.run(NOW)
        former = signing_keys.current(SigningKey.LEDGER)

        rotate(SigningKey.LEDGER)
        sequencer.run(LATER)

        assert audit.run().checkpoint_count == 2
        signed = [note for _, note in publication.current().checkpoints()]
        new = signing_keys.current(SigningKey.LEDGER)
        assert signed_notes.verify(signed[0], [former])
        assert signed_notes.verify(signed[1], [new])
        for note, key in ((signed[0], new), (signed[1], former)):
            with pytest.raises(BadNote):
                signed_notes.verify(note, [key])

    def test_is_noticed_by_a_process_that_used_the_former_key(self, ring, settings):
        elsewhere = FileKeyring(settings.KEYRING.folder)
        former = elsewhere.public_key(SigningKey.LEDGER)
        record()

        rotate(SigningKey.LEDGER)

        assert elsewhere.public_key(SigningKey.LEDGER) != former
        key = signing_keys.current(SigningKey.LEDGER)
        assert key.verifies(elsewhere.sign(SigningKey.LEDGER, b"text"), b"text")

    def test_does_not_end_the_former_twice_where_it_was_killed(self, ring, monkeypatch):
        record()
        sequencer.run(NOW)
        former = signing_keys.current(SigningKey.LEDGER)
        note = signing_keys.note

        def killed(role, *, at):
            if signing_keys.current(role) != former:
                raise KeyboardInterrupt
            return note(role, at=at)

        with monkeypatch.context() as patch:
            patch.setattr(signing_keys, "note", killed)
            with pytest.raises(KeyboardInterrupt):
                signing_keys.rotate(SigningKey.LEDGER, at=LATER)

        record()
        sequencer.run(LATER)

        newest, before = (one for one in signing_keys.history() if one.role == SigningKey.LEDGER)
        assert (before.key, before.until, newest.until) == (former, LATER, None)
        assert audit.run()

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
        ring.public_key(SigningKey.LEDGER)

        with pytest.raises(NoKeyring):
            ring.replace(SigningKey.LEDGER)

    def test_keeps_proofs_of_entries_from_before(self, ring):
        _, ids = record()
        sequencer.run(NOW)
        rotate(SigningKey.LEDGER)
        sequencer.run(LATER)

        (first, *_) = tile_store.prove(ids)
        assert signing_keys.current(SigningKey.LEDGER).name in first.proof
