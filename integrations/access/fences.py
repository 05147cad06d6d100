"""
What every writer calls first, after all its network is done.

A disconnect waits for the transaction that holds the fence, and stops every one
after it. Where both are held, the connection comes first: see "Lock order" in the README.
"""

from __future__ import annotations

from uuid import UUID

from integrations.models import Connection, ConnectionStatus, Integration


class DisconnectedError(Exception):
    """It was disconnected, or its grant replaced or ended, meanwhile. Drop what you hold."""


class NotConnectedError(Exception):
    """No such integration or connection of this owner is live. Show the connected accounts."""


def lock_integration(*, integration_id: UUID, epoch: int) -> None:
    """
    Lock the live integration for the rest of the transaction.

    :param epoch: the integration's, as it was when the work began
    :raises NoLongerLive: if it is not live, or its epoch has moved on
    """
    live = Integration.objects.live().filter(id=integration_id, epoch=epoch)
    if not live.select_for_update(no_key=True).exists():
        raise DisconnectedError


def lock_live_integration(integration_id: UUID) -> Integration:
    """
    Lock the live integration for the rest of the transaction, and return it.

    :raises NotConnected: if it is not live
    """
    live = Integration.objects.live().select_for_update(no_key=True, of=("self",))
    integration = live.filter(id=integration_id).first()
    if integration is None:
        raise NotConnectedError
    return integration


def lock_connection(*, connection_id: UUID, epoch: int) -> None:
    """
    Lock the connection whose grant stands for the rest of the transaction.

    :param epoch: the connection's, as it was when the work began
    :raises NoLongerLive: if its grant has ended, or its epoch has moved on
    """
    live = Connection.objects.filter(id=connection_id, epoch=epoch, status=ConnectionStatus.ACTIVE)
    if not live.select_for_update(no_key=True).exists():
        raise DisconnectedError
