"""
Notices that support asks a person to open an item.

A staff process may write no notice: a worker does, once for each question, in every organisation
of the person. A sweep finds the questions that lost their task, and ends those that were not
answered in time.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.actors import Actor
from accounts.models import Membership
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import OwnerNotice, QuestionState, SupportQuestion
from integrations.notifications import notify
from integrations.notifications.notice_details import NoticeDetails
from integrations.notifications.support_notices import SUPPORT_ASKS

from .questions import get_state

logger = logging.getLogger(__name__)

#: Time for the task that the commit queued.
SWEEP_AFTER: Final = timedelta(minutes=1)
_BATCH: Final = 500
_MESSAGE: Final = SUPPORT_ASKS.messages[0].key


def notify_of_question(question_id: UUID, *, at: datetime) -> bool:
    """
    Notify the person of a waiting question, once; show the notice of a closed one as done.

    Return whether this call notified. Call it in a worker, outside of a transaction.
    """
    with transaction.atomic(durable=True):
        locked = SupportQuestion.objects.select_for_update(no_key=True, of=("self",))
        question = locked.filter(id=question_id).first()
        if question is None:
            return False
        if get_state(question, at=at) != QuestionState.WAITING:
            _close(question, at=at)
            return False
        if question.notified_at is not None:
            return False
        for organisation_id in _list_organisation_ids(question):
            notify.notify(
                _MESSAGE,
                user_id=question.user_id,
                organisation_id=organisation_id,
                about=question.id,
                episode_at=question.asked_at,
                details=NoticeDetails(until=question.expires_at),
                at=at,
            )
        question.notified_at = at
        question.save(update_fields=["notified_at"])
    return True


def sweep_questions(*, at: datetime) -> int:
    """Return the number of people notified."""
    due = SupportQuestion.objects.filter(
        Q(notified_at=None, asked_at__lte=at - SWEEP_AFTER) | Q(expires_at__lte=at),
        state=QuestionState.WAITING,
    )
    due_ids = list(due.order_by("asked_at").values_list("id", flat=True)[:_BATCH])
    open_notices = OwnerNotice.objects.filter(message=_MESSAGE, resolved_at=None)
    closed = SupportQuestion.objects.filter(id__in=open_notices.values("about"))
    closed_ids = list(
        closed.exclude(state=QuestionState.WAITING).values_list("id", flat=True)[:_BATCH]
    )
    notified_count = 0
    for question_id in (*due_ids, *closed_ids):
        try:
            notified_count += notify_of_question(question_id, at=at)
        except Exception:
            # A bug with one person must not keep the notices of others.
            logger.exception("support.question_not_told", extra={"about": question_id})
    return notified_count


def resolve_own_notice(question: SupportQuestion, *, actor: Actor, at: datetime) -> None:
    """
    Show the person's notice as done, in the transaction of the answer.

    The person acts in one organisation; a worker resolves the notices of the others.
    """
    if actor.organisation_id is not None:
        notify.resolve_notices(
            SUPPORT_ASKS,
            about=question.id,
            user_id=question.user_id,
            organisation_id=actor.organisation_id,
            at=at,
        )
    enqueue_on_commit("integrations.notify_of_question", question_id=question.id)


def _close(question: SupportQuestion, *, at: datetime) -> None:
    if question.state == QuestionState.WAITING:
        question.state, question.answered_at = QuestionState.EXPIRED, at
        question.save(update_fields=["state", "answered_at"])
    notices = OwnerNotice.objects.filter(message=_MESSAGE, about=question.id, resolved_at=None)
    for organisation_id in notices.values_list("organisation_id", flat=True):
        notify.resolve_notices(
            SUPPORT_ASKS,
            about=question.id,
            user_id=question.user_id,
            organisation_id=organisation_id,
            at=at,
        )


def _list_organisation_ids(question: SupportQuestion) -> list[UUID]:
    memberships = Membership.objects.live().of(question.user_id)
    return list(memberships.values_list("organisation_id", flat=True))
