"""What outsiders check the ledger with, as they fetch it: signed in nowhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from accounts.ids import uuid7
from limited_use.ledger import consistency_proofs, entries, ledger_sequencer
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import VerifierKeyPeriod
from limited_use.receipts import receipts
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import SigningKey
from limited_use.verify import checkpoint_checks
from tests.keyrings import copy_keyring

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(3)]


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.LEDGER_ORIGIN = "ledger.example/log1"
    return copy_keyring(settings.KEYRING.folder)


def record(count):
    for _ in range(count):
        entries.record_ledger_event(event="integration.connected", about=uuid7(), at=NOW)
    ledger_sequencer.run_sequencer(NOW)


class TestCheckpoint:
    def test_is_the_newest_that_was_signed(self, client):
        assert client.get("/ledger/checkpoint").status_code == 404

        record(3)
        answer = client.get("/ledger/checkpoint")

        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert "no-store" in answer["Cache-Control"]
        assert answer.content.decode().startswith("ledger.example/log1\n3\n")


class TestConsistency:
    def test_shows_an_outsider_that_the_log_only_grew(self, client):
        record(3)
        earlier = client.get("/ledger/checkpoint").content.decode()
        record(5)
        later = client.get("/ledger/checkpoint").content.decode()

        proof = client.get("/ledger/consistency?from=3&to=8").content.decode()

        keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
        assert consistency_proofs.parse_consistency_proof(proof, keys).checkpoint.size == 8
        assert list(checkpoint_checks.check_checkpoint_series([earlier, later], [proof], keys))

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("", 400),
            ("?from=1", 400),
            ("?from=0&to=3", 400),
            ("?from=-1&to=3", 400),
            ("?from=1&to=٣", 400),
            ("?from=1&to=" + "9" * 30, 400),
            ("?from=1&to=2", 404),
            ("?from=9&to=3", 404),
            ("?from=1&to=999999999", 404),
        ],
    )
    def test_answers_in_text_what_cannot_be_shown(self, client, query, status):
        record(3)

        answer = client.get(f"/ledger/consistency{query}")

        assert answer.status_code == status
        assert answer["Content-Type"].startswith("text/plain")


class TestPublishedKeys:
    def test_lists_former_keys_and_from_when_until_when(self, client, settings):
        record(1)
        former = str(ledger_sequencer.get_verifier_key())
        settings.KEYRING = replace(
            settings.KEYRING, folder=settings.KEYRING.folder.with_name("turned")
        )
        FileKeyring.create(settings.KEYRING.folder)
        record(1)

        page = client.get("/keys/").content.decode()
        text = client.get("/keys/?format=text").content.decode().split()

        assert VerifierKeyPeriod.objects.filter(role=SigningKey.LEDGER).count() == 2
        assert "Former keys" in page
        assert "25 Nov 2026, 12:00 UTC</time></p>" in page
        assert set(text) == {former, *receipts.get_receipt_public_keys()}
