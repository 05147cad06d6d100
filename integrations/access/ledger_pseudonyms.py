"""Pseudonyms that find a person's ledger entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from integrations.models import (
    Connection,
    Integration,
    SupportAct,
    SupportLookup,
    SupportQuestion,
)
from limited_use.access_request import PseudonymNaming
from limited_use.ledger import entries, pseudonyms
from limited_use.models.ledger_keys import LedgerKey


def get_resource_pseudonyms(*, user_id: UUID, organisation_id: UUID) -> Mapping[bytes, UUID]:
    """
    Return ids by pseudonym (16 bytes), ended connections and integrations too.

    A destroyed ledger key hides its entries, on purpose.
    """
    connections = Connection.objects.owned_by(user_id, organisation_id)
    ids_by_connection: dict[UUID, list[UUID]] = {
        resource_id: [resource_id] for resource_id in connections.values_list("id", flat=True)
    }
    integrations = Integration.objects.filter(connection_id__in=list(ids_by_connection))
    for resource_id, connection_id in integrations.values_list("id", "connection_id"):
        ids_by_connection[connection_id].append(resource_id)
    return {
        bytes.fromhex(name): resource_id
        for connection_id, naming in _get_namings(list(ids_by_connection)).items()
        for resource_id in ids_by_connection[connection_id]
        for name in (
            naming(resource_id),
            naming.at_the_end(resource_id),
            entries.get_ledger_pseudonym(resource_id),
        )
    }


def get_support_pseudonyms(*, user_id: UUID) -> frozenset[bytes]:
    """Return the names (16 bytes) of what support looked up, did and asked for the person."""
    own_rows = (
        SupportLookup.objects.filter(user_id=user_id).values_list("search_id", flat=True),
        SupportAct.objects.filter(user_id=user_id).values_list("id", flat=True),
        SupportQuestion.objects.filter(user_id=user_id).values_list("id", flat=True),
    )
    return frozenset(
        bytes.fromhex(entries.get_ledger_pseudonym(subject_id))
        for rows in own_rows
        for subject_id in rows
    )


def get_item_pseudonyms(
    *, user_id: UUID, organisation_id: UUID, items: Collection[UUID]
) -> Mapping[str, UUID]:
    """
    Return the items by the pseudonyms (32 hexadecimal digits) that uses of single items have.

    The connection of an item that was deleted is unknown: each connection has its own pseudonym.
    """
    connections = Connection.objects.owned_by(user_id, organisation_id)
    namings = _get_namings(list(connections.values_list("id", flat=True)))
    return {naming(item): item for naming in namings.values() for item in items}


def _get_namings(connection_ids: list[UUID]) -> Mapping[UUID, PseudonymNaming]:
    namings = dict.fromkeys(connection_ids, pseudonyms.SERVICE_NAMING)
    rows = LedgerKey.objects.filter(holder__in=connection_ids, destroyed_at=None)
    for holder, commitment in rows.values_list("holder", "commitment"):
        namings[holder] = pseudonyms.get_naming_by_commitment(holder, bytes(commitment))
    return namings


def get_actor_pseudonyms(*, user_id: UUID, organisation_id: UUID) -> frozenset[str]:
    """
    Return 32 hexadecimal digits each: the service's pseudonym, and one for each connection with a
    ledger key.
    """
    connection_ids = Connection.objects.owned_by(user_id, organisation_id).values_list(
        "id", flat=True
    )
    return frozenset(
        {
            entries.get_ledger_pseudonym(user_id),
            *(naming(user_id) for naming in _get_namings(list(connection_ids)).values()),
        }
    )
