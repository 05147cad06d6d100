from __future__ import annotations

from typing import Final
from uuid import UUID

from allauth.account.views import LogoutView as AllauthLogoutView
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import current_organisation, sign_in_links
from accounts import messages as texts
from accounts.memberships import NotAMember
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission

_LINK_KEY: Final = "sign_in_link"
_LINK_PAGE: Final = "account/sign_in_link.html"


class LogoutView(AllauthLogoutView):  # type: ignore[misc]  # allauth ships no types
    """
    Delete the session and the browser's stored data (CASA 6.6.1).

    The cookie of a known device stays: without it a stranger could lock the person out. So
    cookies are deleted one by one (`Clear-Site-Data` has no exceptions), except those of the
    other site, perhaps on another port.
    """

    def post(self, *args: object, **kwargs: object) -> HttpResponse:
        response: HttpResponse = super().post(*args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        cookies_to_keep = {settings.DEVICE_COOKIE_NAME, *settings.FOREIGN_COOKIES}
        for name in self.request.COOKIES:
            if name not in cookies_to_keep:
                response.delete_cookie(name, samesite="Lax")
        response.headers["Cache-Control"] = "no-store"
        return response


@never_cache
@require_safe
def open_sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Move the link's secret out of the address (CASA 2.1.1), without using the link up."""
    request.session.pop(_LINK_KEY, None)
    # Store nothing else: a stranger's texts would fill the session table.
    if sign_in_links.is_sign_in_link(token):
        request.session[_LINK_KEY] = token
    return redirect("account_sign_in_link")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest) -> HttpResponse:
    """Use the link after a click, which programs that scan mail do not make."""
    if request.method != "POST":
        return render(request, _LINK_PAGE, {"has_failed": _LINK_KEY not in request.session})
    try:
        token = request.session.pop(_LINK_KEY, "")
        sign_in_links.use_sign_in_link(request, token, at=timezone.now())
    except sign_in_links.SignInLinkInvalid:
        return render(request, _LINK_PAGE, {"has_failed": True}, status=410)
    messages.success(request, texts.SIGN_IN_LINK_USED)
    return redirect("account_login")


# A link only permits attempts to sign in.
open_sign_in_link.permission = None  # type: ignore[attr-defined]  # read by the walk of all routes
sign_in_link.permission = None  # type: ignore[attr-defined]


@require_POST
@require_permission(RolePermission.USE_OWN)
def switch_organisation(request: HttpRequest) -> HttpResponse:
    try:
        organisation_id = UUID(request.POST.get("organisation", ""))
        current_organisation.switch_organisation(request, organisation_id=organisation_id)
    except (ValueError, NotAMember):
        # Foreign and unknown ids get the same answer.
        raise Http404 from None
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = settings.LOGIN_REDIRECT_URL
    return HttpResponseRedirect(target, status=303)
