from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.encoding import escape_uri_path
from django.utils.http import urlencode

from accounts import display_times, row_owner, user_provisioning
from accounts.reauthentication import has_shown_second_factor
from accounts.roles import has_staff_role

_GetResponse = Callable[[HttpRequest], HttpResponse]

# Routes for staff without a second factor: set one up, or leave.
SETUP_ROUTES = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "account_reauthenticate",
        "account_logout",
    }
)
# Routes for staff with a factor that this session has not shown: show it, or leave.
CONFIRMATION_ROUTES = frozenset(
    {"mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_logout"}
)
FACTOR_CHANGE_ROUTES = frozenset(
    {
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "mfa_edit_webauthn",
        "mfa_remove_webauthn",
        "mfa_generate_recovery_codes",
    }
)
LAST_SEEN_INTERVAL = timedelta(days=1)


class ClearRowOwnerMiddleware:
    """
    Begin and end each request without a row owner.

    A streaming response keeps the owner of its request.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with row_owner.without_owner():
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(
                response, FileResponse
            ):
                response.streaming_content = row_owner.stream_as_owner(response.streaming_content)
            return response


class StaffSecondFactorMiddleware:
    """
    Refuse staff without a second factor on every page (CASA 3.3.1).

    This covers views that forget to ask the permission table.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not has_staff_role(request.user) or has_shown_second_factor(request):
            return self.get_response(request)
        has_factor = is_mfa_enabled(request.user)
        if _find_route_name(request) in (CONFIRMATION_ROUTES if has_factor else SETUP_ROUTES):
            return self.get_response(request)
        if request.method == "GET" and request.accepts("text/html") and not _is_api(request):
            page = reverse("mfa_reauthenticate" if has_factor else "mfa_index")
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{page}?{query}" if has_factor else page)
        return _refuse_request(request)


class StaffFactorChangesMiddleware:
    """
    Refuse changes to second factors of staff at the ordinary site.

    The database enforces the same (`config.database.declared_row_security`).
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            settings.STAFF_CHANGE_FACTORS_HERE
            or _find_route_name(request) not in FACTOR_CHANGE_ROUTES
            or not has_staff_role(request.user)
        ):
            return self.get_response(request)
        return HttpResponseRedirect(reverse("mfa_index"))


def _refuse_request(request: HttpRequest) -> HttpResponse:
    """Return a problem document (RFC 9457); the package above this one has its page."""
    code = "second-factor-needed"
    return JsonResponse(
        {
            "type": f"{settings.PUBLIC_URL.rstrip('/')}/problems/{code}/",
            "title": "Staff need a second factor in this session.",
            "status": 403,
            "code": code,
            "instance": escape_uri_path(request.path),
            "request_id": getattr(request, "request_id", None),
        },
        status=403,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


def _is_api(request: HttpRequest) -> bool:
    try:
        return hasattr(resolve(request.path_info).func, "cls")
    except Resolver404:
        return False


def _find_route_name(request: HttpRequest) -> str | None:
    try:
        return resolve(request.path_info).url_name
    except Resolver404:
        return None


class LastSeenMiddleware:
    """Record `User.last_seen_at`, once per person and day."""

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        at = timezone.now()
        if user.is_authenticated and user.last_seen_at < at - LAST_SEEN_INTERVAL:
            user_provisioning.record_last_seen(user_id=user.pk, at=at)
        return self.get_response(request)


class TimeDisplayMiddleware:
    """Show times in the zone and the format of the signed-in person."""

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with display_times.show_times_for(request.user):
            return self.get_response(request)


class NoStoreMiddleware:
    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Before the view: signing out makes the person anonymous.
        signed_in = request.user.is_authenticated
        response = self.get_response(request)
        if signed_in:
            response.headers["Cache-Control"] = "private, no-store"
        return response
