"""
An agent asks a person to open one item. The agent's side: ask, read the answer, withdraw.

A question opens nothing, and names no item: the person chooses it (`question_answers`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor
from accounts.rate_limit_counters import Rate, add_rate_limit_count
from integrations.access import support_consents
from integrations.access.request_context import InvalidChoice, ObjectNotFound, get_owner_ids
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    MAX_TEXT,
    QUESTION_LASTS,
    QuestionState,
    SupportLookup,
    SupportQuestion,
    SupportReason,
)
from limited_use.ledger import entries

from . import lookups
from .openable_items import OPENABLE_KINDS
from .person_lock import lock_person

#: Questions of all agents to one person.
MAX_WAITING: Final = 3
DAILY_QUESTIONS: Final = Rate("support-questions", 20, 24 * 3600)
#: An agent finds the answers to their own questions for this long.
LISTED_FOR: Final = timedelta(days=30)
MAX_LISTED: Final = 50
# Control, format (as of direction), surrogate and private characters; line separators.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"


class TextInvalid(Exception):
    """The text is empty or too long."""


class TicketInvalid(Exception):
    """The number of the case has other characters than tickets have."""


class TooManyWaiting(Exception):
    """As many questions as are allowed wait for the person."""


class TooManyAsked(Exception):
    """The agent asked as much within a day as is allowed."""


class QuestionClosed(Exception):
    """The question was answered, withdrawn, or not answered in time."""


def ask_for_item(  # noqa: PLR0913 - a question, part by part, each by name
    *,
    lookup: SupportLookup,
    kind: str,
    reason: str,
    text: str,
    ticket: str,
    actor: Actor,
    at: datetime,
) -> SupportQuestion:
    """
    Ask the person of an open look-up. Call it outside of a transaction.

    :param text: what the agent wants to see and why; the person reads it
    :param ticket: may be empty
    :raises ObjectNotFound: if the look-up is another agent's, or no longer open
    :raises InvalidChoice: of kind or reason
    :raises TextInvalid, TicketInvalid, TooManyWaiting, TooManyAsked:
    """
    agent_id, _ = get_owner_ids(actor)
    if lookup.agent_id != agent_id or lookup.user_id is None or lookup.expires_at <= at:
        raise ObjectNotFound
    if kind not in OPENABLE_KINDS or reason not in SupportReason.values:
        raise InvalidChoice
    text, ticket = clean_text(text), ticket.strip()
    if ticket and not lookups.is_ticket(ticket):
        raise TicketInvalid
    if not add_rate_limit_count(DAILY_QUESTIONS, f"agent {agent_id}", at=at).is_within:
        raise TooManyAsked
    with transaction.atomic(durable=True):
        lock_person(lookup.user_id)
        waiting = SupportQuestion.objects.filter(
            user_id=lookup.user_id, state=QuestionState.WAITING, expires_at__gt=at
        )
        if waiting.count() >= MAX_WAITING:
            raise TooManyWaiting
        question = SupportQuestion.objects.create(
            agent_id=agent_id,
            lookup=lookup,
            user_id=lookup.user_id,
            kind=kind,
            reason=reason,
            text=text,
            ticket=ticket,
            asked_at=at,
            expires_at=at + QUESTION_LASTS,
        )
        record_event(question, event="support.item_asked", at=at)
        enqueue_on_commit("integrations.notify_of_question", question_id=question.id)
    return question


def clean_text(text: str) -> str:
    """
    Return the text as one paragraph, without control and direction characters.

    :raises TextInvalid:
    """
    paragraph = " ".join("".join(map(_replace_invisible, text)).split())
    if not paragraph or len(paragraph) > MAX_TEXT:
        raise TextInvalid
    return paragraph


def _replace_invisible(character: str) -> str:
    """Joiners stay: some scripts are spelled with them."""
    is_invisible = unicodedata.category(character) in _INVISIBLE and character not in _JOINERS
    return " " if is_invisible else character


def withdraw_question(*, question_id: UUID, actor: Actor, at: datetime) -> None:
    """
    The agent no longer needs the item.

    :raises ObjectNotFound: if the question is another agent's
    :raises QuestionClosed:
    """
    question = get_agent_question(question_id, actor=actor)
    with transaction.atomic(durable=True):
        if not settle_question(question, QuestionState.WITHDRAWN, at=at):
            raise QuestionClosed
        record_event(question, event="support.item_not_needed", at=at)
        enqueue_on_commit("integrations.notify_of_question", question_id=question.id)


def get_agent_question(question_id: UUID, *, actor: Actor) -> SupportQuestion:
    """:raises ObjectNotFound:"""
    agent_id, _ = get_owner_ids(actor)
    question = SupportQuestion.objects.filter(id=question_id, agent_id=agent_id).first()
    if question is None:
        raise ObjectNotFound
    return question


def list_agent_questions(*, actor: Actor, at: datetime) -> list[SupportQuestion]:
    """Return the agent's own questions, newest first."""
    agent_id, _ = get_owner_ids(actor)
    own = SupportQuestion.objects.filter(agent_id=agent_id, asked_at__gt=at - LISTED_FOR)
    return list(own.order_by("-asked_at", "-id")[:MAX_LISTED])


def get_state(question: SupportQuestion, *, at: datetime) -> QuestionState:
    """Return the state. A question expires by its time; a worker stores that later."""
    if question.state == QuestionState.WAITING and question.expires_at <= at:
        return QuestionState.EXPIRED
    return QuestionState(question.state)


def find_open_questions(
    questions: Iterable[SupportQuestion], *, actor: Actor, at: datetime
) -> frozenset[UUID]:
    """Return the ids of the questions with a chosen item that the agent can read now."""
    items = {question.id: question.item for question in questions if question.item is not None}
    open_items = support_consents.find_open_items(actor=actor, item_ids=set(items.values()), at=at)
    return frozenset(question_id for question_id, item in items.items() if item in open_items)


def settle_question(
    question: SupportQuestion,
    state: QuestionState,
    *,
    at: datetime,
    item: UUID | None = None,
    consent_id: UUID | None = None,
) -> bool:
    """
    Return False if the question is settled already: of concurrent answers, one wins.

    :param item: the chosen item, exactly if the answer is `ALLOWED`; with its consent
    """
    waiting = SupportQuestion.objects.filter(
        id=question.id, state=QuestionState.WAITING, expires_at__gt=at
    )
    item_values = {} if item is None else {"item": item, "consent_id": consent_id}
    return bool(waiting.update(state=state, answered_at=at, **item_values))


def record_event(question: SupportQuestion, *, event: str, at: datetime) -> None:
    """Record an event about the question. It names the agent by the service's pseudonym."""
    entries.record_ledger_event(
        event=event,
        about=question.id,
        body={"agent": entries.get_ledger_pseudonym(question.agent_id), "kind": question.kind},
        at=at,
    )
