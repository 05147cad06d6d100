"""A worker's turn at a file: send a source, compare a file, or end a cancelled session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import row_owner
from integrations.access import drive_permits, permits
from integrations.access.fences import DisconnectedError
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost
from integrations.grants import access_tokens, provider_alerts
from integrations.grants.admission_control import WorkerAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.grants.quota_purse import ProviderCallPostponed
from integrations.models import (
    FETCHABLE,
    LIVE,
    SENDABLE_FILE_STATES,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
)
from integrations.outbox.file_sources import FileSource
from integrations.providers import PROVIDERS, errors
from limited_use import traceback_scrubber
from limited_use.guard.guard import AccessRefused
from limited_use.vault.data_keys import KeyUnusable
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import file_check, source_uploads, upload_controls
from .file_transfer import FileTransfer
from .upload_errors import UploadFailed

logger = logging.getLogger(__name__)

#: Longer than any request to the provider.
LEASE_TIME: Final = timedelta(minutes=3)
#: Crashes in a row after which a file is settled as failed.
MAX_CRASHES: Final = 3
#: How long an upload is tried while a provider cannot be asked.
TRY_FOR: Final = timedelta(hours=6)
_FIRST_PAUSE: Final = timedelta(seconds=5)
# From a cancellation to the last look for its file in the Drive.
_LAST_LOOK_AFTER: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
# Limit of one sweep.
_SWEEP_LIMIT: Final = 5_000


def list_due_ids(*, at: datetime) -> list[UUID]:
    """Return the longest waiting first. An expired lease counts as free: its process is dead."""
    due = _filter_due(at).order_by("due_at")
    return list(due.values_list("id", flat=True)[:_SWEEP_LIMIT])


def upload_file(
    sources: Mapping[str, FileSource],
    file_id: UUID,
    *,
    clock: Callable[[], datetime] = timezone.now,
) -> None:
    """
    Do what is due for the file. A later try is due again.

    :param sources: by `FileSourceKind`
    :raises NotClaimable:
    """
    lease, file = _claim(file_id, at=clock())
    with row_owner.acting_for(file.user_id, file.organisation_id):
        try:
            _run_turn(lease, file, sources, clock)
        except LeaseLost:
            upload_controls.end_cancelled_again(file_id, at=clock())


def _filter_due(at: datetime) -> QuerySet[DriveFile]:
    """A disconnected integration's rows are left to its purge."""
    due = DriveFile.objects.filter(leases.match_unleased(at), due_at__lte=at)
    return due.filter(integration__status__in=LIVE)


def _claim(file_id: UUID, *, at: datetime) -> tuple[Lease, DriveFile]:
    """
    Count an expired lease as a crash of its process.

    :raises NotClaimable:
    """
    values: dict[str, Any] = {}
    if DriveFile.objects.filter(id=file_id, lease_until__lte=at, due_at__lte=at).exists():
        values["crash_count"] = F("crash_count") + 1
    rows = _filter_due(at).select_related("integration__connection")
    lease, file = leases.claim_from(rows, file_id, at=at, duration=LEASE_TIME, **values)
    file.refresh_from_db(fields=["crash_count"])
    return lease, file


def _run_turn(
    lease: Lease,
    file: DriveFile,
    sources: Mapping[str, FileSource],
    clock: Callable[[], datetime],
) -> None:
    if file.crash_count >= MAX_CRASHES:
        file_check.settle_failure(lease, DriveFileProblem.CRASHED, at=clock())
        return
    try:
        # A function of its own: a report of a crash shows the variables of this one.
        _open_and_advance(lease, file, sources, clock)
    except LeaseLost:
        raise
    except (DisconnectedError, Unopenable, KeyUnusable) as error:
        # Its purge removes the row, or the owner changed the order; a damaged value never opens.
        traceback_scrubber.clear_frames(error)
        file_check.settle_failure(lease, DriveFileProblem.STOPPED, at=clock())
    except AccessRefused:
        file_check.settle_failure(lease, DriveFileProblem.STOPPED, at=clock())
    except (KeyStoreUnavailable, ProviderCallPostponed) as wait:
        pause = timedelta(seconds=getattr(wait, "wait", _FIRST_PAUSE.total_seconds()))
        leases.release(lease, due_at=clock() + pause)
    except errors.ProviderError as error:
        _try_later(lease, file, error, clock())
    except Exception as bug:
        # Frames hold names and bytes: no report may show them.
        traceback_scrubber.clear_frames(bug)
        logger.exception("drive.upload_crashed", extra={"about": file.id})
        leases.release(lease, crash_count=file.crash_count + 1, due_at=clock() + _FIRST_PAUSE)
        raise


