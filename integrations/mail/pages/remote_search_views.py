"""
Search in all of one's mail, and what is not kept here: pages that keep nothing either.

What is searched for is posted, so that it stands in no address, no history and no log.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from csp.decorators import csp
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import Asked, asked_by
from integrations.coordination import concurrency
from integrations.coordination.concurrency import TooManyWaits
from integrations.mail import (
    NotFound,
    attachment_response,
    provider_search,
    remote_message_refs,
    remote_messages,
)
from integrations.mail.remote_message_refs import Place
from integrations.providers import errors
from integrations.web import problem_catalogue, retry_pages, sandboxed_html
from limited_use.sinks import page as page_sink
from limited_use.vault.envelope import Unopenable

from . import error_pages, retry_responses

_SEARCH: Final = "inbox/search.html"
# Somebody else's, or an address that we did not make: to the asker the same.
_NOTHING: Final = (NotFound, Unopenable)


class Words(forms.Form):
    """What is searched for, and where a search goes on."""

    words = forms.CharField(max_length=provider_search.LONGEST)
    before = forms.DateTimeField(required=False, input_formats=["%Y-%m-%dT%H:%M:%S%z"])
    only = forms.UUIDField(required=False)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def search(request: HttpRequest) -> HttpResponse:
    """Return what a person's providers find, newest first; without words, the box alone."""
    asked = asked_by(request)
    form = Words(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        says = "Search for up to 200 characters." if form.is_bound else ""
        return render(request, _SEARCH, {"says": says, "words": "", "boxes": [], "again_in": 0})
    given = form.cleaned_data
    try:
        with concurrency.waiting():
            return _search(request, asked, given)
    except TooManyWaits:
        return _put_off(request, given)


def _search(request: HttpRequest, asked: Asked, given: dict[str, Any]) -> HttpResponse:
    found = provider_search.search(
        asked, given["words"], before=given["before"], only=given["only"]
    )
    body = page_sink.render(
        _SEARCH,
        found.rows,
        permits=found.permits,
        actor=asked.actor,
        shape=found.shape,
        at=asked.at,
        context={
            "says": "",
            "words": given["words"],
            "given": given,
            "again_in": 0,
            "is_later_page": given["before"] is not None,
            "is_one_of_several": given["only"] is not None or len(found.rows) > 1,
            "now": asked.at,
        },
        under="boxes",
        request=request,
    )
    response = HttpResponse(body)
    if found.is_put_off:
        response.status_code = 503
        response["Retry-After"] = str(max(found.waits))
    return response


def _put_off(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """Return the page without an answer, which asks again by itself; words are posted."""
    problem = problem_catalogue.TOO_MANY_WAITS
    context = {
        "says": f"{problem.title} {problem.says}",
        "words": given["words"],
        "boxes": [],
        "given": given,
        "again_in": problem.retry_after,
    }
    response = render(request, _SEARCH, context, status=problem.status)
    response["Retry-After"] = str(problem.retry_after)
    return response


@never_cache
@require_safe
@page(Permission.USE_OWN)
def message(request: HttpRequest, integration_id: UUID, row: UUID, seal: str) -> HttpResponse:
    """Return one message that is not kept here; its text is a frame of its own."""
    asked, place = asked_by(request), Place(integration_id, row, seal)
    try:
        look = remote_messages.head(asked, place)
        shown = page_sink.render(
            "inbox/elsewhere.html",
            [look.row],
            permits=look.permits,
            actor=asked.actor,
            shape=look.shape,
            at=asked.at,
            context={"place": place, "asks_again": retry_pages.asks_again(request)},
            request=request,
            # An address that somebody made up is no damage.
            all_or_nothing=True,
        )
    except _NOTHING:
        raise Http404 from None
    response = HttpResponse(shown)
    if look.limited:
        response.status_code = 503
        retry_pages.ask_again(request, response, look.limited[0].retry_after)
    return response


@never_cache
@require_safe
@xframe_options_sameorigin
@csp(dict(sandboxed_html.POLICY))
@page(Permission.USE_OWN)
def body(request: HttpRequest, integration_id: UUID, row: UUID, seal: str) -> HttpResponse:
    """Return its text as a document of its own. See `views.body`."""
    try:
        text = remote_messages.body(asked_by(request), Place(integration_id, row, seal))
    except _NOTHING:
        raise Http404 from None
    except retry_responses.PASSING as error:
        return retry_responses.answer_frame(request, error)
    except errors.ProviderError as error:
        text = remote_message_refs.why(error).encode()
    return sandboxed_html.answer(text)


@never_cache
@require_safe
@page(Permission.USE_OWN)
def file(request: HttpRequest, integration_id: UUID, row: UUID, seal: str) -> HttpResponseBase:
    """Return one of its files as a download; a page that says why, where it cannot be had."""
    try:
        return attachment_response.answer_remote_file(
            asked_by(request), Place(integration_id, row, seal)
        )
    except _NOTHING:
        raise Http404 from None
    except errors.RateLimited as error:
        return retry_responses.answer_file(request, error, says=error_pages.SLOW_DOWN)
    except errors.ProviderError as error:
        says = remote_message_refs.why(error)
        return render(request, "inbox/attachment_failed.html", {"says": says}, status=503)
