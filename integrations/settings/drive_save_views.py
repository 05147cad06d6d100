"""
Pages that save an attachment, an Antares calendar or a copy of a mailbox in the owner's Drive.

One click suffices within an account. A file that goes to another account has a page of its own,
which names both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import request_limits
from accounts.rate_limit_counters import Rate
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import mail
from integrations.access.request_context import (
    ObjectNotFound,
    RequestContext,
    get_request_context,
)
from integrations.calendar.pages import local_calendar_page, named_calendars
from integrations.drive import uploads
from integrations.drive.upload_errors import QueueFull
from integrations.models import Attachment, Integration
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.web import account_rows, ownership
from limited_use.sinks import page_sink
from limited_use.sinks.calendar_sink import AccountRows
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.template_values import TemplateItem

from . import drive_saves
from .drive_saves import SavedSource
from .messages import confirmations, save_outcomes

RATE: Final = Rate("drive-save", 120, 3600)
EXPORT_RATE: Final = Rate("drive-save-export", 10, 3600)

Save = Callable[[], object]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def save_attachment(request: HttpRequest, message_id: UUID, attachment_id: UUID) -> HttpResponse:
    context = get_request_context(request)
    try:
        source = drive_saves.find_attachment(
            context, message_id=message_id, attachment_id=attachment_id
        )
    except ObjectNotFound:
        raise Http404 from None
    if request.method == "POST":
        return _handle_order(request, context, source)
    return HttpResponse(_render_attachment_page(request, context, source, message_id))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def save_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    context = get_request_context(request)
    try:
        source = drive_saves.find_calendar(context, calendar_id)
    except ObjectNotFound:
        raise Http404 from None
    if request.method == "POST":
        return _handle_order(request, context, source)
    visible = local_calendar_page.get_calendar_or_404(context, calendar_id)
    body = named_calendars.render_calendars(
        request,
        context,
        [visible],
        "drive/save_calendar.html",
        context={"calendar_id": calendar_id},
        nameable=[visible],
        accounts=_list_account_rows(context, source),
    )
    return HttpResponse(body)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(confirmations.SAVE_COPY_ACTION)
def save_export(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """Save a copy of a mailbox in the Drive of its own account."""
    context = get_request_context(request)
    mailbox = ownership.get_integration(context.actor, integration_id)
    try:
        drive = drive_saves.find_drive_of(context, mailbox)
    except ObjectNotFound:
        raise Http404 from None
    if not request_limits.count_for_person(request, EXPORT_RATE).is_within:
        messages.error(request, confirmations.TOO_MANY_EXPORTS)
        return redirect("settings-export", integration_id)
    return _save(request, partial(drive_saves.save_export, context, mailbox, drive))


def _handle_order(
    request: HttpRequest, context: RequestContext, source: SavedSource
) -> HttpResponse:
    """
    Save the file if the order is complete; otherwise show the page.

    An order to another account names the Drive and agrees, which only the page's form does.
    """
    drive = _find_chosen_drive(request, context)
    is_agreed = request.POST.get("agree") == "yes" and bool(request.POST.get("drive"))
    if drive is None or (source.crosses_accounts(drive) and not is_agreed):
        return redirect(request.path)
    if not request_limits.count_for_person(request, RATE).is_within:
        messages.error(request, save_outcomes.TOO_MANY)
        return redirect(request.path)
    return _save(
        request,
        partial(drive_saves.save_file, context, source, drive, is_crossing_agreed=is_agreed),
    )


def _find_chosen_drive(request: HttpRequest, context: RequestContext) -> Integration | None:
    """
    Return the only Drive, or the chosen one; None if the person has to choose.

    :raises Http404:
    """
    drives = drive_saves.list_drives(context)
    if request.POST.get("drive"):
        drive_id = ownership.parse_uuid(request.POST["drive"])
        chosen = [drive for drive in drives if drive.id == drive_id]
        if not chosen:
            raise Http404
        return chosen[0]
    return drives[0] if len(drives) == 1 else None


def _save(request: HttpRequest, save: Save) -> HttpResponse:
    try:
        save()
    except drive_saves.AlreadySaving:
        messages.info(request, save_outcomes.ALREADY_SAVING)
    except QueueFull:
        messages.error(request, save_outcomes.QUEUE_FULL % {"count": uploads.MAX_OPEN_FILES})
    except ObjectNotFound:
        raise Http404 from None
    else:
        messages.success(request, save_outcomes.SAVING)
    return redirect(_get_files_url())


def _get_files_url() -> str:
    try:
        return reverse("drive-files")
    except NoReverseMatch:
        return reverse("settings-integrations")


def _render_attachment_page(
    request: HttpRequest, context: RequestContext, source: SavedSource, message_id: UUID
) -> bytes:
    try:
        permitted = mail.get_message(context, message_id)
    except mail.ObjectNotFound:
        raise Http404 from None
    attachment = Attachment.objects.get(id=source.source_id)
    accounts = _list_account_rows(context, source)
    file_row = SealedRow(attachment, {"descriptor": attachment.descriptor})

    def shape_row(row: Any, opened: Mapping[str, bytes]) -> TemplateItem:
        if isinstance(row, Attachment):
            return _shape_attachment(opened)
        return accounts.shape(row, opened)

    return page_sink.render_page(
        "drive/save_attachment.html",
        [file_row, *accounts.rows],
        permits={**permitted.permits, **accounts.permits},
        actor=context.actor,
        shape=shape_row,
        at=context.at,
        context={"thread_id": permitted.rows[0].row.message.thread_id},
        request=request,
    )


def _shape_attachment(opened: Mapping[str, bytes]) -> TemplateItem:
    name = orjson.loads(opened["descriptor"])["filename"] if "descriptor" in opened else ""
    return TemplateItem({"is_drive": False}, {"filename": name})


def _list_account_rows(context: RequestContext, source: SavedSource) -> AccountRows:
    """Return the account of the source, if it has one, and then the Drives."""
    origin = source.integration
    rows: list[tuple[Any, Any]] = [
        (drive, drive.connection) for drive in drive_saves.list_drives(context)
    ]
    if PROVIDERS[origin.connection.provider].grants:
        rows.insert(0, (origin, origin.connection))
    return account_rows.list_account_rows(
        rows, actor=context.actor, shape=partial(_shape_account, source=source), at=context.at
    )


def _shape_account(
    integration: Integration, opened: Mapping[str, bytes], *, source: SavedSource
) -> TemplateItem:
    """Called inside the sink."""
    connection = integration.connection
    clear = {
        "id": integration.id,
        "is_drive": integration.product == "drive",
        "is_crossing": source.crosses_accounts(integration),
        "provider": PROVIDERS[connection.provider].label,
        "product": name_product(connection.provider, integration.product),
        "has_address": "email" in opened,
    }
    return TemplateItem(clear, {"email": opened.get("email", b"").decode()})
