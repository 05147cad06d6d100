"""Send one request of Google's library, and say its errors in our words."""

from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.providers import errors, http
from integrations.providers.access import Access

from .discovery import authorize

# The library's own bound: https://developers.google.com/api-client-library longer GETs are POSTed.
MAX_URL: Final = 2048
DAY_IS_OVER: Final = 3600.0

_RATE: Final = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"}
)
_SCOPE: Final = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
# Of a write: it says what is wrong with it, and will say so again.
_REFUSED: Final = frozenset(
    {"invalid", "required", "timeRangeEmpty", "requiredAccessLevel", "forbiddenForNonOrganizer"}
)
_EXPIRED: Final = frozenset({"fullSyncRequired", "updatedMinTooLongAgo"})
_DELETED: Final = frozenset({"deleted", "notFound"})
_WRITTEN: Final[dict[int, type[errors.ProviderError]]] = {
    HTTPStatus.CONFLICT: errors.AlreadyThere,
    HTTPStatus.PRECONDITION_FAILED: errors.ChangedMeanwhile,
}
_OPERATOR: Final = frozenset(
    {
        "accessNotConfigured", "SERVICE_DISABLED", "CONSUMER_INVALID",
    }
)  # fmt: skip
# Of a channel: the address is not one that Google calls.
_WEBHOOK: Final = frozenset({"push.webhookUrlUnauthorized", "push.webhookUrlNotHttps"})
_TAKEN: Final = frozenset({"channelIdNotUnique"})
_PRECONDITION: Final = frozenset({"failedPrecondition", "FAILED_PRECONDITION"})
# Where the status says no more than that something is wrong with the request.
_BY_REASON: Final[tuple[tuple[frozenset[str], type[errors.ProviderError]], ...]] = (
    (_PRECONDITION, errors.MailboxMissing),
    (_REFUSED, errors.Rejected),
    (_TAKEN, errors.AlreadyThere),
    (_OPERATOR, errors.InvalidClient),
    (_WEBHOOK, errors.WebhookRejected),
)
# What else may be said of an answer: Google's own words, of
# https://developers.google.com/workspace/gmail/api/guides/handle-errors and
# https://cloud.google.com/apis/design/errors. An unknown code may be text of a stranger.
_WORDS: Final = (
    _RATE
    | _SCOPE
    | _OPERATOR
    | _WEBHOOK
    | _PRECONDITION
    | _REFUSED
    | _EXPIRED
    | _DELETED
    | _TAKEN
    | {
        "dailyLimitExceeded", "domainPolicy", "forbidden", "authError", "badRequest",
        "invalidArgument", "duplicate",
        "conditionNotMet", "backendError", "internalError",
        "INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "ABORTED",
        "RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "OUT_OF_RANGE",
    }
)  # fmt: skip


class Head(dict[str, str]):
    """What the library's parser wants of a response: headers, and a status."""

    def __init__(self, response: http.Answer) -> None:
        super().__init__(response.headers.items())
        self.status = response.status
        self.reason = ""


def call(
    request: Any, access: Access, *, not_found: type[errors.ProviderError] = errors.Gone
) -> dict[str, Any]:
    """
    Return the answer to `request`, a read.

    `not_found` says what a 404 means here.
    """
    method, url, headers, body = prepared(request, access)
    found: dict[str, Any] | errors.ProviderError
    found = errors.Unavailable("Google did not answer")
    # Raised out here, so that no error of the transport, which holds the
    # request and its token, rides along as context.
    try:
        response = http.send(method, url, headers, body)
    except http.TooLarge:
        found = errors.Rejected("larger than we carry", reason="too-large")
    except http.NoAnswer:
        pass
    else:
        found = outcome(request, response, not_found=not_found)
    if isinstance(found, errors.ProviderError):
        raise found
    return found


def write(request: Any, access: Access) -> dict[str, Any]:
    """
    Return the answer to `request`, a write; empty where there is none to give.

    :raises OutcomeUnknown: if it was sent and no answer came, or one that leaves it open
    """
    method, url, headers, body = prepared(request, access)
    response = None
    with suppress(http.NoAnswer):
        response = http.send(method, url, headers, body)
    if response is None:
        raise errors.OutcomeUnknown("Google did not answer")
    if response.status == HTTPStatus.NO_CONTENT:
        return {}
    found = outcome(request, response)
    if isinstance(found, dict):
        return found
    has_failed = isinstance(found, errors.Unavailable) and not isinstance(found, errors.RateLimited)
    # A success that cannot be read: it may be done.
    if has_failed or response.is_success:
        raise errors.OutcomeUnknown("Google failed", status=found.status, reason=found.reason)
    raise found


