"""The owner's part of the ledger: from the receipt to a file that is theirs alone."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db import connections
from django.utils import timezone

from accounts.models import User
from integrations import purge, tasks
from integrations.access import ledger_pseudonyms, permits
from integrations.connections import connection_removal
from integrations.models import Connection, Integration, PurgeJob, PurgeStep
from integrations.purge import ledger_key_release
from integrations.purge.ledger_key_release import LedgerKeyNotOffered
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import (
    ledger_key_lifecycle,
    ledger_sequencer,
    pseudonyms,
    subject_access,
    tile_store,
)
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Leaf, Receipt
from limited_use.models.ledger_keys import LedgerKey, WrappedLedgerKey
from limited_use.receipts import key_store_disclosure, receipts
from limited_use.rotation import key_epochs
from limited_use.vault import ledger_key_wrap
from limited_use.verify import verifier
from limited_use.verify.receipt_checks import ReceiptNotProven
from tests.api.cast import browser
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.walls import acting_as, requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.invariant(6), pytest.mark.clause("WDEL")]
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _cold(keyring):
    ledger_key_wrap.drop_cached_ciphers()


@pytest.fixture
def mine(mailbox):
    """Return alice's mailbox, which the ledger names by a key of its connection's."""
    ledger_key_lifecycle.create_ledger_key(holder=mailbox.connection_id, at=NOW)
    # Something that was used while it was connected.
    with suppress(AccessRefused):
        permits.to_sync(integration_id=mailbox.id, at=NOW)
    return mailbox


def purge_to_receipt(mine, clock):
    job = open_purge_job(mine, at=clock())
    finish_purge(job, clock)
    return PurgeJob.objects.get(id=job.id)


def finish_purge(job, clock):
    while purge.run_purge(job_id=job.id, now=clock) is not PurgeStep.DONE:
        clock.at = PurgeJob.objects.get(id=job.id).next_try_at


def get_ledger_key(mine):
    return LedgerKey.objects.get(holder=mine.connection_id)


def take_ledger_file(job, at=NOW):
    return ledger_key_release.take_ledger_file(job_id=job.id, user_id=job.user_id, at=at)


def export():
    out = StringIO()
    call_command("export_ledger", stdout=out)
    return out.getvalue()


def list_public_keys():
    return [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]


def list_tables_holding(needle: bytes) -> set[str]:
    """Return the tables in which the bytes stand, in whichever column, raw or in hexadecimal."""
    found = set()
    with database.cursor() as cursor:
        for table in database.introspection.table_names():
            cursor.execute(
                f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s",  # noqa: S608
                [f"%{needle.hex()}%"],
            )
            if cursor.fetchone() != (0,):
                found.add(table)
    return found


class TestReceipt:
    @pytest.mark.claim("uses.removed-key", "receipt.ledger-key-offered", "ledger-part.nobody")
    def test_mentions_the_commitment_and_never_the_key(self, mine, clock):
        job = purge_to_receipt(mine, clock)
        receipt = bytes(Receipt.objects.get(id=job.receipt_id).document)
        part = json.loads(take_ledger_file(job))

        says = json.loads(receipt)["body"]["remains"]["ledger_key"]
        assert says["commitment"] == part["commitment"]
        assert says["offered_for_days"] == 30
        key = bytes.fromhex(part["key"])
        for spelt in (key, key.hex().encode(), base64.b64encode(key)):
            assert spelt not in receipt
        assert list_tables_holding(key) == set()

    def test_proves_the_commitment(self, mine, clock):
        job = purge_to_receipt(mine, clock)
        receipt = bytes(Receipt.objects.get(id=job.receipt_id).document)

        assert any(
            "ledger_key.set_aside" in line
            for line in verifier.check_signed_document(receipt, list_public_keys())
        )

    @pytest.mark.claim("receipt.ledger-key-offered")
    def test_names_the_removal_and_no_use(self, mine, clock):
        # It is kept beside its owner's id, so what it shows must not lead on to the rest.
        used = set(Leaf.objects.values_list("subject", flat=True))
        job = purge_to_receipt(mine, clock)
        receipt = bytes(Receipt.objects.get(id=job.receipt_id).document).decode()

        assert used
        assert not [one for one in used if bytes(one).hex() in receipt]

    @pytest.mark.claim("key-store.files", "key-store.transit")
    @pytest.mark.parametrize(
        ("url", "days", "kept_in", "kept"),
        [
            ("", None, "files", {"until": "unknown"}),
            ("", 7, "files", {"days_after_the_epoch": 7}),
            ("https://bao.example:8200", None, "transit engine", {"until": "unknown"}),
            ("https://bao.example:8200", 30, "transit engine", {"days_after_the_epoch": 30}),
        ],
    )
    def test_says_of_copies_of_the_key_store_what_is_true_of_that_one(
        self, settings, url, days, kept_in, kept
    ):
        settings.KEYRING = replace(settings.KEYRING, url=url, snapshot_retention_days=days)

        says = key_store_disclosure.describe_copies()

        assert says["kept_in"] == kept_in
        assert kept.items() <= says.items()
        assert ("overwrites and deletes" in says["says"]) == (kept_in == "files")
        assert "would still open" in says["says"]

    @pytest.mark.claim("receipt.proves")
    def test_says_what_it_proves_and_what_nobody_can(self, mine, clock):
        job = purge_to_receipt(mine, clock)
        body = json.loads(bytes(Receipt.objects.get(id=job.receipt_id).document))["body"]

        assert "recorded and checked" in body["remains"]["proves"]
        assert "no copy exists" in body["remains"]["proves"]

    @pytest.mark.claim("receipt.ledger-key-stays")
    def test_says_that_the_key_stays_while_something_is_connected(self, mine, clock):
        other = Integration.objects.create(
            connection=mine.connection, product="calendar", status_since=NOW, switched_on_at=NOW
        )
        job = purge_to_receipt(mine, clock)
        body = json.loads(bytes(Receipt.objects.get(id=job.receipt_id).document))["body"]

        assert "as long as part" in body["remains"]["ledger_key"]
        assert get_ledger_key(mine).set_aside_at is None
        with pytest.raises(LedgerKeyNotOffered):
            take_ledger_file(job)

        last = purge_to_receipt(other, clock)

        assert get_ledger_key(mine).is_offered(clock())
        # Whichever of its removals they stand before.
        assert take_ledger_file(job)
        with pytest.raises(LedgerKeyNotOffered):
            take_ledger_file(last)


class TestPart:
    def test_names_what_is_theirs_and_shows_its_commitment(self, mine, clock):
        part = take_ledger_file(purge_to_receipt(mine, clock))

        lines = verifier.check_owner_ledger_part(part, None, None, list_public_keys())

        assert any(line.startswith("committed") for line in lines)
        assert str(mine.id) in "\n".join(lines)

    @pytest.mark.claim("ledger-part.file")
    @pytest.mark.claim("ledger-part.finds", "ledger-part.no-name", "uses.removed-key")
    def test_finds_their_entries_in_the_ledger_and_nobody_elses(self, mine, clock, alice):
        bob = holdings.integration(
            holdings.connection(holdings.person(NOW, "bob"), at=NOW, account="bob"), at=NOW
        )
        ledger_key_lifecycle.create_ledger_key(holder=bob.connection_id, at=NOW)
        with suppress(AccessRefused):
            permits.to_sync(integration_id=bob.id, at=NOW)
        name = pseudonyms.get_pseudonym_naming(mine.connection_id)
        own = [
            leaf.id
            for leaf in Leaf.objects.all()
            if bytes(leaf.subject or b"").hex() in {name(mine.id), name(mine.connection_id)}
        ]
        part = take_ledger_file(purge_to_receipt(mine, clock))
        ledger_sequencer.run_sequencer(NOW)

        lines = verifier.check_owner_ledger_part(
            part, export(), tile_store.get_latest_note(), list_public_keys()
        )

        found = [line for line in lines if line.startswith("entry ")]
        assert len(own) == 4
        # The tokens by which the provider was told: to stop the watch, and to end the grant.
        assert len([line for line in found if " for " in line]) == 4 + 2
        assert any("integration.disconnected, integration mail" in line for line in found)
        assert any("ledger_key.destroyed" in line for line in found)
        assert lines[-1].startswith("complete")
        assert f"yours           {len(found)} of {Leaf.objects.count()} entries" in lines

    @pytest.mark.claim("ledger-part.finds")
    def test_is_checked_without_the_service(self, mine, clock, tmp_path):
        (tmp_path / "part.json").write_bytes(take_ledger_file(purge_to_receipt(mine, clock)))
        ledger_sequencer.run_sequencer(NOW)
        (tmp_path / "ledger.jsonl").write_text(export())
        (tmp_path / "checkpoint").write_text(tile_store.get_latest_note())
        command = [sys.executable, "-I", "-c", RUN, str(ROOT)]
        for key in receipts.get_receipt_public_keys():
            command += ["--key", key]

        done = subprocess.run(
            [*command, "--part", "part.json", "--checkpoints", "checkpoint", "ledger.jsonl"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert "PROVEN" in done.stdout

    @pytest.mark.parametrize("what", ["key", "commitment", "names", "proofs", "kind"])
    def test_is_believed_in_nothing_that_was_changed(self, mine, clock, what):
        said = json.loads(take_ledger_file(purge_to_receipt(mine, clock)))
        if what == "names":
            said["names"][0]["name"] = "0" * 32
        elif what == "proofs":
            said["ledger"]["proofs"] = said["ledger"]["proofs"][1:]
        else:
            said[what] = "00" * 32

        with pytest.raises(ReceiptNotProven):
            verifier.check_owner_ledger_part(
                json.dumps(said).encode(), None, None, list_public_keys()
            )

    def test_is_believed_under_pinned_keys_only(self, mine, clock):
        part = take_ledger_file(purge_to_receipt(mine, clock))

        for given in ([], list_public_keys()[:1]):
            with pytest.raises(ReceiptNotProven):
                verifier.check_owner_ledger_part(part, None, None, given)

    def test_notices_an_export_that_leaves_something_out(self, mine, clock):
        part = take_ledger_file(purge_to_receipt(mine, clock))
        ledger_sequencer.run_sequencer(NOW)
        lines = export().splitlines()

        for short in (lines[:-1], lines[1:], [*lines[:3], *lines[4:]], []):
            with pytest.raises(ReceiptNotProven):
                verifier.check_owner_ledger_part(
                    part, "\n".join(short), tile_store.get_latest_note(), list_public_keys()
                )


class TestOffer:
    @pytest.mark.claim("ledger-part.no-name")
    def test_is_for_its_owner_alone(self, mine, clock):
        job = purge_to_receipt(mine, clock)
        mallory = holdings.person(NOW, "mallory").user

        with pytest.raises(LedgerKeyNotOffered):
            ledger_key_release.take_ledger_file(job_id=job.id, user_id=mallory.id, at=NOW)
        assert get_ledger_key(mine).destroyed_at is None

    def test_waits_for_the_receipt(self, mine, clock):
        job = open_purge_job(mine)

        with pytest.raises(LedgerKeyNotOffered):
            take_ledger_file(job)
        finish_purge(job, clock)
        assert take_ledger_file(job)

    def test_is_looked_after_with_the_rights_of_a_purge(self, mine, clock):
        other = holdings.integration(
            holdings.connection(holdings.person(NOW, "bob"), at=NOW, account="bob"), at=NOW
        )
        purge_to_receipt(mine, clock)
        with acting_as("purge"):
            assert purge.create_missing_ledger_keys(at=NOW) == 1
            key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
            assert purge.sweep_ledger_keys(at=clock() + ledger_key_lifecycle.OFFER_DURATION) == 1
        with acting_as("sync"):
            ledger_key_wrap.drop_cached_ciphers()
            assert pseudonyms.get_pseudonym_naming(other.connection_id)(other.id)

    @pytest.mark.claim(
        "ledger-part.ends",
        "ledger-part.offered",
        "uses.removed-key",
        "receipt.ledger-key-offered",
        "ledger-part.expired",
    )
    def test_ends_after_thirty_days(self, mine, clock):
        job = purge_to_receipt(mine, clock)
        end = clock() + ledger_key_lifecycle.OFFER_DURATION

        assert purge.sweep_ledger_keys(at=end - timedelta(seconds=1)) == 0
        assert purge.sweep_ledger_keys(at=end) == 1
        with pytest.raises(LedgerKeyNotOffered):
            take_ledger_file(job, at=end)
        assert not WrappedLedgerKey.objects.filter(holder=mine.connection_id).exists()
        said = json.loads(bytes(Leaf.objects.order_by("id").last().payload))
        assert (said["event"], said["body"]["outcome"]) == ("ledger_key.destroyed", "expired")

    def test_is_made_ready_for_connections_from_before_there_were_keys(self, mailbox, clock):
        before = pseudonyms.get_pseudonym_naming(mailbox.connection_id)(mailbox.id)

        tasks.purge.end_ledger_parts()
        tasks.purge.end_ledger_parts()

        assert get_ledger_key(mailbox).destroyed_at is None
        assert pseudonyms.get_pseudonym_naming(mailbox.connection_id)(mailbox.id) != before
        part = take_ledger_file(purge_to_receipt(mailbox, clock))
        assert before in part.decode()
        # What has ended gets none any more.
        LedgerKey.objects.all().delete()
        assert purge.create_missing_ledger_keys(at=NOW) == 0

    def test_is_swept_up_where_nobody_came_to_offer_it(self, mine, clock):
        job = purge_to_receipt(mine, clock)
        LedgerKey.objects.update(offered_until=None)

        purge.sweep_ledger_keys(at=NOW)

        assert take_ledger_file(job)

    @pytest.mark.claim("ledger-part.discarded")
    def test_is_none_where_there_was_nothing_to_remove(self, alice, google):
        empty = holdings.connection(alice, at=NOW)
        ledger_key_lifecycle.create_ledger_key(holder=empty.id, at=NOW)

        connection_removal.remove_connection(connection_id=empty.id, at=NOW)

        assert LedgerKey.objects.get(holder=empty.id).outcome == "discarded"
        assert not WrappedLedgerKey.objects.filter(holder=empty.id).exists()
        assert not Receipt.objects.exists()

    def test_is_taken_by_one_of_two_who_ask_at_once(self, mine, clock):
        job = purge_to_receipt(mine, clock)
        start, got, refused = Barrier(2), [], []

        def take_in_thread():
            start.wait()
            try:
                got.append(take_ledger_file(job))
            except LedgerKeyNotOffered:
                refused.append(True)
            finally:
                connections.close_all()

        threads = [Thread(target=take_in_thread) for _ in range(2)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

        assert (len(got), len(refused)) == (1, 1)
        destroyed = [
            leaf
            for leaf in Leaf.objects.all()
            if json.loads(bytes(leaf.payload))["event"] == "ledger_key.destroyed"
        ]
        assert len(destroyed) == 1

    @pytest.mark.claim("ledger-part.nobody", "receipt.ledger-key-offered", "ledger-part.no-name")
    def test_leaves_nothing_that_links_the_owner_with_their_entries(self, mine, clock):
        name = pseudonyms.get_pseudonym_naming(mine.connection_id)
        used = bytes.fromhex(name(mine.id))
        assert Leaf.objects.filter(subject=used).exists()

        take_ledger_file(purge_to_receipt(mine, clock))
        key_epochs.rotate_key_epoch(ledger_key_wrap.LINE, NOW)
        ledger_sequencer.run_sequencer(NOW)

        assert list_tables_holding(used) == {"limited_use_leaf"}
        owner = Connection.objects.get(id=mine.connection_id)
        again = ledger_pseudonyms.get_resource_pseudonyms(
            user_id=owner.user_id, organisation_id=owner.organisation_id
        )
        assert used not in again
        assert subject_access.find_subject_entries(again) == []


@pytest.mark.usefixtures("requests_act_as_web")
class TestLedgerDownloadPage:
    def address(self, job):
        return f"/settings/removals/{job.id}/ledger-part/"

    @pytest.fixture
    def job(self, mine, clock):
        clock.at = timezone.now()
        return purge_to_receipt(mine, clock)

    @pytest.fixture
    def alices(self, job):
        return browser(User.objects.get(id=job.user_id), recent=True)

    def test_offers_it_beside_the_receipt(self, job, alices):
        assert self.address(job) in alices.get(f"/settings/removals/{job.id}/").content.decode()

        page = alices.get(self.address(job))

        assert page.status_code == 200
        assert "once" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        assert get_ledger_key(job.integration).destroyed_at is None

    @pytest.mark.claim("ledger-part.file")
    @pytest.mark.claim("ledger-part.once", "ledger-part.offered", "ledger-part.taken")
    def test_hands_it_out_once(self, job, alices):
        answer = alices.post(self.address(job))

        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith("attachment")
        assert verifier.check_owner_ledger_part(answer.content, None, None, list_public_keys())
        for again in (alices.post(self.address(job)), alices.get(self.address(job))):
            assert again.status_code == 410
            assert "destroyed the key then, so there is no copy" in again.content.decode()
            assert not WrappedLedgerKey.objects.exists()
            assert json.loads(answer.content)["key"] not in again.content.decode()
        assert self.address(job) not in alices.get(f"/settings/removals/{job.id}/").content.decode()

    @pytest.mark.control("3.3.4")
    def test_asks_who_it_is_first(self, job):
        client = browser(User.objects.get(id=job.user_id))

        explained = client.get(self.address(job))
        answer = client.post(self.address(job))

        assert explained.status_code == 200
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
        assert get_ledger_key(job.integration).destroyed_at is None

    def test_is_nobody_elses(self, job):
        mallory = browser(holdings.person(NOW, "mallory").user, recent=True)

        assert mallory.get(self.address(job)).status_code == 404
        assert mallory.post(self.address(job)).status_code == 404
        assert get_ledger_key(job.integration).destroyed_at is None

    @pytest.mark.claim("ledger-part.over")
    @pytest.mark.claim("ledger-part.expired")
    def test_says_when_its_time_has_ended(self, job, alices):
        LedgerKey.objects.update(offered_until=timezone.now() - timedelta(seconds=1))

        shown = alices.get(self.address(job)).content.decode()
        assert "The thirty days are over" in shown
        # Nothing is destroyed yet.
        assert "was destroyed" not in shown
        assert alices.post(self.address(job)).status_code == 410

        with acting_as("purge"):
            purge.sweep_ledger_keys(at=timezone.now())

        assert "nobody downloaded it" in alices.get(self.address(job)).content.decode()
        assert not WrappedLedgerKey.objects.exists()

    @pytest.mark.claim("ledger-part.restored", "ledger-part.lost")
    @pytest.mark.parametrize(
        ("outcome", "says"),
        [
            (
                "restored",
                "Antares destroyed the key before the database was restored from a backup.",
            ),
            ("lost", "The key could no longer be opened after the database was restored"),
        ],
    )
    def test_says_what_a_restored_copy_did_to_it(self, job, alices, outcome, says):
        LedgerKey.objects.update(destroyed_at=timezone.now(), outcome=outcome)

        shown = alices.get(self.address(job))

        assert shown.status_code == 410
        assert says in shown.content.decode()

    def test_says_where_there_never_was_one(self, job, alices):
        LedgerKey.objects.all().delete()

        answer = alices.get(self.address(job))

        assert answer.status_code == 410
        assert "no key of its own" in answer.content.decode()


RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from limited_use.verify import verifier
assert "django" not in sys.modules
sys.exit(verifier.main(sys.argv[2:]))
"""
