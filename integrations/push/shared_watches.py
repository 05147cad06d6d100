"""Who else is told through one and the same watch: an account may be connected several times."""

from __future__ import annotations

from integrations.models import FETCHABLE, Integration, Watch, WatchKind, WatchStatus


def needs_mailbox_watch(integration: Integration) -> bool:
    """
    Return whether somebody else's connection of the same account goes by its mailbox's watch.

    A provider has one for an account and project: stopped for one connection, it tells none of
    them, in whichever organisation.
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
