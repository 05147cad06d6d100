"""
To the consent page and back, for a person and for an administrator. Nothing is rendered here.

A callback's address carries a code, or the state of a link. So its answer is a redirect to an
address without parameters, with no body for anything to be loaded from, kept by no
cache, and named to nobody as referrer; how it went stands in a row.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import request_limits
from accounts.actors import NoActor, get_actor
from accounts.permissions import page
from accounts.rate_limits import Rate
from accounts.roles import Permission
from integrations import connections
from integrations.connections import Callback
from integrations.coordination import concurrency
from integrations.providers import granting
from integrations.web import retry_pages
from integrations.web.form_numbers import read_number
from limited_use.agreements.consents import NotAgreed

SETTINGS: Final = "settings-integrations"
# Of what administrators bring back: beyond it an address is answered the same, and not heard.
RATE: Final = Rate("administrators-answer", 60, 60)
_READ: Final = ("state", "code", "error", "iss")


class SeeOther(HttpResponseRedirect):
    """303: go there with GET, whatever the method was that led here."""

    status_code = 303


@never_cache
@require_POST
@page(Permission.USE_OWN)
def begin(request: HttpRequest, provider: str) -> HttpResponse:
    """Go to the provider's consent page, having read and agreed to what is asked."""
    actor = get_actor(request)
    connection_id = _uuid(request.POST.get("connection"))
    try:
        address = connections.begin(
            actor=actor,
            provider=provider,
            product=_product(request),
            agreed=_agreed(request),
            session_key=_session(request),
            at=timezone.now(),
            connection_id=connection_id,
        )
    except NotAgreed:
        # Shown again, as it reads now.
        # Of a product that is offered: another would have been unknown.
        asked = urlencode({"product": _product(request)})
        return redirect(f"{reverse('settings-connect', args=[provider])}?{asked}")
    except (connections.UnknownProvider, connections.NotConnected):
        raise Http404 from None
    return SeeOther(address)


@never_cache
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Take what the provider answered, once, and go on to the settings page whatever it was."""
    if granting(provider) is None:
        raise Http404
    try:
        actor = get_actor(request)
    except NoActor:
        actor = None
    if request.method == "GET" and actor and actor.user_id and actor.organisation_id:
        values = {name: request.GET.getlist(name) for name in request.GET}
        first = {name: (values.get(name) or [""])[0] for name in _READ}
        came = Callback(
            provider=provider,
            is_sound=all(len(value) == 1 for value in values.values()),
            **first,
        )
        try:
            # Refused before the state is used up.
            with concurrency.waiting():
                connections.complete(
                    came,
                    user_id=actor.user_id,
                    organisation_id=actor.organisation_id,
                    session_key=_session(request),
                    at=timezone.now(),
                )
        except concurrency.TooManyWaits:
            return _come_again(request)
    return _on_to(SETTINGS)


@never_cache
def administrators_answer(request: HttpRequest) -> HttpResponse:
    """Take what an administrator brought back as a hint, and thank them whatever it was."""
    if request.method == "GET" and request_limits.count_for_network(request, RATE).is_within:
        values = {name: request.GET.getlist(name) for name in request.GET}
        connections.hear_administrator(values, at=timezone.now())
    return _on_to("administrator-thanks")


# Anybody may arrive at these; whoever does not bring a state that was given out changes nothing.
callback.permission = None  # type: ignore[attr-defined]  # read by the walk of all routes
administrators_answer.permission = None  # type: ignore[attr-defined]


def _come_again(request: HttpRequest) -> HttpResponse:
    """Return a text that loads nothing, and in whose place the browser asks again by itself."""
    text = "Other pages of yours wait for a provider. This one goes on by itself.\n"
    response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return retry_pages.ask_again(request, response, None)


def _on_to(page: str) -> HttpResponse:
    response = SeeOther(reverse(page))
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = "0"
    return response


def _agreed(request: HttpRequest) -> dict[str, int]:
    """Return the versions that the click agreed to: those that were shown, and no others."""
    if request.POST.get("agree") != "yes":
        return {}
    pairs = (shown.rpartition(":") for shown in request.POST.getlist("version"))
    versions = {key: read_number(text) for key, _, text in pairs}
    return {key: version for key, version in versions.items() if version is not None}


def _product(request: HttpRequest) -> str:
    return request.POST.get("product", "mail")


def _session(request: HttpRequest) -> str:
    return request.session.session_key or ""


def _uuid(value: str | None) -> UUID | None:
    if not value:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise Http404 from None
