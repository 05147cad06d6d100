from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings

from integrations.connections.sync_progress import SyncProgress
from integrations.models import IntegrationStatus, StatusReason
from integrations.push.watch_health import WatchHealth
from integrations.sync.check_intervals import IntervalReason, PollInterval
from limited_use.policy.claims import claim


class StatusAction(StrEnum):
    SYNC_NOW = "sync_now"
    # Fetched mail is readable during the import.
    READ = "read"
    RECONNECT = "reconnect"
    DETAILS = "details"
    PROGRESS = "progress"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class StatusMessage:
    label: str
    tone: str
    says: str
    action: StatusAction


STATUS: dict[str, StatusMessage] = {
    IntegrationStatus.SYNCING: StatusMessage(
        "Importing", "info", "Your mail is coming in, newest first.", StatusAction.READ
    ),
    IntegrationStatus.ACTIVE: StatusMessage(
        "Connected", "good", claim("status.up-to-date", "Up to date."), StatusAction.SYNC_NOW
    ),
    IntegrationStatus.DEGRADED: StatusMessage(
        "Works partly", "warn", "Something needs a look.", StatusAction.DETAILS
    ),
    IntegrationStatus.REAUTH_REQUIRED: StatusMessage(
        "Please reconnect",
        "bad",
        claim(
            "status.reauth",
            "Access ended at the provider. Only you can read the mail that is kept here.",
        ),
        StatusAction.RECONNECT,
    ),
    IntegrationStatus.PURGING: StatusMessage(
        "Being removed",
        "info",
        claim("status.purging", "Nothing of it can be read any more."),
        StatusAction.PROGRESS,
    ),
    IntegrationStatus.PURGED: StatusMessage(
        "Removed",
        "good",
        claim("status.purged", "Everything that it brought in is removed. Keep the receipt."),
        StatusAction.RECEIPT,
    ),
}

REASON: dict[str, str] = {
    StatusReason.NONE: "",
    StatusReason.RATE_LIMITED: "The provider asked us to slow down. It goes on by itself.",
    StatusReason.PROVIDER_UNAVAILABLE: "The provider is not answering. We keep trying.",
    StatusReason.RESYNCING: "The provider forgot where we were, so everything is compared anew.",
    StatusReason.QUARANTINED_ITEMS: "Some messages could not be read and were set aside.",
    StatusReason.SCOPE_MISSING: "A permission that this needs was not given.",
    StatusReason.MAILBOX_NOT_PROVISIONED: "This account has no mailbox at the provider.",
    StatusReason.APP_MISCONFIGURED: "We have a problem on our side. You need to do nothing.",
    StatusReason.NO_WORKER: "No worker is processing this right now.",
    StatusReason.BUSY: "Antares has too much to do right now. It goes on by itself.",
    StatusReason.COUNT_MISMATCH: "Our count differs from the provider's. It is being repaired.",
    StatusReason.PUSH_SILENT: "The provider does not tell Antares of news. Antares finds news when"
    " it checks.",
    StatusReason.GRANT_REVOKED: "The provider says that access was withdrawn.",
    StatusReason.CONFIRMATION_NEEDED: "The provider wants you to confirm that it is you, with a"
    " second factor for example. Reconnect, and it asks you to.",
    StatusReason.UNEXPECTED: claim(
        "status.unexpected", "Something unexpected stops this. Our operators have been told."
    ),
}


def get_status_message(status: str, reason: str = "") -> StatusMessage:
    """The sentence of a reason replaces the status's own."""
    message = STATUS[status]
    sentence = REASON.get(reason, "")
    action = StatusAction.RECONNECT if reason == StatusReason.SCOPE_MISSING else message.action
    return StatusMessage(message.label, message.tone, sentence or message.says, action)


@dataclass(frozen=True, slots=True)
class UpdateSource:
    says: str
    told_at: datetime | None = None
    told_until: datetime | None = None


def describe_updates(
    watch: WatchHealth | None, *, label: str, interval: PollInterval | None, at: datetime
) -> UpdateSource:
    """:param interval: None while checks are irregular"""
    checks = _describe_checks(label, interval)
    if watch is None or not watch.is_live(at):
        return UpdateSource(checks)
    if watch.is_trusted(at):
        says = f"{label} tells Antares of news at once."
    elif watch.get_silence_start(at) is not None:
        says = f"{label} should tell Antares of news, and does not."
    else:
        says = f"{label} is about to begin telling Antares of news."
    return UpdateSource(f"{says} {checks}", watch.last_event_at, watch.expires_at)


