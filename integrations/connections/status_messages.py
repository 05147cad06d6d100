"""Status and reason of a connected product, in words. Tables only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import IntegrationStatus, StatusReason
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class StatusAction(StrEnum):
    SYNC_NOW = "sync_now"
    # Fetched mail is readable during the import.
    READ = "read"
    RECONNECT = "reconnect"
    FILES = "files"
    DETAILS = "details"
    AGREE = "agree"
    PROGRESS = "progress"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class StatusMessage:
    label: StrOrPromise
    tone: str
    says: StrOrPromise
    action: StatusAction


STATUS: Final[dict[str, StatusMessage]] = {
    IntegrationStatus.SYNCING: StatusMessage(
        _("Importing"), "info", _("Your mail is being imported, newest first."), StatusAction.READ
    ),
    IntegrationStatus.ACTIVE: StatusMessage(
        _("Connected"),
        "good",
        claim("status.up-to-date", _("Up to date.")),
        StatusAction.SYNC_NOW,
    ),
    IntegrationStatus.DEGRADED: StatusMessage(
        _("Delayed"), "warn", _("New mail may arrive later than usual."), StatusAction.DETAILS
    ),
    IntegrationStatus.REAUTH_REQUIRED: StatusMessage(
        _("Please reconnect"),
        "bad",
        claim(
            "status.reauth",
            _(
                "The provider ended the access. You can still read the mail that Antares has"
                " stored; nobody else can."
            ),
        ),
        StatusAction.RECONNECT,
    ),
    IntegrationStatus.PURGING: StatusMessage(
        _("Being removed"),
        "info",
        claim("status.purging", _("Antares can no longer read any of this data.")),
        StatusAction.PROGRESS,
    ),
    IntegrationStatus.PURGED: StatusMessage(
        _("Removed"),
        "good",
        claim("status.purged", _("All data of this connection is removed. Keep the receipt.")),
        StatusAction.RECEIPT,
    ),
}

# Empty: the sentence of the status says enough.
REASON: Final[dict[str, StrOrPromise]] = {
    StatusReason.NONE: "",
    StatusReason.RATE_LIMITED: _(
        "The provider asked Antares to slow down. This continues automatically."
    ),
    StatusReason.PROVIDER_UNAVAILABLE: _("The provider is not responding. Antares keeps trying."),
    StatusReason.RESYNCING: _(
        "Antares is comparing everything with the provider again. New mail may arrive later than"
        " usual."
    ),
    StatusReason.QUARANTINED_ITEMS: _("Some messages could not be read and are left out."),
    StatusReason.SCOPE_MISSING: _(
        "The provider refused access. You or an administrator may have withdrawn a permission."
        " Grant it again to continue."
    ),
    StatusReason.MAILBOX_NOT_PROVISIONED: _(
        "The provider says that this account has no mailbox. Ask your administrator, or"
        " disconnect. Antares checks again once a day."
    ),
    StatusReason.APP_MISCONFIGURED: _(
        "There is a problem at Antares. You do not have to do anything."
    ),
    StatusReason.NO_WORKER: _(
        "Checks are interrupted by a problem at Antares. You do not have to do anything; they"
        " continue when it is solved."
    ),
    StatusReason.BUSY: _("Antares is busy right now. This continues automatically."),
    StatusReason.COUNT_MISMATCH: _("Some messages have not arrived yet. Antares keeps trying."),
    # Owners notice nothing: regular checks find the changes.
    StatusReason.PUSH_SILENT: "",
    StatusReason.GRANT_REVOKED: _("The provider reports that the access was withdrawn."),
    StatusReason.CONFIRMATION_NEEDED: _(
        "The provider asks you to confirm that it is you, for example with a code on your phone."
        " Reconnect to do so."
    ),
    StatusReason.UNEXPECTED: claim(
        "status.unexpected",
        _(
            "The last check met an unexpected error. Our operators have been notified; you do not"
            " have to do anything."
        ),
    ),
}

# Reasons that name the status better than `DEGRADED`, or `REAUTH_REQUIRED`, does.
_REASON_LABELS: Final[dict[str, StrOrPromise]] = {
    StatusReason.QUARANTINED_ITEMS: _("Needs attention"),
    StatusReason.SCOPE_MISSING: _("Permission missing"),
    StatusReason.MAILBOX_NOT_PROVISIONED: _("Not available"),
    StatusReason.UNEXPECTED: _("Interrupted"),
}


def get_status_message(status: str, reason: str = "") -> StatusMessage:
    """The sentence of a reason replaces the status's own."""
    if status == IntegrationStatus.DEGRADED and reason == StatusReason.PUSH_SILENT:
        return STATUS[IntegrationStatus.ACTIVE]
    message = STATUS[status]
    is_named = status == IntegrationStatus.DEGRADED or reason == StatusReason.SCOPE_MISSING
    return StatusMessage(
        _REASON_LABELS.get(reason, message.label) if is_named else message.label,
        message.tone,
        REASON.get(reason, "") or message.says,
        StatusAction.RECONNECT if reason == StatusReason.SCOPE_MISSING else message.action,
    )


# Active, but the last complete check was too long ago or failed.
NOT_CURRENT: Final = StatusMessage(
    _("Not up to date"), "info", _("Antares keeps trying."), StatusAction.SYNC_NOW
)
# Active, but the provider has not delivered some messages yet.
NOT_COMPLETE: Final = StatusMessage(
    _("Incomplete"), "info", _("Not all mail is here yet."), StatusAction.SYNC_NOW
)
# The description of the feature that stores the data changed since the owner agreed.
PAUSED: Final = StatusMessage(
    _("Paused"),
    "warn",
    _("Paused until you agree to the changed description."),
    StatusAction.AGREE,
)

