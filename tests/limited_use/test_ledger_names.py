"""Names under a connection's own key: who can make them, and that nobody can any more."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core import serializers
from django.db import connection, transaction

from accounts import row_owner
from accounts.ids import uuid7
from limited_use.guard import guard
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import (
    entries,
    ledger_key_lifecycle,
    ledger_publication,
    ledger_sequencer,
    pseudonym_derivation,
    pseudonyms,
)
from limited_use.models import DataKey, Leaf
from limited_use.models.ledger_keys import LedgerKey, WrappedLedgerKey
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs, resurrected_keys
from limited_use.vault import ledger_key_wrap, naming_rows
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import EpochGone
from tests.integrations.household import person
from tests.limited_use.conftest import EITHER, MALLORY, NOW, OWNING, SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(3)]
LATER = NOW + ledger_key_lifecycle.OFFER_DURATION


@pytest.fixture(autouse=True)
def _cold(ring):
    ledger_key_wrap.drop_cached_ciphers()
    pseudonyms.drop_cached_ledger_keys()


@pytest.fixture
def connected(ring):
    """Return the id of a connection that has a ledger key."""
    connected = uuid7()
    ledger_key_lifecycle.create_ledger_key(holder=connected, at=NOW)
    return connected


def read_last_entry():
    return json.loads(bytes(Leaf.objects.order_by("id").last().payload))


def commitment_of(connected):
    return bytes(LedgerKey.objects.get(holder=connected).commitment)


def end_ledger_key(connected):
    ledger_key_lifecycle.set_aside_ledger_key(holder=connected, at=NOW)
    ledger_key_lifecycle.offer_ledger_key(holder=connected, at=NOW)


def cold():
    """As another process would begin."""
    ledger_key_wrap.drop_cached_ciphers()
    pseudonyms.drop_cached_ledger_keys()


def connect_at_the_web():
    """Make the key of a new connection as a web process does, and return the connection's id."""
    from integrations.models import Connection

    user, organisation, _ = person(at=NOW)
    connected = Connection.objects.create(
        user=user, organisation=organisation, provider="google", connected_at=NOW
    ).id
    with row_owner.acting_for(user.id, organisation.id):
        ledger_key_lifecycle.create_ledger_key(holder=connected, at=NOW)
    return connected


def raise_interrupt(*_, **__):
    raise KeyboardInterrupt


class TestNames:
    @EITHER
    def test_are_made_by_the_connections_own_key(self, ring):
        one, other, subject = uuid7(), uuid7(), uuid7()
        for holder in (one, other):
            ledger_key_lifecycle.create_ledger_key(holder=holder, at=NOW)

        found = {
            pseudonyms.get_pseudonym_naming(one)(subject),
            pseudonyms.get_pseudonym_naming(other)(subject),
            entries.get_ledger_pseudonym(subject),
        }

        assert len(found) == 3
        cold()
        assert pseudonyms.get_pseudonym_naming(one)(subject) in found
        assert all(len(bytes.fromhex(name)) == pseudonym_derivation.NAME_BYTES for name in found)

    @EITHER
    @pytest.mark.parametrize("process_class", ["web", "staff", "sync", "purge"])
    def test_are_the_same_in_every_class_of_process_that_writes_entries(
        self, ring, settings, process_class
    ):
        settings.PROCESS_CLASS = "web"
        connected, subject = connect_at_the_web(), uuid7()
        name = pseudonyms.get_pseudonym_naming(connected)(subject)
        cold()
        settings.PROCESS_CLASS = process_class

        assert (
            pseudonyms.get_pseudonym_naming(connected)(subject)
            == name
            != entries.get_ledger_pseudonym(subject)
        )

    @pytest.mark.claim("receipt.pseudonyms-ours")
    def test_are_the_services_own_where_there_is_no_key(self, ring):
        subject = uuid7()

        assert pseudonyms.get_pseudonym_naming(uuid7())(subject) == entries.get_ledger_pseudonym(
            subject
        )
        assert pseudonyms.get_pseudonym_naming(uuid7()).at_the_end(
            subject
        ) == entries.get_ledger_pseudonym(subject)

    def test_are_others_in_a_removal_than_in_use(self, connected):
        name = pseudonyms.get_pseudonym_naming(connected)

        assert name(connected) != name.at_the_end(connected)

    def test_say_nothing_of_their_key(self, connected):
        name = pseudonyms.get_pseudonym_naming(connected)
        name(uuid7())

        assert repr(name) == "<Naming>"
        assert not hasattr(name, "__dict__")

    def test_stay_the_same_when_the_key_epoch_turns(self, connected):
        subject = uuid7()
        name = pseudonyms.get_pseudonym_naming(connected)
        before = name(subject), name.at_the_end(subject)

        key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)

        cold()
        after = pseudonyms.get_pseudonym_naming(connected)
        assert (after(subject), after.at_the_end(subject)) == before

    def test_stay_the_same_for_who_read_the_key_before_the_turn(self, connected, monkeypatch):
        subject, read = uuid7(), naming_rows.read_wrapped_ledger_key
        before = pseudonyms.get_pseudonym_naming(connected)(subject)
        former = [read(connected, commitment_of(connected))]
        key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
        cold()

        monkeypatch.setattr(
            naming_rows,
            "read_wrapped_ledger_key",
            lambda *key: former.pop() if former else read(*key),
        )

        assert pseudonyms.get_pseudonym_naming(connected)(subject) == before
        assert not former

    def test_need_no_key_store_once_a_process_made_one(self, connected, settings):
        other, subject = uuid7(), uuid7()
        ledger_key_lifecycle.create_ledger_key(holder=other, at=NOW)
        ring = get_keyring()
        pseudonyms.get_pseudonym_naming(connected)(subject)
        for path in ring._directory.glob("kek-*"):
            path.unlink()

        assert pseudonyms.get_pseudonym_naming(other)(subject) != entries.get_ledger_pseudonym(
            subject
        )


