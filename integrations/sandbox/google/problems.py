"""Google's errors. Clients should switch on reasons: the texts are only realistic."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.http_messages import HttpProblem, make_json_answer

CONSUMER = "project_number:100200300400"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def _make_api_problem(  # noqa: PLR0913 - the fields of Google's envelope
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


def _make_oauth_problem(
    error: str, description: str = "", *, status: int = 400, **more: str
) -> HttpProblem:
    body = {"error": error} | ({"error_description": description} if description else {}) | more
    return HttpProblem(make_json_answer(body, status))


# API errors.


def invalid_credentials() -> HttpProblem:
    return _make_api_problem(
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
    return _make_api_problem(
        401,
        "Login Required.",
        "required",
        status="UNAUTHENTICATED",
        location=("Authorization", "header"),
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )


def insufficient_scope(scopes: Sequence[str] = ()) -> HttpProblem:
    scope_names = " ".join(scopes)
    return _make_api_problem(
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


def metadata_scope_forbids_q() -> HttpProblem:
    message = "Metadata scope does not support 'q' parameter"
    return _make_api_problem(403, message, "forbidden", status="PERMISSION_DENIED")


def metadata_scope_forbids_format(name: str) -> HttpProblem:
    message = f"Metadata scope doesn't allow format {name.upper()}"
    return _make_api_problem(403, message, "forbidden", status="PERMISSION_DENIED")


def delegation_denied(user_id: str) -> HttpProblem:
    message = f"Delegation denied for {user_id}"
    return _make_api_problem(403, message, "forbidden", status="PERMISSION_DENIED")


def access_not_configured() -> HttpProblem:
    return _make_api_problem(
        403,
        "Gmail API has not been used in project 100200300400 before or it is disabled.",
        "accessNotConfigured",
        domain="usageLimits",
        status="PERMISSION_DENIED",
        info="SERVICE_DISABLED",
    )


def domain_policy() -> HttpProblem:
    message = "The domain administrators have disabled Gmail apps."
    return _make_api_problem(403, message, "domainPolicy", domain="global")


def too_many_concurrent() -> HttpProblem:
    return _make_api_problem(
        429,
        "Too many concurrent requests for user",
        "rateLimitExceeded",
        status="RESOURCE_EXHAUSTED",
    )


def user_rate_limited(retry_at: float = 0) -> HttpProblem:
    retry_time = datetime.fromtimestamp(retry_at, tz=UTC).isoformat(timespec="milliseconds")
    return _make_api_problem(
        429,
        f"User-rate limit exceeded.  Retry after {retry_time.replace('+00:00', 'Z')}",
        "rateLimitExceeded",
        status="RESOURCE_EXHAUSTED",
        domain="usageLimits",
    )


def user_quota_exceeded() -> HttpProblem:
    return _make_api_problem(
        403,
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of "
        f"service 'gmail.googleapis.com' for consumer '{CONSUMER}'.",
        "userRateLimitExceeded",
        domain="usageLimits",
        status="PERMISSION_DENIED",
    )


def project_quota_exceeded() -> HttpProblem:
    return _make_api_problem(
        403,
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of "
        f"service 'gmail.googleapis.com' for consumer '{CONSUMER}'.",
        "rateLimitExceeded",
        domain="usageLimits",
        status="PERMISSION_DENIED",
    )


def resource_exhausted() -> HttpProblem:
    message = "Resource has been exhausted (e.g. check quota)."
    return _make_api_problem(429, message, "rateLimitExceeded", status="RESOURCE_EXHAUSTED")


def daily_limit_exceeded() -> HttpProblem:
    return _make_api_problem(
        403, "Daily Limit Exceeded", "dailyLimitExceeded", domain="usageLimits"
    )


def sending_limit() -> HttpProblem:
    message = "User-rate limit exceeded (Mail sending)"
    return _make_api_problem(
        429, message, "rateLimitExceeded", status="RESOURCE_EXHAUSTED", domain="usageLimits"
    )


def rate_limit_exceeded() -> HttpProblem:
    """Calendar's form."""
    return _make_api_problem(403, "Rate Limit Exceeded", "rateLimitExceeded", domain="usageLimits")


def calendar_usage_limits() -> HttpProblem:
    return _make_api_problem(
        403, "Calendar usage limits exceeded.", "quotaExceeded", domain="usageLimits"
    )


def calendar_not_found() -> HttpProblem:
    return _make_api_problem(404, "Not Found", "notFound")


def bad_value(message: str, reason: str = "invalid") -> HttpProblem:
    return _make_api_problem(400, message, reason)


