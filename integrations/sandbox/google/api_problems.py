"""
Errors of all of Google's APIs, and of their quotas.

Clients should switch on reasons: the texts are only realistic.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.http_messages import HttpProblem, make_json_answer

CONSUMER = "project_number:100200300400"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def make_api_problem(  # noqa: PLR0913 - the fields of Google's envelope
    code: int,
    message: str,
    reason: str,
    *,
    status: str = "",
    domain: str = "global",
    location: tuple[str, str] | None = None,
    info: str = "",
    headers: dict[str, str] | None = None,
) -> HttpProblem:
    error: dict[str, Any] = {"message": message, "domain": domain, "reason": reason}
    if location:
        error |= {"location": location[0], "locationType": location[1]}
    envelope: dict[str, Any] = {"code": code, "message": message, "errors": [error]}
    if status:
        envelope["status"] = status
    if info:
        envelope["details"] = [{"@type": ERROR_INFO, "reason": info, "domain": "googleapis.com"}]
    return HttpProblem(make_json_answer({"error": envelope}, code, **(headers or {})))


def invalid_credentials() -> HttpProblem:
    return make_api_problem(
        401,
        "Invalid Credentials",
        "authError",
        status="UNAUTHENTICATED",
        location=("Authorization", "header"),
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        },
    )


def login_required() -> HttpProblem:
    return make_api_problem(
        401,
        "Login Required.",
        "required",
        status="UNAUTHENTICATED",
        location=("Authorization", "header"),
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )


def insufficient_scope(scopes: Sequence[str] = ()) -> HttpProblem:
    scope_names = " ".join(scopes)
    return make_api_problem(
        403,
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        status="PERMISSION_DENIED",
        info="ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", '
            f'error=insufficient_scope, scope="{scope_names}"'
        },
    )


def access_not_configured() -> HttpProblem:
    return make_api_problem(
        403,
        "Gmail API has not been used in project 100200300400 before or it is disabled.",
        "accessNotConfigured",
        domain="usageLimits",
        status="PERMISSION_DENIED",
        info="SERVICE_DISABLED",
    )


def domain_policy() -> HttpProblem:
    message = "The domain administrators have disabled Gmail apps."
    return make_api_problem(403, message, "domainPolicy", domain="global")


def bad_value(message: str, reason: str = "invalid") -> HttpProblem:
    return make_api_problem(400, message, reason)


def invalid_argument(message: str) -> HttpProblem:
    return make_api_problem(400, message, "invalidArgument", status="INVALID_ARGUMENT")


def unknown_parameter(name: str) -> HttpProblem:
    return make_api_problem(
        400,
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message.",
        "badRequest",
        status="INVALID_ARGUMENT",
    )


def too_large() -> HttpProblem:
    return make_api_problem(413, "Request Entity Too Large", "uploadTooLarge")


def no_such_path() -> HttpProblem:
    return make_api_problem(404, "Not Found", "notFound", status="NOT_FOUND")


def not_implemented(method_id: str) -> HttpProblem:
    """Not an error of Google: the sandbox lacks this method."""
    message = f"The sandbox does not play {method_id}."
    return make_api_problem(501, message, "notImplemented", status="UNIMPLEMENTED")


def backend_error(status: int = 503) -> HttpProblem:
    word = "UNAVAILABLE" if status == 503 else "INTERNAL"  # noqa: PLR2004 - HTTP
    return make_api_problem(status, "Backend Error", "backendError", status=word)


# Quotas.


def too_many_concurrent() -> HttpProblem:
    return make_api_problem(
        429,
        "Too many concurrent requests for user",
        "rateLimitExceeded",
        status="RESOURCE_EXHAUSTED",
    )


def user_rate_limited(retry_at: float = 0) -> HttpProblem:
    retry_time = datetime.fromtimestamp(retry_at, tz=UTC).isoformat(timespec="milliseconds")
    return make_api_problem(
        429,
        f"User-rate limit exceeded.  Retry after {retry_time.replace('+00:00', 'Z')}",
        "rateLimitExceeded",
        status="RESOURCE_EXHAUSTED",
        domain="usageLimits",
    )


def user_quota_exceeded() -> HttpProblem:
    return make_api_problem(
        403,
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of "
        f"service 'gmail.googleapis.com' for consumer '{CONSUMER}'.",
        "userRateLimitExceeded",
        domain="usageLimits",
        status="PERMISSION_DENIED",
    )


def project_quota_exceeded() -> HttpProblem:
    return make_api_problem(
        403,
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of "
        f"service 'gmail.googleapis.com' for consumer '{CONSUMER}'.",
        "rateLimitExceeded",
        domain="usageLimits",
        status="PERMISSION_DENIED",
    )


def resource_exhausted() -> HttpProblem:
    message = "Resource has been exhausted (e.g. check quota)."
    return make_api_problem(429, message, "rateLimitExceeded", status="RESOURCE_EXHAUSTED")


def daily_limit_exceeded() -> HttpProblem:
    return make_api_problem(403, "Daily Limit Exceeded", "dailyLimitExceeded", domain="usageLimits")


def rate_limit_exceeded() -> HttpProblem:
    """Calendar's form."""
    return make_api_problem(403, "Rate Limit Exceeded", "rateLimitExceeded", domain="usageLimits")


def drive_user_rate_limit() -> HttpProblem:
    message = "User Rate Limit Exceeded"
    return make_api_problem(403, message, "userRateLimitExceeded", domain="usageLimits")


def drive_rate_limit() -> HttpProblem:
    message = "Rate Limit Exceeded"
    return make_api_problem(429, message, "rateLimitExceeded", domain="usageLimits")
