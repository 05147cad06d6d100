"""
Find a person by an exact address, an id or a code, as a support agent.

The guard decides and records each look-up before the database is asked. A look-up that finds
nobody leaves the same records, and its answer says nothing else.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db.models import QuerySet

from accounts import alarms
from accounts.actors import Actor
from accounts.ids import uuid7
from accounts.rate_limit_counters import Rate, add_rate_limit_count
from integrations.access import account_address, support_permits
from integrations.access.request_context import get_owner_ids
from integrations.coordination.task_queue import enqueue
from integrations.models import LOOKUP_LASTS, LookupMeans, SupportLookup, SupportReason
from limited_use.guard.guard import AccessRefused

from . import support_codes

MAX_VALUE: Final = 254
MAX_LISTED: Final = 50
LOOKUP_MINUTES: Final = LOOKUP_LASTS // timedelta(minutes=1)
HOURLY_LOOKUPS: Final = Rate("support-lookups", 60, 3600)
#: More look-ups by one agent within one hour raise an alarm.
USUAL_LOOKUPS_PER_HOUR: Final = 30
#: Codes that all agents together may try.
HOURLY_CODES: Final = Rate("support-codes", 300, 3600)
_TICKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._#/-]{0,39}")


class LookupInvalid(Exception):
    """The typed value cannot be of its kind."""


class TooManyLookups(Exception):
    """The agent, or all agents together, looked up too much within an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRequest:
    """
    What an agent typed.

    :param value: an address, an id or a code
    :param ticket: the number of the case in the ticket system; may be empty
    """

    means: LookupMeans
    value: str
    reason: SupportReason
    ticket: str = ""


def is_ticket(text: str) -> bool:
    return _TICKET.fullmatch(text) is not None


def find_people(request: LookupRequest, *, actor: Actor, at: datetime) -> list[UUID]:
    """
    Return the ids of the look-ups that found a person; none if no person was found.

    Call it outside of a transaction, in a process whose row owner is the agent.

    :raises LookupInvalid:
    :raises TooManyLookups:
    :raises limited_use.guard.guard.AccessRefused: unless the actor is an active support agent
    """
    value = _parse_value(request)
    if not _is_within_bounds(request, actor=actor, at=at):
        # The guard refuses, and records it.
        with suppress(AccessRefused):
            support_permits.to_find_person(
                actor=actor, search_id=uuid7(), is_within_bound=False, at=at
            )
        raise TooManyLookups
    search_id = uuid7()
    permit = support_permits.to_find_person(
        actor=actor, search_id=search_id, is_within_bound=True, at=at
    )
    match request.means:
        case LookupMeans.ADDRESS:
            hashes = [account_address.compute_typed_blind(value, permit=permit, at=at)]
        case LookupMeans.CODE:
            hashes = support_codes.hash_code(value)
        case _:
            hashes = []
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT lookup, person FROM open_support_lookup(%s, %s, %s, %s, %s, %s)",
            [
                search_id,
                request.means,
                "" if request.means == LookupMeans.CODE else value,
                hashes,
                request.reason,
                request.ticket,
            ],
        )
        lookup_ids = [lookup_id for lookup_id, person_id in cursor.fetchall() if person_id]
    _watch_lookups(actor, at=at)
    for lookup_id in lookup_ids:
        enqueue("integrations.notify_of_lookup", lookup_id=lookup_id)
    return lookup_ids


def get_open_lookup(lookup_id: UUID, *, actor: Actor, at: datetime) -> SupportLookup | None:
    """Return the agent's own look-up while it shows the person's state; None for any other."""
    return _filter_open(actor, at).filter(id=lookup_id).first()


def list_open_lookups(*, actor: Actor, at: datetime) -> list[SupportLookup]:
    """Return the newest first."""
    return list(_filter_open(actor, at).order_by("-opened_at", "-id")[:MAX_LISTED])


def _watch_lookups(actor: Actor, *, at: datetime) -> None:
    agent_id, _ = get_owner_ids(actor)
    hour = at.replace(minute=0, second=0, microsecond=0)
    in_hour = SupportLookup.objects.filter(
        agent_id=agent_id, opened_at__gte=hour, opened_at__lt=hour + timedelta(hours=1)
    )
    # A search can find several people.
    count = in_hour.values("search_id").distinct().count()
    if count > USUAL_LOOKUPS_PER_HOUR:
        alarms.raise_alarm(
            kind="support.unusual",
            about=agent_id,
            window=f"lookups {hour:%Y-%m-%d %H}",
            body={"lookups": count},
            at=at,
        )


def _filter_open(actor: Actor, at: datetime) -> QuerySet[SupportLookup]:
    agent_id, _ = get_owner_ids(actor)
    return SupportLookup.objects.filter(agent_id=agent_id, user__isnull=False, expires_at__gt=at)


def _parse_value(request: LookupRequest) -> str:
    value = request.value.strip()
    if not value or len(value) > MAX_VALUE or "\0" in value:
        raise LookupInvalid
    match request.means:
        case LookupMeans.ADDRESS:
            if not re.fullmatch(r"[^\s@]+@[^\s@]+", value):
                raise LookupInvalid
            return value.lower()
        case LookupMeans.CODE:
            try:
                return support_codes.parse_code(value)
            except support_codes.NotACode:
                raise LookupInvalid from None
        case LookupMeans.CONNECTION | LookupMeans.RECEIPT:
            try:
                return str(UUID(value))
            except ValueError:
                raise LookupInvalid from None
        case LookupMeans.PLATFORM_ID:
            return value


def _is_within_bounds(request: LookupRequest, *, actor: Actor, at: datetime) -> bool:
    if not add_rate_limit_count(HOURLY_LOOKUPS, f"agent {actor.user_id}", at=at).is_within:
        # Not counted as a try: one agent alone cannot use up the codes of all.
        return False
    if request.means != LookupMeans.CODE:
        return True
    return add_rate_limit_count(HOURLY_CODES, "all agents", at=at).is_within
