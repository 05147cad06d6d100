"""A time that suits: what is asked for in a form, and what of it is shown inside the sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms

from integrations.access.cross_user_lookups import Partner
from integrations.calendar.meeting_times import Offer, Participant, Search
from integrations.formats import timezones
from integrations.formats.recurrence.meeting_slots import Hours, Meeting
from limited_use.sinks.calendar import Shown

from . import new_event_initial, preferences, recurrence_form, view_ranges

LENGTHS: Final = (
    ("15", "15 minutes"),
    ("30", "30 minutes"),
    ("45", "45 minutes"),
    ("60", "1 hour"),
    ("90", "1½ hours"),
    ("120", "2 hours"),
    ("240", "4 hours"),
)
REACH: Final = (("1", "1 day"), ("7", "1 week"), ("14", "2 weeks"), ("28", "4 weeks"))
_COMING: Final = (("", "Not asked"), ("must", "Has to be there"), ("may", "May come"))
_WORKDAYS: Final = ("0", "1", "2", "3", "4")
# As many as fit on a page.
_MOST: Final = 40
_PERSON: Final = "with_"


class FindForm(forms.Form):
    """How long, when, on which clocks, and with whom: a choice for each of `people`."""

    length = forms.ChoiceField(label="How long", choices=LENGTHS, initial="60")
    first_day = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reach = forms.ChoiceField(label="Within", choices=REACH, initial="7")
    opens = forms.TimeField(
        label="Not before",
        initial=time(9),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    closes = forms.TimeField(
        label="Over by",
        initial=time(17),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    weekdays = forms.MultipleChoiceField(
        choices=recurrence_form.weekdays(), initial=_WORKDAYS, widget=forms.CheckboxSelectMultiple
    )
    zone = forms.ChoiceField(
        label="On the clocks of", choices=[(one, one) for one in sorted(preferences.ZONES)]
    )

    def __init__(self, *args: Any, people: Mapping[UUID, Partner], **more: Any) -> None:
        super().__init__(*args, **more)
        self.people = people
        for one, person in people.items():
            self.fields[f"{_PERSON}{one}"] = forms.ChoiceField(
                label=_name(person), choices=_COMING, required=False
            )

    @property
    def asked(self) -> list[forms.BoundField]:
        """The choices of people, for the page."""
        return [self[f"{_PERSON}{one}"] for one in self.people]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        day = given.get("first_day")
        if day is not None and not view_ranges.is_possible(day):
            self.add_error("first_day", "Calendars do not reach as far.")
        return given

    def search(self, me: UUID) -> Search:
        """Return what is looked for, with whoever asks."""
        given = self.cleaned_data
        zone = given["zone"]
        start = timezones.at(datetime.combine(given["first_day"], time()), timezones.zone(zone))
        days = {int(one): [(given["opens"], given["closes"])] for one in given["weekdays"]}
        hours = Hours(zone, days)
        coming = {one: given[f"{_PERSON}{one}"] for one in self.people}
        return Search(
            meeting=Meeting(duration=timedelta(minutes=int(given["length"])), most=_MOST),
            participants=[
                Participant(me, is_required=True, hours=hours),
                *(
                    Participant(one, is_required=how == "must", hours=hours)
                    for one, how in coming.items()
                    if how
                ),
            ],
            start=start,
            end=start + timedelta(days=int(given["reach"])),
            zone=zone,
        )


def shown(search: Search, people: Mapping[UUID, Partner]) -> Callable[[Offer], Sequence[Shown]]:
    """Return how a sink makes the times that suit: by day, each with the address to take it."""
    place = timezones.zone(search.zone)
    needed = [one.user_id for one in search.participants if one.is_required]

    def make(offer: Offer) -> Sequence[Shown]:
        days: dict[Any, list[Mapping[str, Any]]] = {}
        for (start, end), optional in offer.times:
            begins, ends = (timezones.clock(at, place) for at in (start, end))
            coming = [one for one in (*needed, *optional) if one in people]
            days.setdefault(begins.date(), []).append(
                {
                    "words": f"{begins:%H:%M}–{ends:%H:%M}",  # noqa: RUF001 - as it is printed
                    "also": ", ".join(_name(people[one]) for one in optional if one in people),
                    "has_also": bool(optional),
                    "query": new_event_initial.query(begins, ends, zone=search.zone, people=coming),
                }
            )
        unknown = [one.user_id for one in search.participants if one.user_id in offer.unknown]
        names = [_name(people[one]) if one in people else "You" for one in unknown]
        return [
            Shown(
                {"has_times": bool(days), "has_unknown": bool(names)},
                {
                    "days": [{"date": day, "times": times} for day, times in days.items()],
                    "unknown": ", ".join(names),
                },
            )
        ]

    return make


def _name(person: Partner) -> str:
    return person.name or person.address or ""
