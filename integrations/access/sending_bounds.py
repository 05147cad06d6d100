"""
The bounds of sending: recipients of one message, and messages of one person in an hour and a day.

They limit what a stolen session can do. Mail and invitations count alike, in every mailbox of the
person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Q

from accounts import memberships
from integrations.models import OutgoingCount, OutgoingKind
from limited_use.policy.policy_vocabulary import Fact

MAX_RECIPIENTS: Final = 50
MAX_PER_HOUR: Final = 100
MAX_PER_DAY: Final = 500
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

#: What a stored command has proved: it was counted when it was stored.
ALL_WITHIN: Final = frozenset(
    {Fact.RECIPIENTS_WITHIN_BOUND, Fact.HOUR_WITHIN_BOUND, Fact.DAY_WITHIN_BOUND}
)


class BoundReached(Exception):
    """Another request used the last message of the bound. Ask the guard again: it refuses."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """
    A message or an invitation that a person is about to send.

    :param recipient_count: people who get it
    """

    user_id: UUID
    organisation_id: UUID
    kind: OutgoingKind
    recipient_count: int


def find_bound_facts(message: OutgoingMessage, *, at: datetime) -> frozenset[Fact]:
    last_hour, last_day = _count_messages(message, at)
    facts = set()
    if message.recipient_count <= MAX_RECIPIENTS:
        facts.add(Fact.RECIPIENTS_WITHIN_BOUND)
    if last_hour < MAX_PER_HOUR:
        facts.add(Fact.HOUR_WITHIN_BOUND)
    if last_day < MAX_PER_DAY:
        facts.add(Fact.DAY_WITHIN_BOUND)
    return frozenset(facts)


def count_message(message: OutgoingMessage, *, at: datetime) -> None:
    """
    Count it in the caller's transaction, which locks the person's membership: concurrent requests
    cannot exceed a bound together.

    :raises BoundReached:
    """
    memberships.lock_memberships(
        user_ids=[message.user_id], organisation_id=message.organisation_id
    )
    if find_bound_facts(message, at=at) != ALL_WITHIN:
        raise BoundReached
    OutgoingCount.objects.create(
        user_id=message.user_id,
        organisation_id=message.organisation_id,
        kind=message.kind,
        recipient_count=message.recipient_count,
        counted_at=at,
    )


def delete_old_counts(*, at: datetime) -> int:
    """Delete counts that no bound needs any more; return how many."""
    count, _ = OutgoingCount.objects.filter(counted_at__lte=at - _DAY).delete()
    return count


def _count_messages(message: OutgoingMessage, at: datetime) -> tuple[int, int]:
    counts = OutgoingCount.objects.filter(
        user_id=message.user_id,
        organisation_id=message.organisation_id,
        counted_at__gt=at - _DAY,
    ).aggregate(day=Count("id"), hour=Count("id", filter=Q(counted_at__gt=at - _HOUR)))
    return counts["hour"], counts["day"]
