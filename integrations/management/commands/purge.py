"""Run purges without a worker: `manage.py purge [JOB …]`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations import purge
from integrations.coordination.leases import LeaseLost, NotClaimable
from integrations.models import PurgeJob, PurgeStep


class Command(BaseCommand):
    help = "Run the named purges, or all that are due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "job", nargs="*", type=UUID, help="ids of purge jobs; without ids, all that are due"
        )

    def handle(self, *, job: list[UUID], **_: Any) -> None:
        job_ids = job or purge.list_due_jobs(at=timezone.now())
        known = set(PurgeJob.objects.filter(id__in=job_ids).values_list("id", flat=True))
        if unknown := set(job_ids) - known:
            raise CommandError(f"unknown purge: {', '.join(map(str, sorted(unknown)))}")
        for job_id in job_ids:
            self.stdout.write(f"{job_id} {self._run_purge(job_id)}")
        if not job_ids:
            self.stdout.write("nothing is due")

    def _run_purge(self, job_id: UUID) -> str:
        try:
            return purge.run_purge(job_id=job_id)
        except (NotClaimable, LeaseLost):
            step = PurgeJob.objects.values_list("step", flat=True).get(id=job_id)
            return (
                PurgeStep(step)
                if step == PurgeStep.DONE
                else f"{step} (not due, or run by a worker)"
            )
