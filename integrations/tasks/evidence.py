"""Only the process class of these tasks may read every row."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.operations import metrics
from integrations.review import evidence
from limited_use.evidence import forbidden_use_run, stored_bundles


@shared_task(name="integrations.make_evidence")  # type: ignore[untyped-decorator]
def make_evidence(**_: object) -> None:
    stored_bundles.make_stored_bundle(evidence.list_sections(), at=timezone.now())


@shared_task(name="integrations.measure")  # type: ignore[untyped-decorator]
def measure(**_: object) -> None:
    metrics.measure_metrics(at=timezone.now())


@shared_task(name="integrations.run_forbidden_uses")  # type: ignore[untyped-decorator]
def run_forbidden_uses(*, run_id: str, **_: object) -> None:
    """Run the uses that the policy forbids, with canary data, for a reviewer."""
    forbidden_use_run.run_forbidden_uses(UUID(run_id), at=timezone.now())
