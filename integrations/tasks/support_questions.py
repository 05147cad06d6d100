"""Notices of questions of support, and their end."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.support import question_notices


@shared_task(name="integrations.notify_of_question")  # type: ignore[untyped-decorator]
def notify_of_question(*, question_id: str, **_: object) -> None:
    question_notices.notify_of_question(UUID(question_id), at=timezone.now())


@shared_task(name="integrations.sweep_questions")  # type: ignore[untyped-decorator]
def sweep_questions(**_: object) -> None:
    question_notices.sweep_questions(at=timezone.now())
