"""The operators' steps of a service client, read from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from limited_use.ledger import entries, entry_form
from limited_use.models import Leaf

#: Steps that are read of a client; they are a few in a year.
_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class ClientStep:
    """
    :param operator: pseudonym of the person; None in an entry of an earlier version
    :param approver: pseudonym of the second operator; None if the step needed none
    :param channel: value of `OperatorChannel`; empty in such an entry
    :param keys: thumbprints of all keys after the step; None in such an entry
    """

    entry_id: UUID
    at: datetime
    event: str
    operator: str | None
    approver: str | None
    channel: str
    keys: Sequence[str] | None


def list_client_steps(client_id: UUID) -> list[ClientStep]:
    """
    Return the steps, oldest first.

    :param client_id: id of the row
    """
    subject = bytes.fromhex(entries.get_ledger_pseudonym(client_id))
    leaves = Leaf.objects.filter(subject=subject).order_by("-id")[:_LIMIT]
    return [_parse_step(leaf) for leaf in reversed(leaves)]


def get_key_ages(steps: Iterable[ClientStep]) -> dict[str, datetime]:
    """Return since when each key is registered without a pause, by thumbprint."""
    ages: dict[str, datetime] = {}
    for step in steps:
        if step.keys is not None:
            ages = {key: ages.get(key, step.at) for key in step.keys}
    return ages


def _parse_step(leaf: Leaf) -> ClientStep:
    payload = entry_form.read_entry(leaf.id, bytes(leaf.payload), leaf.fault)
    body = payload.get("body", {})
    return ClientStep(
        entry_id=leaf.id,
        at=datetime.fromtimestamp(payload["at"] / 1000, UTC),
        event=payload["event"],
        operator=payload.get("actor"),
        approver=body.get("approved_by"),
        channel=body.get("channel", ""),
        keys=body.get("keys"),
    )
