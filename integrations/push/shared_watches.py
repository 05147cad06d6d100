"""Watches that several connections of one account share."""

from __future__ import annotations

from integrations.models import FETCHABLE, Integration, Watch, WatchKind, WatchStatus


def needs_mailbox_watch(integration: Integration) -> bool:
    """
    Return whether another connection needs it: an account has one watch per project, and stopping
    it for one connection stops it for all, in every organisation.
    """
    blind = integration.connection.account_blind
    if blind is None:
        return False
    others = Watch.objects.filter(
        kind=WatchKind.TOPIC,
        status__in=[WatchStatus.WANTED, WatchStatus.LIVE],
        integration__status__in=FETCHABLE,
        connection__provider=integration.connection.provider,
        connection__account_blind=bytes(blind),
    )
    return others.exclude(integration_id=integration.id).exists()
