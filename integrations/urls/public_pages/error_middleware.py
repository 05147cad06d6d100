from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from integrations.parsers.parser_pool import ParsersBusy
from integrations.urls import busy_page, error_table
from integrations.web import problem_catalogue, retry_pages
from limited_use.guard.guard import AccessRefused
from limited_use.policy import refusal_text


class ProblemPageMiddleware:
    """
    Shows a page where the API answers with a problem document.

    Views catch the exceptions for which they have a better text.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return None for a bug, and for a program: `fallback_views.server_error` answers."""
        if request.path in error_table.PROGRAM_PATHS:
            return None
        if isinstance(error, AccessRefused):
            problem = problem_catalogue.LIMITED_USE_REFUSED
            # With the rule and the ledger entry, for a reviewer.
            context = {"explanation": error.message, "refusal": error}
        elif (expected := error_table.find_problem(error)) is None:
            return None
        elif expected is problem_catalogue.BUSY and not isinstance(error, ParsersBusy):
            return busy_page.render_busy_page()
        else:
            problem, context = expected, {"explanation": expected.says, "refusal": None}
        wait = getattr(error, "retry_after", None) or problem.retry_after
        response = render(
            request,
            "public/problem.html",
            {
                "problem": problem,
                "code": problem.code,
                "is_reference": False,
                "asks_for_agreement": isinstance(error, AccessRefused)
                and refusal_text.is_own_agreement_missing(error.decision, error.use),
                "asks_again": bool(wait) and retry_pages.will_retry(request),
                **context,
            },
            status=problem.status,
        )
        response["Cache-Control"] = "no-store"
        return retry_pages.add_retry(request, response, wait) if wait else response
