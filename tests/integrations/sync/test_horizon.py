"""Mail beyond the horizon goes, with nobody but PostgreSQL to ask."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db import connections as databases
from django.utils import timezone

from config.celery import app
from config.periodic_tasks import SCHEDULE
from integrations.grants import provider_credentials
from integrations.mail import sync_controls
from integrations.mail.sync import mail_retention
from integrations.models import (
    Attachment,
    Integration,
    IntegrationStatus,
    Message,
    MessageBody,
    SyncWork,
    Thread,
)
from integrations.providers import errors
from integrations.tasks import sync as tasks
from limited_use.vault import data_keys
from tests.api import cast
from tests.integrations import household as houses

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.invariant(11),
    pytest.mark.clause("AN-21"),
]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Run retention tasks when they are enqueued, as an idle worker would."""

    def run(task, *, kwargs, **_):
        if task == tasks.keep_horizon.name:
            tasks.keep_horizon(**kwargs)

    monkeypatch.setattr(app, "send_task", run)


@pytest.fixture
def aged(alice, mailbox):
    """Return Alice's mailbox with four messages; all but the newest are 200 days old by now."""
    for _ in range(4):
        mailbox.deliver()
    alice.settle()
    newest = alice.messages.order_by("received_at").last()
    alice.messages.exclude(id=newest.id).update(received_at=timezone.now() - timedelta(days=200))
    return alice


class TestAHorizon:
    @pytest.mark.parametrize("error", [errors.ScopeMissing("no"), errors.Unavailable("down")])
    def test_is_kept_while_the_provider_refuses(self, aged, mailbox, error):
        mailbox.refusals = [error] * 50
        SyncWork.objects.update(reconcile_at=timezone.now() - timedelta(days=2))
        aged.run()

        tasks.sweep_horizons()

        assert aged.messages.count() == 1

    @pytest.mark.invariant(6)
    def test_is_kept_while_the_grant_is_gone_and_its_owner_still_reads(self, aged):
        provider_credentials.record_grant_ended(
            connection_id=aged.connection.id, epoch=1, at=timezone.now()
        )

        tasks.sweep_horizons()

        assert aged.status[0] == IntegrationStatus.REAUTH_REQUIRED
        assert aged.messages.count() == 1

    def test_takes_bodies_and_attachments_along_and_corrects_the_threads(self, aged):
        tasks.sweep_horizons()

        kept = aged.messages.get()
        thread = Thread.objects.get()
        assert MessageBody.objects.count() == 1
        assert not Attachment.objects.exclude(message=kept).exists()
        assert (thread.message_count, thread.last_message_id) == (1, kept.id)
        assert thread.first_received_at == kept.received_at

    def test_is_counted_in_the_api_although_nothing_new_arrives(self, aged):
        tasks.sweep_horizons()
        aged.run()

        [one] = cast.browser(aged.user).get("/v1/users/me/connections").json()["data"]
        sync = one["integrations"][0]["sync"]
        assert (sync["done_count"], sync["expected_count"]) == (1, 1)

    def test_leaves_right_counts_after_a_turn_that_failed_having_written(self, aged, mailbox):
        mailbox.deliver()
        mailbox.failing["labels"] = errors.Unavailable("down", status=503)
        aged.run()
        assert aged.messages.count() == 5
        tasks.sweep_horizons()
        del mailbox.failing["labels"]

        aged.run()

        assert aged.messages.count() == 2
        assert (aged.work.done_count, aged.work.expected_count) == (2, 2)

    def test_goes_on_in_bounded_runs(self, aged, monkeypatch):
        monkeypatch.setattr(mail_retention, "BATCH", 1)
        monkeypatch.setattr(mail_retention, "BATCHES", 1)

        assert mail_retention.delete_expired(integration_id=aged.integration.id, at=timezone.now())
        assert aged.messages.count() == 3
        tasks.sweep_horizons()
        assert aged.messages.count() == 1

    def test_of_everything_deletes_nothing(self, aged):
        Integration.objects.update(horizon_days=None)

        tasks.sweep_horizons()

        assert not mail_retention.delete_expired(
            integration_id=aged.integration.id, at=timezone.now()
        )
        assert aged.messages.count() == 4

    @pytest.mark.invariant(5)
    def test_leaves_what_was_disconnected_to_its_purge(self, aged):
        data_keys.destroy_returning_id(holder=aged.integration.id)
        Integration.objects.update(
            status=IntegrationStatus.PURGING, epoch=2, switched_off_at=timezone.now()
        )

        assert mail_retention.find_due_integrations(at=timezone.now()) == []
        assert not mail_retention.delete_expired(
            integration_id=aged.integration.id, at=timezone.now()
        )
        assert aged.messages.count() == 4

    def test_is_kept_at_once_when_its_owner_shortens_it(
        self, aged, monkeypatch, django_capture_on_commit_callbacks
    ):
        aged.messages.update(received_at=timezone.now() - timedelta(days=60))

        with django_capture_on_commit_callbacks(execute=True):
            sync_controls.set_horizon(
                integration_id=aged.integration.id, days=30, at=timezone.now()
            )

        assert not Message.objects.exists()
        assert not Thread.objects.exists()

    def test_is_on_the_schedule(self):
        assert SCHEDULE["sweep-horizons"]["task"] == tasks.sweep_horizons.name
        assert SCHEDULE["sweep-horizons"]["schedule"] <= 24 * 3600


@pytest.mark.django_db(transaction=True)
class TestATurnBeside:
    def test_that_counts_meanwhile_leaves_right_counts(self, transactional_db, mailbox):
        house = houses.household()
        for _ in range(4):
            mailbox.deliver()
        house.settle()
        house.messages.update(received_at=timezone.now() - timedelta(days=200))
        mailbox.deliver()
        keeping: list[threading.Thread] = []

        def keep():
            try:
                mail_retention.delete_expired(
                    integration_id=house.integration.id, at=timezone.now()
                )
            finally:
                databases.close_all()

        def begin_after_the_count(execute, text, values, many, context):
            result = execute(text, values, many, context)
            if "COUNT(" in text and "integrations_message" in text and not keeping:
                keeping.append(threading.Thread(target=keep))
                keeping[0].start()
                # It ends in this time, or waits for the turn.
                keeping[0].join(1)
            return result

        with connection.execute_wrapper(begin_after_the_count):
            house.run()
        keeping[0].join(20)

        assert house.messages.count() == 1
        assert (house.work.done_count, house.work.expected_count) == (1, 1)
