"""
Openings per actor, purpose and hour, and an alarm for unusual numbers.

Counted from the ledger (`usage.rule_usage_counter`), so no page waits for a write. A client
counts by its feature, the service as one, a person by ledger pseudonym: one per own connection,
and one for all acts for other people.
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
from limited_use.policy.policy_vocabulary import Purpose, Recipient

ALARM_KIND: Final = "opens.unusual"
HOUR: Final = timedelta(hours=1)
BASELINE: Final = timedelta(days=14)
RETENTION: Final = timedelta(days=90)
# Never unusual: a person may page through their inbox.
FLOOR: Final = 1000
# Hours with opens that a baseline needs.
MIN_HOURS: Final = 24
# Limit: the median plus so many median deviations, or a multiple of the median.
DEVIATIONS: Final = 8
MEDIAN_FACTOR: Final = 5
# Newest hours of a purpose's population, enough for its median.
SAMPLE: Final = 20_000
# No subject row: the body names the actor.
NO_ROW_ID: Final = UUID(int=0)
_ADD = """
INSERT INTO limited_use_hourofopens (actor, purpose, hour, opens) VALUES (%s, %s, %s, %s)
ON CONFLICT (purpose, actor, hour)
DO UPDATE SET opens = limited_use_hourofopens.opens + EXCLUDED.opens
"""
# Uses that permit storing, and open nothing.
_NO_OPENS: Final = frozenset(
    {
        (Purpose.SYNC_STORE, Recipient.VAULT),
        (Purpose.CALENDAR_SCHEDULE, Recipient.VAULT),
    }
)


@dataclass(frozen=True, slots=True)
class UnusualOpeningRate:
    """An actor with unusually many openings in an hour. `usual` is the median of an hour."""

    actor: str
    purpose: str
    hour: datetime
    opens: int
    usual: int
    limit: int


def count_data_openings(entries: Iterable[Mapping[str, Any]]) -> None:
    counted: dict[tuple[str, str, datetime], int] = defaultdict(int)
    for entry in entries:
        if entry["event"] != "use.permitted":
            continue
        if (entry["purpose"], entry.get("recipient")) not in _NO_OPENS:
            at = datetime.fromtimestamp(entry["at"] / 1000, UTC)
            # Without a count it is one value: a token or cursor.
            opened = 1 if entry.get("count") is None else entry["count"]
            counted[_get_actor_key(entry), entry["purpose"], _truncate_to_hour(at)] += opened
    # Sorted, so that two writers of the same rows do not deadlock.
    rows = [(*key, opened) for key, opened in sorted(counted.items()) if opened > 0]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, rows)


def alarm_unusual_rates(*, at: datetime) -> list[UnusualOpeningRate]:
    """Return the unusual rates of this hour and the last, with one alarm for each."""
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


def compute_usual_opening_limit(hours: Sequence[int]) -> int:
    middle = median(hours)
    deviation = median(abs(opens - middle) for opens in hours)
    return max(FLOOR, round(middle + DEVIATIONS * deviation), round(MEDIAN_FACTOR * middle))


def _find_unusual_rate(row: HourOfOpens) -> UnusualOpeningRate | None:
    earlier_rows = HourOfOpens.objects.filter(
        purpose=row.purpose, hour__lt=row.hour, hour__gte=row.hour - BASELINE
    ).order_by("-hour")
    hours = list(earlier_rows.filter(actor=row.actor).values_list("opens", flat=True))
    if len(hours) < MIN_HOURS:
        # A new actor is compared with others of its kind.
        kind = row.actor.partition(":")[0]
        others = earlier_rows.filter(actor__startswith=kind)
        hours = list(others.values_list("opens", flat=True)[:SAMPLE])
    if len(hours) < MIN_HOURS:
        return None
    allowed = compute_usual_opening_limit(hours)
    if row.opens <= allowed:
        return None
    return UnusualOpeningRate(
        row.actor, row.purpose, row.hour, row.opens, round(median(hours)), allowed
    )


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