def access_level_required(role: str) -> HttpProblem:
    message = f"You need to have {role} access to this calendar."
    return _make_api_problem(403, message, "requiredAccessLevel", domain="calendar")


def not_organizer() -> HttpProblem:
    return _make_api_problem(
        403,
        "Shared properties can only be changed by the organizer of the event.",
        "forbiddenForNonOrganizer",
        domain="calendar",
    )


# Drive. Source of the reasons: the guide "Resolve errors"; of those about ids: observed by others.


def file_not_found(file_id: str) -> HttpProblem:
    return _make_api_problem(
        404, f"File not found: {file_id}.", "notFound", location=("fileId", "parameter")
    )


def file_id_in_use() -> HttpProblem:
    message = "A file already exists with the provided ID."
    return _make_api_problem(409, message, "fileIdInUse")


def file_id_not_usable() -> HttpProblem:
    """The account did not get this id from generateIds."""
    message = "The provided file ID is not usable."
    return _make_api_problem(400, message, "invalid", location=("file", "other"))


def parent_not_a_folder() -> HttpProblem:
    return _make_api_problem(403, "The specified parent is not a folder.", "parentNotAFolder")


def storage_quota_exceeded() -> HttpProblem:
    message = "The user's Drive storage quota has been exceeded."
    return _make_api_problem(403, message, "storageQuotaExceeded")


def file_not_downloadable() -> HttpProblem:
    message = "Only files with binary content can be downloaded."
    return _make_api_problem(403, message, "fileNotDownloadable", location=("alt", "parameter"))


def insufficient_file_permissions() -> HttpProblem:
    message = "The user does not have sufficient permissions for this file."
    return _make_api_problem(403, message, "insufficientFilePermissions")


def app_not_authorized_to_file() -> HttpProblem:
    message = "The app is not authorized to access this file."
    return _make_api_problem(403, message, "appNotAuthorizedToFile")


def drive_user_rate_limit() -> HttpProblem:
    message = "User Rate Limit Exceeded"
    return _make_api_problem(403, message, "userRateLimitExceeded", domain="usageLimits")


def drive_rate_limit() -> HttpProblem:
    message = "Rate Limit Exceeded"
    return _make_api_problem(429, message, "rateLimitExceeded", domain="usageLimits")


def drive_apps_disabled() -> HttpProblem:
    message = "The domain administrators have disabled Drive apps."
    return _make_api_problem(403, message, "domainPolicy")


def fields_required() -> HttpProblem:
    message = "The 'fields' parameter is required for this method."
    return _make_api_problem(400, message, "required", location=("fields", "parameter"))


def invalid_drive_parameter(
    name: str, message: str, reason: str = "invalidParameter"
) -> HttpProblem:
    return _make_api_problem(400, message, reason, location=(name, "parameter"))


def parents_not_writable() -> HttpProblem:
    message = "The parents field is not directly writable in update requests."
    return _make_api_problem(403, message, "fieldNotWritable")


def not_writable(name: str) -> HttpProblem:
    message = f"The resource body includes fields which are not directly writable: {name}."
    return _make_api_problem(403, message, "fieldNotWritable")


# Calendar.


def duplicate() -> HttpProblem:
    return _make_api_problem(409, "The requested identifier already exists.", "duplicate")


def full_sync_required() -> HttpProblem:
    return _make_api_problem(
        410,
        "Sync token is no longer valid, a full sync is required.",
        "fullSyncRequired",
        domain="calendar",
        location=("syncToken", "parameter"),
    )


def updated_min_too_long_ago() -> HttpProblem:
    return _make_api_problem(
        410,
        "The requested minimum modification time lies too far in the past.",
        "updatedMinTooLongAgo",
        domain="calendar",
        location=("updatedMin", "parameter"),
    )


def deleted() -> HttpProblem:
    return _make_api_problem(410, "Resource has been deleted", "deleted")


def condition_not_met() -> HttpProblem:
    return _make_api_problem(
        412, "Precondition Failed", "conditionNotMet", location=("If-Match", "header")
    )


def channel_not_unique(channel_id: str) -> HttpProblem:
    return _make_api_problem(400, f"Channel id {channel_id} not unique", "channelIdNotUnique")


def webhook_unauthorized(address: str) -> HttpProblem:
    message = f"Unauthorized WebHook callback channel: {address}"
    return _make_api_problem(400, message, "push.webhookUrlUnauthorized")


def channel_not_found(channel_id: str) -> HttpProblem:
    return _make_api_problem(404, f"Channel '{channel_id}' not found for project", "notFound")


def not_found() -> HttpProblem:
    return _make_api_problem(404, "Requested entity was not found.", "notFound", status="NOT_FOUND")


