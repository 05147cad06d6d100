"""A question of support: read it, choose an item, allow it, or decline."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages as flash_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound
from integrations.models import ItemKind, SupportQuestion
from integrations.support import item_readings, question_answers
from integrations.support.questions import QuestionClosed

from . import answer_form, event_choice, message_choice, messages, support_overview
from .answer_form import QUESTION_ROUTE

_LISTS: Final = {
    ItemKind.MESSAGE: message_choice.render_list,
    ItemKind.EVENT: event_choice.render_list,
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def show_question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Show the question, with a list of items to choose from. On POST, decline."""
    question = _get_question(request, question_id)
    if request.method == "POST":
        return _decline(request, question)
    row = support_overview.make_question_row(question, at=timezone.now())
    context = {"question": row, **_describe_answer(request, question)}
    if row.is_waiting:
        return _LISTS[ItemKind(question.kind)](request, context)
    return render(request, "settings/support/question.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Let Antares support read one message"))
def answer_with_message(request: HttpRequest, question_id: UUID, message_id: UUID) -> HttpResponse:
    """Show what the agent would see of the chosen message. On POST, allow it."""
    question = _get_question(request, question_id, kind=ItemKind.MESSAGE)
    row = support_overview.make_question_row(question, at=timezone.now())
    if not row.is_waiting:
        return _show_closed(request, question_id)
    if request.method == "POST":
        return answer_form.allow_item(request, question_id, message_id, message_choice.ANSWER)
    return message_choice.render_confirmation(request, row, message_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Let Antares support see one event"))
def answer_with_event(request: HttpRequest, question_id: UUID, event_id: UUID) -> HttpResponse:
    """Show what the agent would see of the chosen event. On POST, allow it."""
    question = _get_question(request, question_id, kind=ItemKind.EVENT)
    row = support_overview.make_question_row(question, at=timezone.now())
    if not row.is_waiting:
        return _show_closed(request, question_id)
    if request.method == "POST":
        return answer_form.allow_item(request, question_id, event_id, event_choice.ANSWER)
    return event_choice.render_confirmation(request, row, event_id)


def _describe_answer(request: HttpRequest, question: SupportQuestion) -> dict[str, Any]:
    """Return until when the chosen item is open, and when it was read."""
    actor = get_actor(request)
    if question.item is None or question.answered_at is None or actor.organisation_id is None:
        return {"open_item": None, "readings": ()}
    open_items = support_overview.list_open_items(
        actor=actor, at=timezone.now(), items=[question.item]
    )
    readings = item_readings.find_readings([question.item], actor=actor, since=question.asked_at)
    return {
        "open_item": next(iter(open_items), None),
        "readings": readings[question.item],
    }


def _decline(request: HttpRequest, question: SupportQuestion) -> HttpResponse:
    try:
        question_answers.decline_question(
            question_id=question.id, actor=get_actor(request), at=timezone.now()
        )
    except QuestionClosed:
        return _show_closed(request, question.id)
    flash_messages.success(request, messages.DECLINED)
    return redirect("settings-support")


def _show_closed(request: HttpRequest, question_id: UUID) -> HttpResponse:
    flash_messages.info(request, messages.CLOSED)
    return redirect(QUESTION_ROUTE, question_id)


def _get_question(
    request: HttpRequest, question_id: UUID, *, kind: ItemKind | None = None
) -> SupportQuestion:
    """:param kind: None: any"""
    try:
        question = question_answers.get_own_question(question_id, actor=get_actor(request))
    except ObjectNotFound:
        raise Http404 from None
    if kind is not None and question.kind != kind:
        raise Http404
    return question
