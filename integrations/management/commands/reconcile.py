"""Compare one integration with its provider now, and mend what differs."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.calendar.sync import reconcile as comparing
from integrations.coordination.leases import NotClaimable
from integrations.mail.sync import reconcile
from integrations.models import Calendar, Reconciliation, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import engine


class Command(BaseCommand):
    help = "Compare one integration with its provider now, and mend what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("integration_id", type=UUID)

    def handle(self, *args: Any, integration_id: UUID, **options: Any) -> None:  # noqa: ARG002
        began = timezone.now()
        if not reconcile.ask_for(integration_id=integration_id, at=began):
            raise CommandError("nothing live of that id is fetched")
        comparing.ask_for(integration_id=integration_id)
        for work in SyncWork.objects.filter(integration_id=integration_id).order_by("id"):
            self._run(work.id)
        lines = [*_of_mail(integration_id, began), *_of_calendars(integration_id, began)]
        if not lines:
            raise CommandError("it could not be compared now; the settings page says why")
        for line in lines:
            self.stdout.write(line)

    def _run(self, work_id: UUID) -> None:
        try:
            while engine.run(PRODUCTS, work_id=work_id, at=timezone.now()):
                self.stdout.write("still at it …")
        except NotClaimable:
            raise CommandError("a worker has it; it will compare, too") from None


def _of_mail(integration_id: UUID, since: datetime) -> Iterator[str]:
    rows = Reconciliation.objects.filter(integration_id=integration_id, compared_at__gte=since)
    for last in rows.order_by("-compared_at")[:1]:
        yield (
            f"provider {last.provider_count}, here {last.our_count},"
            f" missing {last.missing_count}, too much {last.extra_count},"
            f" mended {last.repaired_count}"
        )


def _of_calendars(integration_id: UUID, since: datetime) -> Iterator[str]:
    compared = Calendar.objects.live().filter(integration_id=integration_id, compared_at__gte=since)
    for one in compared.order_by("id"):
        yield f"{one}: missing {one.missing_count}, too much {one.extra_count}, mended"
