"""For each operation of the document a request that is answered 2xx, in terms of the `World`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from limited_use.policy.feature_registry import FEATURES
from tests.api.generated.world import FILE_BYTES, SOON, GeneratedRequestsWorld
from tests.integrations.drive.tus_files import TUS
from tests.integrations.uploads.tus import encode_metadata

FILE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1@example.test\r\n"
    b"DTSTAMP:20300101T000000Z\r\nDTSTART:20300101T090000Z\r\nDTEND:20300101T100000Z\r\n"
    b"SUMMARY:Imported\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@dataclass(frozen=True)
class Request:
    """Values of one request, by the names that the document gives them; `body` None: none."""

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


def make_known_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    """Return a request by the id of its operation."""
    return (
        _read_requests(world)
        | _sending_requests(world)
        | _calendar_requests(world)
        | _event_requests(world)
        | _file_requests(world)
        | {
            "list_delegations": Request(),
            "list_removals": Request(),
            "acknowledge_removal": Request({"removal_id": world.ids["removal"]}),
        }
    )


def make_local_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    """Return the same requests, with events of local calendars instead of the provider's."""
    known = make_known_requests(world)
    event, match = _event(world, "At home"), _match(world, "At home")
    create = known["create_event"]
    return known | {
        "create_event": replace(create, body=create.body | {"calendar_id": world.ids["local"]}),
        "change_event": replace(known["change_event"], path=event, headers=match),
        "delete_event": replace(known["delete_event"], path=event, headers=match),
        "move_event": Request(event, headers=match, body={"calendar_id": world.ids["other"]}),
    }


def _path(**ids: str) -> dict[str, str]:
    return {"user": "me", **ids}


def _event(world: GeneratedRequestsWorld, title: str) -> dict[str, str]:
    return _path(event_id=world.ids[title])


def _match(world: GeneratedRequestsWorld, name: str) -> dict[str, str]:
    return {"If-Match": f'"{world.etags[name]}"'}


def _read_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    ids = world.ids
    one_message = _path(message_id=ids["message"])
    times = {
        "start": (world.soon - SOON).isoformat(),
        "end": (world.soon + SOON).isoformat(),
    }
    return {
        "list_messages": Request(_path(), {"folder": "inbox", "limit": 2}),
        "get_message": Request(one_message),
        "get_attachment": Request(one_message | {"attachment_id": ids["attachment"]}),
        "list_threads": Request(_path()),
        "get_thread": Request(_path(thread_id=ids["thread"])),
        "list_connections": Request(_path()),
        "get_connection": Request(_path(connection_id=ids["connection"])),
        "list_calendars": Request(_path()),
        "get_calendar": Request(_path(calendar_id=ids["primary"])),
        "list_events": Request(_path(), times),
        "get_event": Request(_path(event_id=ids["Review"])),
        "get_free_busy": Request(_path(), body={**times, "people": ["me"]}),
        "find_availability": Request(
            _path(), body={**times, "duration_minutes": 30, "participants": [{"user_id": "me"}]}
        ),
    }


def _sending_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    ids = world.ids
    unknown, proposal = _path(command_id=ids["unknown"]), _path(proposal_id=ids["proposal"])
    draft = {
        "mailbox": ids["mailbox"],
        "to": [{"name": "Bob", "address": "bob@example.test"}],
        "subject": "Plan",
        "text": "Hello",
    }
    return {
        "list_outbox": Request(_path()),
        "send_message": Request(
            _path(), headers={"Idempotency-Key": "a-message-of-mine"}, body=draft
        ),
        "get_outbox_message": Request(unknown),
        "remove_outbox_message": Request(unknown),
        "undo_outbox_message": Request(_path(command_id=ids["waiting"])),
        "look_for_outbox_message": Request(unknown),
        "settle_outbox_message": Request(unknown),
        "list_proposals": Request(_path()),
        "propose_draft": Request(
            _path(), headers={"Idempotency-Key": "a-draft-for-you"}, body=draft
        ),
        "get_proposal": Request(proposal),
        "discard_proposal": Request(proposal),
    }


def _calendar_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    local = _path(calendar_id=world.ids["local"])
    match = _match(world, "local")
    about = {"name": "Plans", "timezone": "Europe/Berlin", "colour": "#1a73e8"}
    share = {
        "email": world.bob.email,
        "level": "freebusy",
        "version": FEATURES["calendar-sharing"].version,
        "expires_at": (world.at + timedelta(days=30)).isoformat(),
    }
    return {
        "create_calendar": Request(
            _path(),
            headers={"Idempotency-Key": "a-calendar-of-mine"},
            body={**about, "version": FEATURES["local-calendar"].version},
        ),
        "rename_calendar": Request(local, headers=match, body=about),
        "remove_calendar": Request(local, headers=match),
        "import_calendar": Request(local, body=FILE),
        "export_calendar": Request(local),
        "list_calendar_shares": Request(local),
        "share_calendar": Request(local, body=share),
        "list_shares": Request(_path()),
        "end_share": Request(_path(share_id=world.ids["share"])),
    }


def _event_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    move = {"calendar_id": world.ids["team"]}
    return {
        "create_event": Request(
            _path(),
            headers={"Idempotency-Key": "an-event-of-mine"},
            body={
                "calendar_id": world.ids["primary"],
                "title": "Planning",
                "when": {"object": "timespan", "timezone": "Europe/Berlin", **world.hour(2)},
                "reminders": [{"minutes": 10}],
                "require_free": [],
            },
        ),
        "change_event": Request(
            _event(world, "To change"),
            headers=_match(world, "To change"),
            body={"title": "Review, part 2"},
        ),
        "delete_event": Request(
            _event(world, "To delete"), {"notify": "none"}, _match(world, "To delete")
        ),
        "move_event": Request(
            _event(world, "To move"), headers=_match(world, "To move"), body=move
        ),
        "answer_event": Request(
            _event(world, "Invitation"),
            headers=_match(world, "Invitation"),
            body={"status": "accepted"},
        ),
    }


def _file_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    ids = world.ids
    proposed, sendable = _path(file_id=ids["proposed"]), _path(file_id=ids["sendable"])
    new = {
        "Upload-Length": str(FILE_BYTES),
        "Upload-Metadata": encode_metadata(filename="plan.txt", filetype="text/plain"),
    }
    return {
        "list_files": Request(_path()),
        "create_file": Request(_path(), {"again": "true"}, {**TUS, **new}),
        "get_file": Request(proposed),
        "send_file_bytes": Request(
            sendable, headers={**TUS, "Upload-Offset": "0"}, body=bytes(FILE_BYTES)
        ),
        "remove_file": Request(proposed),
        "accept_file": Request(proposed),
        "cancel_file": Request(proposed),
        "pause_file": Request(sendable),
        "resume_file": Request(_path(file_id=ids["paused"])),
        "retry_file": Request(_path(file_id=ids["failed"])),
    }
