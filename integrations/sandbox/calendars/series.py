"""The instances of a series: its rule, without cancelled instances, with changed ones."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from dateutil.rrule import rruleset, rrulestr

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.times import Event

MAX_INSTANCES = 730
DAY = timedelta(days=1)
NOT_INHERITED = ("recurrence", "start", "end", "etag")


def parse_rule(master: Event, zone: str) -> rruleset:
    """:raises ValueError: a line that is none of RRULE, EXRULE, RDATE, EXDATE"""
    lines = [_to_local_line(line) for line in master["recurrence"]]
    start = times.to_local(master["start"], zone)
    rules = rrulestr("\n".join(lines), dtstart=start, forceset=True)
    if not isinstance(rules, rruleset):
        raise TypeError
    return rules


def _to_local_line(line: str) -> str:
    """Drop zones and UTC marks: rules are on the series' clock."""
    head, _, value = line.partition(":")
    return f"{head.partition(';')[0]}:{value.replace('Z', '')}"


def make_instance_id(master: Event, clock: datetime, zone: str) -> str:
    """`<master>_<original start>`, in UTC or as a date."""
    start = times.move_to_local(master["start"], clock, zone)
    if "date" in start:
        return f"{master['id']}_{clock:%Y%m%d}"
    return f"{master['id']}_{times.to_utc(start, zone):%Y%m%dT%H%M%SZ}"


def parse_instance_start(master: Event, suffix: str, zone: str) -> datetime | None:
    """Return the original start in an instance's id, or None if the rule skips it."""
    try:
        if times.is_all_day(master):
            clock = datetime.strptime(suffix, "%Y%m%d")  # noqa: DTZ007 - a date
        else:
            at = datetime.strptime(suffix, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            clock = times.to_local({"dateTime": at.isoformat(), **_get_zone(master, zone)}, zone)
    except ValueError:
        return None
    return clock if clock in parse_rule(master, zone) else None


def _get_zone(master: Event, zone: str) -> dict[str, str]:
    return {"timeZone": times.get_zone(master["start"], zone)}


def make_instance(master: Event, clock: datetime, zone: str) -> Event:
    start = times.move_to_local(master["start"], clock, zone)
    fields = {name: value for name, value in master.items() if name not in NOT_INHERITED}
    return fields | {
        "id": make_instance_id(master, clock, zone),
        "recurringEventId": master["id"],
        "originalStartTime": start,
        "start": start,
        "end": times.move_to_local(master["end"], clock + times.get_duration(master, zone), zone),
    }


def expand_series(
    master: Event,
    exceptions: Mapping[str, Event],
    zone: str,
    *,
    lower: datetime | None = None,
    upper: datetime | None = None,
) -> Iterator[Event]:
    """By original start, cancelled ones too; at most 730."""
    for clock in islice(_iterate_starts(master, zone, lower, upper), MAX_INSTANCES):
        event = make_instance(master, clock, zone)
        yield exceptions.get(event["id"], event)


def _iterate_starts(
    master: Event, zone: str, lower: datetime | None, upper: datetime | None
) -> Iterable[datetime]:
    rules = parse_rule(master, zone)
    # A day on each side covers every offset; the caller drops the surplus.
    first = lower.replace(tzinfo=None) - times.get_duration(master, zone) - DAY if lower else None
    last = upper.replace(tzinfo=None) + DAY if upper else None
    for clock in rules.xafter(first, inc=True) if first else rules:
        if last and clock > last:
            return
        yield clock
