from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.views import APIView, set_rollback

from accounts.caller_limits import RateLimitReached
from accounts.client_volume import UnusualVolume
from integrations.coordination.person_slots import TooManyStreams, TooManyUploads, TooManyWaits
from integrations.formats.icalendar.file_problems import UnreadableCalendarFile
from integrations.providers.errors import ProviderError, RateLimited
from integrations.urls import error_table
from integrations.web.api import problem_document
from integrations.web.problem_catalogue import LIMITED_USE_REFUSED, ProblemType
from limited_use.guard.guard import AccessRefused

from . import called_operation

#: Errors listed in one answer.
MAX_ERRORS: Final = 100
#: `problem_catalogue.BAD_REQUEST` explains both at once.
_BAD_REQUEST_TEXTS: Final[Mapping[type[Exception], str]] = {
    exceptions.ValidationError: (
        "`errors` lists each parameter and member with a problem, and says what is wrong."
    ),
    exceptions.ParseError: (
        "The body is not valid JSON, is too large, or has too many or too deeply nested values."
    ),
}
#: A purpose would not help, so that no developer registers for one in vain.
ONLY_FOR_PERSON: Final = "Only the person can do this. Tokens of features are refused."


def handle_exception(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """
    Return the problem document for `error`; None makes DRF raise: a bug is a 500 and pages a
    developer.
    """
    set_rollback()
    request: HttpRequest = context["request"]._request  # noqa: SLF001 - DRF's own accessor is private
    if isinstance(error, AccessRefused):
        return _render_refusal(request, error)
    if (problem := error_table.find_problem(error)) is not None:
        return _render_operation_problem(request, problem, error)
    if (problem := error_table.find_framework_problem(error)) is not None:
        return render_problem(
            request,
            problem,
            detail=_explain_framework_error(error, context["view"]) or problem.says,
            headers=_get_framework_headers(error, context["view"]),
            extra=_describe_framework_error(error),
        )
    return None


def render_problem(request: HttpRequest, problem: ProblemType, **kwargs: Any) -> HttpResponse:
    if problem.retry_after is not None:
        kwargs.setdefault("headers", {"Retry-After": str(problem.retry_after)})
    kwargs.setdefault("detail", problem.says)
    return problem_document.make_problem_response(
        request, status=problem.status, code=problem.code, title=problem.title, **kwargs
    )


def _render_operation_problem(
    request: HttpRequest, problem: ProblemType, error: Exception
) -> HttpResponse:
    wait = getattr(error, "retry_after", None) or problem.retry_after
    seconds = max(1, math.ceil(wait)) if wait else None
    return render_problem(
        request,
        problem,
        extra={**_describe_provider_answer(error, seconds), **_list_file_errors(error)},
        headers={"Retry-After": str(seconds)} if seconds else None,
    )


def _describe_provider_answer(error: Exception, seconds: int | None) -> dict[str, Any]:
    """Return the provider's answer as code and numbers, and which side's limit was reached."""
    if isinstance(error, TooManyStreams | TooManyWaits | TooManyUploads | UnusualVolume):
        return {"limited_by": "self"}
    if not isinstance(error, ProviderError):
        return {}
    answer = {"status": error.status, "reason": error.reason or None, "retry_after": seconds}
    if not isinstance(error, RateLimited):
        return {"provider": answer}
    # Without a status the provider was not called: our own limit comes first.
    return {"provider": answer, "limited_by": "self" if error.status is None else "provider"}


def _list_file_errors(error: Exception) -> dict[str, Any]:
    """Return the errors by line, in our own texts."""
    if not isinstance(error, UnreadableCalendarFile):
        return {}
    errors = [{"line": problem.line, "detail": problem.says} for problem in error.problems]
    return {"errors": errors, "has_more": error.has_more}


def _render_refusal(request: HttpRequest, error: AccessRefused) -> HttpResponse:
    decision = error.decision
    return render_problem(
        request,
        LIMITED_USE_REFUSED,
        detail=_explain_refusal(request, error),
        extra={
            "rule": decision.rule_id,
            "clauses": list(decision.clauses),
            "missing": error.missing,
            "purpose": str(error.use.purpose),
            "data_class": str(error.use.data_class),
            "recipient": str(error.use.recipient),
            "ledger_entry": str(error.entry_id),
        },
    )


def _explain_refusal(request: HttpRequest, error: AccessRefused) -> str:
    if error.token_purpose is not None and called_operation.is_for_person_only(request):
        return ONLY_FOR_PERSON
    return error.message


def _get_framework_headers(error: Exception, view: APIView) -> dict[str, str]:
    if isinstance(error, exceptions.AuthenticationFailed):
        return {"WWW-Authenticate": 'Bearer realm="antares", error="invalid_token"'}
    if isinstance(error, exceptions.NotAuthenticated):
        return {"WWW-Authenticate": 'Bearer realm="antares"'}
    if isinstance(error, exceptions.MethodNotAllowed):
        return {"Allow": ", ".join(view.allowed_methods)}
    if isinstance(error, exceptions.Throttled):
        # DRF sets `wait`, and its stubs do not say so.
        return {"Retry-After": str(int(getattr(error, "wait", None) or 1))}
    return {}


def _explain_framework_error(error: Exception, view: APIView) -> str | None:
    """Return the cause if it is more than the problem's own text."""
    if isinstance(error, exceptions.AuthenticationFailed):
        return str(error.detail)
    if isinstance(error, exceptions.NotAuthenticated):
        return getattr(view, "unauthenticated_text", None)
    return next(
        (text for kind, text in _BAD_REQUEST_TEXTS.items() if isinstance(error, kind)), None
    )


def _describe_framework_error(error: Exception) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return {"errors": _list_field_errors(error.detail)}
    if isinstance(error, exceptions.Throttled):
        limit = {"limit": error.limit} if isinstance(error, RateLimitReached) else {}
        return {"limited_by": "self", **limit}
    return {}


def _list_field_errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    """
    Return each wrong parameter with the serializer's message; nested paths as
    `participants/0/hours`.
    """
    if isinstance(detail, dict):
        inner = detail.items()
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        inner = dict(enumerate(detail)).items()
    else:
        messages = detail if isinstance(detail, list) else [detail]
        return [{"parameter": path, "detail": " ".join(map(str, messages))}] if path else []
    errors = (
        error
        for name, nested in inner
        if nested
        for error in _list_field_errors(nested, f"{path}/{name}" if path else str(name))
    )
    return list(islice(errors, MAX_ERRORS))
