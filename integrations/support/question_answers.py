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
from integrations.access.request_context import ObjectNotFound, get_owner_ids
from integrations.access.support_permits import SUPPORT
from integrations.models import QuestionState, SupportQuestion
from limited_use.agreements import consents
from limited_use.models import Consent

from . import question_notices
from .openable_items import OPENABLE_KINDS
from .questions import QuestionClosed, get_state, record_event, settle_question

LISTED_FOR: Final = timedelta(days=90)
MAX_LISTED: Final = 50


def list_own_questions(*, actor: Actor, at: datetime) -> list[SupportQuestion]:
    """Return those that wait, however old, and the newest of the others."""
    own = _filter_own(actor).filter(asked_at__gt=at - LISTED_FOR).order_by("-asked_at", "-id")
    waiting = own.filter(state=QuestionState.WAITING)
    settled = own.exclude(state=QuestionState.WAITING)
    return [*waiting, *settled[:MAX_LISTED]]


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
        _finish_answer(question, event="support.item_declined", actor=actor, at=at)


def allow_item(  # noqa: PLR0913 - an answer, part by part, each by name
    *, question_id: UUID, item: UUID, hours: int, version: int, actor: Actor, at: datetime
) -> None:
    """
    Open the item to the asking agent alone, then answer the question.

    Call it outside of a transaction.

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
    consent = kind.open_item(actor, item, hours, version, question.agent_id, at)
    with transaction.atomic(durable=True):
        is_first = settle_question(
            question, QuestionState.ALLOWED, item=item, consent_id=consent.id, at=at
        )
        if is_first:
            _finish_answer(question, event="support.item_allowed", actor=actor, at=at)
    if not is_first:
        _settle_late_answer(question, consent, earlier=earlier, at=at)


def _settle_late_answer(
    question: SupportQuestion, consent: Consent, *, earlier: Consent | None, at: datetime
) -> None:
    """
    Another answer, or the agent, was faster.

    :param earlier: the consent to the same item that `consent` replaced
    :raises QuestionClosed: unless the other answer was the same
    """
    with transaction.atomic(durable=True):
        same_answer = SupportQuestion.objects.filter(
            id=question.id, state=QuestionState.ALLOWED, item=consent.item
        )
        live = Consent.objects.filter(
            owner_id=consent.owner_id,
            organisation_id=consent.organisation_id,
            feature=SUPPORT,
            item=consent.item,
            withdrawn_at=None,
        )
        # The later of the two consents replaced the other one.
        live_id = live.order_by("-id").values_list("id", flat=True).first()
        if live_id is not None and same_answer.update(consent_id=live_id):
            return
        if earlier is None:
            consents.withdraw(
                person_id=consent.owner_id,
                organisation_id=consent.organisation_id,
                feature=SUPPORT,
                item=consent.item,
                at=at,
            )
        elif live_id == consent.id:
            # Open until the earlier end, unless the person has stopped sharing since.
            consents.give(
                person_id=consent.owner_id,
                organisation_id=consent.organisation_id,
                feature=SUPPORT,
                version=earlier.version,
                purpose=earlier.purpose,
                recipient=earlier.recipient,
                item=consent.item,
                reader_id=earlier.reader_id,
                expires_at=earlier.expires_at,
                at=at,
            )
    raise QuestionClosed


def _finish_answer(question: SupportQuestion, *, event: str, actor: Actor, at: datetime) -> None:
    record_event(question, event=event, at=at)
    question_notices.resolve_own_notice(question, actor=actor, at=at)


def _find_consent(item: UUID, *, actor: Actor, at: datetime) -> Consent | None:
    user_id, organisation_id = get_owner_ids(actor)
    return consents.find_item_consent(
        owner_id=user_id, organisation_id=organisation_id, feature=SUPPORT, item=item, at=at
    )


def _filter_own(actor: Actor) -> QuerySet[SupportQuestion]:
    user_id, _ = get_owner_ids(actor)
    return SupportQuestion.objects.filter(user_id=user_id)