class TestGuard:
    def record(self, ask, **changes):
        with suppress(AccessRefused):
            guard.permits([ask(**changes)], at=NOW)
        return read_last_entry()

    def test_names_what_is_somebodys_own_by_the_connections_key(self, ask, holder, connected):
        name = pseudonyms.get_pseudonym_naming(connected)

        entry = self.record(ask, names=name)

        alice = ask().actor.id
        assert entry["event"] == "use.permitted"
        assert entry["subject"] == name(holder)
        assert (entry["actor"], entry["on_behalf_of"]) == (name(alice), name(alice))

    def test_names_what_the_service_does_by_itself_likewise(self, ask, holder, connected):
        entry = self.record(
            ask, names=pseudonyms.get_pseudonym_naming(connected), actor=SYSTEM, facts=frozenset()
        )

        assert entry["event"] == "use.refused"
        assert entry["subject"] == pseudonyms.get_pseudonym_naming(connected)(holder)

    @pytest.mark.scenario("X1")
    def test_leaves_one_trace_of_somebody_elses_asking_whether_it_exists_or_not(
        self, ask, holder, connected
    ):
        foreign = {"actor": MALLORY, "on_behalf_of": MALLORY.user_id}

        there = self.record(
            ask,
            names=pseudonyms.get_pseudonym_naming(connected),
            facts=OWNING - {"actor_owns"},
            **foreign,
        )
        not_there = self.record(ask, facts=frozenset(), **foreign)

        assert there["event"] == not_there["event"] == "use.refused"
        assert there["subject"] == not_there["subject"] == entries.get_ledger_pseudonym(holder)
        assert there["actor"] == not_there["actor"] == entries.get_ledger_pseudonym(MALLORY.id)
        # Nor is the key so much as opened for it.
        assert pseudonyms.get_pseudonym_naming(connected)._key is None


