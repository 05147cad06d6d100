"""What is answered in place of a text or a file that would have had to wait."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from integrations import framing, problems, retrying
from integrations.concurrency import TooManyWaits
from integrations.parsers.pool import Busy
from integrations.problem_catalogue import Problem
from integrations.providers.errors import RateLimited

#: What a page asks again after by itself.
PASSING: Final = (TooManyWaits, RateLimited, Busy)


def answer_frame(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return the frame of a text, which asks again by itself."""
    problem, wait = _find(error)
    words = [problem.title]
    if retrying.asks_again(request):
        words.append("This text appears by itself in a moment.")
    text = "".join(f"<p>{one}</p>" for one in words).encode()
    return retrying.ask_again(request, framing.answer(text, status=problem.status), wait)


def answer_file(request: HttpRequest, error: RateLimited, *, says: str) -> HttpResponse:
    """Return the page in place of a download, which begins it by itself."""
    if retrying.asks_again(request):
        says += " The download begins by itself."
    context = {"says": says}
    response = render(request, "inbox/attachment_failed.html", context, status=503)
    return retrying.ask_again(request, response, error.retry_after)


def _find(error: Exception) -> tuple[Problem, float | None]:
    problem = problems.find_problem(error)
    if problem is None:
        raise error
    return problem, getattr(error, "retry_after", None) or problem.retry_after
