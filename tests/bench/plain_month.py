"""
Baseline of the month: plain rows, `dateutil` for what recurs, JSON; nobody is asked.

As one would write it who knows the library: each rule once per series, between two times; what is
said of an event once per row.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from dateutil.rrule import rrulestr
from django.db.models import Q

from integrations.models.calendar import get_week
from limited_use.sinks.json_sink import dump_json
from tests.bench.models import PlainEvent

_DAY = timedelta(days=1)
_COLUMNS = (
    "id", "calendar_id", "kind", "event_id", "series_id", "is_busy", "is_private", "timing",
    "content", "etag",
)  # fmt: skip
Shape = dict[str, Any]
Span = tuple[Any, Any]


def answer_month(calendar_ids: Sequence[UUID], start: datetime, end: datetime, zone: str) -> bytes:
    """Return all that happens from `start` until just before `end`, by start, as JSON."""
    place = ZoneInfo(zone)
    rows = PlainEvent.objects.filter(
        Q(last_week=None) | Q(last_week__gte=get_week(start - _DAY)),
        calendar_id__in=calendar_ids,
        first_week__lte=get_week(end + _DAY),
    )
    read = [(row, orjson.loads(row[7])) for row in rows.values_list(*_COLUMNS)]
    masters = {(row[1], row[3]): row[0] for row, _ in read if row[2] == "series"}
    apart: dict[tuple[UUID, str], set[datetime]] = {}
    for row, timing in read:
        if row[4]:
            original = datetime.fromisoformat(timing["original"][0])
            apart.setdefault((row[1], row[4]), set()).add(original)
    found: list[tuple[float, float, str, Shape]] = []
    for row, timing in read:
        if row[2] == "cancelled":
            continue
        spans = list(_spans(row, timing, apart.get((row[1], row[3]), set()), (start, end, place)))
        shape = _shape_event(row, orjson.loads(row[8])) if spans else {}
        for first, last in spans:
            shown = {**shape, "when": _shape_when(first, last, timing)}
            if row[2] == "series":
                _name_occurrence(shown, row[0], first)
            elif row[2] == "changed":
                original = datetime.fromisoformat(timing["original"][0])
                _name_occurrence(shown, masters[row[1], row[4]], original)
                shown["is_changed"] = True
            at, until = (_moment(one, place).timestamp() for one in (first, last))
            found.append((at, -until, str(row[0]), shown))
    found.sort(key=lambda one: one[:3])
    return dump_json({"data": [one[3] for one in found], "unreadable": []})


def _spans(
    row: tuple[Any, ...],
    timing: Shape,
    without: set[datetime],
    window: tuple[datetime, datetime, ZoneInfo],
) -> Iterator[Span]:
    start, end, place = window
    if len(timing["start"]) == 1:
        days = date.fromisoformat(timing["start"][0]), date.fromisoformat(timing["end"][0])
        if _moment(days[0], place) < end and _moment(days[1], place) > start:
            yield days
        return
    first, last = (datetime.fromisoformat(timing[name][0]) for name in ("start", "end"))
    if row[2] != "series":
        if first < end and last > start:
            yield first, last
        return
    length = last - first
    local = first.astimezone(ZoneInfo(timing["start"][1]))
    rule = rrulestr("\n".join(timing["recurrence"]), dtstart=local)
    for each in rule.between(start - length, end, inc=True):
        at = each.astimezone(UTC)
        if at not in without and at < end and at + length > start:
            yield at, at + length


def _moment(one: date, place: ZoneInfo) -> datetime:
    return one if isinstance(one, datetime) else datetime.combine(one, time(), place)


def _shape_when(first: date, last: date, timing: Shape) -> Shape:
    if not isinstance(first, datetime):
        return {"object": "datespan", "start": first.isoformat(), "end": last.isoformat()}
    return {
        "object": "timespan",
        "start": first,
        "end": last,
        "start_timezone": timing["start"][1],
        "end_timezone": timing["end"][1],
    }


def _name_occurrence(shown: Shape, master: UUID, original: datetime) -> None:
    shown["id"] = f"{master}_{original:%Y%m%dT%H%M%SZ}"
    shown["master_event_id"] = master
    shown["original_start"] = original


def _description(content: Shape) -> str:
    safe, is_plain = content.get("shown", ("", False))
    found: str = html.escape(content["description"], quote=False) if is_plain else safe
    return found.strip()


def _shape_event(row: tuple[Any, ...], content: Shape) -> Shape:
    names = ("email", "name", "status", "is_organizer", "is_self", "is_optional", "is_resource")
    return {
        "id": str(row[0]),
        "calendar_id": row[1],
        "master_event_id": None,
        "original_start": None,
        "is_changed": False,
        "when": None,
        "recurrence": [],
        "busy": row[5],
        "status": "tentative" if content["tentative"] else "confirmed",
        "visibility": "private" if row[6] else "default",
        "read_only": False,
        "title": content["title"],
        "description": _description(content),
        "location": content["location"],
        "participants": [
            dict(zip(names, (*one[:3], *map(bool, one[3:])), strict=True))
            for one in content["attendees"]
        ],
        "organizer": content["organizer"] or None,
        "conferencing": None,
        "reminders": content["reminders"],
        "etag": row[9],
    }
