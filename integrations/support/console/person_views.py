"""The state of a person whom the agent found, and of each connection."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.models import SupportAct, SupportLookup, SupportQuestion
from integrations.support import (
    connection_overview,
    lookups,
    messages,
    person_overview,
    product_states,
    questions,
)


@never_cache
@require_safe
@require_permission(RolePermission.VIEW_CONNECTIONS)
def show_person(request: HttpRequest, lookup_id: UUID) -> HttpResponse:
    lookup, person_id = _get_lookup(request, lookup_id)
    at = timezone.now()
    overview = person_overview.get_overview(person_id, at=at)
    open_ids = questions.find_open_questions(overview.questions, actor=get_actor(request), at=at)
    context = {
        **_describe_lookup(lookup),
        "overview": overview,
        "acts": [_describe_act(act, lookup) for act in overview.acts],
        "questions": [
            _describe_question(question, lookup, is_open=question.id in open_ids, at=at)
            for question in overview.questions
        ],
    }
    return render(request, "console/person.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.VIEW_CONNECTIONS)
def show_connection(request: HttpRequest, lookup_id: UUID, connection_id: UUID) -> HttpResponse:
    lookup, person_id = _get_lookup(request, lookup_id)
    connection = product_states.get_connection(connection_id, user_id=person_id)
    if connection is None:
        raise Http404
    overview = connection_overview.get_overview(connection, at=timezone.now())
    context = {
        **_describe_lookup(lookup),
        "overview": overview,
    }
    return render(request, "console/connection.html", context)


def _get_lookup(request: HttpRequest, lookup_id: UUID) -> tuple[SupportLookup, UUID]:
    """
    Return the look-up, and the id of the person whom it found.

    :raises Http404: also if it is another agent's, or has ended
    """
    lookup = lookups.get_open_lookup(lookup_id, actor=get_actor(request), at=timezone.now())
    if lookup is None or lookup.user_id is None:
        raise Http404
    return lookup, lookup.user_id


def _describe_lookup(lookup: SupportLookup) -> dict[str, Any]:
    return {
        "lookup": lookup,
        "means": messages.MEANS[lookup.means],
        "reason": messages.REASON[lookup.reason],
    }


def _describe_act(act: SupportAct, lookup: SupportLookup) -> dict[str, Any]:
    return {
        "row": act,
        "kind": messages.ACT[act.kind],
        "state": messages.ACT_STATE[act.state],
        "reason": messages.REASON[act.reason],
        "is_own": act.agent_id == lookup.agent_id,
        "url": reverse("support-act", args=[act.id]),
    }


def _describe_question(
    question: SupportQuestion, lookup: SupportLookup, *, is_open: bool, at: datetime
) -> dict[str, Any]:
    is_own = question.agent_id == lookup.agent_id
    return {
        "row": question,
        "item": messages.ITEM[question.kind],
        "state": messages.describe_question(questions.get_state(question, at=at), is_open=is_open),
        "reason": messages.REASON[question.reason],
        "is_own": is_own,
        "url": reverse("support-question", args=[question.id]) if is_own else "",
    }
