"""A purge from the fence to its receipt: provider down, queue down, killed worker."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import NoneType
from uuid import UUID

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from integrations import purge
from integrations.coordination.leases import NotClaimable
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    Message,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    QuotaBucket,
    RevocationOutcome,
)
from integrations.notifications import notice_delivery, owner_notices
from integrations.purge import inventory, purge_jobs
from integrations.purge.receipt import TRIGGER_REASONS
from limited_use.agreements import consents
from limited_use.ledger import entries, ledger_sequencer
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Consent, DataKey, Leaf, Receipt
from limited_use.policy.feature_registry import FEATURES
from limited_use.receipts import receipts
from limited_use.verify import verifier
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.interleaving import Worker
from tests.integrations.purge.revoke_endpoint import DOWN, GONE


def run_purge_to_end(job, clock):
    """Run the job as its sweeper would, until it is done; time passes while it waits."""
    for _ in range(200):
        if purge.run_purge(job_id=job.id, now=clock) is PurgeStep.DONE:
            break
        clock.at = PurgeJob.objects.get(id=job.id).next_try_at
    return PurgeJob.objects.get(id=job.id)


@contextmanager
def another_sequencer_at_work():
    other = database.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(%s, %s)",
                [ledger_sequencer.LOCK_CLASS, ledger_sequencer.LOCK],
            )
        yield
    finally:
        other.close()


def count_left(integration):
    return inventory.count_rows_left(
        integration_id=integration.id, connection_id=integration.connection_id
    )


def body_of(integration):
    keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
    document = bytes(Receipt.objects.get(subject_id=integration.id).document)
    return verifier.signed_documents.verify_document(document, keys)["body"]


@pytest.mark.invariant(6)
@pytest.mark.clause("WDEL", "CASA-DEL", "MS-DEL", "AN-14", "AN-15")
class TestRun:
    @pytest.mark.claim("status.purged", "mail.reconnect-or-removed")
    @pytest.mark.claim("home.removed", "connect.end", "integrations.optional", "notice.rights")
    @pytest.mark.claim("stored.mail")
    def test_leaves_nothing_and_writes_one_receipt_that_verifies(self, mailbox, clock):
        before = count_left(mailbox)
        job = run_purge_to_end(open_purge_job(mailbox), clock)

        # All but what calendars have: see `tests/integrations/calendar`.
        assert {name for name, count in before.items() if not count} == {
            "integrations.Calendar",
            "integrations.Event",
            "limited_use.DataKey.copies",
        }
        assert not any(count_left(mailbox).values())
        assert job.counts_left == dict.fromkeys(before, 0)
        assert job.receipt_id == Receipt.objects.get(subject_id=mailbox.id).id
        mailbox.refresh_from_db()
        assert mailbox.status == IntegrationStatus.PURGED
        keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
        assert verifier.check_signed_document(bytes(Receipt.objects.get().document), keys)

    def test_mails_its_receipt_even_if_the_worker_is_killed_before(
        self, mailbox, clock, monkeypatch, mailoutbox
    ):
        def kill(**_):
            raise SystemExit

        job = open_purge_job(mailbox)
        with monkeypatch.context() as patched:
            patched.setattr(owner_notices, "send_receipt_notice", kill)
            with pytest.raises(SystemExit):
                run_purge_to_end(job, clock)
        assert mailoutbox == []

        notice_delivery.deliver_due_notices(at=clock.at + timedelta(minutes=2))

        (mail,) = mailoutbox
        assert "/receipts/" in mail.body

    @pytest.mark.claim("receipt.revoked", "receipt.connection-emptied")
    @pytest.mark.scenario("X7")
    @pytest.mark.clause("TOK-REVOKE", "TOK-DELETE")
    def test_revokes_with_the_token_and_ends_the_connection(self, mailbox, google, clock):
        before = {bytes(key.key_id).hex(): key.line for key in DataKey.objects.all()}
        assert sorted(before.values()) == ["account", "content", "credential"]

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        assert google.tokens == ["1//refresh"]
        assert job.revocation == RevocationOutcome.CONFIRMED
        ended = Connection.objects.get(id=mailbox.connection_id)
        assert ended.status == ConnectionStatus.ENDED
        assert what_identifies_or_opens(ended) == {}
        assert not DataKey.objects.exists()
        said = body_of(mailbox)
        assert said["provider_revocation"]["outcome"] == "confirmed"
        assert "without account, permissions and access tokens" in said["remains"]["tombstones"]
        assert {key["key_id"]: key["line"] for key in said["keys_destroyed"]} == before

    @pytest.mark.claim("data-use.backup-days")
    def test_names_the_day_until_which_the_operator_keeps_copies(self, mailbox, clock, settings):
        settings.BACKUP_RETENTION_DAYS = 17
        page = " ".join(Client().get(reverse("data-use")).text.split())
        assert "Backups are kept for at most 17 days" in page

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        until = receipts.format_receipt_time(job.verified_at + timedelta(days=17))
        assert body_of(mailbox)["remains"]["backups"]["until"] == until

    @pytest.mark.parametrize("trigger", PurgeTrigger)
    def test_names_its_trigger(self, mailbox, clock, trigger):
        run_purge_to_end(open_purge_job(mailbox, trigger=trigger), clock)

        said = body_of(mailbox)
        assert (said["trigger"], said["why"]) == (trigger, TRIGGER_REASONS[trigger])

    @pytest.mark.claim("receipt.already-gone")
    @pytest.mark.scenario("X1")
    def test_takes_a_token_that_is_already_dead_for_done(self, mailbox, google, clock):
        google.answer = GONE

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        assert job.revocation == RevocationOutcome.ALREADY_GONE
        said = body_of(mailbox)["provider_revocation"]
        assert said["says"].startswith("The access had already ended:")
        assert (google.tokens, said["tries"]) == (["1//refresh"], 1)

    @pytest.mark.claim("receipt.already-gone", "receipt.gone-after-asking")
    @pytest.mark.scenario("X1")
    def test_does_not_say_that_a_grant_had_ended_which_it_may_have_ended_itself(
        self, mailbox, google, clock
    ):
        google.answer = DOWN
        purge.run_purge(job_id=(job := open_purge_job(mailbox)).id, now=clock)
        google.answer = GONE
        clock.advance(minutes=1)

        job = run_purge_to_end(job, clock)

        assert job.revocation == RevocationOutcome.GONE_AFTER_ASKING
        said = body_of(mailbox)["provider_revocation"]
        assert said["tries"] == 2
        assert "an earlier request of Antares ended it" in said["says"]

    @pytest.mark.scenario("X1")
    def test_empties_our_rows_before_a_dead_provider_answers(self, mailbox, google, clock):
        google.answer = DOWN

        step = purge.run_purge(job_id=(job := open_purge_job(mailbox)).id, now=clock)

        job.refresh_from_db()
        assert (step, job.revocation) == (PurgeStep.VERIFIED, RevocationOutcome.PENDING)
        assert not any(inventory.count_rows_left(integration_id=mailbox.id).values())
        assert job.verified_at == NOW

    @pytest.mark.claim("receipt.unconfirmed")
    @pytest.mark.scenario("X1")
    def test_gives_a_dead_provider_a_day_and_says_unconfirmed(self, mailbox, google, clock):
        google.answer = DOWN

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        assert job.revocation == RevocationOutcome.UNCONFIRMED
        assert job.done_at - job.fenced_at >= timedelta(hours=24)
        assert not any(count_left(mailbox).values())
        assert 20 < len(google.tokens) < 60
        assert body_of(mailbox)["provider_revocation"]["pages"][0].startswith("https://")

    @pytest.mark.scenario("X1")
    def test_confirms_when_the_provider_comes_back(self, mailbox, google, clock):
        google.answer = DOWN
        purge.run_purge(job_id=(job := open_purge_job(mailbox)).id, now=clock)
        google.answer = (200, {})
        clock.advance(hours=1)

        job = run_purge_to_end(job, clock)

        assert job.revocation == RevocationOutcome.CONFIRMED

    @pytest.mark.scenario("X1")
    def test_needs_no_credential_that_opens(self, mailbox, clock):
        DataKey.objects.filter(holder=mailbox.connection.grant_id).delete()

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        assert job.revocation == RevocationOutcome.UNCONFIRMED
        assert not any(count_left(mailbox).values())

    @pytest.mark.scenario("X8")
    def test_is_done_once_however_often_it_is_run(self, mailbox, clock):
        job = run_purge_to_end(open_purge_job(mailbox), clock)

        with pytest.raises(NotClaimable):
            purge.run_purge(job_id=job.id, now=clock)
        assert Receipt.objects.count() == 1

    @pytest.mark.scenario("X8")
    def test_is_opened_once(self, mailbox):
        open_purge_job(mailbox)

        with pytest.raises(purge.AlreadyDisconnected):
            open_purge_job(mailbox)
        assert PurgeJob.objects.count() == 1

    @pytest.mark.scenario("X8")
    def test_takes_away_what_a_late_worker_put_back(self, mailbox, clock):
        job = open_purge_job(mailbox)
        with another_sequencer_at_work():
            step = purge.run_purge(job_id=job.id, now=clock)
        late = QuotaBucket(connection_id=mailbox.connection_id, units=1, counted_at=NOW)
        late.save(force_insert=True)
        clock.advance(seconds=1)

        run_purge_to_end(job, clock)

        assert step is PurgeStep.AWAITING_CHECKPOINT
        assert not QuotaBucket.objects.exists()
        assert Receipt.objects.count() == 1

    def test_is_nobody_elses_while_its_lease_lasts(self, mailbox, clock, settings):
        job = open_purge_job(mailbox)
        purge_jobs.claim_purge_job(
            job_id=job.id, at=NOW, duration=timedelta(seconds=settings.LEASE_SECONDS)
        )

        with pytest.raises(NotClaimable):
            purge.run_purge(job_id=job.id, now=clock)

    def test_waits_for_proofs_before_it_is_done(self, mailbox, clock):
        job = open_purge_job(mailbox)

        with another_sequencer_at_work():
            step = purge.run_purge(job_id=job.id, now=clock)

        mailbox.refresh_from_db()
        assert step is PurgeStep.AWAITING_CHECKPOINT
        assert mailbox.status == IntegrationStatus.PURGING
        assert not Receipt.objects.exists()
        clock.advance(seconds=1)
        assert run_purge_to_end(job, clock).step == PurgeStep.DONE

    @pytest.mark.scenario("X8")
    def test_counts_in_the_receipt_what_a_killed_worker_deleted(self, alice, google, clock):
        big = holdings.integration(holdings.connection(alice, at=NOW), at=NOW, messages=300)
        before = count_left(big)
        job = open_purge_job(big)
        worker = Worker(partial(purge.run_purge, job_id=job.id, now=clock), ignored=())
        while Message.objects.count() == before["integrations.Message"]:
            worker.step()
        worker.kill()
        assert Message.objects.exists()
        clock.advance(hours=1)

        run_purge_to_end(job, clock)

        tables = [name for name in before if name in inventory.TABLES]
        assert body_of(big)["deleted_rows"] == sum(before[name] for name in tables)

    def test_keeps_other_mailboxes(self, mailbox, alice, clock):
        other = holdings.integration(
            holdings.connection(alice, at=NOW, account="sub-2", token="1//other"), at=NOW
        )
        before = count_left(other)

        run_purge_to_end(open_purge_job(mailbox), clock)

        assert count_left(other) == before

    @pytest.mark.claim("receipt.ledger", "receipt.pseudonyms-ours")
    @pytest.mark.invariant(3)
    def test_writes_no_id_as_it_stands_into_the_ledger(self, mailbox, clock):
        run_purge_to_end(open_purge_job(mailbox), clock)

        known = [mailbox.id, mailbox.connection_id, mailbox.connection.user_id]
        payloads = [bytes(leaf.payload).decode() for leaf in Leaf.objects.all()]
        assert any("purge" in payload for payload in payloads)
        assert [one for one in known for payload in payloads if str(one) in payload] == []
        # Nothing else of the mailbox, the account or the person.
        for word in ("alice", "gmail.example", "sub-1", "1//refresh", "ya29"):
            assert not [payload for payload in payloads if word in payload]
        # The mailbox is older than keys of connections: its names are the service's own.
        assert body_of(mailbox)["remains"]["ledger_key"].startswith(
            "The pseudonyms are made with a key of Antares"
        )
        assert any(entries.get_ledger_pseudonym(mailbox.id) in payload for payload in payloads)


def what_identifies_or_opens(connection):
    names = ("account_blind", "email", "access_token", "refresh_token", "wanted_claims")
    values = Connection.objects.filter(id=connection.id).values().get()
    return {
        name: values[name] for name in (*names, "asked_scopes", "granted_scopes") if values[name]
    }


def no_content(row):
    """Return the values of a row that are no id, date, count or state of ours."""
    plain = (UUID, datetime, int, bool, NoneType)
    ids = {"content_key_id", "credential_key_id", "account_key_id"}
    states = {
        *("status", "status_reason", "step", "trigger", "revocation", "watch_stop"),
        *("product", "provider"),
    }
    return {
        name: value
        for name, value in row.items()
        if not (
            isinstance(value, plain)
            or value in ("", [], {})
            or (name in ids and re.fullmatch("[0-9a-f]{16}", value))
            or (name in states and re.fullmatch("[a-z_]+", value))
            or (name == "entry_ids" and all(isinstance(one, UUID) for one in value))
            or (isinstance(value, dict) and all(isinstance(one, int) for one in value.values()))
        )
    }


@pytest.mark.invariant(6)
class TestWhatRemains:
    @pytest.mark.claim("receipt.consent", "receipt.tombstones", "receipt.connection-emptied")
    def test_is_what_the_receipt_says(self, mailbox, clock):
        owner = mailbox.connection
        Membership.objects.create(
            user_id=owner.user_id, organisation_id=owner.organisation_id, joined_at=NOW
        )
        with transaction.atomic():
            consents.give(
                person_id=owner.user_id,
                organisation_id=owner.organisation_id,
                feature="inbox",
                version=FEATURES["inbox"].version,
                at=NOW,
            )

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        remains = body_of(mailbox)["remains"]
        assert "with its version and date" in remains["consent"]
        kept = Consent.objects.get()
        assert (kept.version, kept.given_at) == (FEATURES["inbox"].version, NOW)
        assert "A record of the integration and one of this removal" in remains["tombstones"]
        assert "A record of the connection" in remains["tombstones"]
        for rows in (Integration, Connection, PurgeJob):
            assert no_content(rows.objects.values().get()) == {}
        assert job.integration_id == mailbox.id

    @pytest.mark.claim("receipt.tombstones", "receipt.credential-kept")
    def test_does_not_hide_a_connection_that_stays(self, mailbox, clock):
        holdings.integration(mailbox.connection, at=NOW, product="calendar", messages=0)

        run_purge_to_end(open_purge_job(mailbox), clock)

        kept = Connection.objects.get(id=mailbox.connection_id)
        assert {"email", "granted_scopes", "refresh_token"} <= what_identifies_or_opens(kept).keys()
        remains = body_of(mailbox)["remains"]
        assert "connection" not in remains["tombstones"]
        assert "Antares keeps its address, permissions and access tokens" in remains["credential"]

    def test_says_nothing_that_no_row_shows(self, mailbox, clock):
        run_purge_to_end(open_purge_job(mailbox), clock)

        assert "messages_sent" not in body_of(mailbox)["remains"]


class TestEmpty:
    def test_deletes_in_batches_of_at_most_a_thousand(self, alice, google, clock):
        big = holdings.integration(holdings.connection(alice, at=NOW), at=NOW, messages=2500)
        messages = Message.objects.filter(integration_id=big.id)
        sizes = []

        def count_deleted(execute, sql, params, many, context):
            if "DELETE FROM integrations_message " not in sql:
                return execute(sql, params, many, context)
            before = messages.count()
            answer = execute(sql, params, many, context)
            sizes.append(before - messages.count())
            return answer

        job = open_purge_job(big)
        with database.execute_wrapper(count_deleted):
            job = run_purge_to_end(job, clock)

        assert sum(sizes) == 2500
        assert max(sizes) <= 1000
        assert not messages.exists()
        assert job.step == PurgeStep.DONE

    def test_sends_no_ids_of_rows_to_the_database(self, alice, google, clock):
        """They would be most of what goes to and fro; a list of a thousand is 37 KB of text."""
        big = holdings.integration(holdings.connection(alice, at=NOW), at=NOW, messages=300)
        lists = []

        def record_long_lists(execute, sql, params, many, context):
            lists.extend(one for one in params or () if isinstance(one, list) and len(one) > 10)
            return execute(sql, params, many, context)

        job = open_purge_job(big)
        with database.execute_wrapper(record_long_lists):
            job = run_purge_to_end(job, clock)

        assert job.step == PurgeStep.DONE
        assert lists == []
