"""One message or thread out of an adapter, or the error that it met."""

from __future__ import annotations

from integrations.providers import errors
from integrations.providers.mail import FetchTarget, MailAdapter, RemoteMessage, RemoteThread


def fetched(adapter: MailAdapter, message_id: str) -> RemoteMessage:
    [message] = _only(adapter, FetchTarget(message_id=message_id)).messages
    return message


def whole_thread(adapter: MailAdapter, thread_id: str) -> RemoteThread:
    return _only(adapter, FetchTarget(thread_id=thread_id))


def _only(adapter: MailAdapter, wanted: FetchTarget) -> RemoteThread:
    [found] = adapter.fetch_messages([wanted])
    if isinstance(found, errors.ProviderError):
        raise found
    return found
