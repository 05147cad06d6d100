"""The messages of the person's own mailboxes, of which one answers a question of support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from integrations import mail
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.mail import MailFilters, mail_row_types, support_access
from integrations.mail import messages as mail_texts
from integrations.web import page_cursors, support_access_form
from integrations.web.support_access_form import SupportAccessTexts
from limited_use.sinks import page_sink

from . import answer_form, messages
from .answer_form import QUESTION_ROUTE, ItemAnswer
from .support_overview import QuestionRow

ANSWER: Final = ItemAnswer(
    "settings-support-answer",
    SupportAccessTexts(messages.MESSAGE_ALLOWED, mail_texts.SUPPORT_NOT_AGREED),
    messages.MESSAGE_GONE,
)
_PAGE_SIZE: Final = 20


def render_list(request: HttpRequest, context: Mapping[str, Any]) -> HttpResponse:
    """
    List all stored messages, the newest first.

    :param context: of the page of the question
    """
    request_context = get_request_context(request)
    cursor = request.GET.get("cursor")
    question_url = reverse(QUESTION_ROUTE, args=[context["question"].id])
    try:
        reading = mail.get_message_page(
            request_context, MailFilters(), cursor=cursor, limit=_PAGE_SIZE
        )
    except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
        return redirect(question_url)
    next_query = urlencode({"cursor": reading.next_cursor}) if reading.next_cursor else ""
    body = page_sink.render_page(
        "settings/support/choose_message.html",
        reading.rows,
        permits=reading.permits,
        actor=request_context.actor,
        shape=mail_row_types.shape_message_summary,
        at=request_context.at,
        context={
            **context,
            "first_url": question_url if cursor else "",
            "next_url": f"{question_url}?{next_query}" if next_query else "",
        },
        request=request,
    )
    return HttpResponse(body)


def render_confirmation(
    request: HttpRequest, question: QuestionRow, message_id: UUID
) -> HttpResponse:
    """Show what the agent would see of the message, and the form that allows it."""
    request_context = get_request_context(request)
    actor, at = request_context.actor, request_context.at
    try:
        message = support_access.get_own_message(actor=actor, message_id=message_id)
    except ObjectNotFound:
        return answer_form.show_gone(request, question.id, ANSWER)
    reading = support_access.get_support_message_head(actor=actor, message=message, at=at)
    body = page_sink.render_page(
        "settings/support/allow_message.html",
        reading.rows,
        permits=reading.permits,
        actor=actor,
        shape=mail_row_types.shape_message_summary,
        at=at,
        context={
            "question": question,
            "message_id": message_id,
            **support_access_form.get_form_context(until=None),
        },
        request=request,
    )
    return HttpResponse(body)
