"""The rows of the page *Support*: codes, look-ups, acts, questions and open items."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Min
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Organisation
from integrations.access import support_consents
from integrations.access.request_context import get_owner_ids
from integrations.access.support_permits import SUPPORT
from integrations.models import (
    Event,
    EventKind,
    ItemKind,
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
    """
    :param is_waiting: it can be answered
    :param has_ended: it was allowed, and support can no longer read the item
    :param open_in: the organisation in which the item is open to support
    """

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
    has_ended: bool
    open_in: str


@dataclass(frozen=True, slots=True)
class OpenItemRow:
    """
    :param url: the person's own page of the item; "" if the item was deleted
    :param readings: when an agent read it, newest first
    """

    consent_id: UUID
    item: UUID
    name: StrOrPromise
    url: str
    until: datetime
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
    return make_question_rows(question_answers.list_own_questions(actor=actor, at=at), at=at)


def make_question_row(question: SupportQuestion, *, at: datetime) -> QuestionRow:
    (row,) = make_question_rows([question], at=at)
    return row


def make_question_rows(own: Sequence[SupportQuestion], *, at: datetime) -> list[QuestionRow]:
    """:param own: of one person"""
    items = [question.item for question in own if question.item is not None]
    if not items:
        return [_make_question_row(question, None, at=at) for question in own]
    open_items = support_consents.find_own_open_items(
        owner_id=own[0].user_id, item_ids=items, at=at
    )
    organisations = Organisation.objects.filter(id__in=set(open_items.values()))
    names = dict(organisations.values_list("id", "name"))
    open_in = {item: names[organisation_id] for item, organisation_id in open_items.items()}
    return [
        _make_question_row(question, open_in.get(question.item) if question.item else None, at=at)
        for question in own
    ]


def _make_question_row(
    question: SupportQuestion, open_in: str | None, *, at: datetime
) -> QuestionRow:
    """:param open_in: the organisation in which the item is open; None: it is not"""
    state = questions.get_state(question, at=at)
    has_ended = state == QuestionState.ALLOWED and open_in is None
    return QuestionRow(
        id=question.id,
        asked_at=question.asked_at,
        expires_at=question.expires_at,
        answered_at=question.answered_at,
        kind=texts.ITEM[question.kind],
        reason=texts.REASON[question.reason],
        text=question.text,
        ticket=question.ticket,
        state=texts.describe_question(state, is_open=open_in is not None),
        tone="" if has_ended else messages.QUESTION_TONE.get(state, ""),
        is_waiting=state == QuestionState.WAITING,
        has_ended=has_ended,
        open_in=open_in or "",
    )


def list_open_items(
    *, actor: Actor, at: datetime, items: Collection[UUID] | None = None
) -> list[OpenItemRow]:
    """
    Return the items that are open in the person's organisation, the soonest end first.

    :param items: None: any
    """
    user_id, organisation_id = get_owner_ids(actor)
    open_consents = Consent.objects.filter(
        owner_id=user_id,
        organisation_id=organisation_id,
        feature=SUPPORT,
        item__isnull=False,
        withdrawn_at=None,
        expires_at__gt=at,
    )
    if items is not None:
        open_consents = open_consents.filter(item__in=items)
    agreed = {
        consent.item: consent
        # All of them, as the person can stop sharing each: none is open for more than 72 hours.
        for consent in open_consents.order_by("expires_at", "id")
        if consent.item is not None
    }
    # A later consent replaced the earlier one: its readings are shown, too.
    consents = Consent.objects.filter(
        owner_id=user_id, organisation_id=organisation_id, feature=SUPPORT, item__in=agreed
    )
    first_given_at = consents.aggregate(at=Min("given_at"))["at"]
    readings = item_readings.find_readings(list(agreed), actor=actor, since=first_given_at or at)
    pages = _find_item_pages(list(agreed), user_id=user_id)
    rows = []
    for item, consent in agreed.items():
        kind, url = pages.get(item, (None, ""))
        if consent.expires_at is not None:
            name = messages.OPEN_ITEM[kind]
            rows.append(
                OpenItemRow(consent.id, item, name, url, consent.expires_at, readings[item])
            )
    return rows


def find_item_kind(consent_id: UUID, *, user_id: UUID) -> ItemKind | None:
    """Return None if the item was deleted, or the consent is another person's."""
    consent = Consent.objects.filter(id=consent_id, owner_id=user_id).first()
    if consent is None or consent.item is None:
        return None
    kind, _ = _find_item_pages([consent.item], user_id=user_id).get(consent.item, (None, ""))
    return kind


def _find_item_pages(
    items: Collection[UUID], *, user_id: UUID
) -> Mapping[UUID, tuple[ItemKind, str]]:
    """Return kind and URL of each item that is stored."""
    messages_found = Message.objects.filter(id__in=items, user_id=user_id)
    stored = Event.objects.exclude(kind=EventKind.CANCELLED)
    events_found = stored.filter(id__in=items, user_id=user_id)
    pages = {
        message_id: (ItemKind.MESSAGE, reverse("inbox-thread", args=[thread_id]))
        for message_id, thread_id in messages_found.values_list("id", "thread_id")
    }
    return pages | {
        event_id: (ItemKind.EVENT, reverse("calendar-event", args=[event_id]))
        for event_id in events_found.values_list("id", flat=True)
    }
