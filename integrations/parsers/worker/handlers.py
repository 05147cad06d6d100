from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import orjson

from integrations.coordination import process_memory
from integrations.formats.icalendar import calendar_file_reader, timezones
from integrations.formats.icalendar.file_problems import UnreadableCalendarFile
from integrations.formats.mime import (
    event_descriptions,
    gmail_payload,
    graph_message,
    rfc5322,
    safe_bodies,
)
from integrations.formats.mime.message import ParsedMessage, UnreadableMailMessage
from integrations.parsers import calendar_file_tasks
from integrations.parsers.calendar_file_tasks import (
    CalendarFileRefusal,
    CalendarFileReply,
    ReadCalendarFile,
)
from integrations.parsers.event_description_tasks import (
    SanitisedDescriptionReply,
    SanitiseDescriptions,
)
from integrations.parsers.mail_tasks import (
    FindPart,
    FindPartReply,
    MailTask,
    ParsedMail,
    ReadGmail,
    ReadGraph,
    ReadMime,
    SanitiseText,
    SanitiseTextReply,
)
from integrations.parsers.parser_frames import UnreadableItem, UnreadableReason

_DECODER: Final = msgspec.msgpack.Decoder(MailTask | ReadCalendarFile | SanitiseDescriptions)
_ENCODER: Final = msgspec.msgpack.Encoder()


def load_libraries() -> None:
    """Load all code that isolation would prevent from loading later."""
    # Python's own table; the system's file is outside the allowed folders.
    mimetypes.init(files=[])
    safe_bodies.sanitise_text("", "<p>")
    timezones.load_zones()
    process_memory.collect_rarely()


def handle_parser_task(body: bytes | memoryview) -> bytes:
    """Any error but `MemoryError` becomes `UnreadableItem`."""
    try:
        task = _DECODER.decode(body)
        return _ENCODER.encode(_HANDLERS[type(task)](task))
    except MemoryError:
        raise
    except UnreadableMailMessage as poison:
        reason: UnreadableReason = poison.reason
    except Exception:  # noqa: BLE001 - a stranger's bytes end here, as a word
        reason = "undecodable"
    return _ENCODER.encode(UnreadableItem(reason))


def _read_gmail(task: ReadGmail) -> list[msgspec.Raw]:
    return _read_each(
        lambda payload: gmail_payload.parse_payload(orjson.loads(payload)), task.payloads
    )


def _read_mime(task: ReadMime) -> list[msgspec.Raw]:
    return _read_each(rfc5322.parse_message, task.messages)


def _read_graph(task: ReadGraph) -> list[msgspec.Raw]:
    return _read_each(graph_message.parse_record, task.records)


def _read_each(
    parse: Callable[[bytes], ParsedMessage], messages: Iterable[bytes]
) -> list[msgspec.Raw]:
    return [_read_one(parse, message) for message in messages]


def _read_one(parse: Callable[[bytes], ParsedMessage], message: bytes) -> msgspec.Raw:
    """Encode results separately: text that cannot be encoded affects only its own message."""
    try:
        mail = parse(message)
        parsed = ParsedMail(mail, safe_bodies.sanitise_text(mail.text, mail.html))
        return msgspec.Raw(_ENCODER.encode(parsed))
    except MemoryError:
        raise
    except UnreadableMailMessage as poison:
        reason: UnreadableReason = poison.reason
    except Exception:  # noqa: BLE001 - as above
        reason = "undecodable"
    return msgspec.Raw(_ENCODER.encode(UnreadableItem(reason)))


def _find_part(task: FindPart) -> FindPartReply:
    return FindPartReply(rfc5322.find_part(task.message, task.path))


def _sanitise_text(task: SanitiseText) -> SanitiseTextReply:
    return SanitiseTextReply(safe_bodies.sanitise_text(task.text, task.html))


def _sanitise_descriptions(
    task: SanitiseDescriptions,
) -> list[SanitisedDescriptionReply | UnreadableItem]:
    return [_sanitise_description(text) for text in task.texts]


def _sanitise_description(text: str) -> SanitisedDescriptionReply | UnreadableItem:
    try:
        return SanitisedDescriptionReply(event_descriptions.sanitise_description(text))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above
        return UnreadableItem("undecodable")


def _read_calendar_file(task: ReadCalendarFile) -> CalendarFileReply | CalendarFileRefusal:
    try:
        return calendar_file_tasks.pack_file(
            calendar_file_reader.read_calendar_file(task.data, zone=task.zone)
        )
    except UnreadableCalendarFile as unreadable:
        return CalendarFileRefusal(list(unreadable.problems), unreadable.has_more)


_HANDLERS: Final[dict[type, Callable[[Any], object]]] = {
    ReadGmail: _read_gmail,
    ReadMime: _read_mime,
    ReadGraph: _read_graph,
    FindPart: _find_part,
    SanitiseText: _sanitise_text,
    SanitiseDescriptions: _sanitise_descriptions,
    ReadCalendarFile: _read_calendar_file,
}
