from __future__ import annotations

from django.contrib import messages as flash_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.web import ownership

from . import messages, notice_list


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def show_notices(request: HttpRequest) -> HttpResponse:
    """Show notices, and mark the shown ones as read; on POST, mark all of them."""
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    if request.method == "POST":
        notice_list.mark_read(user_id=user_id, organisation_id=organisation_id, at=timezone.now())
        flash_messages.success(request, messages.MARKED_READ)
        return redirect("settings-notices")
    before = request.GET.get("before")
    page = notice_list.get_notice_page(
        user_id=user_id,
        organisation_id=organisation_id,
        before=ownership.parse_uuid(before) if before else None,
    )
    response = render(
        request, "settings/notices/list.html", {"page": page, "is_first_page": not before}
    )
    unread_ids = [row.id for row in page.rows if row.is_unread]
    # After the page is rendered: it shows which ones are new.
    if request.method == "GET" and unread_ids:
        notice_list.mark_read(
            user_id=user_id, organisation_id=organisation_id, ids=unread_ids, at=timezone.now()
        )
    return response