# Of a product that was not granted when its account was connected.
WITHOUT_PERMISSION: Final[dict[str, StrOrPromise]] = {
    "mail": claim(
        "status.without-mail",
        _(
            "The account is connected, but not its mail. Antares has no permission to read mail, so"
            " it reads none."
        ),
    ),
    "calendar": claim(
        "status.without-calendars",
        _(
            "The account is connected, but not its calendars. Antares has no permission to read"
            " calendars, so it reads none."
        ),
    ),
    "drive": claim(
        "status.without-drive",
        _(
            "The account is connected, but not its Drive. Antares has no permission to put files"
            " there, so it puts none there."
        ),
    ),
}

# Why a message is quarantined, by the reason in its row.
QUARANTINE_REASONS: Final[dict[str, StrOrPromise]] = {
    "too-deep": _("Its parts are nested too deeply."),
    "too-many-parts": _("It has more parts than Antares reads."),
    "too-large": _("It is larger than Antares reads."),
    "too-costly": _("Reading it takes more time or memory than one message may use."),
    "undecodable": _("It is damaged or not in the format of mail."),
    "not-storable": _(
        "It contains something that could not be saved. Our operators have been notified."
    ),
    "crashed": _("Antares stopped while it read this message. It tries again for a week."),
    "unavailable": _("The provider did not deliver it. Antares tries again every day."),
    "unexpected": _("The provider responded in an unexpected way. Antares tries again every day."),
    "rejected": _("The provider refused to deliver it."),
}
_UNKNOWN_QUARANTINE_REASON: Final = _("It could not be read.")


def get_quarantine_reason(reason: str) -> StrOrPromise:
    return QUARANTINE_REASONS.get(reason, _UNKNOWN_QUARANTINE_REASON)


# Messages for calendars that differ from those for mail.
_CALENDARS: Final[dict[str, StrOrPromise]] = {
    IntegrationStatus.SYNCING: _("Your calendars are being imported."),
    IntegrationStatus.ACTIVE: _("Shown in your calendar."),
    IntegrationStatus.DEGRADED: _("Changes may appear later than usual."),
    IntegrationStatus.REAUTH_REQUIRED: _("The provider ended the access."),
}
_CALENDAR_REASONS: Final[dict[str, StrOrPromise]] = {
    StatusReason.RESYNCING: _(
        "Antares is comparing everything with the provider again. Changes may appear later than"
        " usual."
    ),
    StatusReason.QUARANTINED_ITEMS: _("Some events could not be read and are left out."),
    StatusReason.MAILBOX_NOT_PROVISIONED: _(
        "The provider says that this account has no calendars. Ask your administrator, or"
        " disconnect. Antares checks again once a day."
    ),
    StatusReason.COUNT_MISMATCH: _("Some events have not arrived yet. Antares keeps trying."),
}

# Active, but there is no copy: none was made yet, or it was removed because nobody looked at it.
CALENDARS_NOT_STORED: Final = claim(
    "integrations.calendar-nothing",
    _("Not stored at the moment. Antares fetches your calendars when you open your calendar."),
)

# The owner deleted the copy of each calendar.
CALENDARS_DELETED: Final = claim(
    "integrations.calendar-deleted",
    _("You deleted the copy. Antares fetches nothing until you refresh it under Manage calendars."),
)


def get_calendar_message(status: str, reason: str = "") -> StatusMessage:
    """See `get_status_message`."""
    if status == IntegrationStatus.DEGRADED and reason == StatusReason.PUSH_SILENT:
        status, reason = IntegrationStatus.ACTIVE, StatusReason.NONE
    says = _CALENDAR_REASONS.get(reason) or REASON.get(reason, "") or _CALENDARS.get(status)
    message = get_status_message(status, reason)
    return replace(message, says=says) if says else message


# Messages for a Drive that differ from those for mail.
_DRIVE: Final[dict[str, StrOrPromise]] = {
    IntegrationStatus.ACTIVE: claim(
        "status.drive-active",
        _("A file goes into this Drive only when you choose it or agree to it."),
    ),
    IntegrationStatus.DEGRADED: _("Uploads may take longer than usual."),
    IntegrationStatus.REAUTH_REQUIRED: _(
        "The provider ended the access. Uploads wait until you reconnect."
    ),
}
_DRIVE_REASONS: Final[dict[str, StrOrPromise]] = {
    StatusReason.MAILBOX_NOT_PROVISIONED: _(
        "The provider says that this account has no Drive. Ask your administrator, or disconnect."
    ),
}


def get_product_message(product: str, status: str, reason: str = "") -> StatusMessage:
    """See `get_status_message`."""
    if product == "mail":
        return get_status_message(status, reason)
    if product == "drive":
        return get_drive_message(status, reason)
    return get_calendar_message(status, reason)


def get_drive_message(status: str, reason: str = "") -> StatusMessage:
    """See `get_status_message`. Nothing is synced: the next step leads to the files."""
    says = _DRIVE_REASONS.get(reason) or REASON.get(reason, "") or _DRIVE.get(status)
    message = get_status_message(status, reason)
    if message.action in {StatusAction.SYNC_NOW, StatusAction.DETAILS, StatusAction.READ}:
        message = replace(message, action=StatusAction.FILES)
    return replace(message, says=says) if says else message
