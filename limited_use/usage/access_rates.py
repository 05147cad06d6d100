"""
Opens per actor, purpose and hour, what is usual among them, and an alarm for what is not.

Counted from the ledger's entries in their order (see `usage.usage_counter`), so that nothing is
written where a page is waiting, and nothing opens without being counted. A client
counts by its feature, the service as one. A person counts by the name that the
ledger has for them: one per connection of their own, and one for all of it where
they act for somebody else, as support does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, Final
from uuid import UUID

from django.db import connection

from accounts import alarms
from accounts.actors import ActorKind
from limited_use.models.access_rates import HourOfOpens
from limited_use.policy.vocabulary import Purpose, Recipient

KIND: Final = "opens.unusual"
HOUR: Final = timedelta(hours=1)
BASELINE: Final = timedelta(days=14)
KEPT_FOR: Final = timedelta(days=90)
# So many in an hour are nothing, whatever is usual: a person who pages through their inbox.
FLOOR: Final = 1000
# Hours in which something was opened, without which nothing can be called usual.
LEAST_HOURS: Final = 24
# Beyond the median: so many median deviations, or so many times itself.
DEVIATIONS: Final = 8
TIMES: Final = 5
# Of a purpose's population, the newest hours: enough to know its median.
SAMPLE: Final = 20_000
# About no row in particular: who it was stands in the body.
NOBODY: Final = UUID(int=0)
_ADD = """
INSERT INTO limited_use_hourofopens (actor, purpose, hour, opens) VALUES (%s, %s, %s, %s)
ON CONFLICT (purpose, actor, hour)
DO UPDATE SET opens = limited_use_hourofopens.opens + EXCLUDED.opens
"""
# Say that something may be kept, and open nothing.
_NO_OPENS: Final = frozenset(
    {
        (Purpose.SYNC_STORE, Recipient.VAULT),
        (Purpose.CALENDAR_SCHEDULE, Recipient.VAULT),
    }
)


@dataclass(frozen=True, slots=True)
class Unusual:
    """An actor that opened more in an hour than is usual. `usual` is the median of an hour."""

    actor: str
    purpose: str
    hour: datetime
    opens: int
    usual: int
    limit: int


def count(entries: Iterable[Mapping[str, Any]]) -> None:
    """Add what `entries` of the ledger permitted, in the caller's transaction."""
    counted: dict[tuple[str, str, datetime], int] = defaultdict(int)
    for entry in entries:
        if entry["event"] != "use.permitted":
            continue
        if (entry["purpose"], entry.get("recipient")) not in _NO_OPENS:
            at = datetime.fromtimestamp(entry["at"] / 1000, UTC)
            # Without a count it is one thing: a token, a cursor.
            opened = 1 if entry.get("count") is None else entry["count"]
            counted[_who(entry), entry["purpose"], _hour(at)] += opened
    # In one order, so that two who write the same rows wait for each other once.
    rows = [(*key, opened) for key, opened in sorted(counted.items()) if opened > 0]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, rows)


def watch(*, at: datetime) -> list[Unusual]:
    """Return what is unusual of this hour and the one before, an alarm raised for each, once."""
    HourOfOpens.objects.filter(hour__lt=at - KEPT_FOR).delete()
    found = [
        unusual
        for row in HourOfOpens.objects.filter(hour__gte=_hour(at) - HOUR, opens__gt=FLOOR)
        if not _is_known(row) and (unusual := _judged(row)) is not None
    ]
    for one in found:
        alarms.raise_alarm(
            kind=KIND,
            about=_about(one.actor),
            window=_window(one.actor, one.purpose, one.hour),
            body={
                "actor": one.actor,
                "purpose": one.purpose,
                "count": one.opens,
                "usual": one.usual,
                "limit": one.limit,
            },
            at=at,
        )
    return found


def limit(hours: Sequence[int]) -> int:
    """Return up to how many opens an hour is usual, where `hours` were opened in others."""
    middle = median(hours)
    deviation = median(abs(one - middle) for one in hours)
    return max(FLOOR, round(middle + DEVIATIONS * deviation), round(TIMES * middle))


def _judged(row: HourOfOpens) -> Unusual | None:
    before = HourOfOpens.objects.filter(
        purpose=row.purpose, hour__lt=row.hour, hour__gte=row.hour - BASELINE
    ).order_by("-hour")
    hours = list(before.filter(actor=row.actor).values_list("opens", flat=True))
    if len(hours) < LEAST_HOURS:
        # New here: judged by what others of its kind open for that.
        kind = row.actor.partition(":")[0]
        others = before.filter(actor__startswith=kind)
        hours = list(others.values_list("opens", flat=True)[:SAMPLE])
    if len(hours) < LEAST_HOURS:
        return None
    most = limit(hours)
    if row.opens <= most:
        return None
    return Unusual(row.actor, row.purpose, row.hour, row.opens, round(median(hours)), most)


def _is_known(row: HourOfOpens) -> bool:
    window = _window(row.actor, row.purpose, row.hour)
    return alarms.was_raised(kind=KIND, about=_about(row.actor), window=window)


def _who(entry: Mapping[str, Any]) -> str:
    kind = entry["actor_kind"]
    if kind == ActorKind.SYSTEM:
        return str(kind)
    return f"{kind}:{entry['feature'] if kind == ActorKind.CLIENT else entry['actor']}"


def _about(actor: str) -> UUID:
    kind, _, name = actor.partition(":")
    return UUID(hex=name) if kind == ActorKind.PERSON else NOBODY


def _window(actor: str, purpose: str, hour: datetime) -> str:
    feature = "" if actor.startswith(ActorKind.PERSON) else f" {actor}"
    return f"{hour:%Y-%m-%d %H} {purpose}{feature}"[:64]


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
