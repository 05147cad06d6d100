"""
Whether every answer with provider data in it went to whom the ledger says it may.

The ledger names nobody; this looks the names up as the service would, for the few people
of the run, and holds each answer against the entries that were written while it was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg

from tests.canaries.cast import Cast
from tests.canaries.exchanges import Exchange
from tests.canaries.marks import ORIGINS, Marks
from tests.canaries.needles import Needles

_LEAVES: Final = "SELECT id, payload FROM limited_use_leaf"
_PERMITTED: Final = "use.permitted"
_REFUSED: Final = "use.refused"


@dataclass
class Book:
    """
    Who is behind a name of the ledger.

    :param holders: whose connection or integration it is
    :param actors: people by their first names, features by their client's id
    """

    cast: Cast
    marks: Marks
    holders: dict[str, str] = field(default_factory=dict)
    actors: dict[str, str] = field(default_factory=dict)

    def learn(self) -> None:
        """Learn what is called how now; with a connection's end its own names are gone."""
        from accounts.models import ServiceClient
        from integrations.models import Connection, Integration
        from limited_use.ledger import entries, pseudonyms

        people = {UUID(self.cast.id(name)): name for name in self.cast.people}
        clients = dict(ServiceClient.objects.values_list("id", "client_id"))
        for connection in Connection.objects.all():
            owner = people.get(connection.user_id, "")
            ids = [
                connection.id,
                *Integration.objects.filter(connection=connection).values_list("id", flat=True),
            ]
            for name in (
                pseudonyms.get_pseudonym_naming(connection.id),
                entries.get_ledger_pseudonym,
            ):
                self.holders |= {name(one): owner for one in ids}
                self.actors |= {name(one): who for one, who in {**people, **clients}.items()}

    def without_permission(self, url: str) -> tuple[list[str], int]:
        """Return the answers that no entry permits, and how many were looked at."""
        leaves = list(_read_ledger_leaves(url))
        needles = Needles({name: self.marks.of(name) for name in ORIGINS})
        wrong, looked_at = [], 0
        for one in self.cast.exchanges.all:
            shown = {name for name, _ in needles.found_in(one.answer)}
            looked_at += bool(shown)
            wrong += [
                f"{one.line}: {owner}'s"
                for owner in sorted(shown)
                if not self._permits(one, owner, leaves)
            ]
        return wrong, looked_at

    def without_record(self, url: str) -> tuple[list[str], int]:
        """Return the refusals whose entry is not in the ledger, and how many were looked at."""
        leaves = {leaf["id"]: leaf for leaf in _read_ledger_leaves(url)}
        refusals = [one for one in self.cast.exchanges.all if "ledger_entry" in one.problem]
        wrong = [
            one.line
            for one in refusals
            if not self._is_of(leaves.get(one.problem["ledger_entry"], {}), one, _REFUSED)
        ]
        return wrong, len(refusals)

    def _permits(self, one: Exchange, owner: str, leaves: list[dict[str, Any]]) -> bool:
        recipients = _recipients(one, owner)
        return any(
            self._is_of(leaf, one, _PERMITTED)
            and self.holders.get(leaf["subject"]) == owner
            and leaf["recipient"] in recipients
            and one.began <= leaf["at"] <= one.ended
            for leaf in leaves
        )

    def _is_of(self, leaf: dict[str, Any], one: Exchange, event: str) -> bool:
        who = one.actor.partition(" for ")[0]
        return leaf.get("event") == event and self.actors.get(leaf["actor"]) == who


def _recipients(one: Exchange, owner: str) -> set[str]:
    """Return as whom the actor may be given what is `owner`'s."""
    who, _, whose = one.actor.partition(" for ")
    if whose:
        return {"platform_feature"} if whose == owner else set()
    if who == owner:
        # On the way to the consent page the account's own name goes along, for the provider.
        return {"own_provider"} if one.to_provider else {"owner"}
    return {"support_agent", "registered_user"}


def _read_ledger_leaves(url: str) -> Iterator[dict[str, Any]]:
    with psycopg.connect(url) as connection:
        for leaf_id, payload in connection.execute(_LEAVES):
            yield {**json.loads(bytes(payload)), "id": str(leaf_id)}
