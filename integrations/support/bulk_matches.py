"""The connections that match the criteria of a bulk revocation, and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, QuerySet

from integrations.models import (
    BulkRevocation,
    Calendar,
    Connection,
    ConnectionStatus,
    Event,
    Integration,
    Message,
)
from integrations.providers.local import LOCAL

#: Integrations that are counted in one statement.
_CHUNK: Final = 500


def find_matching_connections(bulk: BulkRevocation) -> QuerySet[Connection]:
    """
    Return the live connections that match every given criterion, at this moment.

    Local calendars never match: no provider has another copy. Connections whose removal began do
    not match either.
    """
    connections = (
        Connection.objects.live()
        .exclude(provider=LOCAL.key)
        .exclude(status=ConnectionStatus.ENDING)
        .filter(connected_at__lte=bulk.connected_until)
    )
    if bulk.organisation_id is not None:
        connections = connections.filter(organisation_id=bulk.organisation_id)
    if bulk.provider:
        connections = connections.filter(provider=bulk.provider)
    if bulk.connected_from is not None:
        connections = connections.filter(connected_at__gte=bulk.connected_from)
    return connections


def count_matches(bulk: BulkRevocation, *, keep_lease: Callable[[], None]) -> dict[str, Any]:
    """
    Return the numbers of the dry run.

    :param keep_lease: called between statements: a large count can take longer than a lease
    """
    connections = find_matching_connections(bulk)
    integrations = Integration.objects.live().filter(connection__in=connections)
    totals = connections.aggregate(
        connections=Count("id"),
        people=Count("user_id", distinct=True),
        organisations=Count("organisation_id", distinct=True),
    )
    by_provider = connections.order_by().values_list("provider").annotate(n=Count("id"))
    by_product = integrations.order_by().values_list("product").annotate(n=Count("id"))
    content = dict.fromkeys(("messages", "calendars", "events"), 0)
    for integration_ids in _iterate_chunks(integrations):
        keep_lease()
        calendars = Calendar.objects.filter(integration_id__in=integration_ids)
        content["messages"] += Message.objects.filter(integration_id__in=integration_ids).count()
        content["calendars"] += calendars.count()
        content["events"] += Event.objects.filter(calendar__in=calendars).count()
    return {
        **totals,
        "providers": dict(by_provider),
        "products": dict(by_product),
        **content,
    }


def _iterate_chunks(integrations: QuerySet[Integration]) -> Iterator[list[UUID]]:
    last_id = UUID(int=0)
    while integration_ids := list(
        integrations.filter(id__gt=last_id).order_by("id").values_list("id", flat=True)[:_CHUNK]
    ):
        yield integration_ids
        last_id = integration_ids[-1]
