"""
Provider calls while a person waits. See `admission_control.PersonAdmission`.

A page cannot open a refresh token, so it asks a worker to refresh the grant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol, TypeVar
from uuid import UUID

from django.conf import settings

from integrations.access.fences import DisconnectedError
from integrations.coordination import person_slots
from integrations.coordination.task_queue import enqueue
from integrations.models import Connection
from integrations.providers import PROVIDERS, errors
from integrations.providers.calendars import CalendarAdapter
from integrations.providers.file_download import FileDownload
from integrations.providers.files import FileAdapter
from integrations.providers.mail import MailAdapter, MailUnits
from integrations.providers.provider_access import ProviderAccess

from . import access_tokens
from .admission_control import PersonAdmission
from .bounded_downloads import LARGEST_FILE_BYTES, limit_download
from .provider_sessions import ProviderSession

T = TypeVar("T")


class MailCall(Protocol):
    """Calls the mailbox once, for `units` of quota."""

    def __call__(self, units: int, request: Callable[[MailAdapter], T]) -> T: ...


@contextmanager
def open_mailbox(connection_id: UUID) -> Iterator[tuple[MailUnits, MailCall]]:
    """
    Yield the prices of its calls, and the function that calls it.

    :raises errors.ProviderError: `RateLimited` if the quota is used up
    :raises DisconnectedError, person_slots.TooManyWaits:
    """
    with person_slots.hold_wait_slot(), _open_mail(connection_id) as mailbox:
        yield mailbox


@contextmanager
def _open_mail(connection_id: UUID) -> Iterator[tuple[MailUnits, MailCall]]:
    live = Connection.objects.live().filter(id=connection_id)
    key = live.values_list("provider", flat=True).first()
    if key is None:
        raise DisconnectedError
    provider = PROVIDERS[key]
    if provider.open_mail is None or provider.mail_units is None:
        raise errors.Rejected("this provider has no mail")
    with provider.open_mail(get_person_access(connection_id)) as adapter:
        session = ProviderSession(adapter.access, PersonAdmission(connection_id, provider))

        def call_mailbox(units: int, request: Callable[[MailAdapter], T]) -> T:
            return session.call(lambda: request(adapter), units=units)

        yield provider.mail_units, call_mailbox


class CalendarCall(Protocol):
    def __call__(self, request: Callable[[CalendarAdapter], T]) -> T: ...


def get_person_access(connection_id: UUID) -> ProviderAccess:
    """:raises DisconnectedError:"""
    return access_tokens.get_provider_access(
        connection_id=connection_id, request_refresh=request_refresh
    )


def request_refresh(connection_id: UUID) -> None:
    """:raises errors.Unavailable: if the broker is down; the connection's row keeps the request"""
    # The message expires when the caller stops waiting.
    patience = settings.REFRESH_PATIENCE_SECONDS
    if not enqueue("integrations.refresh_grant", expires=patience, connection_id=connection_id):
        raise errors.Unavailable(
            "no worker can be asked now", retry_after=float(settings.SWEEP_SECONDS)
        )


@contextmanager
def open_calendars(access: ProviderAccess) -> Iterator[CalendarCall]:
    """
    Yield the function that calls them.

    :raises errors.ProviderError, person_slots.TooManyWaits:
    """
    key = Connection.objects.values_list("provider", flat=True).get(id=access.account)
    provider = PROVIDERS[key]
    if provider.open_calendars is None:
        raise errors.Rejected("this provider has no calendars")
    with person_slots.hold_wait_slot(), provider.open_calendars(access) as adapter:
        session = ProviderSession(access, PersonAdmission(access.account, provider))

        def call_calendars(request: Callable[[CalendarAdapter], T]) -> T:
            return session.call(lambda: request(adapter))

        yield call_calendars


@contextmanager
def open_files(connection_id: UUID) -> Iterator[tuple[FileAdapter, ProviderSession]]:
    """
    Yield the adapter, whose upload sessions need no token, and the session for other calls.

    :raises errors.ProviderError, DisconnectedError:
    """
    access = get_person_access(connection_id)
    key = Connection.objects.values_list("provider", flat=True).get(id=connection_id)
    provider = PROVIDERS[key]
    if provider.open_files is None:
        raise errors.Rejected("this provider stores no files")
    with provider.open_files(access) as adapter:
        admission = PersonAdmission(connection_id, provider)
        yield adapter, ProviderSession(adapter.access, admission)


def fetch_file(
    connection_id: UUID, message_id: str, part: str, *, max_bytes: int = LARGEST_FILE_BYTES
) -> bytes:
    """:raises errors.Rejected: if the part has more than `max_bytes`"""
    with (
        person_slots.hold_wait_slot(),
        open_file(connection_id, message_id, part, max_bytes=max_bytes) as arriving,
    ):
        return b"".join(arriving)


def open_file(
    connection_id: UUID, message_id: str, part: str, *, max_bytes: int = LARGEST_FILE_BYTES
) -> FileDownload:
    """
    The caller closes the stream, and limits streams. One of the person's waits is held until the
    provider begins to answer.

    :raises errors.Rejected: if the part has more than `max_bytes`; only while reading if the
        provider does not say the size
    """
    with ExitStack() as stack:
        units, call = stack.enter_context(_open_mail(connection_id))
        arriving = call(units.attachment, lambda adapter: adapter.open_attachment(message_id, part))
        stack.callback(arriving.close)
        return limit_download(arriving, stack, max_bytes=max_bytes)
