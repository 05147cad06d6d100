"""
Redirects to the provider's consent page and back.

A callback URL contains a code or the state of a link, so the response redirects to a URL without
parameters, loads nothing, is not cached and sends no referrer. The outcome is stored in a row.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import request_limits
from accounts.actors import NoActor, get_actor
from accounts.rate_limit_counters import Rate
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import connections
from integrations.connections import OAuthCallback
from integrations.coordination import person_slots
from integrations.providers import get_connectable_provider
from integrations.web import retry_pages
from integrations.web.form_numbers import read_number
from limited_use.agreements.consents import ConsentMissing

from . import sending_return
from .messages import confirmations

SETTINGS_ROUTE: Final = "settings-integrations"
# Administrators' returns per network. Beyond it, the response is the same and the hint ignored.
RATE: Final = Rate("administrators-answer", 60, 60)
_PARAMETERS: Final = ("state", "code", "error", "iss")


class HttpResponseSeeOther(HttpResponseRedirect):
    """303: the browser continues with GET after any method."""

    status_code = 303


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def begin_connect(request: HttpRequest, provider: str) -> HttpResponse:
    actor = get_actor(request)
    connection_id = _parse_uuid(request.POST.get("connection"))
    feature = request.POST.get("feature", "")
    try:
        url = connections.begin_connect(
            actor=actor,
            provider=provider,
            product=_get_product(request),
            agreed_versions=_read_agreed_versions(request),
            session_key=_get_session_key(request),
            at=timezone.now(),
            connection_id=connection_id,
            asked_feature=feature,
        )
    except ConsentMissing:
        # Show the current disclosure. The product is offered: others raise UnknownProvider.
        messages.info(request, confirmations.AGREE_FIRST)
        if feature:
            return redirect(sending_return.build_allow_url(request, connection_id))
        query = {"product": _get_product(request)}
        if connection_id is not None:
            query["connection"] = str(connection_id)
        return redirect(f"{reverse('settings-connect', args=[provider])}?{urlencode(query)}")
    except (connections.UnknownProvider, connections.NotConnectedError):
        raise Http404 from None
    sending_return.remember_message(request, connection_id if feature else None)
    return HttpResponseSeeOther(url)


@never_cache
def handle_callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Redirect to the settings page, or to the message for which the permission was asked."""
    if get_connectable_provider(provider) is None:
        raise Http404
    try:
        actor = get_actor(request)
    except NoActor:
        actor = None
    if request.method == "GET" and actor and actor.user_id and actor.organisation_id:
        parameters = {name: request.GET.getlist(name) for name in request.GET}
        first_values = {name: (parameters.get(name) or [""])[0] for name in _PARAMETERS}
        provider_response = OAuthCallback(
            provider=provider,
            is_sound=all(len(value) == 1 for value in parameters.values()),
            **first_values,
        )
        try:
            # Refuse before the state is consumed.
            with person_slots.hold_wait_slot():
                attempt = connections.complete_connect(
                    provider_response,
                    user_id=actor.user_id,
                    organisation_id=actor.organisation_id,
                    session_key=_get_session_key(request),
                    at=timezone.now(),
                )
        except person_slots.TooManyWaits:
            return _ask_to_retry(request)
        return _redirect_to(sending_return.find_next_url(request, attempt))
    return _redirect_to(reverse(SETTINGS_ROUTE))


@never_cache
def handle_admin_consent(request: HttpRequest) -> HttpResponse:
    """Take an administrator's return as a hint; redirect to the same page in every case."""
    if request.method == "GET" and request_limits.count_for_network(request, RATE).is_within:
        parameters = {name: request.GET.getlist(name) for name in request.GET}
        connections.record_admin_answer(parameters, at=timezone.now())
    return _redirect_to(reverse("administrator-thanks"))


# Public: a request without a valid state changes nothing.
handle_callback.permission = None  # type: ignore[attr-defined]  # read by the route tests
handle_admin_consent.permission = None  # type: ignore[attr-defined]


def _ask_to_retry(request: HttpRequest) -> HttpResponse:
    """The text loads nothing; the browser retries by itself."""
    text = f"{confirmations.OTHER_PAGES_WAIT}\n"
    response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return retry_pages.add_retry(request, response, None)


def _redirect_to(url: str) -> HttpResponse:
    response = HttpResponseSeeOther(url)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = "0"
    return response


def _read_agreed_versions(request: HttpRequest) -> dict[str, int]:
    if request.POST.get("agree") != "yes":
        return {}
    pairs = (value.rpartition(":") for value in request.POST.getlist("version"))
    versions = {key: read_number(text) for key, _, text in pairs}
    return {key: version for key, version in versions.items() if version is not None}


def _get_product(request: HttpRequest) -> str:
    return request.POST.get("product", "mail")


def _get_session_key(request: HttpRequest) -> str:
    return request.session.session_key or ""


def _parse_uuid(value: str | None) -> UUID | None:
    if not value:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise Http404 from None