def _open_and_advance(
    lease: Lease,
    file: DriveFile,
    sources: Mapping[str, FileSource],
    clock: Callable[[], datetime],
) -> None:
    with (
        _open_transfer(lease, file, clock) as transfer,
        suppress(UploadFailed),
        file_check.settle_lasting_failures(transfer),
    ):
        _advance(transfer, sources)


@contextmanager
def _open_transfer(
    lease: Lease, file: DriveFile, clock: Callable[[], datetime]
) -> Iterator[FileTransfer]:
    integration = file.integration
    connection = integration.connection
    if integration.status not in FETCHABLE:
        raise errors.GrantRevoked("the grant has ended")
    provider = PROVIDERS[connection.provider]
    if provider.open_files is None:
        raise errors.Rejected("this provider stores no files")
    is_cancelled = file.state == DriveFileState.CANCELLED
    ask_guard = (
        drive_permits.to_end_session if is_cancelled else drive_permits.to_upload_ordered_file
    )
    permit = ask_guard(file=file, at=clock())
    credential = permits.to_use_access_token(connection_id=connection.id, at=clock())
    access = access_tokens.get_worker_provider_access(connection, credential)
    with provider.open_files(access) as adapter:
        admission = WorkerAdmission(connection.id, provider, slots=1)
        session = ProviderSession(adapter.access, admission)
        transfer = FileTransfer(
            lease, file, adapter, session, permit, lambda at: ask_guard(file=file, at=at), clock
        )
        transfer.read_state()
        yield transfer


def _advance(transfer: FileTransfer, sources: Mapping[str, FileSource]) -> None:
    file = transfer.file
    if file.state == DriveFileState.CANCELLED:
        _end_session(transfer)
    elif file.state == DriveFileState.CHECKING:
        file_check.check_content(transfer)
    elif file.state in SENDABLE_FILE_STATES:
        source_uploads.send_source(transfer, sources)
    elif file.state == DriveFileState.PAUSED:
        source_uploads.finish_abandoned_file(transfer)
    else:
        transfer.release(due_at=None)


def _end_session(transfer: FileTransfer) -> None:
    if transfer.state.session_url:
        transfer.adapter.cancel_upload(transfer.state.session_url)
    if transfer.state.file_id:
        # The last byte may have arrived before the order did, also in a session that ended since.
        with suppress(errors.Gone):
            transfer.call(lambda adapter: adapter.trash_file(transfer.state.file_id))
    # A sender that died may have completed the file since: one more look after a while.
    look_at = (transfer.file.finished_at or transfer.clock()) + _LAST_LOOK_AFTER
    is_last_look = not transfer.state.session_url or transfer.clock() >= look_at
    transfer.release(transfer.state.drop_transfer(), due_at=None if is_last_look else look_at)


def _try_later(lease: Lease, file: DriveFile, error: errors.ProviderError, at: datetime) -> None:
    provider = file.integration.connection.provider
    provider_alerts.alert_on_error(error, provider=provider, at=at)
    problem = file_check.find_lasting_problem(file, error, at=at)
    since = file.failing_since or at
    # A file that is compared is complete: it is given up as late as an upload.
    gives_up_at = file.expires_at if file.state == DriveFileState.CHECKING else since + TRY_FOR
    if problem is None and at >= gives_up_at:
        problem = DriveFileProblem.UNAVAILABLE
    if problem is not None:
        file_check.settle_failure(lease, problem, at=at)
        return
    pause = max(_FIRST_PAUSE, min((at - since) / 2, _LONGEST_PAUSE))
    pause = max(pause, timedelta(seconds=error.retry_after or 0))
    leases.release(lease, failing_since=since, due_at=at + pause)
