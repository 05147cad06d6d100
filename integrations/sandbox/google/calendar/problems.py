"""Errors of Google Calendar."""

from integrations.sandbox.google.api_problems import make_api_problem
from integrations.sandbox.http_messages import HttpProblem


def calendar_usage_limits() -> HttpProblem:
    return make_api_problem(
        403, "Calendar usage limits exceeded.", "quotaExceeded", domain="usageLimits"
    )


def calendar_not_found() -> HttpProblem:
    return make_api_problem(404, "Not Found", "notFound")


def access_level_required(role: str) -> HttpProblem:
    message = f"You need to have {role} access to this calendar."
    return make_api_problem(403, message, "requiredAccessLevel", domain="calendar")


def not_organizer() -> HttpProblem:
    return make_api_problem(
        403,
        "Shared properties can only be changed by the organizer of the event.",
        "forbiddenForNonOrganizer",
        domain="calendar",
    )


def duplicate() -> HttpProblem:
    return make_api_problem(409, "The requested identifier already exists.", "duplicate")


def full_sync_required() -> HttpProblem:
    return make_api_problem(
        410,
        "Sync token is no longer valid, a full sync is required.",
        "fullSyncRequired",
        domain="calendar",
        location=("syncToken", "parameter"),
    )


def updated_min_too_long_ago() -> HttpProblem:
    return make_api_problem(
        410,
        "The requested minimum modification time lies too far in the past.",
        "updatedMinTooLongAgo",
        domain="calendar",
        location=("updatedMin", "parameter"),
    )


def deleted() -> HttpProblem:
    return make_api_problem(410, "Resource has been deleted", "deleted")


def condition_not_met() -> HttpProblem:
    return make_api_problem(
        412, "Precondition Failed", "conditionNotMet", location=("If-Match", "header")
    )


def channel_not_unique(channel_id: str) -> HttpProblem:
    return make_api_problem(400, f"Channel id {channel_id} not unique", "channelIdNotUnique")


def webhook_unauthorized(address: str) -> HttpProblem:
    message = f"Unauthorized WebHook callback channel: {address}"
    return make_api_problem(400, message, "push.webhookUrlUnauthorized")


def channel_not_found(channel_id: str) -> HttpProblem:
    return make_api_problem(404, f"Channel '{channel_id}' not found for project", "notFound")
