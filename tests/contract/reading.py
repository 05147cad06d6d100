"""One message or thread out of an adapter, or the error that it met."""

from __future__ import annotations

from integrations.providers import errors
from integrations.providers.mail import FetchTarget, MailAdapter, RemoteMessage, RemoteThread


def fetch_message(adapter: MailAdapter, message_id: str) -> RemoteMessage:
    [message] = _fetch_thread(adapter, FetchTarget(message_id=message_id)).messages
    return message


def whole_thread(adapter: MailAdapter, thread_id: str) -> RemoteThread:
    return _fetch_thread(adapter, FetchTarget(thread_id=thread_id))


def _fetch_thread(adapter: MailAdapter, wanted: FetchTarget) -> RemoteThread:
    [found] = adapter.fetch_messages([wanted])
    if isinstance(found, errors.ProviderError):
        raise found
    return found
