"""
Pages for the search in all of one's mail, and for messages that are not stored.

The search text is posted: no address, history or log contains it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from csp.decorators import csp
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import RequestContext, get_request_context
from integrations.coordination import person_slots
from integrations.coordination.person_slots import TooManyWaits
from integrations.mail import (
    ObjectNotFound,
    attachment_response,
    messages,
    provider_search,
    remote_messages,
)
from integrations.mail.remote_message_refs import RemoteMessageRef
from integrations.providers import errors
from integrations.web import problem_catalogue, retry_pages, sandboxed_html
from limited_use.sinks import page_sink
from limited_use.vault.envelope import Unopenable

from . import attachment_failures, retry_responses

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_SEARCH_TEMPLATE: Final = "inbox/search.html"
# Another person's message and a forged reference are answered alike.
_NOT_FOUND: Final = (ObjectNotFound, Unopenable)


class SearchForm(forms.Form):
    words = forms.CharField(max_length=provider_search.LONGEST)
    before = forms.DateTimeField(required=False, input_formats=["%Y-%m-%dT%H:%M:%S%z"])
    only = forms.UUIDField(required=False)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def search_mail(request: HttpRequest) -> HttpResponse:
    """Show the newest matches first; without a text, only the form."""
    context = get_request_context(request)
    form = SearchForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        problem = messages.SEARCH_TOO_LONG if form.is_bound else ""
        # A text that is too long stays in the field.
        words = request.POST.get("words", "")
        return _render_form(request, problem=problem, words=words)
    query = form.cleaned_data
    try:
        with person_slots.hold_wait_slot():
            return _render_results(request, context, query)
    except TooManyWaits:
        return _render_postponed(request, query)


def _render_results(
    request: HttpRequest, context: RequestContext, query: dict[str, Any]
) -> HttpResponse:
    results = provider_search.search_mailboxes(
        context, query["words"], before=query["before"], only=query["only"]
    )
    body = page_sink.render_page(
        _SEARCH_TEMPLATE,
        results.rows,
        permits=results.permits,
        actor=context.actor,
        shape=results.shape,
        at=context.at,
        context={
            "problem": "",
            "words": query["words"],
            "is_search": True,
            "given": query,
            "again_in": 0,
            "is_later_page": query["before"] is not None,
            "is_one_of_several": query["only"] is not None or len(results.rows) > 1,
            "now": context.at,
        },
        under="results",
        request=request,
    )
    response = HttpResponse(body)
    if results.is_postponed:
        response.status_code = 503
        response["Retry-After"] = str(max(results.waits))
    return response


def _render_form(request: HttpRequest, *, problem: StrOrPromise, words: str) -> HttpResponse:
    return render(
        request,
        _SEARCH_TEMPLATE,
        {"problem": problem, "words": words, "results": [], "again_in": 0, "is_search": False},
    )


def _render_postponed(request: HttpRequest, query: dict[str, Any]) -> HttpResponse:
    """The page retries by itself with the posted text."""
    problem = problem_catalogue.TOO_MANY_WAITS
    context = {
        "problem": f"{problem.title} {problem.says}",
        "is_search": False,
        "words": query["words"],
        "results": [],
        "given": query,
        "again_in": problem.retry_after,
    }
    response = render(request, _SEARCH_TEMPLATE, context, status=problem.status)
    response["Retry-After"] = str(problem.retry_after)
    return response


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_remote_message(
    request: HttpRequest, integration_id: UUID, row: UUID, seal: str
) -> HttpResponse:
    """The text is a separate frame."""
    context, ref = get_request_context(request), RemoteMessageRef(integration_id, row, seal)
    try:
        remote_message = remote_messages.prepare_remote_message_head(context, ref)
        html = page_sink.render_page(
            "inbox/elsewhere.html",
            [remote_message.row],
            permits=remote_message.permits,
            actor=context.actor,
            shape=remote_message.shape,
            at=context.at,
            context={"place": ref, "asks_again": retry_pages.will_retry(request)},
            request=request,
            # A forged reference must not count as a damaged row.
            all_or_nothing=True,
        )
    except _NOT_FOUND:
        raise Http404 from None
    response = HttpResponse(html)
    if remote_message.rate_limits:
        response.status_code = 503
        retry_pages.add_retry(request, response, remote_message.rate_limits[0].retry_after)
    return response


@never_cache
@require_safe
@xframe_options_sameorigin
@csp(dict(sandboxed_html.POLICY))
@require_permission(RolePermission.USE_OWN)
def show_remote_body(
    request: HttpRequest, integration_id: UUID, row: UUID, seal: str
) -> HttpResponse:
    try:
        text = remote_messages.render_body(
            get_request_context(request), RemoteMessageRef(integration_id, row, seal)
        )
    except _NOT_FOUND:
        raise Http404 from None
    except retry_responses.TEMPORARY_ERRORS as error:
        return retry_responses.build_frame_retry_page(request, error)
    except errors.ProviderError as error:
        text = str(messages.explain_message_error(error)).encode()
    return sandboxed_html.render_document(text)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_remote_file(
    request: HttpRequest, integration_id: UUID, row: UUID, seal: str
) -> HttpResponseBase:
    """Return a page with the reason if the file is unavailable."""
    ref = RemoteMessageRef(integration_id, row, seal)
    try:
        return attachment_response.answer_remote_file(get_request_context(request), ref)
    except _NOT_FOUND:
        raise Http404 from None
    except errors.ProviderError as error:
        place = attachment_failures.find_remote_message(ref)
        return attachment_failures.build_failure_page(request, error, place)