class TestKey:
    @EITHER
    def test_stands_nowhere_in_clear_and_is_handed_out_once(self, ring):
        connected, subject = uuid7(), uuid7()
        ledger_key_lifecycle.create_ledger_key(holder=connected, at=NOW)
        name = pseudonyms.get_pseudonym_naming(connected)(subject)
        end_ledger_key(connected)

        key = ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)

        assert pseudonym_derivation.derive_pseudonym(key, subject).hex() == name
        row = LedgerKey.objects.get(holder=connected)
        assert bytes(row.commitment) == pseudonym_derivation.compute_ledger_key_commitment(key)
        assert row.outcome == "taken"
        assert not WrappedLedgerKey.objects.exists()
        with pytest.raises(ledger_key_lifecycle.LedgerKeyNotOffered):
            ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)

    @pytest.mark.parametrize("at", [LATER, LATER + timedelta(days=1)])
    def test_is_not_handed_out_after_its_thirty_days(self, connected, at):
        end_ledger_key(connected)

        with pytest.raises(ledger_key_lifecycle.LedgerKeyNotOffered):
            ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=at)
        assert ledger_key_lifecycle.expire_ledger_key_offers(at=at) == 1
        assert LedgerKey.objects.get(holder=connected).outcome == "expired"
        assert ledger_key_lifecycle.expire_ledger_key_offers(at=at) == 0

    def test_stays_until_then(self, connected):
        end_ledger_key(connected)

        assert ledger_key_lifecycle.expire_ledger_key_offers(at=LATER - timedelta(seconds=1)) == 0
        assert ledger_key_lifecycle.hand_out_ledger_key(
            holder=connected, at=LATER - timedelta(seconds=1)
        )

    def test_is_not_handed_out_while_the_connection_lives(self, connected):
        with pytest.raises(ledger_key_lifecycle.LedgerKeyNotOffered):
            ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)
        assert ledger_key_lifecycle.offer_ledger_key(holder=connected, at=NOW) is False
        assert ledger_key_lifecycle.set_aside_ledger_key(holder=connected, at=NOW) is not None
        with pytest.raises(ledger_key_lifecycle.LedgerKeyNotOffered):
            ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)

    def test_is_kept_as_a_commitment_in_the_ledger(self, connected):
        name = pseudonyms.get_pseudonym_naming(connected).at_the_end(connected)
        end_ledger_key(connected)
        assert read_last_entry()["event"] == "ledger_key.set_aside"

        key = ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)

        entry = read_last_entry()
        assert entry["event"] == "ledger_key.destroyed"
        assert entry["subject"] == name
        assert entry["body"] == {
            "commitment": pseudonym_derivation.compute_ledger_key_commitment(key).hex(),
            "outcome": "taken",
        }

    def test_comes_back_with_a_rollback_and_never_half(self, connected):
        end_ledger_key(connected)
        written = Leaf.objects.count()
        with transaction.atomic():
            ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)
            transaction.set_rollback(True)

        assert Leaf.objects.count() == written
        assert ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)

    def test_is_made_once(self, connected):
        subject = uuid7()
        name = pseudonyms.get_pseudonym_naming(connected)(subject)

        ledger_key_lifecycle.create_ledger_key(holder=connected, at=NOW)

        assert pseudonyms.get_pseudonym_naming(connected)(subject) == name

    def test_leaves_nobody_who_could_make_its_names(self, connected):
        subject = uuid7()
        entries.record_ledger_event(
            event="x.done", about=subject, at=NOW, naming=pseudonyms.get_pseudonym_naming(connected)
        )
        named = bytes(Leaf.objects.get().subject)
        former = WrappedLedgerKey.objects.get(holder=connected)
        end_ledger_key(connected)
        ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)
        key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
        cold()

        # Not the service, not with what it has left, and not with an old copy of the row.
        assert (
            pseudonyms.get_pseudonym_naming(connected)(subject)
            == entries.get_ledger_pseudonym(subject)
            != named.hex()
        )
        assert ledger_key_wrap.key_of(connected, commitment_of(connected)) is None
        former.save(force_insert=True)
        with pytest.raises(EpochGone):
            ledger_key_wrap.key_of(connected, commitment_of(connected))
        former.delete()
        for table in connection.introspection.table_names():
            if table != "limited_use_leaf":
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s",  # noqa: S608
                                   [f"%{named.hex()}%"])  # fmt: skip
                    assert cursor.fetchone() == (0,), table


