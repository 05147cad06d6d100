"""
The person's side of a question of support: read it, allow one item, or decline.

Only the consent opens an item. The question then stores the item and the consent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import Actor
from integrations.access import support_and_export_permits
from integrations.access.request_context import ObjectNotFound
from integrations.access.support_and_export_permits import SUPPORT
from integrations.models import QuestionState, SupportQuestion
from limited_use.agreements import consents
from limited_use.models import Consent

from . import question_notices
from .openable_items import OPENABLE_KINDS
from .questions import QuestionClosed, get_state, record_event, settle_question

LISTED_FOR: Final = timedelta(days=90)
MAX_LISTED: Final = 50


def list_own_questions(*, actor: Actor, at: datetime) -> list[SupportQuestion]:
    """Return the newest first."""
    own = _filter_own(actor).filter(asked_at__gt=at - LISTED_FOR)
    return list(own.order_by("-asked_at", "-id")[:MAX_LISTED])


def get_own_question(question_id: UUID, *, actor: Actor) -> SupportQuestion:
    """:raises ObjectNotFound:"""
    question = _filter_own(actor).filter(id=question_id).first()
    if question is None:
        raise ObjectNotFound
    return question


def decline_question(*, question_id: UUID, actor: Actor, at: datetime) -> None:
    """
    :raises ObjectNotFound:
    :raises QuestionClosed:
    """
    question = get_own_question(question_id, actor=actor)
    with transaction.atomic(durable=True):
        if not settle_question(question, QuestionState.DECLINED, at=at):
            raise QuestionClosed
        _finish_answer(question, "support.item_declined", actor=actor, at=at)


def allow_item(  # noqa: PLR0913 - an answer, part by part, each by name
    *, question_id: UUID, item: UUID, hours: int, version: int, actor: Actor, at: datetime
) -> None:
    """
    Open the item to support, then answer the question. Call it outside of a transaction.

    The consent has its own transaction. After a crash in between, the item is open and listed, and
    the question can be answered again.

    :param version: of the accepted text
    :raises ObjectNotFound: if the question or the item is another person's, or does not exist
    :raises QuestionClosed: the item is then as open as it was before
    :raises InvalidChoice, consents.DeclarationOutdated: as `mail.support_access.open_to_support`
    """
    question = get_own_question(question_id, actor=actor)
    kind = OPENABLE_KINDS.get(question.kind)
    if kind is None:
        raise ObjectNotFound
    if get_state(question, at=at) != QuestionState.WAITING:
        raise QuestionClosed
    earlier = _find_consent(item, actor=actor, at=at)
    consent = kind.open_item(actor, item, hours, version, at)
    with transaction.atomic(durable=True):
        is_first = settle_question(
            question, QuestionState.ALLOWED, item=item, consent_id=consent.id, at=at
        )
        if is_first:
            _finish_answer(question, "support.item_allowed", actor=actor, at=at)
    if not is_first:
        _undo_late_answer(question, item, consent, had_consent=earlier is not None, at=at)


def _undo_late_answer(
    question: SupportQuestion, item: UUID, consent: Consent, *, had_consent: bool, at: datetime
) -> None:
    """
    Another answer, or the agent, was faster.

    :raises QuestionClosed: unless the other answer was the same
    """
    with transaction.atomic(durable=True):
        same_answer = SupportQuestion.objects.filter(
            id=question.id, state=QuestionState.ALLOWED, item=item
        )
        if same_answer.update(consent_id=consent.id):
            return
        if not had_consent:
            consents.withdraw(
                person_id=consent.owner_id,
                organisation_id=consent.organisation_id,
                feature=SUPPORT,
                item=item,
                at=at,
            )
    raise QuestionClosed


def _finish_answer(question: SupportQuestion, event: str, *, actor: Actor, at: datetime) -> None:
    record_event(question, event, at=at)
    question_notices.resolve_own_notice(question, actor=actor, at=at)


def _find_consent(item: UUID, *, actor: Actor, at: datetime) -> Consent | None:
    user_id, organisation_id = support_and_export_permits.get_owner_ids(actor)
    return consents.find_item_consent(
        owner_id=user_id, organisation_id=organisation_id, feature=SUPPORT, item=item, at=at
    )


def _filter_own(actor: Actor) -> QuerySet[SupportQuestion]:
    user_id, _ = support_and_export_permits.get_owner_ids(actor)
    return SupportQuestion.objects.filter(user_id=user_id)
