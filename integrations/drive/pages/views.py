"""The list of files on their way to a Drive, and what their owner decides about each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.endpoints import is_provider_registered
from integrations.access.request_context import (
    ObjectNotFound,
    RequestContext,
    get_request_context,
)
from integrations.drive import file_list, proposals, removal, upload_controls, uploads
from integrations.drive.upload_errors import UploadNotOpen
from integrations.models import DriveFile
from integrations.providers import PROVIDERS
from integrations.web import page_cursors
from limited_use.sinks import page_sink
from limited_use.sinks.sealed_rows import SealedRow

from . import file_presenter, messages
from .responses import SeeOther

PAGE: Final = 50
#: Files in one answer about states.
_MOST_STATES: Final = 200


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_files(request: HttpRequest) -> HttpResponse:
    context = get_request_context(request)
    cursor = request.GET.get("cursor")
    try:
        page = file_list.get_file_page(context, cursor=cursor, limit=PAGE)
    except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
        return redirect("drive-files")
    drives = file_presenter.list_connected_drives(context)
    rows = [
        *file_presenter.make_drive_rows(drives),
        # A script copies it.
        SealedRow(file_presenter.make_blank_file(context.at)),
        *file_list.make_rows(page.rows),
    ]
    url = reverse("drive-files")
    body = page_sink.render_page(
        "drive/files.html",
        rows,
        permits=file_presenter.permit_page(context, drives, page.rows),
        actor=context.actor,
        shape=file_presenter.present_row,
        at=context.at,
        context={
            "drive_count": len(drives),
            "file_count": len(page.rows),
            "offers": _list_offers(),
            "max_file_bytes": uploads.MAX_FILE_BYTES,
            "is_later_page": cursor is not None,
            "first_url": url,
            "next_url": f"{url}?cursor={page.next_cursor}" if page.next_cursor else "",
        },
        request=request,
    )
    return HttpResponse(body)


def _list_offers() -> list[dict[str, str]]:
    """Return the providers of Drives that can be connected."""
    return [
        {
            "label": provider.label,
            "url": f"{reverse('settings-connect', args=[provider.key])}?product=drive",
        }
        for provider in PROVIDERS.values()
        if "drive" in provider.products and is_provider_registered(provider.key)
    ]


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_row(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Return the part of the list that shows one file."""
    context = get_request_context(request)
    try:
        file = uploads.find_own_file(context, file_id)
    except ObjectNotFound:
        raise Http404 from None
    return _render_row(request, context, file)


def _render_row(request: HttpRequest, context: RequestContext, file: DriveFile) -> HttpResponse:
    rows = file_list.make_rows([file])
    body = page_sink.render_page(
        "drive/_files.html",
        rows,
        permits=file_list.permit_rows(context, rows),
        actor=context.actor,
        shape=file_presenter.present_file,
        at=context.at,
        request=request,
    )
    return HttpResponse(body)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def list_states(request: HttpRequest) -> HttpResponse:
    """Return states and counted bytes of the files that changed last. Nothing sealed is opened."""
    context = get_request_context(request)
    newest = uploads.filter_own_files(context).order_by("-changed_at")
    rows = newest.values_list("id", "state", "received", "size")[:_MOST_STATES]
    states = {
        str(file_id): {"state": state, "received": received, "size": size}
        for file_id, state, received, size in rows
    }
    return JsonResponse({"files": states})


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def change_file(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """
    Carry out a button of the list. A script asks for the file's new row instead of the page
    (`part`).
    """
    context = get_request_context(request)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    is_script = request.POST.get("part") == "row"
    try:
        action(context, file_id)
    except ObjectNotFound:
        raise Http404 from None
    except UploadNotOpen:
        # The page is older than the row.
        if not is_script:
            page_messages.info(request, messages.STATE_CHANGED)
    if is_script:
        file = uploads.filter_own_files(context).filter(id=file_id).first()
        return _render_row(request, context, file) if file else HttpResponse(status=204)
    if action is removal.remove_file:
        page_messages.success(request, messages.REMOVED)
    return SeeOther(reverse("drive-files"))


_ACTIONS: Final[dict[str, Callable[[RequestContext, UUID], None]]] = {
    "pause": upload_controls.pause_file,
    "resume": upload_controls.resume_file,
    "cancel": upload_controls.cancel_file,
    "retry": upload_controls.retry_file,
    "remove": removal.remove_file,
    "accept": proposals.accept_file,
    "decline": proposals.decline_file,
}
