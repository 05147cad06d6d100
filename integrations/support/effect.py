"""What an act would change, in numbers, before it is ordered. No content is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import connection as database

from integrations.access import scopes
from integrations.models import Integration, SupportActKind, SyncWork, Watch, WatchStatus
from integrations.providers.local import LOCAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportEffect:
    """
    For a disconnect: what is removed, ends or stops. For other acts: what is done again.

    :param features: how many features stop, if they are switched on
    :param unsent: messages that are not sent any more
    :param uploads: rows of the list of uploads
    :param skipped: messages that are fetched again
    :param syncs: mailboxes, calendars and lists of calendars that are fetched
    :param watches: notifications of changes that are renewed
    """

    accounts: int = 0
    messages: int = 0
    calendars: int = 0
    events: int = 0
    shares: int = 0
    unsent: int = 0
    uploads: int = 0
    features: int = 0
    skipped: int = 0
    syncs: int = 0
    watches: int = 0

    def to_json(self) -> dict[str, int]:
        """Return the numbers that are not zero."""
        return {name: count for name, count in asdict(self).items() if count}


def count_effect(
    kind: SupportActKind, integrations: Sequence[Integration], *, empty_count: int = 0
) -> SupportEffect:
    """
    Call it in a process whose row owner is the agent, who has found the owner.

    :param integrations: the live ones that the act concerns, with their connections
    :param empty_count: how many accounts without products it disconnects
    """
    ids = [integration.id for integration in integrations]
    match kind:
        case SupportActKind.SYNC_NOW:
            return SupportEffect(syncs=SyncWork.objects.filter(integration_id__in=ids).count())
        case SupportActKind.RETRY_QUARANTINED:
            return SupportEffect(skipped=_count_rows(ids)["quarantined"])
        case SupportActKind.RENEW_PUSH:
            watches = Watch.objects.filter(integration_id__in=ids)
            return SupportEffect(watches=watches.exclude(status=WatchStatus.LEAVING).count())
        case SupportActKind.SEND_RECEIPT_LINK:
            return SupportEffect()
        case _:
            counts = _count_rows(ids)
            return SupportEffect(
                accounts=empty_count
                + len({integration.connection_id for integration in integrations}),
                messages=counts["messages"],
                calendars=counts["calendars"],
                events=counts["events"],
                shares=counts["shares"],
                unsent=counts["unsent"],
                uploads=counts["uploads"],
                features=_count_stopped_features(integrations),
            )


def _count_rows(integration_ids: Sequence[UUID]) -> Counter[str]:
    counts: Counter[str] = Counter()
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT kind, counted FROM count_support_effect(%s::uuid[])", [list(integration_ids)]
        )
        for kind, counted in cursor.fetchall():
            counts[kind] += counted
    return counts


def _count_stopped_features(integrations: Sequence[Integration]) -> int:
    """Count the features of products of which the person keeps no other one."""
    ending_ids = {integration.id for integration in integrations}
    stopped: set[tuple[UUID, str]] = set()
    for integration in integrations:
        connection = integration.connection
        live = Integration.objects.live().owned_by(connection.user_id, connection.organisation_id)
        others = live.filter(product=integration.product).exclude(id__in=ending_ids)
        if others.exclude(connection__provider=LOCAL.key).exists():
            continue
        stopped |= {
            (connection.organisation_id, feature.key)
            for feature in scopes.list_product_features(integration.product)
        }
    return len(stopped)
