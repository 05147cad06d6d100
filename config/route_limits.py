"""
Largest body, deadline and thread group of each route.

The front (`config/front`) enforces these limits before a request takes a thread. `ROUTES` must
list every route of `config/urls.py` (`tests/config/test_route_limits.py`). `config/nginx.conf`
has the same sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

#: Bytes a second: least rate of a large body, after its first seconds.
MIN_UPLOAD_RATE: Final = 64 * KIB


class ThreadGroup(Enum):
    """A group of threads. A busy group does not delay the others."""

    PAGES = "pages"
    # Downloads and exports, streamed for seconds to minutes.
    FILES = "files"
    # Uploaded files while they are read.
    UPLOADS = "uploads"
    # Bodies that are stored while they arrive, for seconds to minutes.
    STREAMS = "streams"
    # The readiness check, which queries the database.
    PROBES = "probes"


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """
    Limits of one kind of request body.

    :param max_bytes: of one body; beyond: 413
    :param seconds: deadline of a small body, longest pause of a large one; beyond: 408
    :param max_total_bytes: of all bodies of this kind in one process; beyond: 503
    :param is_streamed: the application reads it while it arrives; only its buffer is in memory,
        and counted (`config.front.body_streams`)
    """

    max_bytes: int
    seconds: int
    max_total_bytes: int
    is_streamed: bool = False


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """
    Limits of one route.

    :param threads: group that answers it
    :param by_method: other groups for some methods
    """

    body: BodyLimit
    threads: ThreadGroup = ThreadGroup.PAGES
    by_method: tuple[tuple[str, ThreadGroup], ...] = ()

    def get_threads(self, method: str) -> ThreadGroup:
        return dict(self.by_method).get(method, self.threads)


# A page or resource without a body. A small body gets 405 rather than 413.
NO_BODY: Final = BodyLimit(8 * KIB, seconds=10, max_total_bytes=16 * MIB)
FORM: Final = BodyLimit(256 * KIB, seconds=10, max_total_bytes=64 * MIB)
# A message of 200,000 characters, each up to twelve bytes as a form sends them.
MESSAGE_FORM: Final = BodyLimit(3 * MIB, seconds=10, max_total_bytes=64 * MIB)
# `integrations.web.api.json_parser.MAX_BYTES`.
JSON: Final = BodyLimit(1 * MIB, seconds=10, max_total_bytes=64 * MIB)
# `integrations.push.webhooks.webhook_body.LONGEST`, and room to refuse a larger body properly.
NOTIFICATION: Final = BodyLimit(64 * KIB, seconds=10, max_total_bytes=16 * MIB)
# `integrations.formats.icalendar.icalendar_components.MAX_BYTES`, and the multipart frame.
CALENDAR_FILE: Final = BodyLimit(10 * MIB + 64 * KIB, seconds=10, max_total_bytes=128 * MIB)
# A file, or part of it: more than `integrations.outbox.uploads.LIMITS`. Eight at a time, two of
# one network.
FILE_PIECE: Final = BodyLimit(36 * MIB, seconds=10, max_total_bytes=8 * 256 * KIB, is_streamed=True)

# `integrations.drive.uploads.MAX_FILE_BYTES`: a file on its way to a Drive.
DRIVE_FILE: Final = BodyLimit(
    50_000_000_000, seconds=10, max_total_bytes=16 * 256 * KIB, is_streamed=True
)

_PAGE: Final = RouteLimits(NO_BODY)
_FORM: Final = RouteLimits(FORM)
_MESSAGE_FORM: Final = RouteLimits(MESSAGE_FORM)
_JSON: Final = RouteLimits(JSON)
_NOTIFICATION: Final = RouteLimits(NOTIFICATION)
_DOWNLOAD: Final = RouteLimits(
    NO_BODY, by_method=(("GET", ThreadGroup.FILES), ("HEAD", ThreadGroup.FILES))
)
# GET shows a page; POST returns a file.
_FORM_WITH_DOWNLOAD: Final = RouteLimits(FORM, by_method=(("POST", ThreadGroup.FILES),))
_UPLOAD: Final = RouteLimits(CALENDAR_FILE, by_method=(("POST", ThreadGroup.UPLOADS),))
_DRIVE_FILE: Final = RouteLimits(DRIVE_FILE, by_method=(("PATCH", ThreadGroup.STREAMS),))
_FILE_PIECE: Final = RouteLimits(FILE_PIECE, by_method=(("PATCH", ThreadGroup.STREAMS),))

#: For an address without a route.
UNKNOWN_ROUTE: Final = _PAGE

_GROUPS: Final[tuple[tuple[RouteLimits, str], ...]] = (
    (RouteLimits(NO_BODY, threads=ThreadGroup.PROBES), "alive ready"),
    (
        _PAGE,
        """
        home landing data-use privacy-notice contact cookies children session-replay accessibility
        disconnect-help keys ledger-checkpoint ledger-consistency receipt-link
        receipt-link-part-1 receipt-link-part-2 robots problem openapi api-reference
        oauth-metadata
        api-reference-plain api-guides api-guide
        administrator-thanks receipt-verifier
        settings-integrations settings-connect settings-progress settings-details settings-purge
        settings-receipt settings-receipt-part-2 settings-access settings-activity
        settings-activity-entries settings-activity-proof
        settings-calendars inbox inbox-compose-addresses inbox-compose-senders
        drive-files drive-file-row drive-file-states
        inbox-outbox inbox-outbox-state inbox-elsewhere inbox-elsewhere-body inbox-thread inbox-body
        drive-standing-consents
        calendar calendar-coming calendar-find calendar-event calendar-event-description
        support-person support-connection support-items support-item support-event support-act
        support-bulks support-bulk review review-domains review-privacy review-scopes
        review-consent-flow review-deletion review-human-access review-assessment review-clauses
        review-clause review-policy review-refusals review-run review-entry review-proof
        review-bundle review-evidence operations operations-clients operations-client
        operations-client-choose metrics
        account_inactive account_reset_password_done account_reset_password_from_key_done
        mfa_index mfa_list_webauthn mfa_view_recovery_codes mfa_download_recovery_codes
        """,
    ),
    (
        _DOWNLOAD,
        """
        settings-activity-csv settings-activity-json settings-local-calendar-file inbox-attachment
        inbox-elsewhere-file api-attachment api-calendar-export support-bulk-csv support-bulk-json
        drive-files-csv
        """,
    ),
    (
        _FORM,
        """
        drive-save-attachment drive-save-calendar drive-save-export
        oauth_authorize settings-receipt-link settings-sync-now settings-horizon settings-retry
        settings-forget
        settings-disconnect settings-disconnect-account settings-feature settings-feature-withdraw
        settings-consent-withdraw settings-calendars-erase settings-calendars-again
        settings-calendars-keep settings-local-calendar-new settings-local-calendar
        settings-local-calendar-remove settings-calendar-sharing settings-share-end
        settings-administrator settings-approval-forget settings-attempt-dismiss
        settings-support settings-support-stop settings-support-question
        settings-support-answer settings-support-answer-event support-ask support-question
        settings-notices settings-notice-choices notice-stop settings-ledger-part connect-begin
        connect-callback connect-administrator inbox-search inbox-support inbox-support-close
        support-act-new support-bulk-new support-bulk-approve support-bulk-reject support-bulk-stop
        drive-standing-consent-new drive-standing-consent-withdraw
        drive-file drive-file-trash drive-folder drive-folder-return
        inbox-outbox-command inbox-proposal inbox-allow-sending settings-sending
        calendar-look calendar-new calendar-answer calendar-edit
        calendar-delete calendar-move calendar-support calendar-support-close calendar-show
        support-console review-evidence-make review-run-start operations-alarm-settle
        operations-client-new operations-client-keys operations-client-redirects
        operations-client-change operations-client-retire
        switch_organisation profile account_login account_logout account_sign_in_link
        account_open_sign_in_link account_reauthenticate account_change_password
        account_reset_password account_reset_password_from_key mfa_authenticate mfa_reauthenticate
        mfa_activate_totp mfa_deactivate_totp mfa_generate_recovery_codes mfa_add_webauthn
        mfa_reauthenticate_webauthn mfa_remove_webauthn mfa_edit_webauthn uploads
        """,
    ),
    (_MESSAGE_FORM, "inbox-compose"),
    (_FORM_WITH_DOWNLOAD, "settings-export"),
    (_FILE_PIECE, "upload"),
    (_DRIVE_FILE, "api-file"),
    (_UPLOAD, "settings-local-calendar-fill api-calendar-import"),
    (
        _NOTIFICATION,
        """
        oauth_token oauth_revoke webhook-google-pubsub webhook-google-channel
        webhook-microsoft-subscription
        """,
    ),
    (
        _JSON,
        """
        api-outbox api-outbox-message api-outbox-undo api-outbox-look api-outbox-settle
        api-proposals api-proposal api-delegations
        api-messages api-message api-threads api-thread api-connections api-connection
        api-calendar-shares api-shares api-share api-calendars api-calendar api-events api-event
        api-files api-file-accept api-file-pause api-file-resume api-file-cancel api-file-retry
        api-removals api-removal-acknowledge
        api-event-response api-event-move api-free-busy api-availability api-nothing
        """,
    ),
)

#: Limits by route name.
ROUTES: Final[Mapping[str, RouteLimits]] = {
    name: limits for limits, names in _GROUPS for name in names.split()
}
