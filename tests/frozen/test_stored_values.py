"""Rows that an earlier version wrote still open, and derived values are still the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.apps import apps

from accounts import keyed_hashes, mfa_secrets, signed_values
from accounts.actors import Actor, ActorKind
from integrations.calendar import event_codec
from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from limited_use.agreements import typed_addresses
from limited_use.guard.guard import Permit
from limited_use.ledger import entries, pseudonym_derivation
from limited_use.policy.policy_vocabulary import Purpose, Recipient, Use
from limited_use.vault import (
    blind_index,
    data_keys,
    ledger_key_wrap,
    naming_rows,
    opening,
    tombstones,
)
from limited_use.vault.envelope import Unopenable
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import CiphertextBinding, SealedValue
from limited_use.vault.sealing import get_sealer
from tests.frozen import stored_values
from tests.frozen.stored_values import VALUES

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 28, 12, 1, tzinfo=UTC)
PERSON = UUID(int=0xA11CE)
SUBJECT = UUID(int=0x5AB1EC7)
SEALED = [
    pytest.param(value, id=f"{value['table']}.{value['column']}-{value['line']}")
    for value in VALUES["sealed"]
]


@pytest.fixture(autouse=True)
def _keys(settings, tmp_path):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.ROOT_SECRETS = [VALUES["secret"]]
    stored_values.write_keyring(settings.KEYRING.folder)
    data_keys.drop_cached_keys()
    ledger_key_wrap.drop_cached_ciphers()
    stored_values.insert_data_keys(NOW)
    yield
    data_keys.drop_cached_keys()
    ledger_key_wrap.drop_cached_ciphers()


def permit_for(sealed: SealedValue) -> Permit:
    binding = sealed.binding
    return Permit(
        use=Use(binding.data_class, Purpose.INBOX_DISPLAY, Recipient.OWNER),
        holder=binding.holder,
        epoch=1,
        actor=Actor(kind=ActorKind.PERSON, id=PERSON, user_id=PERSON),
        fences=(),
        entry_id=SUBJECT,
        expires_at=LATER,
    )


def open_value(value) -> str:
    sealed = stored_values.read_sealed(value)
    (data,) = opening.open_sealed_values([sealed], permit_for(sealed), at=NOW)
    return data.decode()


def open_column(table: str, column: str) -> bytes:
    value = next(
        one for one in VALUES["sealed"] if (one["table"], one["column"]) == (table, column)
    )
    return open_value(value).encode()


class TestSealedValues:
    @pytest.mark.parametrize("value", SEALED)
    def test_open(self, value):
        assert open_value(value) == value["text"]

    def test_do_not_open_in_another_table(self):
        sealed = stored_values.read_sealed(VALUES["sealed"][0])
        moved = SealedValue(
            sealed.ciphertext, CiphertextBinding(*sealed.binding[:2], "other", *sealed.binding[3:])
        )

        with pytest.raises(Unopenable):
            opening.open_sealed_values([moved], permit_for(moved), at=NOW)

    def test_are_of_every_sealed_column(self):
        columns = {
            (model._meta.db_table, field.column)
            for model in apps.get_models()
            for field in model._meta.concrete_fields
            if isinstance(field, SealedField)
        }

        assert {(value["table"], value["column"]) for value in VALUES["sealed"]} == columns

    def test_are_read_as_the_event_that_was_written(self):
        timing = open_column("integrations_event", "timing")
        remote = event_codec.decode_remote(open_column("integrations_event", "remote"))

        content = event_codec.decode_event_content(
            timing, open_column("integrations_event", "content")
        )

        start = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
        assert content == EventContent(
            title="Review",
            description="<p>Bring the list.</p>",
            location="Room 4",
            start=When(at=start, zone="Europe/Berlin"),
            end=When(at=start.replace(hour=10), zone="Europe/Berlin"),
            recurrence=("RRULE:FREQ=WEEKLY;COUNT=3",),
            attendees=(Attendee("bob@example.org", "Bob", "accepted", is_optional=True),),
            is_tentative=True,
            reminders=(Reminder(10), Reminder(60, "email")),
        )
        assert (remote.event_id, remote.etag, remote.series_id) == ("event-1", '"7"', "series-1")


class TestLedgerKeys:
    def test_are_unwrapped(self):
        holder, commitment, wrapped = stored_values.wrapped_ledger_key()
        naming_rows.insert_wrapped_ledger_key(holder, commitment, wrapped)

        assert ledger_key_wrap.key_of(holder, commitment).hex() == VALUES["ledger_key"]["key"]

    def test_give_the_same_names(self):
        key = bytes.fromhex(VALUES["ledger_key"]["key"])

        assert (
            pseudonym_derivation.compute_ledger_key_commitment(key).hex()
            == VALUES["ledger_key"]["commitment"]
        )
        assert (
            pseudonym_derivation.derive_pseudonym(key, SUBJECT).hex()
            == VALUES["derived"]["ledger name"]
        )
        assert (
            pseudonym_derivation.derive_removal_pseudonym(key, SUBJECT).hex()
            == VALUES["derived"]["ledger name at the end"]
        )


class TestSecretsOfAccounts:
    def test_open(self):
        encrypted = VALUES["encrypted"]

        assert mfa_secrets.decrypt_secret(encrypted["second factor"]) == "JBSWY3DPEHPK3PXP"
        assert typed_addresses.open_address(encrypted["typed address"]) == "bob@example.org"

    def test_are_read_with_their_signature(self):
        signed = VALUES["encrypted"]["signed value"]

        assert signed_values.read_signed_value(signed, purpose="known device") == {"a": 1}


def compute_derived_values() -> dict[str, str]:
    """Return values that have to be found again: in tables, in the ledger, at the provider."""
    holder = UUID(VALUES["data_keys"][0]["holder"])
    return {
        "pseudonym": entries.get_ledger_pseudonym(SUBJECT),
        "account blind": blind_index.compute_blind("account", "alice@example.org").hex(),
        "nonce": blind_index.derive_secret("nonce", "attempt").hex(),
        "message blind": get_sealer(holder=holder, epoch=1).compute_blind("message", "m-1").hex(),
        "tombstone of a key": tombstones.build_key_tombstone(bytes(8)).value,
        "keyed hash": keyed_hashes.compute_keyed_hash("text", purpose="network").hex(),
        "ledger entry": entries.encode_ledger_entry(
            {"v": 1, "event": "use.permitted", "count": None}
        ).decode(),
    }


def test_derived_values_are_the_same():
    derived = compute_derived_values()

    assert derived == {name: VALUES["derived"][name] for name in derived}
