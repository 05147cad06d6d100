"""An agent asks a person to open one item, and reads the answer."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages as flash_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound
from integrations.models import QuestionState
from integrations.support import lookups, messages, questions
from integrations.support.openable_items import OPENABLE_KINDS

from .ask_form import AskForm

_ROUTE: Final = "support-question"
_TOO_MANY_WAITING: Final = _(
    "Three questions wait for this person already. Withdraw one, or wait for an answer."
)
_TOO_MANY_ASKED: Final = _("You asked twenty questions today. Ask a colleague, or wait a day.")
_CLOSED: Final = _("The question is no longer open. Nothing changed.")
_WITHDRAWN: Final = _("Withdrawn. The person sees that you no longer need the item.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.READ_OPENED_ITEMS)
def ask(request: HttpRequest, lookup_id: UUID) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    lookup = lookups.get_open_lookup(lookup_id, actor=actor, at=at)
    if lookup is None:
        raise Http404
    form = AskForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            question = questions.ask_for_item(
                lookup=lookup, **form.cleaned_data, actor=actor, at=at
            )
        except questions.TooManyWaiting:
            form.add_error(None, str(_TOO_MANY_WAITING))
        except questions.TooManyAsked:
            form.add_error(None, str(_TOO_MANY_ASKED))
        else:
            return redirect(_ROUTE, question.id)
    return render(request, "console/ask.html", {"form": form, "lookup": lookup})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.READ_OPENED_ITEMS)
def show_question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """On POST, withdraw it."""
    actor, at = get_actor(request), timezone.now()
    try:
        question = questions.get_agent_question(question_id, actor=actor)
        if request.method == "POST":
            questions.withdraw_question(question_id=question_id, actor=actor, at=at)
    except ObjectNotFound:
        raise Http404 from None
    except questions.QuestionClosed:
        flash_messages.info(request, _CLOSED)
        return redirect(_ROUTE, question_id)
    if request.method == "POST":
        flash_messages.success(request, _WITHDRAWN)
        return redirect(_ROUTE, question_id)
    state = questions.get_state(question, at=at)
    is_open = question.id in questions.find_open_questions([question], actor=actor, at=at)
    context = {
        "question": question,
        "kind": messages.ITEM[question.kind],
        "reason": messages.REASON[question.reason],
        "state": messages.describe_question(state, is_open=is_open),
        "is_waiting": state == QuestionState.WAITING,
        "has_ended": state == QuestionState.ALLOWED and not is_open,
        "reading_route": OPENABLE_KINDS[question.kind].reading_route,
        "is_open": is_open,
    }
    return render(request, "console/question.html", context)
