"""A database that is restored from a copy shows as live what had ended: it ends again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from config.restore_gate import RestoreGate
from integrations import connections, purge
from integrations.connections import connection_removal, restore_guard
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    OutboxProblem,
    OutboxState,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    StatusChange,
    SyncWork,
)
from integrations.outbox import dispatch
from integrations.purge import ledger_key_release
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.ledger import ledger_sequencer
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import DataKey, Receipt
from limited_use.models.ledger_keys import LedgerKey
from limited_use.receipts.receipts import get_receipt_public_keys
from limited_use.vault import data_keys, ledger_key_wrap
from limited_use.verify import verifier
from tests.database_rows import dump_tables
from tests.integrations.household import household
from tests.integrations.purge.revoke_endpoint import RevokeEndpoint
from tests.keyrings import copy_keyring
from tests.outbox import make_command
from tests.walls import acting_as

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.invariant(5, 6),
    pytest.mark.control("6.7.1"),
    pytest.mark.clause("TOK-DELETE", "WDEL"),
]
ORIGIN = "ledger.example/log1"


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.PUBLICATION_DIR = tmp_path / "outside"
    settings.LEDGER_ORIGIN = ORIGIN
    cold()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture(autouse=True)
def google(settings):
    with RevokeEndpoint.running() as endpoint:
        settings.GOOGLE = replace(settings.GOOGLE, revoke_url=endpoint.url)
        yield endpoint


@pytest.fixture
def alice():
    alice = household()
    ledger_keys.create_ledger_key(holder=alice.connection.id, at=alice.at)
    ledger_sequencer.run_sequencer(alice.at)
    return alice


def cold():
    data_keys.drop_cached_keys()
    ledger_key_wrap.drop_cached_ciphers()


def restore(copied):
    with database.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(copied)} CASCADE")
        cursor.execute("SET session_replication_role = replica")
        for table, rows in copied.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as write:
                write.write(rows)
        cursor.execute("SET session_replication_role = DEFAULT")
    cold()


def begin_a_new_log(settings, tmp_path):
    """As the README says: a new name and sink, and the tombstones along."""
    graves = settings.PUBLICATION_DIR / "tombstones.jsonl"
    settings.LEDGER_ORIGIN = "ledger.example/log2"
    settings.PUBLICATION_DIR = tmp_path / "outside-2"
    settings.PUBLICATION_DIR.mkdir()
    (settings.PUBLICATION_DIR / "tombstones.jsonl").write_bytes(graves.read_bytes())


def disconnect_alice(alice):
    job = connections.disconnect_integration(
        integration_id=alice.integration.id,
        user_id=alice.user.id,
        organisation_id=alice.organisation.id,
        at=timezone.now(),
        trigger=PurgeTrigger.OWNER,
    )
    return finish_purge(job)


def finish_purge(job):
    while True:
        job.refresh_from_db()
        if job.step == PurgeStep.DONE:
            return job
        purge.run_purge(job_id=job.id, now=partial(max, timezone.now(), job.next_try_at))


def apply_tombstones():
    out = StringIO()
    call_command("apply_tombstones", stdout=out)
    return out.getvalue()


class TestApply:
    def test_purges_again_what_was_purged_with_a_receipt_that_says_why(
        self, alice, settings, tmp_path
    ):
        copied = dump_tables()
        disconnect_alice(alice)
        restore(copied)
        assert alice.status == (IntegrationStatus.SYNCING, "")
        assert data_keys.unwrap(data_keys.read_row(alice.integration.id))
        assert restore_guard.is_pending()

        assert "1 integrations will be purged again" in apply_tombstones()

        assert alice.status == (IntegrationStatus.PURGING, "")
        assert data_keys.read_row(alice.integration.id) is None
        assert not restore_guard.is_pending()
        begin_a_new_log(settings, tmp_path)
        job = finish_purge(PurgeJob.objects.get(integration=alice.integration))
        assert job.trigger == PurgeTrigger.RESTORED
        receipt = bytes(Receipt.objects.get(id=job.receipt_id).document)
        assert "came back with a restored backup" in json.loads(receipt)["body"]["why"]
        pinned = [VerifierKey.parse(text) for text in get_receipt_public_keys()]
        assert "why             restored" in verifier.check_signed_document(receipt, pinned)
        assert Connection.objects.get(id=alice.connection.id).status == ConnectionStatus.ENDED
        # Its owner had not fetched the key of its entries: it is offered, as it had been.
        assert LedgerKey.objects.get(holder=alice.connection.id).is_offered(timezone.now())

    def test_does_nothing_twice_and_nothing_to_what_lives(self, alice):
        bob = household()
        copied = dump_tables()
        disconnect_alice(alice)
        restore(copied)

        first, second = apply_tombstones(), apply_tombstones()

        assert "1 integrations" in first
        assert second.startswith("0 restored keys destroyed again")
        assert "integrations" not in second
        assert bob.status == (IntegrationStatus.SYNCING, "")
        assert data_keys.unwrap(data_keys.read_row(bob.integration.id))
        assert PurgeJob.objects.count() == 1

    def test_leaves_open_messages_to_their_owners_although_no_key_came_back(self, alice):
        message = make_command(alice.integration, timezone.now())
        restore(dump_tables())
        assert not restore_guard.is_pending()

        with acting_as("purge"):
            assert restore_guard.remove_resurrected(at=timezone.now()).distrusted_count == 0
            assert "1 messages may have been sent after the backup" in apply_tombstones()

        message.refresh_from_db()
        assert (message.state, message.problem) == (OutboxState.UNKNOWN, OutboxProblem.RESTORED)
        assert dispatch.list_due_ids(at=timezone.now() + timedelta(hours=1)) == []
        assert alice.status == (IntegrationStatus.SYNCING, "")

    @pytest.mark.parametrize("process_class", ["web", "sync"])
    def test_is_seen_by_who_may_not_do_it_and_done_by_who_may(self, alice, process_class):
        copied = dump_tables()
        disconnect_alice(alice)
        restore(copied)
        with acting_as(process_class):
            assert restore_guard.is_pending()

        with acting_as("purge"):
            assert restore_guard.remove_resurrected(at=timezone.now()).purge_count == 1

        with acting_as(process_class):
            assert not restore_guard.is_pending()

    def test_goes_on_where_it_was_killed(self, alice, monkeypatch):
        bob = household()
        copied = dump_tables()
        for one in (alice, bob):
            disconnect_alice(one)
        restore(copied)
        ended = restore_guard.automatic_disconnect.disconnect_in_transaction
        calls = []

        def killed(**more):
            calls.append(more)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return ended(**more)

        with monkeypatch.context() as patch:
            patch.setattr(restore_guard.automatic_disconnect, "disconnect_in_transaction", killed)
            with pytest.raises(KeyboardInterrupt):
                restore_guard.remove_resurrected(at=timezone.now())
        assert restore_guard.is_pending()

        restore_guard.remove_resurrected(at=timezone.now())

        assert PurgeJob.objects.filter(trigger=PurgeTrigger.RESTORED).count() == 2
        assert not restore_guard.is_pending()

    def test_ends_a_connection_that_had_been_forgotten(self, alice):
        SyncWork.objects.all().delete()
        StatusChange.objects.all().delete()
        Integration.objects.all().delete()
        DataKey.objects.filter(holder=alice.integration.id).delete()
        copied = dump_tables()
        assert connection_removal.remove_connection(
            connection_id=alice.connection.id, at=timezone.now()
        )
        ledger_sequencer.run_sequencer(timezone.now())
        restore(copied)

        applied = restore_guard.remove_resurrected(at=timezone.now())

        assert (applied.ended_count, applied.purge_count) == (1, 0)
        ending = Connection.objects.get(id=alice.connection.id)
        assert ending.status == ConnectionStatus.ENDING
        assert connection_removal.remove_due_connections(at=timezone.now()) == 1

    def test_asks_to_reconnect_where_the_grant_had_been_replaced(self, alice):
        copied = dump_tables()
        renewed = Connection.objects.get(id=alice.connection.id)
        data_keys.destroy_returning_id(holder=renewed.grant_id)
        ledger_sequencer.run_sequencer(timezone.now())
        restore(copied)

        applied = restore_guard.remove_resurrected(at=timezone.now())

        assert (applied.reconnect_count, applied.purge_count) == (1, 0)
        alice.connection.refresh_from_db()
        assert alice.connection.status == ConnectionStatus.REAUTH_REQUIRED
        # What they have is kept until they come back.
        assert alice.status[0] == IntegrationStatus.REAUTH_REQUIRED
        assert data_keys.unwrap(data_keys.read_row(alice.integration.id))

    def test_hands_out_no_ledger_key_a_second_time(self, alice):
        job = disconnect_alice(alice)
        copied = dump_tables()
        ledger_key_release.take_ledger_file(job_id=job.id, user_id=alice.user.id, at=timezone.now())
        ledger_sequencer.run_sequencer(timezone.now())
        restore(copied)
        assert restore_guard.is_pending()

        restore_guard.remove_resurrected(at=timezone.now())

        assert LedgerKey.objects.get(holder=alice.connection.id).outcome == "restored"
        with pytest.raises(ledger_key_release.LedgerKeyNotOffered):
            ledger_key_release.take_ledger_file(
                job_id=job.id, user_id=alice.user.id, at=timezone.now()
            )


def passed_on(_environ, _start_response):
    return [b"passed on"]


class TestDoor:
    def answer(self, door, path="/"):
        told = []
        body = b"".join(
            door({"PATH_INFO": path}, lambda status, headers: told.append((status, dict(headers))))
        )
        return (*told[0], body.decode()) if told else (None, {}, body.decode())

    def door(self):
        return RestoreGate(passed_on, restore_guard.is_pending)

    def test_is_open_where_nothing_was_restored(self, alice):
        disconnect_alice(alice)

        assert self.answer(self.door())[2] == "passed on"

    @pytest.mark.claim("restored.removing-again")
    def test_is_shut_until_the_tombstones_are_applied(self, alice, monkeypatch):
        monkeypatch.setattr("config.startup_gate.CHECK_INTERVAL", 0.0)
        copied = dump_tables()
        disconnect_alice(alice)
        restore(copied)
        door = self.door()

        status, headers, body = self.answer(door)
        assert status.startswith("503")
        assert "restored from a backup" in body
        assert "Antares could not answer in time" not in body
        assert headers["Cache-Control"] == "no-store"
        status, headers, body = self.answer(door, "/v1/users/me/messages")
        assert headers["Content-Type"] == "application/problem+json"
        assert (json.loads(body)["status"], json.loads(body)["code"]) == (503, "busy")

        apply_tombstones()

        assert self.answer(door)[2] == "passed on"

    def test_stays_shut_where_it_cannot_be_told_and_does_not_say_that_it_was_restored(
        self, alice, settings, caplog
    ):
        disconnect_alice(alice)
        (settings.PUBLICATION_DIR / "tombstones.jsonl").write_text("{broken}\n")
        door = self.door()
        caplog.clear()

        status, _, body = self.answer(door)
        problem = self.answer(door, "/v1/users/me/messages")[2]
        assert status.startswith("503")
        assert "not ready yet" in body
        assert "restored" not in body + problem
        assert "Antares could not answer in time" not in body
        assert [record.msg for record in caplog.records] == ["tombstones.unreadable"]

    @pytest.mark.scenario("X1")
    def test_says_of_a_database_that_is_away_that_it_is_away(self, caplog):
        def away():
            raise OperationalError

        door = RestoreGate(passed_on, away)

        status, headers, body = self.answer(door)
        problem = json.loads(self.answer(door, "/v1/users/me/messages")[2])
        assert status.startswith("503")
        assert headers["Retry-After"] == "5"
        assert "Antares could not answer in time" in body
        assert "restored" not in body
        assert problem["code"] == "busy"
        assert [record.msg for record in caplog.records] == ["database.failed"]

    def test_asks_no_more_once_it_is_open(self, alice):
        asked = []
        door = RestoreGate(passed_on, lambda: asked.append(True) or False)

        for _ in range(3):
            self.answer(door)

        assert asked == [True]
