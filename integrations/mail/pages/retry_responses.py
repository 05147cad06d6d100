"""Responses in place of a text that would have to wait."""

from __future__ import annotations

import logging
from typing import Final

from django.http import HttpRequest, HttpResponse

from integrations.mail import messages
from integrations.parsers.parser_pool import ParsersBusy
from integrations.web import retry_pages, sandboxed_html
from integrations.web.problem_catalogue import ProblemType
from integrations.web.temporary_problems import TEMPORARY_PROBLEMS

logger = logging.getLogger(__name__)

#: The exceptions after which a page retries by itself.
TEMPORARY_ERRORS: Final = tuple(TEMPORARY_PROBLEMS)


def build_frame_retry_page(request: HttpRequest, error: Exception) -> HttpResponse:
    problem, wait = _find_problem(error)
    sentences = [problem.title]
    if retry_pages.will_retry(request):
        sentences.append(str(messages.TEXT_APPEARS))
    text = "".join(f"<p>{sentence}</p>" for sentence in sentences).encode()
    return retry_pages.add_retry(
        request, sandboxed_html.render_document(text, status=problem.status), wait
    )


def _find_problem(error: Exception) -> tuple[ProblemType, float | None]:
    if isinstance(error, ParsersBusy):
        logger.warning("parsers.busy")
    kinds = type(error).__mro__
    problem = next(TEMPORARY_PROBLEMS[kind] for kind in kinds if kind in TEMPORARY_PROBLEMS)
    return problem, getattr(error, "retry_after", None) or problem.retry_after
