"""
What the ledger calls what belongs to a person: their connections and integrations.

Pages that show somebody their own entries ask here for the names to look for.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from integrations.models import Connection, Integration
from limited_use.access_request import Naming
from limited_use.ledger import entries, pseudonyms
from limited_use.models.ledger_keys import LedgerKey


def of_owner(*, user_id: UUID, organisation_id: UUID) -> Mapping[bytes, UUID]:
    """
    Return the names (16 bytes each) of a person's connections and integrations, ended ones too.

    Of a connection whose ledger key is destroyed only what was named without it is left: that was
    the point.

    :return: by name, the id of the connection or integration that it is of
    """
    mine = Connection.objects.owned_by(user_id, organisation_id)
    of: dict[UUID, list[UUID]] = {one: [one] for one in mine.values_list("id", flat=True)}
    theirs = Integration.objects.filter(connection_id__in=list(of))
    for one, connection_id in theirs.values_list("id", "connection_id"):
        of[connection_id].append(one)
    return {
        bytes.fromhex(name): one
        for connection_id, naming in _namings(list(of)).items()
        for one in of[connection_id]
        for name in (naming(one), naming.at_the_end(one), entries.pseudonym(one))
    }


def _namings(connection_ids: list[UUID]) -> Mapping[UUID, Naming]:
    found = dict.fromkeys(connection_ids, pseudonyms.SERVICE)
    rows = LedgerKey.objects.filter(holder__in=connection_ids, destroyed_at=None)
    for holder, commitment in rows.values_list("holder", "commitment"):
        found[holder] = pseudonyms.of_key(holder, bytes(commitment))
    return found


def of_person(*, user_id: UUID, organisation_id: UUID) -> frozenset[str]:
    """
    Return the names (32 hexadecimal digits each) by which a person acts in their own entries.

    One of the service, and one for each connection that has a ledger key.
    """
    mine = Connection.objects.owned_by(user_id, organisation_id).values_list("id", flat=True)
    return frozenset(
        {entries.pseudonym(user_id), *(naming(user_id) for naming in _namings(list(mine)).values())}
    )