@pytest.mark.clause("TOK-DELETE")
class TestRotationOfLedgerKeys:
    def test_replaces_what_ledger_keys_are_wrapped_under(self, connected):
        before = WrappedLedgerKey.objects.get(holder=connected).kek_epoch
        wrapping = DataKey.objects.get(holder=ledger_key_wrap.get_naming_holder(before))

        turned = key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)

        assert WrappedLedgerKey.objects.get(holder=connected).kek_epoch == turned.epoch > before
        # Not wrapped anew, or an old copy of the row would open for as long as it lives.
        assert not DataKey.objects.filter(key_id=wrapping.key_id).exists()
        assert turned.destroyed == (before,)

    def test_goes_on_where_it_was_killed(self, connected, ring, monkeypatch):
        others = [uuid7() for _ in range(5)]
        for other in others:
            ledger_key_lifecycle.create_ledger_key(holder=other, at=NOW)
        found = {other: pseudonyms.get_pseudonym_naming(other)(other) for other in others}
        monkeypatch.setattr(ledger_key_wrap, "BATCH", 2)
        save = naming_rows.store_rewrapped
        calls = []

        def killed(*batch, epoch):
            calls.append(batch)
            if len(calls) == 2:
                raise KeyboardInterrupt
            save(*batch, epoch=epoch)

        with monkeypatch.context() as patch:
            patch.setattr(naming_rows, "store_rewrapped", killed)
            with pytest.raises(KeyboardInterrupt):
                key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
        cold()
        assert {other: pseudonyms.get_pseudonym_naming(other)(other) for other in others} == found

        turned = key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)

        cold()
        assert {other: pseudonyms.get_pseudonym_naming(other)(other) for other in others} == found
        assert set(WrappedLedgerKey.objects.values_list("kek_epoch", flat=True)) == {turned.epoch}
        assert ring.list_epochs(ledger_key_wrap.LINE) == (turned.epoch,)

    @pytest.mark.scenario("A1")
    def test_that_was_cut_short_keeps_no_web_process_from_making_keys(
        self, connected, ring, settings
    ):
        # Killed between the key store's new epoch and the commit.
        epoch = ring.create_epoch(ledger_key_wrap.LINE)
        settings.PROCESS_CLASS = "web"
        between = connect_at_the_web()
        settings.PROCESS_CLASS = ""
        name = pseudonyms.get_pseudonym_naming(between)(between)

        turned = key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)

        cold()
        assert turned.epoch == epoch
        assert set(WrappedLedgerKey.objects.values_list("kek_epoch", flat=True)) == {epoch}
        assert (
            pseudonyms.get_pseudonym_naming(between)(between)
            == name
            != entries.get_ledger_pseudonym(between)
        )

    def test_that_has_begun_has_every_new_key_under_its_own(
        self, connected, ring, settings, monkeypatch
    ):
        with monkeypatch.context() as patch:
            patch.setattr(ledger_key_wrap, "rewrap_keys", raise_interrupt)
            with pytest.raises(KeyboardInterrupt):
                key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
        settings.PROCESS_CLASS = "web"

        between = connect_at_the_web()

        # Under the former one it could be made after the look for keys to wrap again.
        wrapped = WrappedLedgerKey.objects.get(holder=between)
        assert wrapped.kek_epoch == ring.list_epochs(ledger_key_wrap.LINE)[-1]

    def test_destroys_nothing_that_a_wrong_keyring_does_not_open(self, connected, ring):
        row = DataKey.objects.get(line=ledger_key_wrap.LINE)
        DataKey.objects.filter(id=row.id).update(wrapped=bytes(60))
        cold()
        from limited_use.vault import data_keys

        data_keys.drop_cached_keys()

        with pytest.raises(key_epochs.LeftBehind):
            key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)

        assert LedgerKey.objects.get(holder=connected).destroyed_at is None


@pytest.mark.invariant(6)
class TestRestored:
    TABLES = (LedgerKey, WrappedLedgerKey, DataKey)

    def copy(self):
        return [serializers.serialize("python", table.objects.all()) for table in self.TABLES]

    def restore(self, copied):
        for table in self.TABLES:
            table.objects.all().delete()
        for rows in copied:
            for row in serializers.deserialize("python", rows):
                row.save()
        cold()

    @pytest.mark.claim("ledger-part.restored")
    def test_brings_no_key_back_that_was_handed_out(self, connected):
        end_ledger_key(connected)
        copied = self.copy()
        ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)
        ledger_sequencer.run_sequencer(NOW)
        assert len(list(ledger_publication.get_ledger_publication().read_tombstones())) == 1
        self.restore(copied)

        resurrected_keys.destroy_resurrected_keys(at=NOW)

        assert LedgerKey.objects.get(holder=connected).outcome == "restored"
        with pytest.raises(ledger_key_lifecycle.LedgerKeyNotOffered):
            ledger_key_lifecycle.hand_out_ledger_key(holder=connected, at=NOW)
        assert read_last_entry()["body"]["outcome"] == "restored"

    @pytest.mark.claim("ledger-part.lost")
    def test_names_by_the_service_what_it_cannot_open_any_more(self, connected):
        copied = self.copy()
        key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
        ledger_sequencer.run_sequencer(NOW)
        self.restore(copied)
        subject = uuid7()
        resurrected_keys.destroy_resurrected_keys(at=NOW)
        cold()

        assert pseudonyms.get_pseudonym_naming(connected)(subject) == entries.get_ledger_pseudonym(
            subject
        )

        key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
        assert LedgerKey.objects.get(holder=connected).outcome == "lost"
        assert KeyLine.ACCOUNT == ledger_key_wrap.LINE