def failed_precondition() -> HttpProblem:
    message = "Precondition check failed."
    return _make_api_problem(400, message, "failedPrecondition", status="FAILED_PRECONDITION")


def invalid_argument(message: str) -> HttpProblem:
    return _make_api_problem(400, message, "invalidArgument", status="INVALID_ARGUMENT")


def unknown_parameter(name: str) -> HttpProblem:
    return _make_api_problem(
        400,
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message.",
        "badRequest",
        status="INVALID_ARGUMENT",
    )


def label_exists() -> HttpProblem:
    return _make_api_problem(409, "Label name exists or conflicts", "aborted", status="ABORTED")


def too_large() -> HttpProblem:
    return _make_api_problem(413, "Request Entity Too Large", "uploadTooLarge")


def single_push_client() -> HttpProblem:
    return invalid_argument(
        "Only one user push notification client allowed per developer (call /stop then try again)"
    )


def topic_forbidden(topic: str) -> HttpProblem:
    return _make_api_problem(
        403,
        f"Error sending test message to Cloud PubSub {topic} : "
        "User not authorized to perform this action.",
        "forbidden",
        status="PERMISSION_DENIED",
    )


def not_implemented(method_id: str) -> HttpProblem:
    """Not an error of Google: the sandbox lacks this method."""
    message = f"The sandbox does not play {method_id}."
    return _make_api_problem(501, message, "notImplemented", status="UNIMPLEMENTED")


def no_such_path() -> HttpProblem:
    return _make_api_problem(404, "Not Found", "notFound", status="NOT_FOUND")


def backend_error(status: int = 503) -> HttpProblem:
    word = "UNAVAILABLE" if status == 503 else "INTERNAL"  # noqa: PLR2004 - HTTP
    return _make_api_problem(status, "Backend Error", "backendError", status=word)


# Errors of the token endpoint.


def invalid_grant(description: str = "Token has been expired or revoked.") -> HttpProblem:
    return _make_oauth_problem("invalid_grant", description)


def malformed_code() -> HttpProblem:
    return _make_oauth_problem("invalid_grant", "Malformed auth code.")


def invalid_code_verifier() -> HttpProblem:
    return _make_oauth_problem("invalid_grant", "Invalid code verifier.")


def missing_code_verifier() -> HttpProblem:
    return _make_oauth_problem("invalid_grant", "Missing code verifier.")


def invalid_rapt() -> HttpProblem:
    return _make_oauth_problem(
        "invalid_grant", "reauth related error (invalid_rapt)", error_subtype="invalid_rapt"
    )


def admin_policy_enforced() -> HttpProblem:
    return _make_oauth_problem("admin_policy_enforced", "Access was blocked by an administrator.")


def invalid_scope() -> HttpProblem:
    return _make_oauth_problem("invalid_scope", "Bad Request")


def invalid_client(description: str = "The OAuth client was not found.") -> HttpProblem:
    return _make_oauth_problem("invalid_client", description, status=401)


def wrong_client_secret() -> HttpProblem:
    return _make_oauth_problem(
        "invalid_client", "The provided client secret is invalid.", status=401
    )


def redirect_uri_mismatch() -> HttpProblem:
    return _make_oauth_problem("redirect_uri_mismatch", "Bad Request")


def unsupported_grant_type(grant_type: str) -> HttpProblem:
    return _make_oauth_problem("unsupported_grant_type", f"Invalid grant_type: {grant_type}")


def invalid_request(description: str) -> HttpProblem:
    return _make_oauth_problem("invalid_request", description)


def invalid_token() -> HttpProblem:
    return _make_oauth_problem("invalid_token", "Token expired or revoked")


def tokeninfo_invalid() -> HttpProblem:
    return _make_oauth_problem("invalid_token", "Invalid Value")


def userinfo_unauthorized() -> HttpProblem:
    return _make_oauth_problem("invalid_request", "Invalid Credentials", status=401)


BY_NAME = {
    builder.__name__: builder
    for builder in (
        invalid_credentials, access_not_configured, domain_policy, too_many_concurrent,
        user_rate_limited, user_quota_exceeded, project_quota_exceeded, resource_exhausted,
        daily_limit_exceeded, sending_limit, not_found, failed_precondition, backend_error,
        invalid_grant, invalid_rapt, admin_policy_enforced, invalid_scope, invalid_client,
        invalid_token, rate_limit_exceeded, calendar_usage_limits, calendar_not_found,
        full_sync_required, insufficient_scope, deleted, condition_not_met,
        storage_quota_exceeded, insufficient_file_permissions, app_not_authorized_to_file,
        drive_user_rate_limit, drive_rate_limit, drive_apps_disabled, file_id_in_use,
    )
}  # fmt: skip
