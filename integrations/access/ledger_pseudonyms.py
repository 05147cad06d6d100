"""
Pseudonyms under which a person's connections and integrations stand in the ledger.

Pages that show people their own entries look them up by these pseudonyms.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from integrations.models import Connection, Integration
from limited_use.access_request import PseudonymNaming
from limited_use.ledger import entries, pseudonyms
from limited_use.models.ledger_keys import LedgerKey


def get_resource_pseudonyms(*, user_id: UUID, organisation_id: UUID) -> Mapping[bytes, UUID]:
    """
    Return the pseudonyms (16 bytes each) of a person's connections and integrations, ended ones
    too.

    If a connection's ledger key is destroyed, only entries named without that key can be found.
    Destroying the key exists for this.

    :return: the id of the connection or integration, by pseudonym
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
            entries.get_pseudonym(resource_id),
        )
    }


def _get_namings(connection_ids: list[UUID]) -> Mapping[UUID, PseudonymNaming]:
    namings = dict.fromkeys(connection_ids, pseudonyms.SERVICE_NAMING)
    rows = LedgerKey.objects.filter(holder__in=connection_ids, destroyed_at=None)
    for holder, commitment in rows.values_list("holder", "commitment"):
        namings[holder] = pseudonyms.get_naming_by_commitment(holder, bytes(commitment))
    return namings


def get_actor_pseudonyms(*, user_id: UUID, organisation_id: UUID) -> frozenset[str]:
    """
    Return the pseudonyms (32 hexadecimal digits each) of a person as the actor of own entries.

    One is the service's; each connection with a ledger key adds another.
    """
    connection_ids = Connection.objects.owned_by(user_id, organisation_id).values_list(
        "id", flat=True
    )
    return frozenset(
        {
            entries.get_pseudonym(user_id),
            *(naming(user_id) for naming in _get_namings(list(connection_ids)).values()),
        }
    )
