"""One inbox over all mailboxes of a person: what API and pages read it by."""

from integrations.access.request_context import Asked, NotFound

from .inbox_service import (
    Reading,
    list_messages,
    list_threads,
    message,
    messages,
    read_message,
    read_thread,
    thread,
    threads,
)
from .list_filters import Filters

__all__ = [
    "Asked",
    "Filters",
    "NotFound",
    "Reading",
    "list_messages",
    "list_threads",
    "message",
    "messages",
    "read_message",
    "read_thread",
    "thread",
    "threads",
]
