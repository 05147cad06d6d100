"""
Fences: writers lock the integration or connection before they write, after all network calls.

A disconnect waits for the lock and stops all later transactions. Lock the connection first: see
"Lock order" in the README.
"""

from __future__ import annotations

from uuid import UUID

from integrations.models import Connection, ConnectionStatus, Integration


class DisconnectedError(Exception):
    """The integration or connection ended, or its grant was replaced. Drop unsaved results."""


class NotConnectedError(Exception):
    """The owner has no such live integration or connection. Show the connected accounts."""


def lock_integration(*, integration_id: UUID, epoch: int) -> None:
    """
    Lock the integration for the rest of the transaction.

    :param epoch: when the work began
    :raises DisconnectedError: if it is not live, or its epoch has changed
    """
    live = Integration.objects.live().filter(id=integration_id, epoch=epoch)
    if not live.select_for_update(no_key=True).exists():
        raise DisconnectedError


def lock_live_integration(integration_id: UUID) -> Integration:
    """:raises NotConnectedError:"""
    live = Integration.objects.live().select_for_update(no_key=True, of=("self",))
    integration = live.filter(id=integration_id).first()
    if integration is None:
        raise NotConnectedError
    return integration


def lock_connection(*, connection_id: UUID, epoch: int) -> None:
    """
    Lock the connection for the rest of the transaction.

    :param epoch: when the work began
    :raises DisconnectedError: if the grant has ended, or the epoch has changed
    """
    live = Connection.objects.filter(id=connection_id, epoch=epoch, status=ConnectionStatus.ACTIVE)
    if not live.select_for_update(no_key=True).exists():
        raise DisconnectedError
