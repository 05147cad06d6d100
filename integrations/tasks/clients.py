"""Service clients of platform features."""

# Celery has no types: its decorator needs the ignores.

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from integrations.operations import client_changes


@shared_task(name="integrations.settle_client_changes")  # type: ignore[untyped-decorator]
def settle_client_changes(**_: object) -> None:
    """Apply or refuse what operators proposed, and mail operators about what was applied."""
    client_changes.settle_changes(at=timezone.now())
