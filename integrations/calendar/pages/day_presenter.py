"""
Turn days with entries into the values that the page's template shows. Called inside the sink.

This module makes all words of an entry: a month has some hundred entries, and one template tag
takes longer than all of an entry's words do here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.urls import reverse

from limited_use.sinks.calendar import Shown

from .day_layout import Entry

#: How many events a month shows of one day.
_MONTH_ENTRIES: Final = 4
# The class of an entry by its flag, in the order in which they are written.
_CLASSES: Final[Mapping[str, str]] = {
    "is_declined": "declined",
    "is_free": "free",
    "came": "came",
    "goes_on": "goes-on",
    "is_brief": "brief",
}
# What a screen reader says of an entry by its flag.
_NOTES: Final[Mapping[str, str]] = {
    "is_tentative": "tentative",
    "is_asked": "not answered yet",
    "is_declined": "declined",
    "is_changed": "changed from its series",
}


@dataclass(frozen=True, slots=True)
class Urls:
    """The beginnings of the addresses of days and entries, reversed once for a page."""

    calendar: str
    new_event: str


def find_urls() -> Urls:
    return Urls(reverse("calendar"), reverse("calendar-new"))


@dataclass(frozen=True, slots=True)
class ShownDays:
    """
    Makes the days of one page.

    :param day: the day that was asked for; a month fades the days of other months
    :param hours: the hours that a week or a day draws
    """

    view: str
    day: date
    today: date
    hours: range
    urls: Urls

    def make(self, days: Iterable[Entry]) -> list[Shown]:
        return [self._day(day) for day in days]

    def _day(self, day: Entry) -> Shown:
        date, iso = day["date"], day["date"].isoformat()
        clear = {
            "url": f"{self.urls.calendar}?view=day&day={iso}",
            "is_today": date == self.today,
            "has_events": bool(day["all"]),
            "number": str(date.day),
            "weekday": f"{date:%A}",
            "month": f"{date:%B}",
        }
        if self.view == "month":
            more = len(day["all"]) - _MONTH_ENTRIES
            clear |= {
                "is_other_month": date.month != self.day.month,
                "more": str(more) if more > 0 else "",
            }
            opened = {"entries": self._entries(day["all"][:_MONTH_ENTRIES])}
        elif self.view == "agenda":
            opened = {"entries": self._entries(day["all"])}
        else:
            clear |= {
                "mark": f"{date:%Y%m%d}",
                "short_weekday": f"{date:%a}",
                "change": day["change"],
                "unplaced": day["unplaced"],
                "agenda_url": f"{self.urls.calendar}?view=agenda&day={iso}",
                "slots": self._slots(f"{self.urls.new_event}?day={iso}"),
            }
            opened = {
                "whole": self._entries(day["whole"]),
                "timed": self._entries(day["timed"], has_positions=True),
            }
        return Shown(clear, opened)

    def _slots(self, url: str) -> list[dict[str, str]]:
        """Return the empty hours of a day, each a link to a new event."""
        return [
            {"row": str((hour - self.hours.start) * 4 + 1), "url": f"{url}&hour={hour}"}
            for hour in self.hours
        ]

    def _entries(self, entries: Iterable[Entry], *, has_positions: bool = False) -> list[Shown]:
        return [self._entry(one, _position(one) if has_positions else "") for one in entries]

    def _entry(self, entry: Entry, position: str) -> Shown:
        return Shown(
            {
                "classes": _classes(entry),
                "position": position,
                "notes": [note for flag, note in _NOTES.items() if entry[flag]],
                "shows_place": entry["has_place"] and self.view == "agenda",
            },
            {
                "url": f"{self.urls.calendar}events/{entry['id']}/",
                "when": entry["begins"] if self.view == "month" else entry["label"],
                "title": (entry["title"] or "(no title)") if entry["knows"] else "Busy",
                "place": entry["place"],
                "calendar": entry["calendar"],
            },
        )


def _classes(entry: Entry) -> str:
    classes = [f"entry tone-{entry['tone']}"]
    if entry["is_tentative"] or entry["is_asked"]:
        classes.append("tentative")
    return " ".join([*classes, *(name for flag, name in _CLASSES.items() if entry[flag])])


def _position(entry: Entry) -> str:
    """Return the classes that place an entry among the hours of its day."""
    if not entry["lanes"]:
        return "unplaced"
    return f"row-{entry['row']} for-{entry['length']} lane-{entry['lane']}-{entry['lanes']}"
