"""An end that nobody pressed a button for, and what is told of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import purge
from integrations.connections import automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import Connection, Notice, PurgeJob, PurgeStep
from integrations.notifications import owner_notices
from tests.broker import record_messages
from tests.integrations.test_two_products import calendar

pytestmark = pytest.mark.django_db(transaction=True)


class TestANoticeOfAPurge:
    @pytest.mark.invariant(6)
    def test_does_not_outlive_a_purge_that_another_worker_finished_first(
        self, browser_of, alice, google, monkeypatch, mailoutbox
    ):
        record_messages(monkeypatch)
        browser_of(alice).connect()
        connection = Connection.objects.get()
        past = timezone.now() - timedelta(days=15)
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=past
        )
        tell = owner_notices.send_purged_notice

        def later(**values):
            purge.run_purge(job_id=PurgeJob.objects.get().id)
            tell(**values)

        monkeypatch.setattr(owner_notices, "send_purged_notice", later)
        automatic_disconnect.disconnect_due_integrations(at=timezone.now())

        assert PurgeJob.objects.get().step == PurgeStep.DONE
        assert purge.count_purge_residue() == {}
        assert not Notice.objects.exists()
        told = [mail.body for mail in mailoutbox]
        assert any("did not reconnect the account in time" in body for body in told)


class TestTheEndOfTwoProducts:
    """A grant has ended that mail and calendars of one account had."""

    def test_comes_in_one_sweep_and_is_told_of_each(
        self, browser_of, alice, google, monkeypatch, mailoutbox
    ):
        record_messages(monkeypatch)
        alices = browser_of(alice)
        alices.connect()
        connection = Connection.objects.get()
        calendar(alices, connection=connection)
        connection.refresh_from_db()
        past = timezone.now() - timedelta(days=15)
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=past
        )

        jobs = automatic_disconnect.disconnect_due_integrations(at=timezone.now())

        assert len(jobs) == 2
        assert {mail.subject for mail in mailoutbox} == {
            "Antares is removing your Google mail",
            "Antares is removing your Google Calendar",
        }
