from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import request_limits
from accounts.actors import get_actor
from accounts.rate_limit_counters import Rate
from accounts.reauthentication import require_recent_confirmation, take_confirmed_download
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.coordination import person_slots
from integrations.formats import streaming_zip
from integrations.mail import mailbox_export
from integrations.models import (
    OPEN_FILE_STATES,
    DriveFile,
    DriveFileState,
    Export,
    ExportOutcome,
)
from integrations.providers import PROVIDERS
from integrations.web import account_rows, connected_drives, ownership

from . import account_overview, drive_saves
from .messages import confirmations

# An export occupies a web thread until the download ends.
RATE: Final = Rate("export", 10, 3600)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(confirmations.DOWNLOAD_ACTION, is_download=True)
def export_mailbox(request: HttpRequest, integration_id: UUID) -> HttpResponseBase:
    """Explain the export and show its progress; on POST, stream the file."""
    actor, at = get_actor(request), timezone.now()
    integration = ownership.get_integration(actor, integration_id)
    if integration.product != "mail":
        raise Http404
    if request.method == "POST":
        if not request_limits.count_for_person(request, RATE).is_within:
            messages.error(request, confirmations.TOO_MANY_EXPORTS)
            return redirect("settings-export", integration_id)
        return _stream_export(request, integration_id)
    is_poll = bool(request.headers.get("HX-Request"))
    exports = mailbox_export.get_latest_exports(actor=actor, integration_id=integration_id)
    rows = _describe_exports(exports, at)
    running = [row["export"] for row in rows if row["is_running"]]
    context = {
        "integration_id": integration_id,
        "provider": PROVIDERS[integration.connection.provider].label,
        "message_count": account_overview.count_messages([integration_id]).get(integration_id, 0),
        "exports": rows,
        # A copy goes to the Drive of the same account, and to no other.
        "can_save": connected_drives.has_drive(actor, connection_id=integration.connection_id),
        "running": running[0] if running else None,
        # A page that asks for progress must not take the download of the page that waits for it.
        "starts": not is_poll and take_confirmed_download(request),
    }
    if is_poll:
        # It replaces the progress alone, so it need not open the address.
        return render(request, "settings/export.html", {**context, "accounts": ()})
    return HttpResponse(
        account_rows.render_account_page(
            request,
            "settings/export.html",
            account_rows.get_account_rows(integration.connection, actor=get_actor(request), at=at),
            context=context,
            at=at,
        )
    )


def _describe_exports(exports: Sequence[Export], at: datetime) -> list[dict[str, Any]]:
    files = drive_saves.find_export_files(exports)
    return [_describe_export(export, files.get(export.id), at) for export in exports]


def _describe_export(export: Export, file: DriveFile | None, at: datetime) -> dict[str, Any]:
    """:param file: the entry of an export to a Drive, which says more than the export"""
    if file is None:
        is_complete = export.outcome == ExportOutcome.COMPLETE
        is_running = mailbox_export.is_running(export, at=at)
    else:
        is_complete = file.state == DriveFileState.DONE
        is_running = file.state in OPEN_FILE_STATES
    return {
        "export": export,
        "is_complete": is_complete,
        "is_running": is_running,
        "is_for_drive": file is not None,
    }


def _stream_export(request: HttpRequest, integration_id: UUID) -> HttpResponseBase:
    actor, at = get_actor(request), timezone.now()
    with person_slots.STREAM_SLOTS.lend_slot(ownership.get_owner_ids(actor)[0]) as slot:
        export_id = mailbox_export.request_export(actor=actor, integration_id=integration_id, at=at)
        parts = mailbox_export.stream_export(export_id=export_id, actor=actor, now=timezone.now)
        response = StreamingHttpResponse(
            person_slots.hold_stream_slot(slot, parts), content_type=streaming_zip.CONTENT_TYPE
        )
    name = mailbox_export.make_filename(at)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
