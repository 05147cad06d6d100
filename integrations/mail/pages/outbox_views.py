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
from integrations.mail.sending import messages, outbox_list, proposals
from integrations.mail.sending.compose_base import ComposeSource
from integrations.mail.sending.message_owner import get_owner_columns
from integrations.mail.sending.proposals import PermittedProposals
from integrations.models import OutboxState
from integrations.outbox import commands
from integrations.outbox.commands import CommandNotUndoable, CommandOpen
from integrations.web import page_cursors
from limited_use.sinks import page_sink

from . import compose_form, outbox_presenter
from .compose_views import SeeOther
from .outbox_presenter import OutboxRowPresenter

PAGE: Final = 50
NO_PROPOSALS: Final = PermittedProposals([], {})


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_outbox(request: HttpRequest) -> HttpResponse:
    context = get_request_context(request)
    cursor = request.GET.get("cursor")
    try:
        outbox = outbox_list.get_outbox_page(context, cursor=cursor, limit=PAGE)
        # Above the first page.
        proposed = proposals.list_proposals(context) if cursor is None else NO_PROPOSALS
    except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
        return redirect("inbox-outbox")
    url = reverse("inbox-outbox")
    body = page_sink.render_page(
        "inbox/outbox.html",
        [*proposed.rows, *outbox.rows],
        permits={**proposed.permits, **outbox.permits},
        actor=context.actor,
        shape=OutboxRowPresenter(outbox.thread_ids, context.at).present_row,
        at=context.at,
        context={
            "is_later_page": cursor is not None,
            "first_url": url,
            "next_url": f"{url}?cursor={outbox.next_cursor}" if outbox.next_cursor else "",
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
        outbox_list.find_own_command(context, command_id)
        return SeeOther(action(request, context, command_id))
    except (ObjectNotFound, CommandOpen):
        raise Http404 from None


def _undo(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    """Lead to the text, also if two requests undo it."""
    try:
        commands.undo_command(command_id, **get_owner_columns(context), at=context.at)
    except CommandNotUndoable:
        command = outbox_list.find_own_command(context, command_id)
        if command.state != OutboxState.UNDONE:
            page_messages.info(request, messages.NOT_UNDOABLE)
            return reverse("inbox-outbox")
    return compose_form.build_compose_url(ComposeSource(command_id=command_id))


def _look_again(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    commands.look_again(command_id, **get_owner_columns(context), at=context.at)
    page_messages.info(request, messages.LOOKING)
    return reverse("inbox-outbox")


def _settle_as_sent(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    commands.settle_as_sent(command_id, **get_owner_columns(context), at=context.at)
    page_messages.success(request, messages.SETTLED_AS_SENT)
    return reverse("inbox-outbox")


def _discard(request: HttpRequest, context: RequestContext, command_id: UUID) -> str:
    commands.discard_command(command_id, **get_owner_columns(context))
    page_messages.success(request, messages.DISCARDED)
    return reverse("inbox-outbox")


_ACTIONS: Final[dict[str, Callable[[HttpRequest, RequestContext, UUID], str]]] = {
    "undo": _undo,
    "look": _look_again,
    "sent": _settle_as_sent,
    "delete": _discard,
}
