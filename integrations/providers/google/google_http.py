from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.providers import errors, provider_http
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.request_bodies import StreamedBody

from .discovery import add_bearer_token

# The library's limit, after which a GET becomes a POST:
# https://developers.google.com/api-client-library
MAX_URL: Final = 2048
DAILY_LIMIT_PAUSE: Final = 3600.0

_RATE_REASONS: Final = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"}
)
_SCOPE_REASONS: Final = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
# Permanent refusals of a write.
_REJECTED_REASONS: Final = frozenset(
    {"invalid", "required", "timeRangeEmpty", "requiredAccessLevel", "forbiddenForNonOrganizer"}
)
_EXPIRED_REASONS: Final = frozenset({"fullSyncRequired", "updatedMinTooLongAgo"})
_DELETED_REASONS: Final = frozenset({"deleted", "notFound"})
_ERRORS_BY_STATUS: Final[dict[int, type[errors.ProviderError]]] = {
    HTTPStatus.CONFLICT: errors.AlreadyThere,
    HTTPStatus.PRECONDITION_FAILED: errors.ChangedMeanwhile,
}
_OPERATOR_REASONS: Final = frozenset(
    {
        "accessNotConfigured", "SERVICE_DISABLED", "CONSUMER_INVALID",
    }
)  # fmt: skip
_WEBHOOK_REASONS: Final = frozenset({"push.webhookUrlUnauthorized", "push.webhookUrlNotHttps"})
_TAKEN_REASONS: Final = frozenset({"channelIdNotUnique"})
# https://developers.google.com/workspace/drive/api/guides/handle-errors
_FULL_REASONS: Final = frozenset({"storageQuotaExceeded", "teamDriveFileLimitExceeded"})
_PRECONDITION_REASONS: Final = frozenset({"failedPrecondition", "FAILED_PRECONDITION"})
# For statuses that only say that the request is wrong.
_ERRORS_BY_REASON: Final[tuple[tuple[frozenset[str], type[errors.ProviderError]], ...]] = (
    (_PRECONDITION_REASONS, errors.MailboxMissing),
    (_REJECTED_REASONS, errors.Rejected),
    (_TAKEN_REASONS, errors.AlreadyThere),
    (_OPERATOR_REASONS, errors.InvalidClient),
    (_WEBHOOK_REASONS, errors.WebhookRejected),
)
# For 403.
_FORBIDDEN_BY_REASON: Final[tuple[tuple[frozenset[str], type[errors.ProviderError]], ...]] = (
    (_OPERATOR_REASONS, errors.InvalidClient),
    (frozenset({"domainPolicy"}), errors.AdminBlocked),
    (_FULL_REASONS, errors.StorageFull),
    (_REJECTED_REASONS, errors.Rejected),
)
# Further codes that may be logged:
# https://developers.google.com/workspace/gmail/api/guides/handle-errors and
# https://cloud.google.com/apis/design/errors. An unknown code may be user content.
_KNOWN_REASONS: Final = (
    _RATE_REASONS
    | _SCOPE_REASONS
    | _OPERATOR_REASONS
    | _WEBHOOK_REASONS
    | _PRECONDITION_REASONS
    | _REJECTED_REASONS
    | _EXPIRED_REASONS
    | _DELETED_REASONS
    | _TAKEN_REASONS
    | _FULL_REASONS
    | {
        "dailyLimitExceeded", "domainPolicy", "forbidden", "authError", "badRequest",
        "invalidArgument", "duplicate",
        "conditionNotMet", "backendError", "internalError",
        "INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "ABORTED",
        "RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "OUT_OF_RANGE",
    }
)  # fmt: skip


class ParserResponse(dict[str, str]):
    def __init__(self, response: provider_http.ProviderResponse) -> None:
        super().__init__(response.headers.items())
        self.status = response.status
        self.reason = ""


def send_google_read(
    request: Any, access: ProviderAccess, *, not_found: type[errors.ProviderError] = errors.Gone
) -> dict[str, Any]:
    """:param not_found: the error for a 404"""
    method, url, headers, body = prepare_request(request, access)
    result: dict[str, Any] | errors.ProviderError
    result = errors.Unavailable("Google did not answer")
    # Raised outside `except`: transport errors hold the token and must not become context.
    try:
        response = provider_http.send_request(method, url, headers, body)
    except provider_http.ResponseTooLarge:
        result = errors.Rejected("larger than we carry", reason="too-large")
    except provider_http.NoResponse:
        pass
    else:
        result = parse_outcome(request, response, not_found=not_found)
    if isinstance(result, errors.ProviderError):
        raise result
    return result


def send_google_write(request: Any, access: ProviderAccess) -> dict[str, Any]:
    """:raises OutcomeUnknown: if the request was sent and the result is unknown"""
    method, url, headers, body = prepare_request(request, access)
    response = None
    with suppress(provider_http.NoResponse):
        response = provider_http.send_request(method, url, headers, body)
    return _read_write_outcome(request, response)


def send_google_upload(
    request: Any, access: ProviderAccess, content_type: str, body: StreamedBody
) -> dict[str, Any]:
    """
    Send a write whose body replaces the one that the library built.

    :raises OutcomeUnknown: if the request was sent and the result is unknown
    """
    method, url, headers, _ = prepare_request(request, access)
    headers["content-type"] = content_type
    response = None
    with suppress(provider_http.NoResponse):
        response = provider_http.send_request(
            method, url, headers, body, timeout=provider_http.UPLOAD
        )
    return _read_write_outcome(request, response)


