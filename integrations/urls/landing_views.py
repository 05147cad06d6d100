from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.models import Connection, Integration
from integrations.providers.local import LOCAL
from integrations.support.console.site_links import find_link


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_landing(request: HttpRequest) -> HttpResponse:
    """
    Redirect people after sign-in: staff to the pages of their role, others to inbox or calendar.

    Without connected mail or calendars, the page is *Settings*. Antares calendars are no account.
    """
    actor = get_actor(request)
    staff_link = find_link(request.user.role)  # type: ignore[union-attr]  # signed in
    if staff_link is not None:
        return redirect(staff_link.url)
    if actor.user_id is None or actor.organisation_id is None:
        return redirect("settings-integrations")
    connections = (
        Connection.objects.live()
        .owned_by(actor.user_id, actor.organisation_id)
        .exclude(provider=LOCAL.key)
    )
    products = set(
        Integration.objects.live()
        .filter(connection__in=connections)
        .values_list("product", flat=True)
    )
    if "mail" in products:
        return redirect("inbox")
    return redirect("calendar" if "calendar" in products else "settings-integrations")
