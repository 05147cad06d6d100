"""
A description of each value of the enumerations of the API reference.

An entry describes an enumeration by its places: `Component.member`, or `operation_id.parameter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from integrations.web import problem_catalogue


class EnumerationText(NamedTuple):
    """
    :param places: places of the document with these values, or some of them
    :param values: a phrase for each value
    """

    places: tuple[str, ...]
    values: Mapping[str, str]


_SYNC_REASONS: Final = {
    "rate_limited": "The provider asks Antares to slow down",
    "provider_unavailable": "The provider does not answer",
    "resyncing": "Antares fetches everything again",
    "quarantined_items": "Some items cannot be read",
    "scope_missing": "The person has not granted a permission that is needed",
    "mailbox_not_provisioned": "The account has no mailbox",
    "app_misconfigured": "Antares has a configuration problem",
    "no_worker": "No worker of Antares is free",
    "busy": "Antares is busy",
    "count_mismatch": "Antares and the provider count different numbers of items",
    "push_silent": "The provider sends no notifications",
    "grant_revoked": "The access at the provider has ended",
    "confirmation_needed": "The person has to confirm something in Settings",
    "unexpected": "An error in Antares",
}

_ACCOUNTS: Final = (
    EnumerationText(
        ("Delegation.state",),
        {
            "on": "Tokens are issued",
            "outdated": "The feature's text has changed: every use is refused. When the person"
            " agrees to the new text, another delegation takes the place of this one",
            "ended": "No token is issued any more",
        },
    ),
    EnumerationText(
        ("Removal.reason",),
        {
            "disconnected": "The account was disconnected",
            "withdrawn": "The person withdrew the agreement to the copy in Antares",
            "switched_off": "The person switched the feature off, agreed to its new text, or left"
            " the organisation and came back",
            "deleted_at_provider": "The items were deleted at the provider, or in an Antares"
            " calendar",
            "no_longer_kept": "Antares no longer keeps the items",
        },
    ),
    EnumerationText(
        ("Removal.product",), {"mail": "Mail", "calendar": "Calendars", "drive": "Files"}
    ),
    EnumerationText(
        ("list_removals.state",),
        {"open": "Not acknowledged yet", "acknowledged": "Acknowledged"},
    ),
    EnumerationText(
        ("Connection.provider",),
        {"google": "Google", "microsoft": "Microsoft 365", "offline": "Antares calendars"},
    ),
    EnumerationText(
        ("Connection.status",),
        {"active": "In use", "reauth_required": "The person has to connect the account again"},
    ),
    EnumerationText(
        ("Connection.capabilities[]",),
        {
            "mail.read": "Read mail",
            "mail.send": "Send mail",
            "calendar.read": "Read calendars",
            "calendar.write": "Change calendars",
            "drive.upload": "Put files into the Drive",
        },
    ),
    EnumerationText(
        ("Integration.product",), {"mail": "Mail", "calendar": "Calendar", "drive": "Drive"}
    ),
    EnumerationText(
        ("Integration.status",),
        {
            "syncing": "The first sync is running",
            "active": "Up to date",
            "degraded": "Delayed, for `status_reason`",
            "reauth_required": "The person has to connect again; features get no data",
        },
    ),
    EnumerationText(
        ("Integration.status_reason", "Sync.pause_reason"), {"": "No reason", **_SYNC_REASONS}
    ),
    EnumerationText(
        ("Sync.stage",),
        {"snapshot": "Fetches everything", "delta": "Fetches changes"},
    ),
    EnumerationText(
        ("Sync.check_interval_reason",),
        {
            "usual": "The usual interval",
            "told": "Checks are rare, because the provider sends push notifications",
            "not_looked_at": "Checks are rare, because the mail was neither listed nor opened for"
            " about an hour",
        },
    ),
)

_MAIL: Final = (
    EnumerationText(
        ("list_messages.folder", "list_threads.folder"),
        {
            "inbox": "Inbox",
            "sent": "Sent",
            "drafts": "Drafts",
            "archive": "Archive",
            "important": "Gmail: important",
            "chat": "Gmail: chats",
            "category_personal": "Gmail: category Primary",
            "category_social": "Gmail: category Social",
            "category_promotions": "Gmail: category Promotions",
            "category_updates": "Gmail: category Updates",
            "category_forums": "Gmail: category Forums",
        },
    ),
    EnumerationText(
        ("AnswerOf.mode",),
        {
            "forward": "Forward the message",
            "reply": "Answer the sender",
            "reply_all": "Answer the sender and the other recipients",
        },
    ),
    EnumerationText(
        ("NewOutboxMessage.undo_seconds",),
        {
            "5": "5 seconds",
            "10": "10 seconds",
            "20": "20 seconds",
            "30": "30 seconds",
        },
    ),
    EnumerationText(
        ("OutboxMessage.state",),
        {
            "waiting": "Nothing is at the provider; the message can be undone",
            "drafted": "The provider has a draft",
            "sending": "The provider was asked to send",
            "sent": "The mailbox shows the sent message, or the person settled it as sent",
            "failed": "Could not be sent, for `problem`",
            "unknown": "Nothing shows whether it was sent; the person decides",
            "undone": "The person took it back",
        },
    ),
    EnumerationText(
        ("OutboxMessage.problem",),
        {
            "rejected": "The provider refuses the message",
            "recipient_rejected": "The provider refuses a recipient",
            "sender_rejected": "The provider refuses the sender",
            "too_large": "Larger than the provider accepts",
            "scope_missing": "The grant does not cover sending",
            "grant_ended": "The access at the provider has ended",
            "admin_blocked": "The administrator of the account does not allow Antares",
            "unavailable": "The provider did not answer for too long",
            "rate_limited": "The provider's own limit of messages was reached for too long",
            "stopped": "The person withdrew the agreement to sending, or left",
            "source_gone": "The answered message or a forwarded file no longer exists",
            "draft_changed": "The draft was changed or deleted at the provider",
            "restored": "Antares was restored from a backup",
            "not_found": "Not found in the mailbox, although it may have been sent",
            "crashed": "An error in Antares",
        },
    ),
)

_CALENDARS: Final = (
    EnumerationText(
        ("CalendarCopy.state", "CalendarStanding.state"),
        {
            "local": "An Antares calendar",
            "current": "The copy is current",
            "deleted": "The copy was removed",
            "pending": "The first copy is being fetched",
            "withheld": "The owner has not agreed to the current text about sharing",
        },
    ),
    EnumerationText(
        ("Calendar.level", "Share.level", "NewShare.level"),
        {
            "owner": "A calendar of the person",
            "freebusy": "Busy times without details",
            "details": "Busy times and the details of events",
        },
    ),
    EnumerationText(
        ("Share.direction",),
        {"given": "The person shares the calendar", "received": "It is shared with the person"},
    ),
    EnumerationText(
        ("Accepted.status",), {"accepted": "Accepted, whether or not a member has the address"}
    ),
    EnumerationText(
        ("When.object", "WhenGiven.object"),
        {"timespan": "From one time to another", "datespan": "Whole days"},
    ),
    EnumerationText(
        ("Event.status", "BusySlot.status"),
        {"confirmed": "Takes place", "tentative": "Not certain yet", "busy": "Busy"},
    ),
    EnumerationText(
        ("Event.visibility", "NewEvent.visibility", "PatchedEventEdit.visibility"),
        {"default": "As the calendar is", "private": "Only the owner of the calendar sees details"},
    ),
    EnumerationText(
        ("Participant.status", "Answer.status"),
        {
            "needs_action": "No answer yet",
            "accepted": "Going",
            "tentative": "Maybe",
            "declined": "Not going",
        },
    ),
    EnumerationText(
        ("Conferencing.status",),
        {
            "pending": "The provider is creating it",
            "ready": "Has an address",
            "failed": "The provider could not create it",
        },
    ),
    EnumerationText(
        ("Reminder.method", "ReminderGiven.method"),
        {"popup": "A notification on the screen", "email": "An email from the provider"},
    ),
    EnumerationText(
        (
            "Answer.notify",
            "Move.notify",
            "NewEvent.notify",
            "PatchedEventEdit.notify",
            "delete_event.notify",
        ),
        {"all": "The provider emails the attendees", "none": "The attendees get no email"},
    ),
    EnumerationText(
        ("Answer.scope", "PatchedEventEdit.scope", "delete_event.scope"),
        {
            "this": "The event or occurrence",
            "following": "The occurrence and all later ones",
            "all": "The whole series",
        },
    ),
    EnumerationText(
        ("WrittenElsewhere.status",), {"written": "Saved outside of the stored time range"}
    ),
    EnumerationText(
        ("CalendarTimes.status", "PersonTimes.status", "Attendance.status"),
        {"known": "All busy times are known", "unknown": "Not known, which does not mean free"},
    ),
    EnumerationText(
        ("Opening.days[]",),
        {
            "monday": "Monday",
            "tuesday": "Tuesday",
            "wednesday": "Wednesday",
            "thursday": "Thursday",
            "friday": "Friday",
            "saturday": "Saturday",
            "sunday": "Sunday",
        },
    ),
)

_FILES: Final = (
    EnumerationText(
        ("File.state",),
        {
            "proposed": "The person has not decided yet",
            "waiting": "No byte was sent",
            "uploading": "Some bytes were sent",
            "paused": "The person paused the upload",
            "checking": "All bytes were sent; Antares compares the file in the Drive",
            "done": "In the Drive",
            "failed": "Not in the Drive, for `problem`",
            "cancelled": "The person or the feature stopped the upload, or declined it",
        },
    ),
    EnumerationText(
        ("File.problem",),
        {
            "storage_full": "The Drive has no room",
            "too_large": "Larger than the Drive accepts",
            "rejected": "The provider refuses the file",
            "scope_missing": "The grant does not cover uploads",
            "grant_ended": "The access at the provider has ended",
            "admin_blocked": "The administrator of the account does not allow Antares",
            "folder_gone": "The chosen folder no longer exists",
            "source_gone": "The attachment, calendar or export no longer exists",
            "checksum_mismatch": "The file in the Drive differs from the bytes that were sent",
            "session_expired": "The provider ended the upload too often",
            "abandoned": "The client did not send all bytes in time",
            "unavailable": "The provider did not answer for too long",
            "stopped": "The person withdrew the agreement, or left",
            "crashed": "An error in Antares",
        },
    ),
    EnumerationText(
        ("File.origin",),
        {
            "client": "Sent by a browser or an API client",
            "attachment": "An attachment of a message",
            "calendar": "An Antares calendar",
            "mail_export": "A copy of the mail of the same account",
        },
    ),
    EnumerationText(
        ("create_file.Tus-Resumable", "send_file_bytes.Tus-Resumable"),
        {"1.0.0": "The version of the upload protocol"},
    ),
)

_PROBLEM: Final = (
    EnumerationText(
        ("Problem.code",),
        {code: str(problem.title) for code, problem in problem_catalogue.EXPLAINED.items()},
    ),
    EnumerationText(
        ("Problem.limited_by",),
        {"self": "A limit of Antares", "provider": "A limit of the provider"},
    ),
    EnumerationText(
        ("Problem.data_class",),
        {
            "mail.content": "Text, headers and files of messages",
            "mail.metadata": "Senders, recipients, subjects and labels of messages",
            "calendar.event": "Events with their details",
            "calendar.freebusy": "Busy times",
            "file.content": "Files for the Drive",
            "profile": "Address and name of the account",
            "credential": "The grant at the provider",
            "contact.link": "Which telephone numbers and addresses belong to one contact",
            "channel.cpni": "Calls and messages of other channels; no provider data",
        },
    ),
    EnumerationText(
        ("Problem.recipient",),
        {
            "owner": "The person whose data it is",
            "platform_feature": "A feature of the platform that acts for the person",
            "registered_user": "A colleague with whom the person shares the data",
            "own_provider": "The provider that the data came from",
            "other_own_account": "Another account that the person connected",
            "support_agent": "A support agent",
            "vault": "Nobody: the data stays encrypted",
            "authority": "An authority",
            "acquirer": "An acquirer",
            "processor": "A processor",
            "third_party": "A third party",
            "public": "The public",
        },
    ),
)

ENUMERATIONS: Final = (*_ACCOUNTS, *_MAIL, *_CALENDARS, *_FILES, *_PROBLEM)

#: The same, by place.
VALUES_BY_PLACE: Final[Mapping[str, Mapping[str, str]]] = {
    place: text.values for text in ENUMERATIONS for place in text.places
}


def describe_enumerations(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add `x-enumDescriptions` to enumerations (a drf-spectacular postprocessing hook)."""
    for place, schema in list_enumerations(result).items():
        values = VALUES_BY_PLACE.get(place, {})
        schema["x-enumDescriptions"] = {
            str(value): values.get(str(value), "") for value in schema["enum"] if value is not None
        }
    return result


def list_enumerations(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schemas of members and parameters with a list of values, by place."""
    schemas = {
        f"{name}.{member}": schema
        for name, component in document["components"]["schemas"].items()
        for member, schema in component.get("properties", {}).items()
    }
    parameters = {
        f"{operation['operationId']}.{parameter['name']}": parameter["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
    }
    places = schemas | parameters
    items = {f"{place}[]": schema["items"] for place, schema in places.items() if "items" in schema}
    return {place: schema for place, schema in (places | items).items() if "enum" in schema}
