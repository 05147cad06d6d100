"""
Logs that cannot leak: JSON lines with allow-listed fields.

Events are names (``purge.completed``), arguments of messages are never filled in, and unlisted
extras are dropped. A listed value must look like an id, a name or a number. An exception is
logged as its type and line: its text may quote a provider, and its locals hold mail (CASA 6.5.1).
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from pathlib import PurePath
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final
from uuid import UUID

FIELDS: Final = frozenset(
    {
        # request
        "method", "request_id", "route", "status", "duration_ms",
        # subjects: our own ids
        "about", "actor_kind", "attempt_id", "client_id", "connection_id", "delegation_id",
        "entry_id", "feature", "integration_id", "job_id", "kind", "receipt_id", "resource",
        "work_id",
        # outcome
        "attempt", "bytes", "clause", "code", "count", "data_class", "error", "from_status",
        "next_try_at", "outcome", "port", "provider", "purpose", "queue", "reason", "rule_id",
        "size", "step", "task", "task_id", "to_status", "tree_size", "trigger", "units", "version",
    }
)  # fmt: skip

_EVENT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
# No space, at sign or question mark: no prose, address or query string.
_LOGGABLE_TEXT: Final = re.compile(r"[A-Za-z0-9_.:/<>()\[\]{}^$\\+*|-]{0,120}")
# Their templates are sentences; arguments are not filled in.
_LIBRARY_LOGGERS: Final = ("django", "celery", "kombu")


class JsonLineFormatter(logging.Formatter):
    """One JSON object per record and line."""

    def format(self, record: logging.LogRecord) -> str:
        from config.request_log import request_id

        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": get_event_name(record),
        }
        if current := request_id.get():
            line["request_id"] = current
        for name in sorted(FIELDS & record.__dict__.keys()):
            if (value := convert_to_log_value(record.__dict__[name])) is not None:
                line[name] = value
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = describe_exception(record.exc_info[1])
        if line["event"] == "library.logged" or record.levelno >= logging.ERROR:
            line["where"] = f"{PurePath(record.pathname).name}:{record.lineno}"
        return json.dumps(line, separators=(",", ":"))


def get_event_name(record: logging.LogRecord) -> str:
    """Return the event's name; for library sentences, the template without arguments."""
    if isinstance(record.msg, str) and _EVENT.fullmatch(record.msg):
        return record.msg
    is_template = isinstance(record.msg, str) and bool(record.args)
    if is_template and record.name.partition(".")[0] in _LIBRARY_LOGGERS:
        return record.msg
    return "library.logged"


def convert_to_log_value(value: object) -> str | int | float | bool | None:
    """Return an id, name, number or time as a JSON value; None for any other value."""
    match value:
        case bool() | int() | float():
            return value
        case datetime() | UUID():
            return str(value).replace(" ", "T")
        case str() if _LOGGABLE_TEXT.fullmatch(value):
            return str(value)
    return None


def describe_exception(error: BaseException) -> list[str]:
    """Return the chain of exceptions, outermost first, each as ``Type at file:line``."""
    chain: list[str] = []
    visited_ids: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in visited_ids:
        visited_ids.add(id(current))
        chain.append(f"{type(current).__name__} at {_raised_at(current.__traceback__)}")
        current = current.__cause__ or current.__context__
    return chain


def _raised_at(traceback: TracebackType | None) -> str:
    frames = list(walk_tb(traceback))
    if not frames:
        return "unknown"
    frame, line = frames[-1]
    return f"{PurePath(frame.f_code.co_filename).name}:{line}"


def log_uncaught() -> None:
    """Log uncaught exceptions by our formatter, without a traceback."""
    logger = logging.getLogger("config.uncaught")

    def log_exception(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        logger.critical("process.crashed", exc_info=(kind, error, trace))

    def log_thread_exception(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            logger.critical("thread.crashed", exc_info=args.exc_value)

    sys.excepthook = log_exception
    threading.excepthook = log_thread_exception


def build_configuration(*, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: one handler and formatter at the root."""
    through_root = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "config.logging.JsonLineFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        # Django's own handlers print request lines, and mail tracebacks to administrators.
        "loggers": {
            **dict.fromkeys(("django", "django.server"), through_root),
            # It logs every request, and each unwrapped key is one.
            "httpx": {"level": "WARNING"},
        },
    }
