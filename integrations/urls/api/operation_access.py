"""
Who may call each operation, and which data it is about.

A test calls every operation with a token of each purpose, and as the person, and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from limited_use.policy import feature_registry
from limited_use.policy.policy_vocabulary import DataClass, Purpose

#: Purposes that a token can have: those that registered platform features declare.
TOKEN_PURPOSES: Final = tuple(
    sorted(
        {
            purpose
            for feature in feature_registry.FEATURES.values()
            if feature.platform_client
            for purpose in feature.purposes
        }
    )
)


class OperationAccess(NamedTuple):
    """
    :param tag: the resource, of `operation_tags`
    :param purposes: purposes of tokens that may call the operation
    :param data_classes: classes of provider data that the operation opens, stores or passes on
    :param is_for_person: whether the person may call it in a session
    :param is_for_client: whether it needs the client's own token, which stands for no person
    """

    tag: str
    purposes: tuple[str, ...]
    data_classes: tuple[DataClass, ...]
    is_for_person: bool = True
    is_for_client: bool = False


_NO_TOKEN: Final[tuple[str, ...]] = ()
_NO_DATA: Final[tuple[DataClass, ...]] = ()
_INBOX: Final = (Purpose.INBOX_DISPLAY,)
_SCHEDULE: Final = (Purpose.CALENDAR_SCHEDULE,)
_DRIVE: Final = (Purpose.DRIVE_UPLOAD,)
_PROFILE: Final = (DataClass.PROFILE,)
_METADATA: Final = (DataClass.MAIL_METADATA,)
_CONTENT: Final = (DataClass.MAIL_CONTENT,)
_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)
_CALENDAR: Final = (DataClass.CALENDAR_EVENT,)
_EVENT: Final = (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)
_FREE_BUSY: Final = (DataClass.CALENDAR_FREEBUSY,)
_FILE: Final = (DataClass.FILE_CONTENT,)

_MESSAGES: Final = {
    "list_messages": OperationAccess("Messages", _INBOX, _METADATA),
    "get_message": OperationAccess("Messages", _INBOX, _MAIL),
    "get_attachment": OperationAccess("Attachments", _INBOX, _MAIL),
    "list_threads": OperationAccess("Threads", _INBOX, _METADATA),
    "get_thread": OperationAccess("Threads", _INBOX, _METADATA),
}
_SENDING: Final = {
    "list_outbox": OperationAccess("Outbox", _NO_TOKEN, _NO_DATA),
    "send_message": OperationAccess("Outbox", _NO_TOKEN, _MAIL),
    "get_outbox_message": OperationAccess("Outbox", _NO_TOKEN, _NO_DATA),
    "remove_outbox_message": OperationAccess("Outbox", _NO_TOKEN, _NO_DATA),
    "undo_outbox_message": OperationAccess("Outbox", _NO_TOKEN, _NO_DATA),
    "look_for_outbox_message": OperationAccess("Outbox", _NO_TOKEN, _NO_DATA),
    "settle_outbox_message": OperationAccess("Outbox", _NO_TOKEN, _NO_DATA),
    "list_proposals": OperationAccess("Proposals", _NO_TOKEN, _CONTENT),
    "propose_draft": OperationAccess(
        "Proposals", (Purpose.DRAFT_PROPOSE,), _MAIL, is_for_person=False
    ),
    "get_proposal": OperationAccess("Proposals", _NO_TOKEN, _CONTENT),
    "discard_proposal": OperationAccess("Proposals", _NO_TOKEN, _NO_DATA),
}
_FILES: Final = {
    **{
        name: OperationAccess("Files", _DRIVE, _FILE)
        for name in (
            "list_files", "create_file", "get_file", "send_file_bytes", "remove_file",
            "cancel_file",
        )
    },
    **{
        name: OperationAccess("Files", _NO_TOKEN, _FILE)
        for name in ("accept_file", "pause_file", "resume_file", "retry_file")
    },
}  # fmt: skip
_CONNECTIONS: Final = {
    name: OperationAccess("Connections", TOKEN_PURPOSES, _PROFILE)
    for name in ("list_connections", "get_connection")
}
_CALENDARS: Final = {
    "list_calendars": OperationAccess("Calendars", _SCHEDULE, _CALENDAR),
    "create_calendar": OperationAccess("Calendars", _NO_TOKEN, _CALENDAR),
    "get_calendar": OperationAccess("Calendars", _SCHEDULE, _CALENDAR),
    "rename_calendar": OperationAccess("Calendars", _NO_TOKEN, _CALENDAR),
    "remove_calendar": OperationAccess("Calendars", _NO_TOKEN, _CALENDAR),
    "export_calendar": OperationAccess("Calendars", _NO_TOKEN, _EVENT),
    "import_calendar": OperationAccess("Calendars", _NO_TOKEN, _EVENT),
    "list_calendar_shares": OperationAccess("Sharing", _NO_TOKEN, _NO_DATA),
    "share_calendar": OperationAccess("Sharing", _NO_TOKEN, _NO_DATA),
    "list_shares": OperationAccess("Sharing", _NO_TOKEN, _NO_DATA),
    "end_share": OperationAccess("Sharing", _NO_TOKEN, _NO_DATA),
    "list_events": OperationAccess("Events", _SCHEDULE, _EVENT),
    "create_event": OperationAccess("Events", _NO_TOKEN, _EVENT),
    "get_event": OperationAccess("Events", _SCHEDULE, _EVENT),
    "change_event": OperationAccess("Events", _NO_TOKEN, _EVENT),
    "delete_event": OperationAccess("Events", _NO_TOKEN, _CALENDAR),
    "move_event": OperationAccess("Events", _NO_TOKEN, _EVENT),
    "answer_event": OperationAccess("Events", _NO_TOKEN, _EVENT),
    "get_free_busy": OperationAccess("Free/busy", _SCHEDULE, _FREE_BUSY),
    "find_availability": OperationAccess("Free/busy", _SCHEDULE, _FREE_BUSY),
}

_CLIENTS: Final = {
    name: OperationAccess(tag, _NO_TOKEN, _NO_DATA, is_for_person=False, is_for_client=True)
    for name, tag in (
        ("list_delegations", "Delegations"),
        ("list_removals", "Removals"),
        ("acknowledge_removal", "Removals"),
    )
}

#: By operation id.
ACCESS: Final[Mapping[str, OperationAccess]] = {
    **_MESSAGES,
    **_SENDING,
    **_FILES,
    **_CONNECTIONS,
    **_CALENDARS,
    **_CLIENTS,
}
