"""Google's errors by the names with which a test orders them for a later request."""

from integrations.sandbox.google import api_problems, oauth_problems
from integrations.sandbox.google.calendar import problems as calendar_problems
from integrations.sandbox.google.drive import problems as drive_problems
from integrations.sandbox.google.gmail import problems as gmail_problems

BY_NAME = {
    builder.__name__: builder
    for builder in (
        api_problems.invalid_credentials,
        api_problems.access_not_configured,
        api_problems.domain_policy,
        api_problems.too_many_concurrent,
        api_problems.user_rate_limited,
        api_problems.user_quota_exceeded,
        api_problems.project_quota_exceeded,
        api_problems.resource_exhausted,
        api_problems.daily_limit_exceeded,
        gmail_problems.sending_limit,
        gmail_problems.not_found,
        gmail_problems.failed_precondition,
        api_problems.backend_error,
        oauth_problems.invalid_grant,
        oauth_problems.invalid_rapt,
        oauth_problems.admin_policy_enforced,
        oauth_problems.invalid_scope,
        oauth_problems.invalid_client,
        oauth_problems.invalid_token,
        api_problems.rate_limit_exceeded,
        calendar_problems.calendar_usage_limits,
        calendar_problems.calendar_not_found,
        calendar_problems.full_sync_required,
        api_problems.insufficient_scope,
        calendar_problems.deleted,
        calendar_problems.condition_not_met,
        drive_problems.storage_quota_exceeded,
        drive_problems.insufficient_file_permissions,
        drive_problems.app_not_authorized_to_file,
        api_problems.drive_user_rate_limit,
        api_problems.drive_rate_limit,
        drive_problems.drive_apps_disabled,
        drive_problems.file_id_in_use,
    )
}
