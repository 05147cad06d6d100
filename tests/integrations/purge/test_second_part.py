"""A day after the purge: the key epoch ends, and part 2 of the receipt proves it, to anyone."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from accounts.rate_limit_counters import Rate
from integrations import purge, tasks
from integrations.models import Calendar, Integration, PurgeJob, PurgeStep
from integrations.purge import receipt_summary
from integrations.urls.public_pages import receipt_links as pages
from limited_use.ledger import ledger_sequencer
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import DataKey, KeyEpoch, Receipt, ReceiptLink
from limited_use.policy.key_lines import KeyLine
from limited_use.receipts import receipt_links, receipts
from limited_use.rotation import key_epochs, rotation_schedule
from limited_use.vault import data_keys as vault_keys
from limited_use.vault.keyring.keyring_port import EpochGone
from limited_use.verify import verifier
from tests.integrations import household
from tests.integrations.calendar import local_house
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.pages import reading
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.test_engine import body_of

pytestmark = [pytest.mark.invariant(6), pytest.mark.clause("TOK-DELETE", "WDEL")]


def keys():
    return [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]


def purge_to_end(integration, clock):
    job = open_purge_job(integration)
    for _ in range(50):
        if purge.run_purge(job_id=job.id, now=clock) is PurgeStep.DONE:
            break
        clock.at = PurgeJob.objects.get(id=job.id).next_try_at
    return PurgeJob.objects.get(id=job.id)


def rotate_epochs(*lines):
    for line in lines or KeyLine:
        key_epochs.rotate_key_epoch(line, NOW)
    ledger_sequencer.run_sequencer(NOW)


def second_parts():
    return Receipt.objects.filter(part=2)


class TestSweep:
    @pytest.mark.claim("receipt-link.part-2", "receipt.part-2-there")
    def test_writes_nothing_before_the_epochs_have_ended(self, mailbox, clock):
        purge_to_end(mailbox, clock)
        tasks.purge.write_second_parts()
        rotate_epochs(KeyLine.CONTENT)
        tasks.purge.write_second_parts()

        # The credential's epoch lives still.
        assert not second_parts().exists()

    @pytest.mark.claim("mail.part-2")
    @pytest.mark.claim("receipt.part-2-there", "receipt.key-epoch", "receipt-link.part-2")
    @pytest.mark.claim("receipt.remains-without-key")
    @pytest.mark.scenario("X3", "X8")
    def test_writes_one_that_verifies_with_part_one(self, mailbox, clock):
        job = purge_to_end(mailbox, clock)
        rotate_epochs()

        for _ in range(3):
            tasks.purge.write_second_parts()

        second = second_parts().get()
        assert purge.get_key_destruction_receipt(job) == second
        first = Receipt.objects.get(id=job.receipt_id)
        lines = verifier.check_both_parts(bytes(first.document), bytes(second.document), keys())
        summary = receipt_summary.summarize_receipt(
            *(json.loads(bytes(part.document)) for part in (first, second))
        )
        ended = [key.epoch_ended_at for key in summary.keys]
        moments = [part.at for part in summary.remains.parts if part.at]
        assert summary.remains.claim == "receipt.remains-without-key"
        assert moments == [purge.key_destruction_receipt.get_backup_end(job), max(ended)]
        assert None not in ended
        assert not KeyEpoch.objects.filter(
            line=KeyLine.CONTENT, number=job.content_kek_epoch, destroyed_at=None
        ).exists()
        text = "\n".join(lines)
        assert f"key             {job.content_key_id}, wrapped under content epoch" in text
        assert f"key             {job.credential_key_id}, wrapped under credential epoch" in text

    def test_waits_for_the_ledger(self, mailbox, clock):
        purge_to_end(mailbox, clock)
        for line in KeyLine:
            key_epochs.rotate_key_epoch(line, NOW)

        tasks.purge.write_second_parts()
        assert not second_parts().exists()

        ledger_sequencer.run_sequencer(NOW)
        tasks.purge.write_second_parts()
        assert second_parts().count() == 1

    @pytest.mark.invariant(8)
    def test_lets_no_bad_one_stand_in_the_way(self, alice, google, clock):
        jobs = []
        for account in ("sub-1", "sub-2"):
            connection = holdings.connection(alice, at=NOW, account=account)
            jobs.append(purge_to_end(holdings.integration(connection, at=NOW), clock))
        rotate_epochs()
        PurgeJob.objects.filter(id=jobs[0].id).update(entry_ids=[])
        Receipt.objects.filter(id=jobs[0].receipt_id).update(part=2)
        Receipt.objects.filter(id=jobs[0].receipt_id).update(subject_id=jobs[0].id)

        tasks.purge.write_second_parts()

        assert purge.get_key_destruction_receipt(jobs[1])

    def test_asks_nothing_of_a_purge_that_destroyed_no_key(self, mailbox, clock):
        job = purge_to_end(mailbox, clock)
        PurgeJob.objects.filter(id=job.id).update(content_kek_epoch=None)
        rotate_epochs()

        assert purge.list_due_key_destruction_receipts() == []


class TestOfLocalCalendars:
    """They are in copies of the database, so their keys' epoch lasts as long as those do."""

    @pytest.fixture
    def job(self, alice, clock, settings, mailoutbox):
        settings.BACKUP_RETENTION_DAYS = 30
        member = household.person(organisation=alice.organisation, at=NOW)
        self.owner = member[0]
        created = local_house.create_local_calendar(actor_of(*member))
        self.copied = read_key_row(Calendar.objects.get(id=created).cache_id)
        return purge_to_end(Integration.objects.get(), clock)

    @pytest.mark.claim("receipt.part-2-of-local-calendars", "mail.part-2")
    def test_is_promised_for_the_day_when_their_epoch_has_ended(self, job, mailoutbox):
        owner = Client()
        owner.force_login(self.owner)

        page = reading.text(owner.get(f"/settings/removals/{job.id}/").content.decode())

        end = job.fenced_at + timedelta(days=30)
        assert f"By {end.day} {end:%b %Y}, Antares destroys the key that could open" in page
        assert "Within a day" not in page
        text = " ".join(mailoutbox[-1].body.split())
        assert f"destroys its key to them by {end.day} {end:%b %Y}" in text
        assert "Part 2 of the receipt appears at the same link" in text

    @pytest.mark.claim("receipt.own-key-epoch", "receipt.backups")
    @pytest.mark.claim("receipt.part-2-of-local-calendars", "mail.part-2")
    def test_comes_when_copies_of_the_database_do_not_open_any_more(self, job):
        remains = body_of(job.integration)["remains"]
        assert remains["own_key_epoch"]["number"] == job.own_kek_epoch
        promised = datetime.fromisoformat(remains["own_key_epoch"]["destroyed_by"])
        assert promised == job.fenced_at + timedelta(days=30)
        assert "the epochs of all destroyed keys" in remains["backups"]["says"]

        rotate_epochs(*set(KeyLine) - {KeyLine.OWN})
        tasks.purge.write_second_parts()
        vault_keys.drop_cached_keys()
        assert vault_keys.unwrap(self.copied)
        assert not second_parts().exists()

        # The latest: an epoch that began with the disconnect.
        KeyEpoch.objects.filter(line=KeyLine.OWN).update(began_at=job.fenced_at)
        hours = rotation_schedule.get_max_hours(KeyLine.OWN)
        assert rotation_schedule.is_rotation_due(KeyLine.OWN, at=promised, max_hours=hours)
        rotate_epochs(KeyLine.OWN)
        tasks.purge.write_second_parts()
        vault_keys.drop_cached_keys()
        with pytest.raises(EpochGone):
            vault_keys.unwrap(self.copied)
        assert second_parts().exists()


