"""DRF's exception hook: every exception that leaves an API view becomes a problem document."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.views import APIView, set_rollback

from integrations import problems
from integrations.concurrency import TooManyStreams, TooManyWaits
from integrations.icalendars.problems import Unreadable
from integrations.problem_catalogue import LIMITED_USE_REFUSED, Problem
from integrations.providers.errors import ProviderError, RateLimited
from limited_use.guard import Refused

from . import problem

#: Of what is wrong with one request, so many are named.
MOST_SAID: Final = 100


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """
    Return the problem document for `error`, or None for an unexpected exception.

    None makes DRF raise: a bug is a 500 and pages a developer.
    """
    set_rollback()
    request: HttpRequest = context["request"]._request  # noqa: SLF001 - DRF's own accessor is private
    if isinstance(error, Refused):
        return refused(request, error)
    known = problems.find_problem(error)
    if known is not None:
        wait = getattr(error, "retry_after", None) or known.retry_after
        seconds = max(1, math.ceil(wait)) if wait else None
        return problem.respond(
            request,
            status=known.status,
            code=known.code,
            title=known.title,
            detail=known.says,
            extra={**_of_provider(error, seconds), **_of_file(error)},
            headers={"Retry-After": str(seconds)} if seconds else None,
        )
    return _from_framework(request, error, context["view"])


def _of_provider(error: Exception, seconds: int | None) -> dict[str, Any]:
    """Return what the provider said, as code and numbers, and whose limit it was, if it was one."""
    if isinstance(error, TooManyStreams | TooManyWaits):
        return {"limited_by": "self"}
    if not isinstance(error, ProviderError):
        return {}
    said = {"status": error.status, "reason": error.reason or None, "retry_after": seconds}
    if not isinstance(error, RateLimited):
        return {"provider": said}
    # Our own bucket is drawn from before anybody is asked.
    return {"provider": said, "limited_by": "self" if error.status is None else "provider"}


def _of_file(error: Exception) -> dict[str, Any]:
    """Return which lines of a file are in the way, by number, in our words."""
    if not isinstance(error, Unreadable):
        return {}
    told = [{"line": one.line, "detail": one.says} for one in error.problems]
    return {"errors": told, "has_more": error.has_more}


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """Return 403 `limited-use-refused` with rule, clauses, what is missing and the entry."""
    decision, known = error.decision, LIMITED_USE_REFUSED
    return problem.respond(
        request,
        status=known.status,
        code=known.code,
        title=known.title,
        detail=error.says,
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


def _from_framework(request: HttpRequest, error: Exception, view: APIView) -> HttpResponse | None:
    known = problems.find_framework_problem(error)
    if known is None:
        return None
    return said(request, known, headers=_headers(error, view), extra=_extra(error))


def _headers(error: Exception, view: APIView) -> dict[str, str]:
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


def _extra(error: Exception) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return {"errors": _pointers(error.detail)}
    if isinstance(error, exceptions.Throttled):
        return {"limited_by": "self"}
    return {}


def said(request: HttpRequest, known: Problem, **more: Any) -> HttpResponse:
    """Return the document of a problem."""
    if known.retry_after is not None:
        more.setdefault("headers", {"Retry-After": str(known.retry_after)})
    return problem.respond(
        request, status=known.status, code=known.code, title=known.title, detail=known.says, **more
    )


def _pointers(detail: Any, place: str = "") -> list[dict[str, str]]:
    """
    Return which parameter is wrong and why, in the serializer's words.

    What lies deeper in a body is named by the way to it, as in `participants/0/hours`.
    """
    if isinstance(detail, dict):
        inner = detail.items()
    elif isinstance(detail, list) and any(isinstance(one, dict | list) for one in detail):
        inner = dict(enumerate(detail)).items()
    else:
        words = detail if isinstance(detail, list) else [detail]
        return [{"parameter": place, "detail": " ".join(map(str, words))}] if place else []
    found = (
        pointer
        for name, said_of in inner
        if said_of
        for pointer in _pointers(said_of, f"{place}/{name}" if place else str(name))
    )
    return list(islice(found, MOST_SAID))
