"""What a parser process does for each task."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import orjson

from integrations.coordination import process_memory
from integrations.formats.icalendar import reader, timezones
from integrations.formats.icalendar.file_problems import Unreadable as FileUnreadable
from integrations.formats.mime import (
    event_descriptions,
    gmail_payload,
    graph_message,
    rfc5322,
    safe_bodies,
)
from integrations.formats.mime.message import ParsedMessage, Poison
from integrations.parsers import calendar_file_tasks
from integrations.parsers.calendar_file_tasks import FileRead, FileRefused, ReadCalendarFile
from integrations.parsers.event_description_tasks import DescriptionShown, ShowDescriptions
from integrations.parsers.mail_tasks import (
    FindPart,
    FoundPart,
    MailTask,
    ReadGmail,
    ReadGraph,
    ReadMail,
    ReadMime,
    ShowText,
    TextShown,
)
from integrations.parsers.wire_frames import Reason, Unreadable

_DECODER: Final = msgspec.msgpack.Decoder(MailTask | ReadCalendarFile | ShowDescriptions)
_ENCODER: Final = msgspec.msgpack.Encoder()


def prepare() -> None:
    """Load what is needed later and cannot be loaded once the process is isolated."""
    # Python's own table: the system's is a file of another folder.
    mimetypes.init(files=[])
    safe_bodies.show_text("", "<p>")
    timezones.prepare()
    process_memory.collect_seldom()


def handle(body: bytes | memoryview) -> bytes:
    """Return the encoded reply to an encoded task. Whatever else goes wrong, it is unreadable."""
    try:
        task = _DECODER.decode(body)
        return _ENCODER.encode(_HANDLERS[type(task)](task))
    except MemoryError:
        raise
    except Poison as poison:
        reason: Reason = poison.reason
    except Exception:  # noqa: BLE001 - a stranger's bytes end here, as a word
        reason = "undecodable"
    return _ENCODER.encode(Unreadable(reason))


def _read_gmail(task: ReadGmail) -> list[msgspec.Raw]:
    return _read_each(lambda payload: gmail_payload.parse(orjson.loads(payload)), task.payloads)


def _read_mime(task: ReadMime) -> list[msgspec.Raw]:
    return _read_each(rfc5322.parse, task.messages)


def _read_graph(task: ReadGraph) -> list[msgspec.Raw]:
    return _read_each(graph_message.parse, task.records)


def _read_each(
    parse: Callable[[bytes], ParsedMessage], messages: Iterable[bytes]
) -> list[msgspec.Raw]:
    return [_read_one(parse, message) for message in messages]


def _read_one(parse: Callable[[bytes], ParsedMessage], message: bytes) -> msgspec.Raw:
    """Return one result, encoded: a text that cannot be encoded spoils its own message alone."""
    try:
        mail = parse(message)
        read = ReadMail(mail, safe_bodies.show_text(mail.text, mail.html))
        return msgspec.Raw(_ENCODER.encode(read))
    except MemoryError:
        raise
    except Poison as poison:
        reason: Reason = poison.reason
    except Exception:  # noqa: BLE001 - as above
        reason = "undecodable"
    return msgspec.Raw(_ENCODER.encode(Unreadable(reason)))


def _find_part(task: FindPart) -> FoundPart:
    return FoundPart(rfc5322.find_part(task.message, task.path))


def _show_text(task: ShowText) -> TextShown:
    return TextShown(safe_bodies.show_text(task.text, task.html))


def _show_descriptions(task: ShowDescriptions) -> list[DescriptionShown | Unreadable]:
    return [_show_description(text) for text in task.texts]


def _show_description(text: str) -> DescriptionShown | Unreadable:
    try:
        return DescriptionShown(event_descriptions.show_description(text))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above
        return Unreadable("undecodable")


def _read_calendar_file(task: ReadCalendarFile) -> FileRead | FileRefused:
    try:
        return calendar_file_tasks.pack(reader.read(task.data, zone=task.zone))
    except FileUnreadable as unreadable:
        return FileRefused(list(unreadable.problems), unreadable.has_more)


_HANDLERS: Final[dict[type, Callable[[Any], object]]] = {
    ReadGmail: _read_gmail,
    ReadMime: _read_mime,
    ReadGraph: _read_graph,
    FindPart: _find_part,
    ShowText: _show_text,
    ShowDescriptions: _show_descriptions,
    ReadCalendarFile: _read_calendar_file,
}
