"""One inbox over all mailboxes of a person, for API and pages."""

from integrations.access.request_context import ObjectNotFound, RequestContext

from .inbox_service import (
    PermittedMailRows,
    get_message,
    get_message_page,
    get_thread,
    get_thread_page,
    list_messages,
    list_threads,
    read_message,
    read_thread,
)
from .list_filters import MailFilters

__all__ = [
    "MailFilters",
    "ObjectNotFound",
    "PermittedMailRows",
    "RequestContext",
    "get_message",
    "get_message_page",
    "get_thread",
    "get_thread_page",
    "list_messages",
    "list_threads",
    "read_message",
    "read_thread",
]
