"""The question before a file moves to the Drive's trash."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import (
    ObjectNotFound,
    RequestContext,
    get_request_context,
)
from integrations.drive import file_list, removal, uploads
from integrations.drive.upload_errors import UploadNotOpen
from integrations.models import DriveFileState
from integrations.providers import errors
from limited_use.sinks import page_sink

from . import file_presenter, messages
from .responses import SeeOther


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def trash_file(request: HttpRequest, file_id: UUID) -> HttpResponse:
    context = get_request_context(request)
    try:
        file = uploads.find_own_file(context, file_id)
        if request.method == "POST":
            return _trash_file(request, context, file_id)
    except ObjectNotFound:
        raise Http404 from None
    if file.state != DriveFileState.DONE:
        raise Http404
    rows = file_list.make_rows([file])
    body = page_sink.render_page(
        "drive/trash.html",
        rows,
        permits=file_list.permit_rows(context, rows),
        actor=context.actor,
        shape=file_presenter.present_file,
        at=context.at,
        request=request,
    )
    return HttpResponse(body)


def _trash_file(request: HttpRequest, context: RequestContext, file_id: UUID) -> HttpResponse:
    """:raises ObjectNotFound, limited_use.guard.guard.AccessRefused:"""
    try:
        removal.trash_file(context, file_id)
    except UploadNotOpen:
        page_messages.info(request, messages.STATE_CHANGED)
    except DisconnectedError:
        page_messages.error(request, messages.DRIVE_AWAY)
    except errors.ProviderError:
        page_messages.error(request, messages.NOT_TRASHED)
    else:
        page_messages.success(request, messages.TRASHED)
    return SeeOther(reverse("drive-files"))
