"""The few pages of our own beside django-allauth's: signing out, switching organisation."""

from __future__ import annotations

from uuid import UUID

from allauth.account.views import LogoutView as AllauthLogoutView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts import current
from accounts.permissions import page
from accounts.roles import Permission


class LogoutView(AllauthLogoutView):  # type: ignore[misc]  # allauth ships no types
    """Signing out deletes the session here and what the browser kept there (CASA 6.6.1)."""

    def post(self, *args: object, **kwargs: object) -> HttpResponse:
        response: HttpResponse = super().post(*args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        response.headers["Cache-Control"] = "no-store"
        return response


@require_POST
@page(Permission.USE_OWN)
def switch_organisation(request: HttpRequest) -> HttpResponse:
    """Work in another of one's organisations, then go where the form said, within this host."""
    try:
        organisation_id = UUID(request.POST.get("organisation", ""))
        current.switch(request, organisation_id=organisation_id)
    except (ValueError, current.NotAMember):
        # Foreign and unknown ids look alike.
        raise Http404 from None
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    return HttpResponseRedirect(target, status=303)