def _describe_checks(label: str, interval: PollInterval | None) -> str:
    if interval is None:
        return f"At present, Antares does not check {label} at regular intervals."
    interval_text = format_interval(interval.seconds)
    if interval.reason == IntervalReason.TOLD:
        return f"Antares also checks every {interval_text}."
    checks = f"Antares checks {label} every {interval_text}."
    if interval.reason == IntervalReason.USUAL:
        return checks
    usual_text = format_interval(settings.SYNC_INTERVAL_SECONDS)
    says = claim(
        "settings.checked-rarely",
        "Checks are rare because nobody has opened this mail in Antares since about"
        f" {interval.looked_at:%-d %B %Y, %H:%M} UTC. Once you open your inbox, Antares checks"
        f" every {usual_text} again.",
    )
    return f"{checks} {says}"


def format_interval(seconds: int) -> str:
    """Return a duration as it follows “every”: `minute`, `10 minutes`."""
    count, unit = (seconds // 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return unit if count == 1 else f"{count} {unit}s"


def explain_wait(progress: SyncProgress, *, label: str, is_importing: bool) -> str:
    """
    Return a sentence that a time follows; otherwise empty.

    :param label: the provider's name
    """
    if is_importing and progress.pause_reason == StatusReason.RATE_LIMITED:
        return f"{label} limits how fast mail can be read. The import goes on by itself"
    if progress.failing_since is not None:
        return "The last try did not succeed. We try again"
    return ""


# Active, but the last complete check was too long ago or failed.
NOT_CURRENT = StatusMessage(
    "Connected", "info", "Not up to date. We keep trying to check for news.", StatusAction.SYNC_NOW
)
# Active, but the provider has not delivered some messages yet.
NOT_COMPLETE = StatusMessage(
    "Connected", "info", "Not all messages are here yet. We keep trying.", StatusAction.SYNC_NOW
)
WITHOUT_MAIL = StatusMessage(
    "Connected without mail",
    "warn",
    "You did not give the permission to read mail, so none is read.",
    StatusAction.RECONNECT,
)


# Why a message is quarantined, by the reason in its row.
QUARANTINE_REASONS: dict[str, str] = {
    "too-deep": "Its parts are nested too deeply to be read here.",
    "too-many-parts": "It has more parts than we read.",
    "too-large": "It is larger than we read.",
    "too-costly": "Reading it takes more time or memory than one message may have.",
    "undecodable": "It is damaged, or not written as mail is.",
    "not-storable": "It holds something that we could not save. Our operators have been told.",
    "crashed": "Antares stopped while it read this message. It is tried again for a week.",
    "unavailable": "The provider did not deliver it. It is tried again every day.",
    "unexpected": "The provider answered in a way unknown to us. It is tried again every day.",
    "rejected": "The provider refused to deliver it.",
}
UNKNOWN_QUARANTINE_REASON = "It could not be read."


# Messages for calendars that differ from those for mail.
_CALENDARS: dict[str, str] = {
    IntegrationStatus.SYNCING: "Your calendars are coming in.",
    IntegrationStatus.ACTIVE: "Shown in your calendar, beside everything else.",
}
_CALENDAR_REASONS: dict[str, str] = {
    StatusReason.QUARANTINED_ITEMS: "Some events could not be read and are left out.",
    StatusReason.MAILBOX_NOT_PROVISIONED: "This account has no calendars at the provider.",
}


def get_calendar_message(status: str, reason: str = "", *, is_local: bool = False) -> StatusMessage:
    """See `get_status_message`."""
    message = get_status_message(status, reason)
    if is_local:
        only_here = claim("calendars.only-here", "They are stored only in Antares.")
        return StatusMessage("Stored in Antares", "good", only_here, message.action)
    says = _CALENDAR_REASONS.get(reason) if reason else _CALENDARS.get(status)
    return StatusMessage(message.label, message.tone, says or message.says, message.action)
