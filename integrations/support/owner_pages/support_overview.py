"""The rows of the page *Support*: codes, look-ups, acts, questions and open items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from accounts.actors import Actor
from integrations.access import support_and_export_permits
from integrations.access.support_and_export_permits import SUPPORT
from integrations.models import (
    Message,
    PurgeJob,
    QuestionState,
    SupportAct,
    SupportCode,
    SupportLookup,
    SupportQuestion,
)
from integrations.support import item_readings, question_answers, questions
from integrations.support import messages as texts
from limited_use.models import Consent

from . import messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LISTED_FOR: Final = timedelta(days=90)
CODES_LISTED_FOR: Final = timedelta(days=30)
MAX_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class LookupRow:
    opened_at: datetime
    found_by: StrOrPromise
    reason: StrOrPromise
    ticket: str


@dataclass(frozen=True, slots=True)
class ActRow:
    """:param purge_ids: of the removals that the act began"""

    asked_at: datetime
    title: StrOrPromise
    reason: StrOrPromise
    text: str
    ticket: str
    state: StrOrPromise
    tone: str
    purge_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """:param is_waiting: it can be answered"""

    id: UUID
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    kind: StrOrPromise
    reason: StrOrPromise
    text: str
    ticket: str
    state: StrOrPromise
    tone: str
    is_waiting: bool
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class OpenItemRow:
    """
    :param thread_id: of a message; None: the item is no message, or was deleted
    :param readings: when an agent read it, newest first
    """

    consent_id: UUID
    item: UUID
    until: datetime
    thread_id: UUID | None
    readings: tuple[datetime, ...]


def list_codes(*, user_id: UUID, at: datetime) -> list[SupportCode]:
    codes = SupportCode.objects.filter(user_id=user_id, made_at__gt=at - CODES_LISTED_FOR)
    return list(codes.order_by("-made_at", "-id")[:MAX_LISTED])


def list_lookups(*, user_id: UUID, at: datetime) -> list[LookupRow]:
    lookups = SupportLookup.objects.filter(user_id=user_id, opened_at__gt=at - LISTED_FOR)
    return [
        LookupRow(
            lookup.opened_at,
            messages.FOUND_BY[lookup.means],
            texts.REASON[lookup.reason],
            lookup.ticket,
        )
        for lookup in lookups.order_by("-opened_at", "-id")[:MAX_LISTED]
    ]


def list_acts(*, user_id: UUID, at: datetime) -> list[ActRow]:
    own_acts = SupportAct.objects.filter(user_id=user_id, asked_at__gt=at - LISTED_FOR)
    acts = list(own_acts.order_by("-asked_at", "-id")[:MAX_LISTED])
    purge_ids: dict[UUID, list[UUID]] = {act.id: [] for act in acts}
    purges = PurgeJob.objects.filter(user_id=user_id, support_act_id__in=list(purge_ids))
    for act_id, purge_id in purges.order_by("id").values_list("support_act_id", "id"):
        if act_id is not None:
            purge_ids[act_id].append(purge_id)
    return [
        ActRow(
            asked_at=act.asked_at,
            title=texts.ACT[act.kind],
            reason=texts.REASON[act.reason],
            text=act.text,
            ticket=act.ticket,
            state=texts.ACT_STATE[act.state],
            tone=messages.ACT_TONE.get(act.state, ""),
            purge_ids=tuple(purge_ids[act.id]),
        )
        for act in acts
    ]


def list_question_rows(*, actor: Actor, at: datetime) -> list[QuestionRow]:
    own = question_answers.list_own_questions(actor=actor, at=at)
    return [make_question_row(question, at=at) for question in own]


def make_question_row(question: SupportQuestion, *, at: datetime) -> QuestionRow:
    state = questions.get_state(question, at=at)
    return QuestionRow(
        id=question.id,
        asked_at=question.asked_at,
        expires_at=question.expires_at,
        answered_at=question.answered_at,
        kind=texts.ITEM[question.kind],
        reason=texts.REASON[question.reason],
        text=question.text,
        ticket=question.ticket,
        state=texts.QUESTION_STATE[state],
        tone=messages.QUESTION_TONE.get(state, ""),
        is_waiting=state == QuestionState.WAITING,
        is_allowed=state == QuestionState.ALLOWED,
    )


def list_open_items(*, actor: Actor, at: datetime) -> list[OpenItemRow]:
    """Return the items that are open in the person's organisation, the soonest end first."""
    user_id, organisation_id = support_and_export_permits.get_owner_ids(actor)
    open_consents = Consent.objects.filter(
        owner_id=user_id,
        organisation_id=organisation_id,
        feature=SUPPORT,
        item__isnull=False,
        withdrawn_at=None,
        expires_at__gt=at,
    )
    agreed = {
        consent.item: consent
        for consent in open_consents.order_by("expires_at", "id")[:MAX_LISTED]
        if consent.item is not None
    }
    readings = item_readings.find_readings(
        list(agreed),
        actor=actor,
        since=min((consent.given_at for consent in agreed.values()), default=at),
    )
    own_messages = Message.objects.filter(id__in=list(agreed), user_id=user_id)
    threads = dict(own_messages.values_list("id", "thread_id"))
    return [
        OpenItemRow(consent.id, item, consent.expires_at, threads.get(item), readings[item])
        for item, consent in agreed.items()
        if consent.expires_at is not None
    ]
