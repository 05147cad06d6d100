"""One message or thread out of an adapter, or the error that it met."""

from __future__ import annotations

from integrations.providers import errors
from integrations.providers.mail import MailAdapter, RemoteMessage, RemoteThread, Wanted


def fetched(adapter: MailAdapter, message_id: str) -> RemoteMessage:
    [message] = _only(adapter, Wanted(message_id=message_id)).messages
    return message


def whole_thread(adapter: MailAdapter, thread_id: str) -> RemoteThread:
    return _only(adapter, Wanted(thread_id=thread_id))


def _only(adapter: MailAdapter, wanted: Wanted) -> RemoteThread:
    [found] = adapter.fetch([wanted])
    if isinstance(found, errors.ProviderError):
        raise found
    return found
