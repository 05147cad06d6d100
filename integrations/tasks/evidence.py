"""Only the process class of these tasks may read every row."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from integrations.operations import metrics
from integrations.review import evidence
from limited_use.evidence import stored_bundles


@shared_task(name="integrations.make_evidence")  # type: ignore[untyped-decorator]
def make_evidence(**_: object) -> None:
    stored_bundles.make_stored_bundle(evidence.list_sections(), at=timezone.now())


@shared_task(name="integrations.measure")  # type: ignore[untyped-decorator]
def measure(**_: object) -> None:
    metrics.measure_metrics(at=timezone.now())
