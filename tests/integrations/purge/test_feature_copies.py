"""The receipt and the page of a removal say which features had copies, and what became of them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django.utils.html import strip_tags

from accounts.models import ServiceClient
from integrations.features import removals
from integrations.models import FeatureRead, FeatureRemoval, PurgeTrigger, RemovalReason
from integrations.purge import feature_removals, receipt_summary, removal_deadlines
from limited_use.agreements.service_clients import create_declared_client
from limited_use.ledger import signed_documents
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Receipt
from limited_use.receipts import receipts
from limited_use.verify import verifier
from tests import receipt_documents
from tests.api import cast
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.test_engine import body_of, run_purge_to_end


@pytest.fixture
def widget(transactional_db):
    return create_declared_client(
        feature="inbox-widget", purposes=["inbox.display"], jwks=cast.KEYS, at=NOW
    )


def acknowledge(client: ServiceClient, at):
    for removal in FeatureRemoval.objects.open().filter(feature=client.feature):
        removals.close_removals([removal.id], at=at)
        removals.acknowledge_removal(client, removal_id=removal.id, at=at)


def read_document(mailbox) -> dict:
    keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
    document = bytes(Receipt.objects.get(subject_id=mailbox.id).document)
    return signed_documents.verify_document(document, keys)


@pytest.mark.invariant(6)
@pytest.mark.clause("WDEL", "LU-1")
@pytest.mark.claim("receipt.feature-copies")
class TestAReceipt:
    def test_lists_a_feature_that_has_not_confirmed(self, mailbox, clock, widget):
        run_purge_to_end(open_purge_job(mailbox), clock)

        removal = FeatureRemoval.objects.get()
        body = body_of(mailbox)
        assert body["features"] == [
            {
                "feature": "inbox-widget",
                "last_read_at": receipts.format_receipt_time(removal.last_read_at),
                "issued_at": receipts.format_receipt_time(removal.issued_at),
                "acknowledged_at": None,
            }
        ]
        assert "told to delete its copies" in body["remains"]["feature_copies"]
        assert body["stores"]["integrations.FeatureRead"] == {"before": 1, "left": 0}

    def test_lists_when_a_feature_confirmed(self, mailbox, clock, widget):
        job = open_purge_job(mailbox)
        acknowledge(widget, NOW + timedelta(seconds=5))

        run_purge_to_end(job, clock)

        (feature,) = body_of(mailbox)["features"]
        assert feature["acknowledged_at"] == "2026-11-25T12:00:05.000+00:00"

    def test_contains_the_proof_that_the_feature_was_told(self, mailbox, clock, widget):
        run_purge_to_end(open_purge_job(mailbox), clock)

        keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
        lines = verifier.check_signed_document(
            bytes(Receipt.objects.get(subject_id=mailbox.id).document), keys
        )
        assert any("removal.issued" in line for line in lines)
        (line,) = [line for line in lines if line.startswith("feature ")]
        assert "inbox-widget: last received 2026-11-25T12:00:00.000+00:00" in line
        assert line.endswith("deletion of copies not confirmed")

    def test_lists_none_if_none_read(self, mailbox, clock, widget):
        FeatureRead.objects.all().delete()

        run_purge_to_end(open_purge_job(mailbox), clock)

        body = body_of(mailbox)
        assert body["features"] == []
        assert "feature_copies" not in body["remains"]
        assert not FeatureRemoval.objects.exists()

    def test_leaves_out_items_and_a_switched_off_feature(self, mailbox, clock, widget):
        (read,) = FeatureRead.objects.all()
        for reason in (RemovalReason.SWITCHED_OFF, RemovalReason.DELETED_AT_PROVIDER):
            FeatureRemoval.objects.create(
                feature="scheduler",
                user_id=read.user_id,
                organisation_id=read.organisation_id,
                connection_id=mailbox.connection_id,
                integration_id=mailbox.id,
                product="mail",
                delegation_id=read.delegation_id,
                reason=reason,
                item_ids=[read.id] if reason in RemovalReason.of_items() else [],
                last_read_at=NOW,
                issued_at=NOW,
                due_at=NOW + timedelta(hours=24),
            )

        run_purge_to_end(open_purge_job(mailbox), clock)

        assert [feature["feature"] for feature in body_of(mailbox)["features"]] == ["inbox-widget"]

    def test_is_explained_with_the_title_of_the_feature(self, mailbox, clock, widget):
        job = open_purge_job(mailbox)
        acknowledge(widget, NOW + timedelta(seconds=5))
        run_purge_to_end(job, clock)

        summary = receipt_summary.summarize_receipt(read_document(mailbox))

        (copies,) = summary.features
        assert (copies.name, copies.last_read_at) == ("Inbox widget", NOW)
        assert copies.acknowledged_at == NOW + timedelta(seconds=5)
        assert "Copies of features" in [note.topic for note in summary.notes]

    def test_of_an_earlier_version_has_no_features(self):
        first = receipt_documents.FIRST

        assert "features" not in first["body"]
        assert receipt_summary.summarize_receipt(first).features == ()
        assert verifier.check_signed_document(receipt_documents.sign(first), receipt_documents.KEYS)

    def test_cannot_send_commands_to_a_terminal(self):
        body = {
            **receipt_documents.FIRST["body"],
            "features": [
                {
                    "feature": "\x1b[2J",
                    "last_read_at": "\x07",
                    "issued_at": "now",
                    "acknowledged_at": "\n",
                }
            ],
        }
        document = receipt_documents.sign({**receipt_documents.FIRST, "body": body})

        for line in verifier.check_signed_document(document, receipt_documents.KEYS):
            assert line.isprintable()


@pytest.mark.invariant(14)
class TestThePage:
    @pytest.fixture
    def page(self, alice, mailbox, clock, widget):
        job = open_purge_job(mailbox, at=timezone.now())

        def read_page(at=None) -> str:
            with time_machine.travel(at or timezone.now(), tick=False):
                page = cast.browser(alice.user).get(f"/settings/removals/{job.id}/").text
            return " ".join(strip_tags(page).split())

        return read_page

    @pytest.mark.claim("removal.feature-told")
    @pytest.mark.claim("removal.feature-overdue")
    @pytest.mark.claim("removal.feature-confirmed")
    def test_follows_what_the_feature_confirms(self, page, widget):
        due_at = FeatureRemoval.objects.get().due_at
        assert "has not confirmed this yet" in page()
        widget.refresh_from_db()

        removal_deadlines.settle_due_times(["inbox-widget"])
        overdue = page(due_at + timedelta(minutes=1))
        assert "Inbox widget last received this data" in overdue
        assert "Antares gives it no data of anyone" in overdue
        assert "It has not confirmed that it deleted its copies." in overdue
        widget.refresh_from_db()
        # What the page says: from this time on, the feature is refused.
        assert widget.removals_due_at == due_at

        acknowledge(widget, timezone.now())

        assert "that it deleted its copies" in page()
        assert "has not confirmed" not in page()

    def test_of_a_removal_without_features_says_nothing_of_them(self, page):
        FeatureRemoval.objects.all().delete()

        assert "Copies of features" not in page()


@pytest.mark.invariant(6)
class TestARestoredDatabase:
    """A backup is restored that is older than an acknowledgement, or than the disconnect."""

    def test_owes_a_lost_acknowledgement_again(self, mailbox, widget):
        open_purge_job(mailbox)
        acknowledge(widget, NOW + timedelta(hours=1))
        # The restored rows are those of before the acknowledgement.
        FeatureRemoval.objects.update(acknowledged_at=None)
        removal_deadlines.settle_all_due_times()

        widget.refresh_from_db()
        assert widget.removals_due_at == NOW + timedelta(hours=24)
        acknowledge(widget, NOW + timedelta(hours=2))
        widget.refresh_from_db()
        assert widget.removals_due_at is None

    def test_tells_the_features_again_that_read_before(self, mailbox, widget):
        # The disconnect was lost, and the restored integration is purged again.
        job = open_purge_job(mailbox, trigger=PurgeTrigger.RESTORED)

        (removal,) = feature_removals.list_integration_removals(job.integration_id)
        assert (removal.reason, removal.feature) == ("disconnected", "inbox-widget")


def test_the_member_is_canonical_json(mailbox, clock, widget):
    run_purge_to_end(open_purge_job(mailbox), clock)

    document = bytes(Receipt.objects.get(subject_id=mailbox.id).document)
    assert json.loads(document)["body"]["features"] == read_document(mailbox)["body"]["features"]
