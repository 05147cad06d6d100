"""A page of a client's delegations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from accounts import delegation_list
from accounts.delegation_list import ListedDelegation
from accounts.models import ServiceClient
from integrations.web import page_cursors
from integrations.web.page_cursors import CursorPagePosition
from limited_use.policy.feature_registry import FEATURES

_KIND: Final = "delegations"


class DelegationState(StrEnum):
    ON = "on"
    OUTDATED = "outdated"
    ENDED = "ended"


def get_delegation_page(
    client: ServiceClient, *, cursor: str | None, limit: int, at: datetime
) -> dict[str, Any]:
    """
    Return `data`, `next_cursor` and `has_more`, the newest first.

    :raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor:
    """
    query: dict[str, Any] = {
        "kind": _KIND,
        "audience": f"client {client.id}",
        "filters": "",
        "at": at,
    }
    before = page_cursors.read(cursor, **query).id if cursor else None
    rows = delegation_list.list_delegations(
        feature=client.feature, before=before, limit=limit + 1, at=at
    )
    page, has_more = rows[:limit], len(rows) > limit
    next_cursor = None
    if has_more:
        position = CursorPagePosition(page[-1].switched_on_at, page[-1].id)
        next_cursor = page_cursors.write(position, **query)
    purposes = _list_purposes(client)
    return {
        "data": [_describe_delegation(row, client.feature, purposes) for row in page],
        "next_cursor": next_cursor,
        "has_more": has_more,
    }


def _list_purposes(client: ServiceClient) -> list[str]:
    registered = ServiceClient.objects.values_list("purposes", flat=True).get(id=client.id)
    feature = FEATURES.get(client.feature)
    # Removed from the registry: its client still lists whom it has to care for.
    return sorted(set(registered) & set(feature.purposes)) if feature else []


def _describe_delegation(
    row: ListedDelegation, feature: str, purposes: list[str]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "user": {"id": row.user_id, "platform_id": row.platform_user},
        "organisation": {"id": row.organisation_id, "platform_id": row.platform_organisation},
        "purposes": purposes,
        "state": _get_state(row, feature),
        "text_version": row.feature_version,
        "switched_on_at": row.switched_on_at,
        "switched_off_at": row.switched_off_at,
    }


def _get_state(row: ListedDelegation, feature_key: str) -> DelegationState:
    feature = FEATURES.get(feature_key)
    if row.switched_off_at is not None or not row.is_usable or feature is None:
        return DelegationState.ENDED
    is_current = row.feature_version == feature.version
    return DelegationState.ON if is_current else DelegationState.OUTDATED
