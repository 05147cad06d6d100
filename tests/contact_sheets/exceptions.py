"""What no state shows, and why. A line that is not needed any more is a failure, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Variants of allauth's elements: pages of allauth use what they need of them.
ELEMENTS: Final = "allauth/elements/"

_FILE: Final = "returns a file"
_FORM: Final = "takes a form, and leads to another page"
_LEADS: Final = "leads to another page"
_PROGRAMS: Final = "for programs"

ROUTES: Final[Mapping[str, str]] = {
    "account_open_sign_in_link": _LEADS,
    "alive": _PROGRAMS,
    "calendar-show": _FORM,
    "connect-administrator": _LEADS,
    "connect-begin": _FORM,
    "connect-callback": _LEADS,
    "drive-file": _FORM,
    "drive-file-states": _PROGRAMS,
    "drive-files-csv": _FILE,
    "drive-folder": _FORM,
    "drive-save-export": _FORM,
    "drive-folder-return": _LEADS,
    "inbox-compose-addresses": _PROGRAMS,
    "inbox-compose-senders": _PROGRAMS,
    "inbox-elsewhere-file": _FILE,
    "inbox-outbox-command": _FORM,
    "inbox-proposal": _FORM,
    "drive-standing-consent-withdraw": _FORM,
    "calendar-support-close": _FORM,
    "inbox-support-close": _FORM,
    "landing": _LEADS,
    "ledger-checkpoint": _PROGRAMS,
    "ledger-consistency": _PROGRAMS,
    "metrics": _PROGRAMS,
    "mfa_download_recovery_codes": _FILE,
    "oauth-metadata": _PROGRAMS,
    "oauth_revoke": _PROGRAMS,
    "oauth_token": _PROGRAMS,
    "openapi": _PROGRAMS,
    "ready": _PROGRAMS,
    "receipt-link-part-1": _FILE,
    "receipt-link-part-2": _FILE,
    "review-bundle": _FILE,
    "review-evidence-make": _FORM,
    "review-proof": _FILE,
    "review-run-start": _FORM,
    "robots": _PROGRAMS,
    "settings-activity-csv": _FILE,
    "settings-activity-json": _FILE,
    "settings-approval-forget": _FORM,
    "settings-attempt-dismiss": _FORM,
    "settings-calendars-again": _FORM,
    "settings-calendars-keep": _FORM,
    "settings-consent-withdraw": _FORM,
    "settings-forget": _FORM,
    "settings-horizon": _FORM,
    "settings-local-calendar-file": _FILE,
    "settings-receipt": _FILE,
    "settings-receipt-part-2": _FILE,
    "settings-retry": _FORM,
    "settings-sending": _FORM,
    "settings-share-end": _FORM,
    "settings-support-stop": _FORM,
    "settings-sync-now": _FORM,
    "support-bulk-approve": _FORM,
    "support-bulk-csv": _FILE,
    "support-bulk-json": _FILE,
    "support-bulk-reject": _FORM,
    "support-bulk-stop": _FORM,
    "switch_organisation": _FORM,
    "webhook-google-channel": _PROGRAMS,
    "webhook-google-pubsub": _PROGRAMS,
    "webhook-microsoft-subscription": _PROGRAMS,
}

TEMPLATES: Final[Mapping[str, str]] = {
    "account/messages/logged_in.txt": "empty: nothing is said after a sign-in",
    "allauth/elements/alert.html": "no page of allauth that we serve has one",
    "allauth/elements/button_group.html": "no page of allauth that we serve has one",
    "allauth/layouts/entrance.html": "no page of allauth that we serve has this layout",
}

_GENERIC: Final = "for forms in general: no form that we have needs it"
_RACE: Final = "only if the event ends between two queries of the page"
_BROKEN: Final = "only if the service itself is broken"
_SECONDS: Final = "for the seconds until the sequencer's next turn"

BRANCHES: Final[Mapping[tuple[str, str], str]] = {
    ("403.html", "branch 2 of if audience"): "every view that refuses people names its permission",
    ("403.html", "branch 2 of if user.is_authenticated"): "such views ask to sign in first",
    ("accounts/fields.html", "if field.help_text"): _GENERIC,
    ("accounts/fields.html", 'if field.widget_type == "checkbox"'): _GENERIC,
    (
        "calendar/_missing_events.html",
        "if it.kept_from and it.kept_until",
    ): "no view is as long as what Antares stores",
    ("calendar/delete.html", "empty of for event in items"): _RACE,
    ("calendar/edit.html", "empty of for event in items"): _RACE,
    ("calendar/event.html", "empty of for event in items"): _RACE,
    ("calendar/move.html", "empty of for event in items"): _RACE,
    ("calendar/_support_event.html", "branch 2 of if event.has_repeats"): "a provider's series"
    " has a rule or dates",
    ("calendar/support.html", "empty of for event in items"): _RACE,
    ("settings/support/allow_event.html", "empty of for event in items"): _RACE,
    ("calendar/event.html", "branch 2 of if event.has_calendar"): "names go with the events",
    ("calendar/event.html", "branch 2 of if event.is_series"): "a provider's calendar has the"
    " series of each of its occurrences",
    ("review/_entries.html", "if row.entry.index is None"): _SECONDS,
    ("review/_entries.html", "if row.is_canary"): "newer entries come first",
    ("review/_proof.html", "if index is None"): _SECONDS,
    ("review/_run_rows.html", "if row.entry.index is None"): _SECONDS,
    ("review/evidence.html", "empty of for id in bundle.not_met"): "a keyring of files never meets"
    " one clause",
    ("review/refusals.html", "branch 2 of if feature"): "the service itself asks for no such use",
    ("review/run.html", "branch 2 of if summary.is_control_open"): _BROKEN,
    ("review/run.html", "if lost_count"): _BROKEN,
    ("review/run.html", "if not summary.is_control_open"): _BROKEN,
    ("review/run_started.html", "branch 2 of if reloads"): "after a minute without a worker",
    ("review/scopes.html", "if not row.narrower"): "each scope that is requested has narrower ones",
    ("review/scopes.html", "if other.is_enough"): "no wider scope is requested than is needed",
    ("settings/activity.html", "if page.day_count == 1"): "more entries a day than tests write",
    ("settings/local_calendar.html", "if file_form.non_field_errors"): _GENERIC,
}

_CODE: Final = "a word of the code"
_RECORD: Final = "in records, and pages of reviewers list all of them"
_DERIVED: Final = "follows from members of other enumerations"

ENUMERATIONS: Final[Mapping[str, str]] = {
    "accounts.actors:ActorKind": _RECORD,
    "accounts.api_tokens:DelegationProblem": "for clients: tests/accounts",
    "accounts.authentication:TokenRejectionCause": "for clients: tests/api/test_token_causes.py",
    "accounts.authorization_codes:CodeProblem": "for clients: tests/accounts",
    "accounts.models.time_preferences:DateFormat": "tests of accounts compare all of them",
    "accounts.oauth.assertion:AssertionRejectionCause": "for operators, without a page",
    "accounts.roles:RolePermission": _CODE,
    "accounts.route_limits:CountedBy": _CODE,
    "config.database.row_owners:RowOwnerColumns": _CODE,
    "config.database.row_owners:SharedRowReader": _CODE,
    "config.database.row_owners:StaffRowAccess": _CODE,
    "config.process_classes:ProcessClass": _CODE,
    "config.route_limits:ThreadGroup": _CODE,
    "integrations.calendar.sync.cache_eviction:EvictionReason": _RECORD,
    "integrations.features.delegation_page:DelegationState": _PROGRAMS,
    "integrations.features.removals:RemovalState": _PROGRAMS,
    "integrations.models.drive:FileKind": "choices of a form",
    "integrations.models.feature:RemovalReason": _PROGRAMS,
    "integrations.models.watch:WatchKind": _CODE,
    "integrations.models.outbox:OutboxKind": _CODE,
    "integrations.models.sending:OutgoingKind": _CODE,
    "integrations.notifications.removal_messages:AccessOutcome": _DERIVED,
    "integrations.outbox.command_content:QuoteKind": _DERIVED,
    "integrations.notifications.removal_messages:TokenOutcome": _DERIVED,
    "integrations.operations.pages.figures:FigureUnit": _CODE,
    "integrations.providers.oauth_client:GrantRevocationResult": _CODE,
    "integrations.purge.inventory:PurgeScope": _CODE,
    "integrations.review.assessment_page:ControlStatus": _DERIVED,
    "integrations.review.messages.controls:Supplement": _RECORD,
    "integrations.review.registers.clear_column_reasons:ColumnKind": _CODE,
    "integrations.settings.messages.connect:ConnectNextStep": _DERIVED,
    "integrations.connections.status_messages:StatusAction": _DERIVED,
    "integrations.sync.check_intervals:IntervalReason": _DERIVED,
    "integrations.web.slow_routes:RouteCost": _CODE,
    "limited_use.access_request:FenceKind": _CODE,
    "limited_use.agreements.offboarding:MembershipEndReason": _RECORD,
    "limited_use.evidence.evidence_sections:EvidenceBasis": _RECORD,
    "limited_use.evidence.forbidden_uses:CaseGroup": _RECORD,
    "limited_use.ledger.entry_diff:EntryDifferenceKind": "for operators, without a page",
    "limited_use.ledger.entry_filters:EntryActor": "choices of a list",
    "limited_use.policy.clauses.clause_types:ClauseConfidence": _RECORD,
    "limited_use.policy.key_lines:KeyLine": _CODE,
    "limited_use.policy.policy_vocabulary:DataClass": _RECORD,
    "limited_use.policy.policy_vocabulary:Fact": _RECORD,
    "limited_use.policy.policy_vocabulary:Purpose": _RECORD,
    "limited_use.policy.policy_vocabulary:Recipient": _RECORD,
    "limited_use.vault.keyring.keyring_port:MacKey": _CODE,
    "limited_use.vault.keyring.keyring_port:SigningKey": _CODE,
}
