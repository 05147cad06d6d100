"""Errors of Gmail."""

from integrations.sandbox.google.api_problems import invalid_argument, make_api_problem
from integrations.sandbox.http_messages import HttpProblem


def metadata_scope_forbids_q() -> HttpProblem:
    message = "Metadata scope does not support 'q' parameter"
    return make_api_problem(403, message, "forbidden", status="PERMISSION_DENIED")


def metadata_scope_forbids_format(name: str) -> HttpProblem:
    message = f"Metadata scope doesn't allow format {name.upper()}"
    return make_api_problem(403, message, "forbidden", status="PERMISSION_DENIED")


def delegation_denied(user_id: str) -> HttpProblem:
    message = f"Delegation denied for {user_id}"
    return make_api_problem(403, message, "forbidden", status="PERMISSION_DENIED")


def sending_limit() -> HttpProblem:
    message = "User-rate limit exceeded (Mail sending)"
    return make_api_problem(
        429, message, "rateLimitExceeded", status="RESOURCE_EXHAUSTED", domain="usageLimits"
    )


def not_found() -> HttpProblem:
    return make_api_problem(404, "Requested entity was not found.", "notFound", status="NOT_FOUND")


def failed_precondition() -> HttpProblem:
    message = "Precondition check failed."
    return make_api_problem(400, message, "failedPrecondition", status="FAILED_PRECONDITION")


def label_exists() -> HttpProblem:
    return make_api_problem(409, "Label name exists or conflicts", "aborted", status="ABORTED")


def single_push_client() -> HttpProblem:
    return invalid_argument(
        "Only one user push notification client allowed per developer (call /stop then try again)"
    )


def topic_forbidden(topic: str) -> HttpProblem:
    return make_api_problem(
        403,
        f"Error sending test message to Cloud PubSub {topic} : "
        "User not authorized to perform this action.",
        "forbidden",
        status="PERMISSION_DENIED",
    )