def check_write_outcome(
    response: provider_http.ProviderResponse | None,
) -> provider_http.ProviderResponse:
    """
    Return a successful response.

    :raises OutcomeUnknown: if the request was sent and the result is unknown
    """
    if response is None:
        raise errors.OutcomeUnknown("Google did not answer")
    if response.is_success:
        return response
    error = map_google_error(response, errors.Gone)
    if isinstance(error, errors.Unavailable) and not isinstance(error, errors.RateLimited):
        raise errors.OutcomeUnknown("Google failed", status=error.status, reason=error.reason)
    raise error


def _read_write_outcome(
    request: Any, response: provider_http.ProviderResponse | None
) -> dict[str, Any]:
    if response is None:
        raise errors.OutcomeUnknown("Google did not answer")
    if response.status == HTTPStatus.NO_CONTENT:
        return {}
    result = parse_outcome(request, response)
    if isinstance(result, dict):
        return result
    has_failed = isinstance(result, errors.Unavailable) and not isinstance(
        result, errors.RateLimited
    )
    # An unreadable success: the write may have been applied.
    if has_failed or response.is_success:
        raise errors.OutcomeUnknown("Google failed", status=result.status, reason=result.reason)
    raise result


def parse_outcome(
    request: Any,
    response: provider_http.ProviderResponse,
    *,
    not_found: type[errors.ProviderError] = errors.Gone,
) -> dict[str, Any] | errors.ProviderError:
    if not response.is_success:
        return map_google_error(response, not_found)
    return _parse_content(request, response)


def prepare_request(
    request: Any, access: ProviderAccess
) -> tuple[str, str, dict[str, str], bytes | None]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers.pop("content-length", None)
    method, url, body = request.method, request.uri, request.body
    if not access.root_url or urlsplit(url)[:2] != urlsplit(access.root_url)[:2]:
        raise errors.Unexpected("a request would have left for another host")
    if method == "GET" and len(url) > MAX_URL:
        # As the library does on sending.
        url, _, body = url.partition("?")
        method = "POST"
        headers["x-http-method-override"] = "GET"
        headers["content-type"] = "application/x-www-form-urlencoded"
    add_bearer_token(headers, access.token())
    return method, url, headers, body.encode() if isinstance(body, str) else body


def _parse_content(
    request: Any, response: provider_http.ProviderResponse
) -> dict[str, Any] | errors.ProviderError:
    try:
        parsed = request.postproc(ParserResponse(response), response.content)
    except RecursionError:
        return errors.Rejected("the answer nests too deeply", reason="too-deep")
    except ValueError:
        parsed = ""
    if isinstance(parsed, str):
        # Not JSON, which the library returns as text: a proxy answered instead of Google.
        return errors.Unavailable("the answer was not Google's", status=response.status)
    if isinstance(parsed, dict):
        return parsed
    return errors.Unexpected("the answer has another shape", status=response.status)


def map_google_error(
    response: provider_http.ProviderResponse, not_found: type[errors.ProviderError]
) -> errors.ProviderError:
    """Decide by status and reasons, never by text."""
    status = response.status
    reasons = _read_reasons(response)
    pause = provider_http.parse_retry_after(response)
    kind: type[errors.ProviderError] = errors.Unexpected
    if status == HTTPStatus.UNAUTHORIZED and not reasons & (_OPERATOR_REASONS | _WEBHOOK_REASONS):
        kind = errors.TokenRejected
    elif status in _ERRORS_BY_STATUS:
        kind = _ERRORS_BY_STATUS[status]
    elif reasons & _EXPIRED_REASONS:
        kind = errors.CursorExpired
    elif status == HTTPStatus.NOT_FOUND or (
        status == HTTPStatus.GONE and reasons & _DELETED_REASONS
    ):
        # Any other 410 does not say which item is gone, so nothing is deleted.
        kind = not_found
    elif status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.FORBIDDEN and reasons & _RATE_REASONS
    ):
        kind = errors.RateLimited
    elif status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = errors.Unavailable
    elif status == HTTPStatus.FORBIDDEN:
        kind, pause = _map_forbidden(response, reasons, pause)
    else:
        kind = next(
            (error_class for codes, error_class in _ERRORS_BY_REASON if reasons & codes), kind
        )
    return kind(
        f"Google answered {status}",
        status=status,
        reason=next(iter(sorted(reasons, key=str.isupper)), ""),
        retry_after=pause,
    )


def _map_forbidden(
    response: provider_http.ProviderResponse, reasons: set[str], pause: float | None
) -> tuple[type[errors.ProviderError], float | None]:
    if reasons & _SCOPE_REASONS or "insufficient_scope" in response.headers.get(
        "www-authenticate", ""
    ):
        return errors.ScopeMissing, pause
    if "dailyLimitExceeded" in reasons:
        return errors.RateLimited, pause or DAILY_LIMIT_PAUSE
    kind = next(
        (error_class for codes, error_class in _FORBIDDEN_BY_REASON if reasons & codes),
        errors.Unexpected,
    )
    return kind, pause


def _read_reasons(response: provider_http.ProviderResponse) -> set[str]:
    try:
        error = json.loads(response.content)["error"]
        entries = [*(error.get("errors") or ()), *(error.get("details") or ())]
        reasons = [entry.get("reason") for entry in entries] + [error.get("status")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return set()
    return {reason for reason in reasons if isinstance(reason, str)} & _KNOWN_REASONS
