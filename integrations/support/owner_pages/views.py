"""*Support* in the settings: create a code, see what support did, take items back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as flash_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import connections
from integrations.support import support_codes
from integrations.web import ownership

from . import messages, support_overview

ROUTE = "settings-support"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def show_support(request: HttpRequest) -> HttpResponse:
    """On POST, show a new code once: it is not stored."""
    actor = get_actor(request)
    if actor.user_id is None:
        raise Http404
    context: dict[str, Any] = {"code_parts": (), "code_until": None}
    if request.method == "POST":
        try:
            row, code = support_codes.make_code(user_id=actor.user_id, at=timezone.now())
        except support_codes.TooManyCodes:
            flash_messages.error(request, messages.TOO_MANY_CODES)
            return redirect(ROUTE)
        context |= {"code_parts": code.split("-"), "code_until": row.expires_at}
    at = timezone.now()
    rows = support_overview.list_question_rows(actor=actor, at=at)
    context |= {
        "waiting": [row for row in rows if row.is_waiting],
        "answered": [row for row in rows if not row.is_waiting],
        "open_items": support_overview.list_open_items(actor=actor, at=at),
        "codes": support_overview.list_codes(user_id=actor.user_id, at=at),
        "now": at,
        "lookups": support_overview.list_lookups(user_id=actor.user_id, at=at),
        "acts": support_overview.list_acts(user_id=actor.user_id, at=at),
    }
    return render(request, "settings/support/overview.html", context)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def stop_sharing(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    kind = support_overview.find_item_kind(consent_id, user_id=user_id)
    was_open = connections.withdraw_item_consent(
        consent_id=consent_id,
        user_id=user_id,
        organisation_id=organisation_id,
        at=timezone.now(),
    )
    if not was_open:
        raise Http404
    flash_messages.success(request, messages.STOPPED[kind])
    return redirect(ROUTE)