def read_key_row(holder):
    """Return the key's row, as a copy of the database keeps it."""
    row = DataKey.objects.get(holder=holder)
    wrapped = bytes(row.wrapped)
    return vault_keys.DataKeyRow(holder, row.line, 1, bytes(row.key_id), wrapped, row.kek_epoch)


class TestKeyDestructionPages:
    """The owner's page offers both parts and a link; the link needs no account."""

    @pytest.fixture
    def owner(self, alice):
        client = Client()
        client.force_login(alice.user)
        return client

    def link(self, owner, job):
        answer = owner.post(f"/settings/removals/{job.id}/link/")
        assert "no-store" in answer["Cache-Control"]
        found = re.search(r"/receipts/[A-Za-z0-9_-]{43}/", answer.content.decode())
        return found[0]

    def test_offer_the_second_part_once_it_is_there(self, owner, mailbox, clock):
        job = purge_to_end(mailbox, clock)
        address = f"/settings/removals/{job.id}/receipt-part-2.json"
        assert owner.get(address).status_code == 404
        assert address not in owner.get(f"/settings/removals/{job.id}/").content.decode()

        rotate_epochs()
        tasks.purge.write_second_parts()

        assert address in owner.get(f"/settings/removals/{job.id}/").content.decode()
        assert owner.get(address).content == bytes(second_parts().get().document)

    @pytest.mark.claim("receipt-link.once")
    def test_show_a_link_once_and_keep_a_hash(self, owner, mailbox, clock):
        job = purge_to_end(mailbox, clock)
        address = self.link(owner, job)
        token = address.split("/")[2]

        assert token not in owner.get(f"/settings/removals/{job.id}/").content.decode()
        # The other one went by mail.
        kept = [bytes(one.token_hash) for one in ReceiptLink.objects.all()]
        assert len(kept) == 2
        assert token.encode() not in b"".join(kept)
        assert Client().post(f"/settings/removals/{job.id}/link/").status_code == 302

    def test_make_no_link_for_somebody_else(self, mailbox, clock):
        job = purge_to_end(mailbox, clock)
        mallory = Client()
        mallory.force_login(holdings.person(NOW, "mallory").user)
        before = ReceiptLink.objects.count()

        assert mallory.post(f"/settings/removals/{job.id}/link/").status_code == 404
        assert ReceiptLink.objects.count() == before

    @pytest.mark.claim("receipt-link.once", "mail.receipt-link")
    def test_work_by_link_after_the_account_is_gone(self, owner, alice, mailbox, clock):
        job = purge_to_end(mailbox, clock)
        address = self.link(owner, job)
        rotate_epochs()
        tasks.purge.write_second_parts()
        PurgeJob.objects.all().delete()
        mailbox.delete()
        mailbox.connection.delete()
        alice.user.delete()
        assert not User.objects.exists()

        stranger = Client()
        page = stranger.get(address)
        parts = [
            stranger.get(f"{address}{name}.json").content for name in ("receipt", "receipt-part-2")
        ]

        assert page.status_code == 200
        assert verifier.check_both_parts(*parts, keys())

    @pytest.mark.claim("receipt-link.only", "mail.receipt-link")
    @pytest.mark.control("6.7.1")
    def test_say_nothing_but_the_receipt_and_are_kept_nowhere(self, owner, alice, mailbox, clock):
        address = self.link(owner, purge_to_end(mailbox, clock))
        for name in ("", "receipt.json"):
            answer = Client().get(f"{address}{name}")

            assert "no-store" in answer["Cache-Control"]
            assert answer["Referrer-Policy"] == "no-referrer"
            said = answer.content.decode()
            for secret in (alice.user.email, alice.user.name, alice.organisation.name + " Inc"):
                assert secret not in said
            for raw in (alice.user.id, alice.organisation.id, mailbox.id, mailbox.connection_id):
                assert str(raw) not in said
        assert Client().get(f"{address}receipt-part-2.json").status_code == 404
        assert "Part 2 does not exist yet" in Client().get(address).content.decode()

    def test_know_no_other_token(self, owner, mailbox, clock):
        purge_to_end(mailbox, clock)

        for token in ("x", "A" * 43, str(mailbox.id)):
            answer = Client().get(f"/receipts/{token}/")
            assert answer.status_code == 404

    @pytest.mark.control("2.1.1")
    def test_answer_an_address_only_so_often(self, monkeypatch, mailbox, clock):
        job = purge_to_end(mailbox, clock)
        token = receipt_links.create_link(subject_id=job.integration_id, at=NOW)
        monkeypatch.setattr(pages, "RATE", Rate("receipt-link", 3, 60))

        statuses = [Client().get(f"/receipts/{token}/").status_code for _ in range(5)]

        assert statuses == [200, 200, 200, 429, 429]
