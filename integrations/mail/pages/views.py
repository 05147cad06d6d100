"""The inbox in the browser: conversations, one conversation, a message's text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from csp.decorators import csp
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import mail
from integrations.access import support_consents
from integrations.access.request_context import get_request_context
from integrations.mail import (
    MailFilters,
    attachment_response,
    attachments,
    mail_row_types,
    messages,
)
from integrations.mail.sending import proposal_list
from integrations.models import DraftProposal
from integrations.providers import errors
from integrations.web import connected_drives, page_cursors, sandboxed_html
from integrations.web.row_urls import RowUrl
from limited_use.sinks import page_sink

from . import (
    attachment_failures,
    frame_heights,
    mailbox_status,
    outbox_presenter,
    retry_responses,
)
from .thread_rows import ThreadRowPresenter

OUTGOING: Final = frozenset({"sent", "drafts"})
PAGE: Final = 50


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_threads(request: HttpRequest) -> HttpResponse:
    context = get_request_context(request)
    folder = request.GET.get("folder", "inbox")
    if folder not in messages.FOLDERS:
        raise Http404
    filters = MailFilters(folder=None if folder == "all" else folder)
    cursor = request.GET.get("cursor")
    try:
        reading = mail.get_thread_page(context, filters, cursor=cursor, limit=PAGE)
    except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
        # A bookmark with an old cursor: show the first page.
        return redirect(_add_query(reverse("inbox"), folder))
    status = mailbox_status.describe_mailboxes(reading.mailboxes)
    inbox_url = reverse("inbox")
    # Sent mail is listed by recipient.
    is_outgoing = folder in OUTGOING
    row_url = RowUrl("inbox-thread", query=_build_folder_query(folder))
    thread_rows = ThreadRowPresenter(is_outgoing, context.at, row_url)
    body = page_sink.render_page(
        "inbox/threads.html",
        reading.rows,
        permits=reading.permits,
        actor=context.actor,
        shape=thread_rows.present_row,
        at=context.at,
        context={
            "words": "",
            "folder_title": messages.FOLDERS[folder],
            "is_inbox": folder == "inbox",
            "is_all": folder == "all",
            "tabs": [
                {"url": _add_query(inbox_url, key), "label": label, "is_current": key == folder}
                for key, label in messages.FOLDERS.items()
            ],
            "accounts": status.accounts,
            "alerts": status.alerts,
            "horizon_words": status.horizon_words,
            **outbox_presenter.describe_outbox(context),
            "is_importing": status.is_importing,
            "is_later_page": cursor is not None,
            "first_url": _add_query(inbox_url, folder),
            "next_url": _add_query(inbox_url, folder, reading.next_cursor)
            if reading.next_cursor
            else "",
        },
        request=request,
    )
    return HttpResponse(body)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_thread(request: HttpRequest, thread_id: UUID) -> HttpResponse:
    """Each text is a separate frame."""
    context = get_request_context(request)
    cursor = request.GET.get("cursor")
    folder = request.GET.get("folder", "inbox")
    if folder not in messages.FOLDERS:
        raise Http404
    folder_query = _build_folder_query(folder)
    try:
        reading = mail.get_message_page(
            context, MailFilters(thread_id=thread_id), cursor=cursor, limit=PAGE
        )
    except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
        return redirect(reverse("inbox-thread", args=[thread_id]) + folder_query)
    if not reading.rows:
        raise Http404
    thread_url = reverse("inbox-thread", args=[thread_id])
    message_ids = [row.row.message.id for row in reading.rows]
    heights = frame_heights.get_height_classes(message_ids)
    to_support = support_consents.get_end_times(
        actor=context.actor, item_ids=message_ids, at=context.at
    )
    body = page_sink.render_page(
        "inbox/thread.html",
        reading.rows,
        permits=reading.permits,
        actor=context.actor,
        shape=partial(
            _shape_thread_message,
            heights=heights,
            to_support=to_support,
            answers=proposal_list.find_answers(context, message_ids),
        ),
        at=context.at,
        context={
            "folder_title": messages.FOLDERS[folder],
            "folder_url": "" if folder == "inbox" else _add_query(reverse("inbox"), folder),
            "first_url": f"{thread_url}{folder_query}",
            "banner": outbox_presenter.find_banner(context),
            "can_save": any(row.row.message.has_attachments for row in reading.rows)
            and connected_drives.has_drive(context.actor),
            "is_later_page": cursor is not None,
            "next_url": _add_query(thread_url, folder, reading.next_cursor)
            if reading.next_cursor
            else "",
        },
        request=request,
    )
    return HttpResponse(body)


def _shape_thread_message(
    row: mail_row_types.MessageRow,
    opened: Mapping[str, bytes],
    *,
    heights: Mapping[UUID, str],
    to_support: Mapping[UUID, datetime],
    answers: Mapping[UUID, DraftProposal],
) -> page_sink.TemplateItem:
    proposal = answers.get(row.message.id)
    clear = {
        "proposal_id": proposal.id if proposal else None,
        "proposed_by": outbox_presenter.name_feature(proposal.feature) if proposal else "",
        "height": heights.get(row.message.id, frame_heights.TALLEST),
        "is_important": "important" in row.message.folders,
        "support_until": to_support.get(row.message.id),
    }
    return page_sink.TemplateItem(clear, mail_row_types.shape_thread_message(row, opened))


@never_cache
@require_safe
@xframe_options_sameorigin
@csp(dict(sandboxed_html.POLICY))
@require_permission(RolePermission.USE_OWN)
def show_body(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """
    Return a separate document, harmless also outside its frame: its origin is opaque, no script
    runs, and nothing loads except its own images.
    """
    try:
        text = attachments.render_body(get_request_context(request), message_id=message_id)
    except mail.ObjectNotFound:
        raise Http404 from None
    except retry_responses.TEMPORARY_ERRORS as error:
        return retry_responses.build_frame_retry_page(request, error)
    return sandboxed_html.render_document(text)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_attachment(
    request: HttpRequest, message_id: UUID, attachment_id: UUID
) -> HttpResponseBase:
    """Return a page with the reason if the file is unavailable."""
    context = get_request_context(request)
    try:
        return attachment_response.answer_attachment(
            context, message_id=message_id, attachment_id=attachment_id
        )
    except mail.ObjectNotFound:
        raise Http404 from None
    except errors.ProviderError as error:
        place = attachment_failures.find_stored_message(context, message_id)
        return attachment_failures.build_failure_page(request, error, place)


def _add_query(url: str, folder: str, cursor: str | None = None) -> str:
    query: Mapping[str, Any] = {"folder": folder} if folder != "inbox" else {}
    if cursor:
        query = {**query, "cursor": cursor}
    return url + (f"?{urlencode(query)}" if query else "")


def _build_folder_query(folder: str) -> str:
    """Return the query by which a conversation's page names the list that led to it."""
    return _add_query("", folder)
