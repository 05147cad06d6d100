"""The outbox in the browser: states, undo, and what the owner decides about unsent messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import (
    ObjectNotFound,
    RequestContext,
    get_request_context,
)
from integrations.mail.sending import messages, outbox_list, outbox_messages, proposal_list
from integrations.mail.sending.compose_base import ComposeSource
from integrations.outbox.commands import CommandNotUndoable, CommandNotUnknown, CommandOpen
from integrations.web import page_cursors
from limited_use.sinks import page_sink

from . import compose_form, outbox_presenter
from .compose_views import SeeOther
from .outbox_presenter import OutboxRowPresenter

PAGE: Final = 50


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_outbox(request: HttpRequest) -> HttpResponse:
    context = get_request_context(request)
    cursor = request.GET.get("cursor")
    try:
        page = outbox_list.get_outbox_page(context, cursor=cursor, limit=PAGE)
    except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
        return redirect("inbox-outbox")
    outbox = outbox_list.find_rows(context, page.rows)
    # Above the first page.
    proposed_rows = proposal_list.find_rows(context) if cursor is None else []
    rows = [*proposed_rows, *outbox.rows]
    url = reverse("inbox-outbox")
    body = page_sink.render_page(
        "inbox/outbox.html",
        rows,
        permits=outbox_list.permit_rows(context, rows),
        actor=context.actor,
        shape=OutboxRowPresenter(outbox.thread_ids, context.at).present_row,
        at=context.at,
        context={
            "is_later_page": cursor is not None,
            "first_url": url,
            "next_url": f"{url}?cursor={page.next_cursor}" if page.next_cursor else "",
        },
        request=request,
    )
    return HttpResponse(body)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_state(request: HttpRequest, command_id: UUID) -> HttpResponse:
    """Return the part of a page that shows what became of a message."""
    context = get_request_context(request)
    try:
        command = outbox_list.find_own_command(context, command_id)
    except ObjectNotFound:
        raise Http404 from None
    banner = outbox_presenter.describe_banner(command, at=context.at)
    return render(request, "inbox/_outbox_banner.html", {"banner": banner})


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def change_command(request: HttpRequest, command_id: UUID) -> HttpResponse:
    context = get_request_context(request)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    try:
        return SeeOther(action(request, context, command_id))
    except ObjectNotFound:
        raise Http404 from None
    except (CommandNotUnknown, CommandOpen):
        # The page is older than the row.
        page_messages.info(request, messages.STATE_CHANGED)
        return SeeOther(reverse("inbox-outbox"))


def _undo(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    """Lead to the text, also if two requests undo it."""
    try:
        outbox_messages.undo_outbox_message(context, command_id)
    except CommandNotUndoable:
        page_messages.info(request, messages.NOT_UNDOABLE)
        return reverse("inbox-outbox")
    return compose_form.build_compose_url(ComposeSource(command_id=command_id))


def _look_again(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    outbox_messages.look_again(context, command_id)
    page_messages.info(request, messages.LOOKING)
    return reverse("inbox-outbox")


def _settle_as_sent(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    outbox_messages.settle_as_sent(context, command_id)
    page_messages.success(request, messages.SETTLED_AS_SENT)
    return reverse("inbox-outbox")


def _discard(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    outbox_messages.discard_outbox_message(context, command_id)
    page_messages.success(request, messages.DISCARDED)
    return reverse("inbox-outbox")


_ACTIONS: Final[dict[str, Callable[[HttpRequest, RequestContext, UUID], str]]] = {
    "undo": _undo,
    "look": _look_again,
    "sent": _settle_as_sent,
    "delete": _discard,
}
