"""
Summary and description of each operation and schema of the API reference.

The OpenAPI document has these texts instead of docstrings, which are for programmers of this
service. Descriptions of fields stand beside the fields, as `help_text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from integrations.mail.detail_sql import LONGEST_THREAD


class OperationText(NamedTuple):
    """
    :param summary: a phrase without a full stop
    :param description: sentences; empty if the summary says everything
    """

    summary: str
    description: str = ""


#: By operation id.
OPERATIONS: Final[Mapping[str, OperationText]] = {
    "list_delegations": OperationText(
        "List delegations",
        "Returns the people who switched the client's feature on, newest first, also those who"
        " ended it in the last 30 days.",
    ),
    "list_connections": OperationText(
        "List connected accounts",
        "Returns the person's live connections, oldest first.\n\n"
        "A platform feature gets what the purpose of its token covers. With `inbox.display` and"
        " `calendar.schedule`, these are connections with a mailbox or with calendars, and the"
        " progress of their sync. With `draft.propose` and `drive.upload`, these are connections"
        " with a mailbox or a Drive, as far as a proposal or a file needs them: ids and states.",
    ),
    "get_connection": OperationText(
        "Get a connected account",
        "A platform feature gets the same members as from `list_connections`. For a connection"
        " without a product that its purpose covers, the problem is `not-found`.",
    ),
    "list_messages": OperationText(
        "List messages", "Returns messages of all connected mailboxes, newest first."
    ),
    "get_message": OperationText(
        "Get a message",
        "`body` is sanitised HTML. It loads nothing from other servers.",
    ),
    "get_attachment": OperationText(
        "Download an attachment",
        "Returns the bytes of the attachment. Antares fetches them from the provider for this"
        " request and does not store them.",
    ),
    "list_threads": OperationText(
        "List conversations",
        "Returns conversations of all connected mailboxes. The conversation with the newest message"
        " is first.",
    ),
    "get_thread": OperationText(
        "Get a conversation with its messages",
        f"`messages` has the newest message first, and at most {LONGEST_THREAD} messages.",
    ),
    "list_outbox": OperationText(
        "List messages of the outbox",
        "Returns the person's messages that wait, are on their way, were sent in the last 30 days"
        " or could not be sent, newest first. A message is `sent` once the mailbox shows it, or"
        " once the person settled it as sent.",
    ),
    "send_message": OperationText(
        "Send a message",
        "Only the signed-in person sends. A platform feature is refused with the rule"
        " `features-never-send`.\n\n"
        "The message leaves after `undo_seconds`. Its recipients are those that the request names:"
        " a reply adds none. At most 50 people get a message, and a person sends at most 100"
        " messages and invitations in an hour, and 500 in a day; beyond that, the problem is"
        " `limited-use-refused` with the rule.\n\n"
        "The request needs an `Idempotency-Key`, which is valid for 24 hours. The same request with"
        " the same key sends nothing more: it returns the current state of the first message, with"
        " `Idempotent-Replayed: true`. Another request with the same key is refused with the"
        " problem `key-reused`. While the first request is being processed, the problem is"
        " `in-progress`. A refused request has no effect, and its key can be used again.",
    ),
    "get_outbox_message": OperationText("Get the state of a message of the outbox"),
    "remove_outbox_message": OperationText(
        "Delete a message of the outbox",
        "Deletes the message with its text and files. At the provider, nothing changes. If the"
        " message waits or is on its way, nothing is deleted, and the problem is `message-open`.",
    ),
    "undo_outbox_message": OperationText(
        "Undo a message",
        "Takes a waiting message back, at least until `undo_until`. Its text and files are kept,"
        " and it stays listed as `undone`. The request may be repeated. If the message has left or"
        " is leaving, the problem is `message-left`.",
    ),
    "look_for_outbox_message": OperationText(
        "Look for an unknown message again",
        "Antares looks into the mailbox whether the message was sent. If its outcome is not"
        " `unknown`, the problem is `outcome-known`.",
    ),
    "settle_outbox_message": OperationText(
        "Settle an unknown message as sent",
        "The person states that the message was sent. If its outcome is not `unknown`, the problem"
        " is `outcome-known`.",
    ),
    "list_proposals": OperationText(
        "List proposed drafts",
        "Returns the drafts that platform features proposed to the person, newest first.",
    ),
    "propose_draft": OperationText(
        "Propose a draft",
        "Only a platform feature with the purpose `draft.propose` proposes drafts, and only the"
        " person sends them. The response has no data of the mailbox.\n\n"
        "The problem is `limited-use-refused` if a recipient is none of the person's correspondents"
        " (rule `propose-to-correspondents`, which does not tell who), if there are more than 50"
        " recipients (`few-recipients`), or if 50 people got the same text within a day"
        " (`propose-no-campaign`). Numbers, links, addresses and names do not make a text another"
        " one. A person gets at most 100 proposals a day.\n\n"
        "The request needs an `Idempotency-Key`, which is valid for 24 hours. The same request with"
        " the same key returns the same id, with `Idempotent-Replayed: true`.",
    ),
    "get_proposal": OperationText(
        "Get a proposed draft",
        "This request counts as opening it. A draft is deleted 14 days after it was proposed.",
    ),
    "discard_proposal": OperationText("Delete a proposed draft"),
    "list_removals": OperationText(
        "List removals",
        "Returns what the client's feature has to delete, oldest first. For the client's own token."
        "\n\nA removal names items, or everything of an integration. It is issued when a person"
        " disconnects or withdraws, switches the feature off, or when items no longer exist, if the"
        " feature ever received data of the integration. Delete the copies and acknowledge the"
        " removal by `due_at`. Later, the feature's tokens are refused with the problem"
        " `removals-overdue` until it has.\n\nA removal does not change after it was listed. If the"
        " person agrees again meanwhile, it covers what the feature received before `issued_at`"
        " or with the delegation that ended.",
    ),
    "acknowledge_removal": OperationText(
        "Acknowledge a removal",
        "Says that the feature deleted its copies, and everything that it made of them. Repeating"
        " the request changes nothing. A removal that was never listed is not found.",
    ),
    "list_files": OperationText(
        "List files for a Drive",
        "Returns the files that Antares puts or has put into the person's Drive, newest first. A"
        " platform feature gets its own files, which it created since it was last switched on,"
        " without their place in the Drive.",
    ),
    "create_file": OperationText(
        "Create an upload into a Drive",
        "Creates an upload by tus 1.0, without bytes. `Location` takes the bytes by PATCH.\n\n"
        "A platform feature needs the purpose `drive.upload`, and sends only files that Antares"
        " made. If a standing consent of the person covers the file (its kind by content type, its"
        " size, and the number of files), `Upload-State` is `waiting`, and the bytes may follow at"
        " once. Otherwise it is `proposed`: the person decides within 14 days. No byte of a"
        " proposal is stored: a PATCH before the person accepts it has the problem"
        " `upload-not-open`. The feature asks for the state with GET, and sends the file once it is"
        " `waiting`. A feature has at most 20 undecided proposals to one person (otherwise"
        " `upload-queue-full`). All features together create at most 1,000 files a day for one"
        " person.\n\n"
        "`again` is for the person: files of features are not compared with earlier ones.",
    ),
    "get_file": OperationText("Get the state of a file"),
    "send_file_bytes": OperationText(
        "Send bytes of a file",
        "Antares passes the body on to the Drive while it arrives, and stores no byte. Send the"
        " file in one request, or in at most 1,000 pieces that are multiples of 262,144 bytes.\n\n"
        "After an interruption, send HEAD to the same address, with `Tus-Resumable`. The response"
        " has no body: continue at its `Upload-Offset`. Its statuses are those of GET, and 423"
        " while another request sends the file.\n\n"
        "A platform feature sends its own files. For a file under a standing consent each request"
        " needs the consent: once it is withdrawn or has expired, the problem is"
        " `limited-use-refused`, and the file is `cancelled`.",
    ),
    "remove_file": OperationText(
        "Remove a file",
        "Cancels an unfinished upload, or removes a file from the list. With `trash`, the file is"
        " also moved to the Drive's trash. A platform feature cancels its own unfinished files, and"
        " removes nothing else.",
    ),
    "accept_file": OperationText(
        "Accept a proposed file",
        "Lets the feature send the bytes of the file. Only the person accepts.",
    ),
    "pause_file": OperationText(
        "Pause an upload", "What the Drive has stays there until the upload is resumed."
    ),
    "resume_file": OperationText("Resume a paused upload"),
    "cancel_file": OperationText(
        "Cancel an upload",
        "Stops the upload for good, or declines a proposal. A platform feature cancels its own"
        " files.",
    ),
    "retry_file": OperationText(
        "Begin a failed upload again",
        "For attachments, calendars and exports. A client sends its own files again as new ones.",
    ),
    "list_calendars": OperationText(
        "List calendars",
        "Returns the person's own calendars, then calendars that colleagues share with the person."
        " A platform feature gets the person's own calendars only.",
    ),
    "create_calendar": OperationText(
        "Create an Antares calendar",
        "An Antares calendar is stored only in Antares. `version` is the version of the"
        " `local-calendar` text that the person has agreed to.\n\n"
        "The request needs an `Idempotency-Key`. The same request with the same key within 24 hours"
        " creates nothing: it returns the current calendar, with `Idempotent-Replayed: true`."
        " Another request with the same key is refused with the problem `key-reused`.",
    ),
    "get_calendar": OperationText(
        "Get a calendar", "`copy` tells how current Antares' copy of the calendar is."
    ),
    "rename_calendar": OperationText(
        "Change an Antares calendar", "Sets name, time zone and colour of an Antares calendar."
    ),
    "remove_calendar": OperationText(
        "Remove an Antares calendar", "Removes the calendar and all its events for good."
    ),
    "export_calendar": OperationText(
        "Export an Antares calendar",
        "Returns the calendar as an iCalendar file (RFC 5545). An interrupted file is incomplete:"
        " it does not end with `END:VCALENDAR`.",
    ),
    "import_calendar": OperationText(
        "Import events into an Antares calendar",
        "The body is an iCalendar file (RFC 5545) of at most 10 MB. Antares imports all of it or"
        " nothing. If lines cannot be read, or the file is too large or too complex, the problem is"
        " `unreadable-file`, and `errors` lists the lines. An event with a known UID replaces the"
        " earlier event, so the request may be repeated.",
    ),
    "list_calendar_shares": OperationText(
        "List shares of a calendar",
        "Returns the addresses with which one of the person's own calendars is shared.",
    ),
    "share_calendar": OperationText(
        "Share a calendar",
        "Shares one of the person's own calendars with the member of the organisation who has the"
        " address. The response is the same whether or not a member has it. `version` is the"
        " version of the `calendar-sharing` text that the person has agreed to.",
    ),
    "list_shares": OperationText(
        "List shares",
        "Returns all current shares: calendars that are shared by and with the person.",
    ),
    "end_share": OperationText(
        "Stop sharing", "Ends a share. Its owner and its recipient can both end it."
    ),
    "list_events": OperationText(
        "List events",
        "Returns the events and occurrences of a time range, ordered by start: of the calendars in"
        " `calendar_id`, or else of the person's own that are not hidden, and of those that"
        " colleagues share with the person. A platform feature gets the person's own only."
        " `calendars` tells for each of these calendars whether its events are included and how"
        " current Antares' copy is. A page can be short or empty although `has_more` is true.",
    ),
    "create_event": OperationText(
        "Create an event",
        "The request needs an `Idempotency-Key`, which is valid for 24 hours. The same request with"
        " the same key creates nothing: it returns the same status and the current event, with"
        " `Idempotent-Replayed: true`. Another request with the same key is refused with the"
        " problem `key-reused`. While the first request is being processed, the problem is"
        " `in-progress`, and `Retry-After` tells when to send the request again.\n\n"
        "Status 202: the event was created outside of the time range that Antares stores, so it"
        " has no id.",
    ),
    "get_event": OperationText(
        "Get an event",
        "Returns an event, a series or an occurrence. `description` is sanitised HTML.",
    ),
    "change_event": OperationText(
        "Change an event",
        "Changes an event or an occurrence. With `scope`, it changes the whole series, or the"
        " occurrence and all later ones. Members that are left out stay as they are.\n\n"
        "Changes that someone else made since the version in `If-Match` are kept. If both changed"
        " the same member, the status is 412 and nothing is saved.",
    ),
    "delete_event": OperationText(
        "Delete an event",
        "Deletes an event, or cancels an occurrence. An event that no longer exists is no error.",
    ),
    "move_event": OperationText(
        "Move an event to another calendar",
        "Moves an event, or a whole series by the id of the series. The event gets another id. Both"
        " calendars must belong to the same account, or both must be Antares calendars. If the"
        " event was changed since the version in `If-Match`, the status is 412 and nothing is"
        " moved.",
    ),
    "answer_event": OperationText(
        "Answer an invitation",
        "Answers for the person whose calendar holds the invitation. If the event was changed since"
        " the version in `If-Match`, the status is 412 and nothing is sent. Answers of other"
        " attendees do not count as changes.",
    ),
    "get_free_busy": OperationText(
        "Get busy times",
        "Returns when people and calendars are busy, without any details. People are named by"
        " `me`, their id, or their id on the platform. Times are known for you and for people who"
        " share a calendar of their own with you. For all other people,"
        " existing or not, and for calendars without a current copy of the whole time range, they"
        " are unknown. A platform feature can ask only for the person of its token: for anybody"
        " else, the problem is `limited-use-refused`. The request changes nothing, so it may be"
        " repeated.",
    ),
    "find_availability": OperationText(
        "Find times for a meeting",
        "Returns times within everyone's working hours at which all required participants are free."
        " If there are more than `limit`, the times that suit most optional participants are"
        " returned. A participant whose times are unknown is never counted as free (see"
        " `get_free_busy`). The request books nothing.",
    ),
}

_LOWER_CASE: Final = "In lower case, as Antares returns it."

#: By name, or by operation id and name if the operation needs a text of its own. Parameters with a
#: `help_text` are not listed.
PARAMETERS: Final[Mapping[str, str]] = {
    # Path.
    "user": "`me` (in lower case), the person's id (in lower case), or the person's id on the"
    " platform. A token acts for one person: any other person is `not-found`.",
    "attachment_id": f"An id from `attachments` of the message. {_LOWER_CASE}",
    "calendar_id": f"An id from `list_calendars`. {_LOWER_CASE}",
    "command_id": f"An id from `list_outbox`. {_LOWER_CASE}",
    "event_id": "An id from `list_events`, exactly as Antares returns it.",
    "file_id": f"An id from `list_files`. {_LOWER_CASE}",
    "get_connection.connection_id": f"An id from `list_connections`. {_LOWER_CASE}",
    "get_thread.thread_id": f"An id from `list_threads`. {_LOWER_CASE}",
    "message_id": f"An id from `list_messages`. {_LOWER_CASE}",
    "proposal_id": f"An id from `list_proposals`. {_LOWER_CASE}",
    "removal_id": f"An id from `list_removals`. {_LOWER_CASE}",
    "share_id": f"An id from `list_shares`. {_LOWER_CASE}",
    # Query.
    "connection_id": "Only mail of this connection: an id from `list_connections`.",
    "cursor": "`next_cursor` of the previous page. Without it, the first page is returned.",
    "end": "The end of the time range, with its offset from UTC. At most 100 days after `start`.",
    "has_attachments": "`true`: only messages with attachments. `false`: only messages without.",
    "limit": "The largest number of entries on a page.",
    "received_after": "Only messages that the provider received after this time.",
    "received_before": "Only messages that the provider received before this time.",
    "starred": "`true`: only starred messages. `false`: only other messages.",
    "start": "The beginning of the time range, with its offset from UTC.",
    "thread_id": "Only messages of this conversation: an id from `list_threads`.",
    "unread": "`true`: only unread messages. `false`: only messages that were read.",
    "delete_event.scope": "What is deleted of a series.",
    "list_removals.state": "Which removals are listed.",
    "list_threads.has_attachments": "`true`: only conversations with attachments. `false`: only"
    " conversations without.",
    "list_threads.received_after": "Only conversations whose newest message the provider received"
    " after this time.",
    "list_threads.received_before": "Only conversations whose newest message the provider received"
    " before this time.",
    "list_threads.starred": "`true`: only conversations with a starred message. `false`: only other"
    " conversations.",
    "list_threads.unread": "`true`: only conversations with unread messages. `false`: only"
    " conversations whose messages were all read.",
    # Headers.
    "Idempotency-Key": "A text of 8 to 200 visible ASCII characters. Use a new text for each object"
    " that you create, and the same text to send a request again.",
    "If-Match": "The `ETag` of the version that you read.",
    "Tus-Resumable": "The version of the upload protocol.",
}

#: By component name. Other components need no description.
SCHEMAS: Final[Mapping[str, str]] = {
    "AvailabilityQuery": "The participants, the time range and the length of the meeting.",
    "FreeBusyQuery": "The people and calendars, and the time range.",
    "EventEdit": "The new values. Members that are left out stay as they are.",
    "When": "A span of time or of whole days. The end is exclusive.",
    "WhenGiven": "Two times in `timezone`, or two days. The end is exclusive.",
    "WrittenElsewhere": "The event was saved outside of the time range that Antares stores.",
}
