"""Celery entry points of grants: what a web process has to ask a worker for."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from integrations import forgetting, splitting, tokens
from integrations.fences import NoLongerLive
from integrations.providers import errors
from limited_use.vault.keyring.port import KeyStoreUnavailable


def ask_refresh(connection_id: UUID) -> None:
    """
    Ask a worker to refresh the grant now.

    :raises errors.Unavailable: if the broker is down; what is wanted stands in the row all the same
    """
    with suppress(OperationalError, OSError):
        refresh_grant.apply_async(
            kwargs={"connection_id": str(connection_id)},
            retry=False,
            # Nobody waits any longer than that.
            expires=settings.REFRESH_PATIENCE_SECONDS,
        )
        return
    raise errors.Unavailable(
        "no worker can be asked now", retry_after=float(settings.SWEEP_SECONDS)
    )


def queue_forget(connection_id: UUID) -> None:
    """Ask a worker to give a grant back. A broker that is down loses nothing: the sweep comes."""
    with suppress(OperationalError, OSError):
        forget_connection.apply_async(kwargs={"connection_id": str(connection_id)}, retry=False)


@shared_task(name="integrations.refresh_grant")  # type: ignore[untyped-decorator]
def refresh_grant(*, connection_id: str, **_: object) -> None:
    # Who asked looks at the row: what became of it stands there.
    with suppress(NoLongerLive, errors.ProviderError, KeyStoreUnavailable):
        tokens.refresh_if_wanted(connection_id=UUID(connection_id))


@shared_task(name="integrations.forget_connection")  # type: ignore[untyped-decorator]
def forget_connection(*, connection_id: str, **_: object) -> None:
    # Ended meanwhile, or reconnected.
    with suppress(forgetting.NotEmpty):
        forgetting.forget(connection_id=UUID(connection_id), at=timezone.now())


@shared_task(name="integrations.split_grants")  # type: ignore[untyped-decorator]
def split_grants(**_: object) -> None:
    """Give refresh tokens from before they had keys of their own such a key."""
    splitting.run(at=timezone.now())
