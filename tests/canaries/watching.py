"""Inside the watched processes: crash reports as talkative as they come, and every way out."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from limited_use.sinks.traceback_guard import SinkFailed

CRASHES: Final = "crashes"
EGRESS: Final = "egress"
_OURS: Final = {"accounts", "limited_use", "integrations", "config"}
_WATCHED: Final = {
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "os.system",
}


class CrashReports(logging.Handler):
    """
    Write what a crash reporter would send of a sink's failure: texts, arguments, every variable.

    The service has no reporter; with the worst one in its place, nothing of what was open in the
    sink may be in reach any more.
    """

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, SinkFailed):
            return
        report = {"logged": record.msg, "errors": list(_chain(error))}
        _append(CRASHES, json.dumps(report, default=repr))


def _chain(error: BaseException | None) -> Any:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield {
            "type": type(error).__name__,
            "text": str(error),
            "arguments": [repr(one) for one in error.args],
            "more": {name: _show_value(value) for name, value in vars(error).items()},
            "formatted": traceback.format_exception(error),
            "frames": list(_frames(error.__traceback__)),
        }
        error = error.__cause__ or error.__context__


def _frames(trace: TracebackType | None) -> Any:
    while trace is not None:
        frame = trace.tb_frame
        yield {
            "in": f"{frame.f_code.co_qualname}:{trace.tb_lineno}",
            "variables": {name: _show_value(value) for name, value in frame.f_locals.items()},
        }
        trace = trace.tb_next


def _show_value(value: object) -> str:
    try:
        shown = repr(value)
        # What is ours is looked into; what others show of theirs is for them to say.
        if type(value).__module__.partition(".")[0] in _OURS and hasattr(value, "__dict__"):
            shown += repr({name: repr(inner) for name, inner in vars(value).items()})
    except Exception as error:  # noqa: BLE001 - a reporter goes on
        return type(error).__name__
    return shown[:200_000]


def write_down_connections(folder: str, arguments: list[str]) -> None:
    """Note every place that this process reaches for, whether or not it gets there."""
    os.environ["CANARY_WATCH"] = folder
    name = " ".join(arguments[:1])
    busy = threading.local()

    def note_connection(event: str, found: tuple[Any, ...]) -> None:
        if event not in _WATCHED or getattr(busy, "now", False):
            return
        busy.now = True
        try:
            _append(
                EGRESS,
                json.dumps({"by": name, "event": event, "place": _describe_place(event, found)}),
            )
        finally:
            busy.now = False

    sys.addaudithook(note_connection)


def _describe_place(event: str, found: tuple[Any, ...]) -> str:
    if event == "socket.getaddrinfo":
        return f"{_text(found[0])}:{_text(found[1])}"
    if event.startswith("socket."):
        address = found[-1]
        shown = ":".join(map(_text, address[:2])) if isinstance(address, tuple) else _text(address)
        return shown or "-"
    if event == "subprocess.Popen":
        return " ".join(map(str, found[1]))
    return _text(found[0])


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _append(kind: str, line: str) -> None:
    folder = Path(os.environ["CANARY_WATCH"], kind)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
