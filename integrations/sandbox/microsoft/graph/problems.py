"""Graph's errors. Clients should switch on codes: the texts are only realistic."""

import uuid
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.http_messages import HttpAnswer, HttpProblem, make_json_answer

REALM = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
)


def make_problem(
    status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **more: Any
) -> HttpProblem:
    request_id = str(uuid.uuid4())
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request_id,
    }
    body = {"error": {"code": code, "message": message, "innerError": inner} | more}
    return HttpProblem(
        make_json_answer(body, status, **{"request-id": request_id, **(headers or {})})
    )


def invalid_token() -> HttpProblem:
    return make_problem(
        401,
        "InvalidAuthenticationToken",
        "Lifetime validation failed, the token is expired.",
        headers={"WWW-Authenticate": f'{REALM}, client_id="00000003-0000-0000-c000-000000000000"'},
    )


def missing_token() -> HttpProblem:
    return make_problem(401, "InvalidAuthenticationToken", "Access token is empty.")


def claims_challenge(claims: str, client_id: str) -> HttpProblem:
    """`claims` is base64 of JSON."""
    return make_problem(
        401,
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and "
        "code: TokenIssuedBeforeRevocationTimestamp",
        headers={
            "WWW-Authenticate": f'{REALM}, client_id="{client_id}", error="insufficient_claims", '
            f'claims="{claims}"'
        },
    )


def access_denied() -> HttpProblem:
    return make_problem(
        403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
    )


def not_found() -> HttpProblem:
    return make_problem(
        404, "ErrorItemNotFound", "The specified object was not found in the store."
    )


def no_mailbox() -> HttpProblem:
    return make_problem(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )


def no_such_path(path: str) -> HttpProblem:
    return make_problem(400, "BadRequest", f"Resource not found for the segment '{path}'.")


def not_played() -> HttpProblem:
    return make_problem(501, "NotImplemented", "The sandbox does not play this method.")


def bad_request(message: str, code: str = "BadRequest") -> HttpProblem:
    return make_problem(400, code, message)


def invalid_id() -> HttpProblem:
    return bad_request("Id is malformed.", "ErrorInvalidIdMalformed")


def inefficient_filter() -> HttpProblem:
    return bad_request(
        "The restriction or sort order is too complex for this operation.", "InefficientFilter"
    )


def conflict(status: int = 412) -> HttpProblem:
    return make_problem(
        status,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the "
        "request does not match the current change key for the item.",
    )


def sync_state_not_found(location: str = "") -> HttpProblem:
    return make_problem(
        410,
        "SyncStateNotFound",
        "The sync state generation is not found; generation=605;[highest=841].",
        headers={"Location": location} if location else None,
    )


def throttled(retry_after: str, message: str = "") -> HttpProblem:
    return make_problem(
        429,
        "ApplicationThrottled",
        message or "Application is over its MailboxConcurrency limit.",
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def too_many_requests(retry_after: str) -> HttpProblem:
    return make_problem(
        429,
        "TooManyRequests",
        "Too many requests.",
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def unavailable(retry_after: str = "") -> HttpProblem:
    return make_problem(
        503,
        "serviceNotAvailable",
        "The service is temporarily unavailable.",
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def server_error() -> HttpProblem:
    return make_problem(500, "ErrorInternalServerError", "An internal server error occurred.")


def html_bad_gateway() -> HttpProblem:
    """From the proxy before Graph."""
    body = b"<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"
    return HttpProblem(HttpAnswer(502, body, {}, "text/html"))


def validation_failed(code: str = "ValidationError") -> HttpProblem:
    """Older answers have InvalidRequest."""
    return make_problem(
        400,
        code,
        "Subscription validation request failed. The request timed out, or nobody answered.",
    )


BY_NAME = {
    "graph_token": invalid_token,
    "graph_access_denied": access_denied,
    "graph_not_found": not_found,
    "graph_no_mailbox": no_mailbox,
    "graph_conflict": conflict,
    "graph_sync_state": sync_state_not_found,
    "graph_throttled": lambda: throttled("2.128"),
    "graph_throttled_silently": lambda: throttled(""),
    "graph_too_many": lambda: too_many_requests("1"),
    "graph_unavailable": unavailable,
    "graph_unavailable_for_a_while": lambda: unavailable("2.5"),
    "graph_error": server_error,
    "graph_html": html_bad_gateway,
    "graph_validation_failed": validation_failed,
    "graph_validation_failed_older": lambda: validation_failed("InvalidRequest"),
}
