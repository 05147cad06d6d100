from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.roles import Role

from .site_links import find_link


@never_cache
@require_safe
def show_home(request: HttpRequest) -> HttpResponseBase:
    """Redirect staff to the pages of their role, and other visitors to sign-in."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    link = find_link(getattr(request.user, "role", Role.MEMBER))
    if link is None:
        raise PermissionDenied
    response: HttpResponse = redirect(link.url)
    return response


# Shows nothing: the target pages check their permissions.
show_home.permission = None  # type: ignore[attr-defined]  # read by the route tests
