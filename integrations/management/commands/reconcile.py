"""Compare one integration with its provider now, and repair differences."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.calendar.sync import calendar_reconciliation as comparing
from integrations.coordination.leases import NotClaimable
from integrations.mail.sync import mail_reconciliation
from integrations.models import Calendar, Reconciliation, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine


class Command(BaseCommand):
    help = "Compare an integration with its provider now, and repair differences."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("integration_id", type=UUID)

    def handle(self, *args: Any, integration_id: UUID, **options: Any) -> None:  # noqa: ARG002
        began = timezone.now()
        if not mail_reconciliation.request_reconciliation(integration_id=integration_id, at=began):
            raise CommandError("no live integration with this id is synced")
        comparing.request_comparison(integration_id=integration_id)
        for work in SyncWork.objects.filter(integration_id=integration_id).order_by("id"):
            self._run_work(work.id)
        lines = [
            *_describe_mail(integration_id, began),
            *_describe_calendars(integration_id, began),
        ]
        if not lines:
            raise CommandError("the comparison failed; the settings page shows why")
        for line in lines:
            self.stdout.write(line)

    def _run_work(self, work_id: UUID) -> None:
        try:
            while sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now()):
                self.stdout.write("in progress …")
        except NotClaimable:
            raise CommandError(
                "a worker is processing this integration and will compare it"
            ) from None


def _describe_mail(integration_id: UUID, since: datetime) -> Iterator[str]:
    rows = Reconciliation.objects.filter(integration_id=integration_id, compared_at__gte=since)
    for latest in rows.order_by("-compared_at")[:1]:
        yield (
            f"provider {latest.provider_count}, here {latest.our_count},"
            f" missing {latest.missing_count}, too much {latest.extra_count},"
            f" mended {latest.repaired_count}"
        )


def _describe_calendars(integration_id: UUID, since: datetime) -> Iterator[str]:
    compared = Calendar.objects.live().filter(integration_id=integration_id, compared_at__gte=since)
    for calendar in compared.order_by("id"):
        counts = f"missing {calendar.missing_count}, too much {calendar.extra_count}"
        yield f"{calendar}: {counts}, mended"
