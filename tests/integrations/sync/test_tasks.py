"""The entry points: tasks and the command."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from config.periodic_tasks import SCHEDULE
from integrations.models import IntegrationStatus, Reconciliation, SyncWork
from integrations.tasks import sync as tasks
from tests.broker import record_messages, sync_message


class TestASweep:
    def test_queues_what_is_due_by_id_and_nothing_else(self, alice, monkeypatch):
        queue = record_messages(monkeypatch)

        tasks.sweep_sync()

        assert queue == [sync_message(alice.work)]

    def test_finds_the_row_of_a_worker_that_died(self, alice, monkeypatch):
        queue = record_messages(monkeypatch)
        SyncWork.objects.update(lease_by=uuid4(), lease_until=timezone.now() - timedelta(seconds=1))

        tasks.sweep_sync()

        assert queue == [sync_message(alice.work)]

    def test_leaves_alone_what_a_worker_holds(self, alice, monkeypatch):
        queue = record_messages(monkeypatch)
        SyncWork.objects.update(
            lease_by=uuid4(), lease_until=timezone.now() + timedelta(seconds=30)
        )

        tasks.sweep_sync()

        assert queue == []

    def test_is_on_the_schedule(self):
        assert SCHEDULE["sweep-sync"]["task"] == tasks.sweep_sync.name


class TestASyncTask:
    def test_works_on_its_row(self, alice, mailbox):
        mailbox.deliver()

        tasks.sync_mail(work_id=str(alice.work.id), from_a_newer_publisher=1)

        assert alice.messages.count() == 1
        assert alice.status[0] == IntegrationStatus.ACTIVE

    def test_does_nothing_about_a_row_that_is_gone(self, alice):
        tasks.sync_mail(work_id=str(uuid4()))

        assert alice.work.lease_by is None


class TestTheReconcileCommand:
    def test_compares_mends_and_prints_numbers(self, alice, mailbox):
        mailbox.deliver()
        alice.settle()
        alice.messages.update(remote_blind=b"x" * 32)
        printed = StringIO()

        call_command("reconcile", str(alice.integration.id), stdout=printed)

        assert "missing 1" in printed.getvalue()
        assert Reconciliation.objects.count() == 2

    def test_says_that_there_is_no_such_mailbox(self, db):
        with pytest.raises(CommandError):
            call_command("reconcile", str(uuid4()))
