"""When support read the items that a person opened, from the person's own ledger entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from integrations.access import ledger_pseudonyms, support_and_export_permits
from limited_use.ledger import subject_access
from limited_use.ledger.entry_filters import EntryFilter
from limited_use.policy.policy_vocabulary import Purpose


def find_readings(
    items: Collection[UUID], *, actor: Actor, since: datetime
) -> Mapping[UUID, tuple[datetime, ...]]:
    """
    Return the times at which an agent read each item, newest first.

    :param items: the person's own, in the organisation in which they act
    """
    if not items:
        return {}
    user_id, organisation_id = support_and_export_permits.get_owner_ids(actor)
    owner = {"user_id": user_id, "organisation_id": organisation_id}
    names = ledger_pseudonyms.get_item_pseudonyms(**owner, items=items)
    own_entries = subject_access.find_subject_entries(
        ledger_pseudonyms.get_resource_pseudonyms(**owner),
        EntryFilter(purpose=Purpose.SUPPORT_ITEM, outcome="permitted", since=since),
        limit=subject_access.MAX_ENTRIES,
    )
    # One reading has an entry for each data class.
    readings: dict[UUID, set[tuple[datetime, str | None]]] = {item: set() for item in items}
    for entry in own_entries:
        item = names.get(entry.item or "")
        if item is not None:
            readings[item].add((entry.at, entry.actor))
    return {
        item: tuple(sorted((at for at, _ in found), reverse=True))
        for item, found in readings.items()
    }
