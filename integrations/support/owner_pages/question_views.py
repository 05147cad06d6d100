"""A question of support: read it, choose a message, allow it, or decline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages as flash_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import mail
from integrations.access.request_context import (
    InvalidChoice,
    ObjectNotFound,
    get_request_context,
)
from integrations.access.support_and_export_permits import SUPPORT
from integrations.mail import MailFilters, mail_row_types, support_access
from integrations.mail import messages as mail_texts
from integrations.models import ItemKind, SupportQuestion
from integrations.support import item_readings, question_answers
from integrations.support.questions import QuestionClosed
from integrations.web import page_cursors
from integrations.web.form_numbers import read_number
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES
from limited_use.sinks import page_sink

from . import messages, support_overview

_ROUTE = "settings-support-question"
_PAGE = 20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def show_question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Show the question, with the newest messages to choose from. On POST, decline."""
    question = _get_question(request, question_id)
    if request.method == "POST":
        return _decline(request, question)
    row = support_overview.make_question_row(question, at=timezone.now())
    context = {"question": row, "can_choose": False, **_describe_answer(request, question)}
    if row.is_waiting and question.kind == ItemKind.MESSAGE:
        return _show_messages(request, context)
    return render(request, "settings/support/question.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Let Antares support read one message"))
def answer_question(request: HttpRequest, question_id: UUID, message_id: UUID) -> HttpResponse:
    """Show what the agent would see of the chosen message. On POST, allow it."""
    question = _get_question(request, question_id)
    row = support_overview.make_question_row(question, at=timezone.now())
    if not row.is_waiting:
        flash_messages.info(request, messages.CLOSED)
        return redirect(_ROUTE, question_id)
    if question.kind != ItemKind.MESSAGE:
        raise Http404
    if request.method == "POST":
        return _allow(request, question_id, message_id)
    actor, at = get_actor(request), timezone.now()
    try:
        message = support_access.get_own_message(actor=actor, message_id=message_id)
    except ObjectNotFound:
        return _show_gone(request, question_id)
    reading = support_access.get_support_message_head(actor=actor, message=message, at=at)
    feature = FEATURES[SUPPORT]
    body = page_sink.render_page(
        "settings/support/allow.html",
        reading.rows,
        permits=reading.permits,
        actor=actor,
        shape=mail_row_types.shape_message_summary,
        at=at,
        context={
            "question": row,
            "message_id": message_id,
            "choices": mail_texts.SUPPORT_TIMES.items(),
            "disclosure": feature.disclosure,
            "version": feature.version,
        },
        request=request,
    )
    return HttpResponse(body)


def _show_messages(request: HttpRequest, context: Mapping[str, Any]) -> HttpResponse:
    """List all stored messages of the person's own mailboxes, the newest first."""
    request_context = get_request_context(request)
    cursor = request.GET.get("cursor")
    question_url = reverse(_ROUTE, args=[context["question"].id])
    try:
        reading = mail.get_message_page(request_context, MailFilters(), cursor=cursor, limit=_PAGE)
    except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
        return redirect(question_url)
    next_query = urlencode({"cursor": reading.next_cursor}) if reading.next_cursor else ""
    body = page_sink.render_page(
        "settings/support/question.html",
        reading.rows,
        permits=reading.permits,
        actor=request_context.actor,
        shape=mail_row_types.shape_message_summary,
        at=request_context.at,
        context={
            **context,
            "can_choose": True,
            "first_url": question_url if cursor else "",
            "next_url": f"{question_url}?{next_query}" if next_query else "",
        },
        request=request,
    )
    return HttpResponse(body)


def _describe_answer(request: HttpRequest, question: SupportQuestion) -> dict[str, Any]:
    """Return until when the chosen item is open, and when it was read."""
    actor = get_actor(request)
    if question.item is None or question.answered_at is None or actor.organisation_id is None:
        return {"open_item": None, "readings": ()}
    open_items = support_overview.list_open_items(actor=actor, at=timezone.now())
    readings = item_readings.find_readings([question.item], actor=actor, since=question.asked_at)
    return {
        "open_item": next((row for row in open_items if row.item == question.item), None),
        "readings": readings[question.item],
    }


def _decline(request: HttpRequest, question: SupportQuestion) -> HttpResponse:
    try:
        question_answers.decline_question(
            question_id=question.id, actor=get_actor(request), at=timezone.now()
        )
    except QuestionClosed:
        flash_messages.info(request, messages.CLOSED)
        return redirect(_ROUTE, question.id)
    flash_messages.success(request, messages.DECLINED)
    return redirect("settings-support")


def _allow(request: HttpRequest, question_id: UUID, message_id: UUID) -> HttpResponse:
    answer_page = redirect("settings-support-answer", question_id, message_id)
    if request.POST.get("agree") != "yes":
        flash_messages.error(request, mail_texts.SUPPORT_NOT_AGREED)
        return answer_page
    try:
        question_answers.allow_item(
            question_id=question_id,
            item=message_id,
            hours=read_number(request.POST.get("hours", "")) or 0,
            version=read_number(request.POST.get("version", "")) or 0,
            actor=get_actor(request),
            at=timezone.now(),
        )
    except InvalidChoice:
        flash_messages.error(request, mail_texts.SUPPORT_NO_TIME)
        return answer_page
    except consents.DeclarationOutdated:
        flash_messages.info(request, mail_texts.SUPPORT_OUTDATED)
        return answer_page
    except ObjectNotFound:
        return _show_gone(request, question_id)
    except QuestionClosed:
        flash_messages.info(request, messages.CLOSED)
    else:
        flash_messages.success(request, messages.ALLOWED)
    return redirect(_ROUTE, question_id)


def _show_gone(request: HttpRequest, question_id: UUID) -> HttpResponse:
    flash_messages.info(request, messages.ITEM_GONE)
    return redirect(_ROUTE, question_id)


def _get_question(request: HttpRequest, question_id: UUID) -> SupportQuestion:
    try:
        return question_answers.get_own_question(question_id, actor=get_actor(request))
    except ObjectNotFound:
        raise Http404 from None
