"""The instances of a series: its rule, less what was cancelled, with what was changed."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from dateutil.rrule import rruleset, rrulestr

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.times import Event

# Google ends every series somewhere, too.
MOST = 730
DAY = timedelta(days=1)
# Of the master; an instance has its own or none.
NOT_INHERITED = ("recurrence", "start", "end", "etag")


def rule(master: Event, zone: str) -> rruleset:
    """:raises ValueError: a line that is none of RRULE, EXRULE, RDATE, EXDATE"""
    lines = [_local(line) for line in master["recurrence"]]
    start = times.local(master["start"], zone)
    found = rrulestr("\n".join(lines), dtstart=start, forceset=True)
    if not isinstance(found, rruleset):
        raise TypeError
    return found


def _local(line: str) -> str:
    """Without zones and UTC marks: all of it is on the clock of the series."""
    head, _, value = line.partition(":")
    return f"{head.partition(';')[0]}:{value.replace('Z', '')}"


def instance_id(master: Event, clock: datetime, zone: str) -> str:
    """`<master>_<original start>`: in UTC, or a date."""
    start = times.at_local(master["start"], clock, zone)
    if "date" in start:
        return f"{master['id']}_{clock:%Y%m%d}"
    return f"{master['id']}_{times.utc(start, zone):%Y%m%dT%H%M%SZ}"


def clock_of(master: Event, suffix: str, zone: str) -> datetime | None:
    """The original start that an instance's id ends with; None if the rule has none there."""
    try:
        if times.is_all_day(master):
            clock = datetime.strptime(suffix, "%Y%m%d")  # noqa: DTZ007 - a date
        else:
            at = datetime.strptime(suffix, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            clock = times.local({"dateTime": at.isoformat(), **_zone(master, zone)}, zone)
    except ValueError:
        return None
    return clock if clock in rule(master, zone) else None


def _zone(master: Event, zone: str) -> dict[str, str]:
    return {"timeZone": times.zone_of(master["start"], zone)}


def instance(master: Event, clock: datetime, zone: str) -> Event:
    start = times.at_local(master["start"], clock, zone)
    made = {name: value for name, value in master.items() if name not in NOT_INHERITED}
    return made | {
        "id": instance_id(master, clock, zone),
        "recurringEventId": master["id"],
        "originalStartTime": start,
        "start": start,
        "end": times.at_local(master["end"], clock + times.length(master, zone), zone),
    }


def expanded(
    master: Event,
    exceptions: Mapping[str, Event],
    zone: str,
    *,
    lower: datetime | None = None,
    upper: datetime | None = None,
) -> Iterator[Event]:
    """The instances between, cancelled ones included, by original start; at most 730."""
    for clock in islice(_clocks(master, zone, lower, upper), MOST):
        made = instance(master, clock, zone)
        yield exceptions.get(made["id"], made)


def _clocks(
    master: Event, zone: str, lower: datetime | None, upper: datetime | None
) -> Iterable[datetime]:
    found = rule(master, zone)
    # A day to each side covers every offset; what is outside falls out later.
    first = lower.replace(tzinfo=None) - times.length(master, zone) - DAY if lower else None
    last = upper.replace(tzinfo=None) + DAY if upper else None
    for clock in found.xafter(first, inc=True) if first else found:
        if last and clock > last:
            return
        yield clock
