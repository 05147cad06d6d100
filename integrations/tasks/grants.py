"""Work with tokens that a web process may not open."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.access.fences import DisconnectedError
from integrations.connections import connection_removal
from integrations.grants import access_tokens, credential_rekey
from integrations.providers import errors
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable


@shared_task(name="integrations.refresh_grant")  # type: ignore[untyped-decorator]
def refresh_grant(*, connection_id: str, **_: object) -> None:
    # The waiting request reads the result from the row.
    with suppress(DisconnectedError, errors.ProviderError, KeyStoreUnavailable):
        access_tokens.refresh_grant_if_needed(connection_id=UUID(connection_id))


@shared_task(name="integrations.forget_connection")  # type: ignore[untyped-decorator]
def forget_connection(*, connection_id: str, **_: object) -> None:
    # The connection has ended, or was reconnected.
    with suppress(connection_removal.ConnectionNotEmpty):
        connection_removal.remove_connection(connection_id=UUID(connection_id), at=timezone.now())


@shared_task(name="integrations.split_grants")  # type: ignore[untyped-decorator]
def split_grants(**_: object) -> None:
    """Seal each older refresh token under a key of its own."""
    credential_rekey.rekey_old_grants(at=timezone.now())
