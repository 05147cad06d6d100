"""Ledger entries by the hundred thousand: what the guard writes of a page, over and over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from limited_use.access_request import AccessRequest
from limited_use.ledger import entries
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from tests import unrecorded
from tests.bench import mailbox

_FACTS = frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE, Fact.ACTOR_OWNS, Fact.CONSENT_CURRENT})
_COLUMNS = {"id": "uuid", "payload": "bytea", "subject": "bytea", "idx": "int8"}


def body() -> dict[str, Any]:
    """Return what the entry of a page says that its owner looked at."""
    person = uuid7()
    ask = AccessRequest(
        use=Use(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.OWNER),
        holder=uuid7(),
        epoch=1,
        actor=Actor(ActorKind.PERSON, person, person, uuid7(), uuid7(), 1),
        on_behalf_of=person,
        facts=_FACTS,
        count=50,
    )
    _, refused, records = unrecorded.decide_unrecorded([ask], at=timezone.now())
    if refused is not None:
        raise AssertionError("the entry is one of a refusal")
    return dict(records[0][1])


def load(count: int, *, placed_from: int | None = None, table: str = "limited_use_leaf") -> None:
    """
    Write `count` entries by COPY.

    :param placed_from: as if a sequencer had placed them, the first there; None: they wait for one
    """
    mailbox.copy_rows(table, _COLUMNS, _generate_rows(count, placed_from))


def _generate_rows(count: int, placed_from: int | None) -> Iterator[tuple[Any, ...]]:
    said = body()
    subject = bytes.fromhex(said["subject"])
    for number in range(count):
        entry_id = uuid7()
        payload = entries.encode_ledger_entry(
            {**said, "at": said["at"] + number, "id": str(entry_id), "v": 1}
        )
        place = None if placed_from is None else placed_from + number
        yield entry_id, payload, subject, place
