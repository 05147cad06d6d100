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

ALARM_KIND: Final = "opens.unusual"
HOUR: Final = timedelta(hours=1)
BASELINE: Final = timedelta(days=14)
RETENTION: Final = timedelta(days=90)
# So many in an hour are nothing, whatever is usual: a person who pages through their inbox.
FLOOR: Final = 1000
# Hours in which something was opened, without which nothing can be called usual.
MIN_HOURS: Final = 24
# Beyond the median: so many median deviations, or so many times itself.
DEVIATIONS: Final = 8
MEDIAN_FACTOR: Final = 5
# Of a purpose's population, the newest hours: enough to know its median.
SAMPLE: Final = 20_000
# About no row in particular: who it was stands in the body.
NO_ROW_ID: Final = UUID(int=0)
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
class UnusualRate:
    """An actor that opened more in an hour than is usual. `usual` is the median of an hour."""

    actor: str
    purpose: str
    hour: datetime
    opens: int
    usual: int
    limit: int


def count_opens(entries: Iterable[Mapping[str, Any]]) -> None:
    """Add what `entries` of the ledger permitted, in the caller's transaction."""
    counted: dict[tuple[str, str, datetime], int] = defaultdict(int)
    for entry in entries:
        if entry["event"] != "use.permitted":
            continue
        if (entry["purpose"], entry.get("recipient")) not in _NO_OPENS:
            at = datetime.fromtimestamp(entry["at"] / 1000, UTC)
            # Without a count it is one thing: a token, a cursor.
            opened = 1 if entry.get("count") is None else entry["count"]
            counted[_get_actor_key(entry), entry["purpose"], _truncate_to_hour(at)] += opened
    # In one order, so that two who write the same rows wait for each other once.
    rows = [(*key, opened) for key, opened in sorted(counted.items()) if opened > 0]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, rows)


def alarm_unusual_rates(*, at: datetime) -> list[UnusualRate]:
    """Return what is unusual of this hour and the one before, an alarm raised for each, once."""
    HourOfOpens.objects.filter(hour__lt=at - RETENTION).delete()
    unusual_rates = [
        unusual
        for row in HourOfOpens.objects.filter(
            hour__gte=_truncate_to_hour(at) - HOUR, opens__gt=FLOOR
        )
        if not _is_known(row) and (unusual := _find_unusual_rate(row)) is not None
    ]
    for rate in unusual_rates:
        alarms.raise_alarm(
            kind=ALARM_KIND,
            about=_get_about_id(rate.actor),
            window=_make_alarm_window(rate.actor, rate.purpose, rate.hour),
            body={
                "actor": rate.actor,
                "purpose": rate.purpose,
                "count": rate.opens,
                "usual": rate.usual,
                "limit": rate.limit,
            },
            at=at,
        )
    return unusual_rates


def compute_limit(hours: Sequence[int]) -> int:
    """Return up to how many opens an hour is usual, where `hours` were opened in others."""
    middle = median(hours)
    deviation = median(abs(opens - middle) for opens in hours)
    return max(FLOOR, round(middle + DEVIATIONS * deviation), round(MEDIAN_FACTOR * middle))


def _find_unusual_rate(row: HourOfOpens) -> UnusualRate | None:
    earlier_rows = HourOfOpens.objects.filter(
        purpose=row.purpose, hour__lt=row.hour, hour__gte=row.hour - BASELINE
    ).order_by("-hour")
    hours = list(earlier_rows.filter(actor=row.actor).values_list("opens", flat=True))
    if len(hours) < MIN_HOURS:
        # New here: judged by what others of its kind open for that.
        kind = row.actor.partition(":")[0]
        others = earlier_rows.filter(actor__startswith=kind)
        hours = list(others.values_list("opens", flat=True)[:SAMPLE])
    if len(hours) < MIN_HOURS:
        return None
    allowed = compute_limit(hours)
    if row.opens <= allowed:
        return None
    return UnusualRate(row.actor, row.purpose, row.hour, row.opens, round(median(hours)), allowed)


def _is_known(row: HourOfOpens) -> bool:
    window = _make_alarm_window(row.actor, row.purpose, row.hour)
    return alarms.was_raised(kind=ALARM_KIND, about=_get_about_id(row.actor), window=window)


def _get_actor_key(entry: Mapping[str, Any]) -> str:
    kind = entry["actor_kind"]
    if kind == ActorKind.SYSTEM:
        return str(kind)
    return f"{kind}:{entry['feature'] if kind == ActorKind.CLIENT else entry['actor']}"


def _get_about_id(actor: str) -> UUID:
    kind, _, name = actor.partition(":")
    return UUID(hex=name) if kind == ActorKind.PERSON else NO_ROW_ID


def _make_alarm_window(actor: str, purpose: str, hour: datetime) -> str:
    feature = "" if actor.startswith(ActorKind.PERSON) else f" {actor}"
    return f"{hour:%Y-%m-%d %H} {purpose}{feature}"[:64]


def _truncate_to_hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
