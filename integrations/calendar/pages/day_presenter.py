"""
Convert days to template values. Called inside the sink.

All texts of an entry are built here: a month has hundreds of entries, and one template tag costs
more than all texts in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.urls import reverse
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR

from integrations.calendar.messages import pages as messages
from limited_use.sinks.calendar_sink import TemplateItem

from . import clock_text
from .day_layout import LayoutValues

#: Events per day in a month view.
_MAX_MONTH_ENTRIES: Final = 4
# CSS class by flag, in output order.
_CSS_CLASSES: Final[Mapping[str, str]] = {
    "is_declined": "declined",
    "is_free": "free",
    "came": "came",
    "goes_on": "goes-on",
    "is_brief": "brief",
}


@dataclass(frozen=True, slots=True)
class CalendarUrls:
    """URL prefixes, reversed once per page."""

    calendar: str
    new_event: str


def reverse_urls() -> CalendarUrls:
    return CalendarUrls(reverse("calendar"), reverse("calendar-new"))


@dataclass(frozen=True, slots=True)
class DayPresenter:
    """
    :param day: the requested day; a month view fades the days of other months
    :param hours: those that a week or day view draws
    """

    view: str
    day: date
    today: date
    hours: range
    urls: CalendarUrls

    def present_days(self, days: Iterable[LayoutValues]) -> list[TemplateItem]:
        return [self._present_day(day) for day in days]

    def _present_day(self, day: LayoutValues) -> TemplateItem:
        date, iso = day["date"], day["date"].isoformat()
        clear = {
            "url": f"{self.urls.calendar}?view=day&day={iso}",
            "is_today": date == self.today,
            "has_events": bool(day["all"]),
            "number": str(date.day),
            "name": clock_text.format_long_day_of_year(date),
            "weekday": WEEKDAYS[date.weekday()],
        }
        if self.view == "month":
            more = len(day["all"]) - _MAX_MONTH_ENTRIES
            clear |= {
                "is_other_month": date.month != self.day.month,
                "more": messages.MORE_EVENTS % {"count": more} if more > 0 else "",
                "day_and_month": clock_text.format_day_and_month(date),
            }
            opened = {"entries": self._present_entries(day["all"][:_MAX_MONTH_ENTRIES])}
        elif self.view == "agenda":
            opened = {"entries": self._present_entries(day["all"])}
        else:
            clear |= {
                "mark": f"{date:%Y%m%d}",
                "short_weekday": WEEKDAYS_ABBR[date.weekday()],
                "change": day["change"],
                "unplaced": day["unplaced"],
                "agenda_url": f"{self.urls.calendar}?view=agenda&day={iso}",
                "slots": self._list_hour_links(f"{self.urls.new_event}?day={iso}"),
            }
            opened = {
                "whole": self._present_entries(day["whole"]),
                "timed": self._present_entries(day["timed"], has_positions=True),
            }
        return TemplateItem(clear, opened)

    def _list_hour_links(self, url: str) -> list[dict[str, str]]:
        return [
            {"row": str((hour - self.hours.start) * 4 + 1), "url": f"{url}&hour={hour}"}
            for hour in self.hours
        ]

    def _present_entries(
        self, entries: Iterable[LayoutValues], *, has_positions: bool = False
    ) -> list[TemplateItem]:
        return [
            self._present_entry(entry, _get_position_classes(entry) if has_positions else "")
            for entry in entries
        ]

    def _present_entry(self, entry: LayoutValues, position: str) -> TemplateItem:
        return TemplateItem(
            {
                "classes": _get_css_classes(entry),
                "position": position,
                "notes": [note for flag, note in messages.ENTRY_NOTES.items() if entry[flag]],
                "shows_place": entry["has_place"] and self.view == "agenda",
            },
            {
                "url": f"{self.urls.calendar}events/{entry['id']}/",
                "when": entry["begins"] if self.view == "month" else entry["label"],
                "title": _get_title(entry),
                "place": entry["place"],
                "calendar": entry["calendar"],
            },
        )


def _get_title(entry: LayoutValues) -> str:
    if not entry["knows"]:
        return str(messages.BUSY)
    return entry["title"] or str(messages.NO_TITLE)


def _get_css_classes(entry: LayoutValues) -> str:
    classes = [f"entry tone-{entry['tone']}"]
    if entry["is_tentative"] or entry["is_asked"]:
        classes.append("tentative")
    return " ".join([*classes, *(name for flag, name in _CSS_CLASSES.items() if entry[flag])])


def _get_position_classes(entry: LayoutValues) -> str:
    if not entry["lanes"]:
        return "unplaced"
    return f"row-{entry['row']} for-{entry['length']} lane-{entry['lane']}-{entry['lanes']}"
