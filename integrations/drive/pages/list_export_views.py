"""The list of a person's uploads as a file."""

from __future__ import annotations

from django.contrib import messages as page_messages
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import request_limits
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import get_request_context
from integrations.coordination import person_slots
from integrations.drive import list_export

from . import messages


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def export_list(request: HttpRequest) -> HttpResponseBase:
    context = get_request_context(request)
    if not request_limits.count_for_person(request, list_export.RATE).is_within:
        page_messages.error(request, messages.TOO_MANY_LISTS)
        return redirect("drive-files")
    with person_slots.STREAM_SLOTS.lend_slot(context.user_id) as slot:
        parts = list_export.stream_list(context, timezone.now)
        response = StreamingHttpResponse(
            person_slots.hold_stream_slot(slot, parts), content_type=list_export.CONTENT_TYPE
        )
    name = list_export.make_filename(context.at)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
