"""Files of a mailbox that a worker downloads. See `admission_control.WorkerAdmission`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from integrations.models import Connection
from integrations.providers import PROVIDERS, errors
from integrations.providers.file_download import FileDownload
from integrations.providers.provider_access import ProviderAccess
from limited_use.access_request import Permit

from . import access_tokens
from .admission_control import WorkerAdmission
from .bounded_downloads import LARGEST_FILE_BYTES, limit_download
from .provider_sessions import ProviderSession

#: Returns the provider's message id, and the part's path in the message.
LocatePart = Callable[[ProviderAccess], tuple[str, str]]


def open_file(
    connection: Connection,
    credential: Permit,
    locate_part: LocatePart,
    *,
    max_bytes: int = LARGEST_FILE_BYTES,
) -> FileDownload:
    """
    The caller closes the stream.

    :param connection: of the mailbox: live, just read
    :param credential: permit to use its access token
    :param locate_part: opens where the file is, for this access
    :raises errors.Rejected: if the file has more than `max_bytes`; only while reading if the
        provider does not say the size
    :raises errors.ProviderError, quota_purse.ProviderCallPostponed, DisconnectedError:
    """
    provider = PROVIDERS[connection.provider]
    if provider.open_mail is None or provider.mail_units is None:
        raise errors.Rejected("this provider has no mail")
    access = access_tokens.get_worker_provider_access(connection, credential)
    with ExitStack() as stack:
        adapter = stack.enter_context(provider.open_mail(access))
        message_id, part = locate_part(adapter.access)
        session = ProviderSession(adapter.access, WorkerAdmission(connection.id, provider, slots=1))
        arriving = session.call(
            lambda: adapter.open_attachment(message_id, part), units=provider.mail_units.attachment
        )
        stack.callback(arriving.close)
        return limit_download(arriving, stack, max_bytes=max_bytes)