def outcome(
    request: Any,
    response: http.Answer,
    *,
    not_found: type[errors.ProviderError] = errors.Gone,
) -> dict[str, Any] | errors.ProviderError:
    """Return what `response` says to `request`: its content, or the error that it stands for."""
    if not response.is_success:
        return meaning(response, not_found)
    return _parsed(request, response)


def prepared(request: Any, access: Access) -> tuple[str, str, dict[str, str], bytes | None]:
    """Return method, URL, headers and body of `request`, with a bearer token."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers.pop("content-length", None)
    method, url, body = request.method, request.uri, request.body
    if not access.root_url or urlsplit(url)[:2] != urlsplit(access.root_url)[:2]:
        raise errors.Unexpected("a request would have left for another host")
    if method == "GET" and len(url) > MAX_URL:
        # As the library itself would do on sending.
        url, _, body = url.partition("?")
        method = "POST"
        headers["x-http-method-override"] = "GET"
        headers["content-type"] = "application/x-www-form-urlencoded"
    authorize(headers, access.token())
    return method, url, headers, body.encode() if isinstance(body, str) else body


def _parsed(request: Any, response: http.Answer) -> dict[str, Any] | errors.ProviderError:
    try:
        parsed = request.postproc(Head(response), response.content)
    except RecursionError:
        return errors.Rejected("the answer nests too deeply", reason="too-deep")
    except ValueError:
        parsed = ""
    if isinstance(parsed, str):
        # Not JSON, which the library hands through as text: something between Google and us
        # answered in its place.
        return errors.Unavailable("the answer was not Google's", status=response.status)
    if isinstance(parsed, dict):
        return parsed
    return errors.Unexpected("the answer has another shape", status=response.status)


def meaning(response: http.Answer, not_found: type[errors.ProviderError]) -> errors.ProviderError:
    """Return the error that a refusal stands for, by its status and reasons, never its text."""
    status = response.status
    reasons = _reasons(response)
    wait = http.retry_after(response)
    kind: type[errors.ProviderError] = errors.Unexpected
    if status == HTTPStatus.UNAUTHORIZED and not reasons & (_OPERATOR | _WEBHOOK):
        kind = errors.TokenRejected
    elif status in _WRITTEN:
        kind = _WRITTEN[status]
    elif reasons & _EXPIRED:
        kind = errors.CursorExpired
    elif status == HTTPStatus.NOT_FOUND or (status == HTTPStatus.GONE and reasons & _DELETED):
        # Any other 410 says that something is over, not what: nobody deletes anything for it.
        kind = not_found
    elif status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.FORBIDDEN and reasons & _RATE
    ):
        kind = errors.RateLimited
    elif status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = errors.Unavailable
    elif status == HTTPStatus.FORBIDDEN:
        kind, wait = _forbidden(response, reasons, wait)
    else:
        kind = next((means for codes, means in _BY_REASON if reasons & codes), kind)
    return kind(
        f"Google answered {status}",
        status=status,
        reason=next(iter(sorted(reasons, key=str.isupper)), ""),
        retry_after=wait,
    )


def _forbidden(
    response: http.Answer, reasons: set[str], wait: float | None
) -> tuple[type[errors.ProviderError], float | None]:
    if reasons & _SCOPE or "insufficient_scope" in response.headers.get("www-authenticate", ""):
        return errors.ScopeMissing, wait
    if "dailyLimitExceeded" in reasons:
        return errors.RateLimited, wait or DAY_IS_OVER
    if reasons & _OPERATOR:
        return errors.InvalidClient, wait
    if "domainPolicy" in reasons:
        return errors.AdminBlocked, wait
    if reasons & _REFUSED:
        return errors.Rejected, wait
    return errors.Unexpected, wait


def _reasons(response: http.Answer) -> set[str]:
    """Return the known reasons of `error.errors` and `error.details`, and the status."""
    try:
        error = json.loads(response.content)["error"]
        entries = [*(error.get("errors") or ()), *(error.get("details") or ())]
        found = [entry.get("reason") for entry in entries] + [error.get("status")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return set()
    return {reason for reason in found if isinstance(reason, str)} & _WORDS
