"""The form that searches for a meeting time, and the presenter of its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from integrations.access.cross_user_lookups import SharePartner
from integrations.calendar.meeting_times import MeetingOptions, MeetingParticipant, MeetingSearch
from integrations.calendar.messages import event_fields as field_messages
from integrations.calendar.messages import pages as messages
from integrations.formats import timezones
from integrations.formats.recurrence.meeting_slots import MeetingRequest, WeeklyHours
from limited_use.sinks.calendar_sink import TemplateItem

from . import clock_text, new_event_initial, recurrence_form, view_ranges

LENGTHS: Final = (
    ("15", _("15 minutes")),
    ("30", _("30 minutes")),
    ("45", _("45 minutes")),
    ("60", _("1 hour")),
    ("90", _("1½ hours")),
    ("120", _("2 hours")),
    ("240", _("4 hours")),
)
REACH: Final = (("1", _("1 day")), ("7", _("1 week")), ("14", _("2 weeks")), ("28", _("4 weeks")))
_ATTENDANCE: Final = (("", _("Not invited")), ("must", _("Required")), ("may", _("Optional")))
_WORKDAYS: Final = ("0", "1", "2", "3", "4")
# Maximum on one page.
_MAX_TIMES: Final = 40
_PERSON_PREFIX: Final = "with_"


class FindTimeForm(forms.Form):
    """Has one choice for each of `people`."""

    length = forms.ChoiceField(label=_("Duration"), choices=LENGTHS, initial="60")
    first_day = forms.DateField(
        label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reach = forms.ChoiceField(label=_("Search within"), choices=REACH, initial="7")
    opens = forms.TimeField(
        label=_("No earlier than"),
        initial=time(9),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    closes = forms.TimeField(
        label=_("No later than"),
        initial=time(17),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    weekdays = forms.MultipleChoiceField(
        choices=recurrence_form.list_weekdays(),
        initial=_WORKDAYS,
        widget=forms.CheckboxSelectMultiple,
    )
    zone = forms.CharField(label=_("Time zone"), max_length=200)

    def __init__(self, *args: Any, people: Mapping[UUID, SharePartner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        for user_id, person in people.items():
            self.fields[f"{_PERSON_PREFIX}{user_id}"] = forms.ChoiceField(
                label=_get_name(person), choices=_ATTENDANCE, required=False
            )

    @property
    def asked(self) -> list[forms.BoundField]:
        return [self[f"{_PERSON_PREFIX}{user_id}"] for user_id in self.people]

    @property
    def has_errors_in_options(self) -> bool:
        return any(self[name].errors for name in ("opens", "closes", "weekdays", "zone"))

    def clean_zone(self) -> str:
        try:
            return timezones.get_iana_name(self.cleaned_data["zone"])
        except timezones.UnknownZone:
            raise forms.ValidationError(field_messages.UNKNOWN_ZONE, code="invalid") from None

    def clean(self) -> dict[str, Any]:
        cleaned_data = super().clean() or {}
        day = cleaned_data.get("first_day")
        if day is not None and not view_ranges.is_day_supported(day):
            self.add_error("first_day", field_messages.DAY_OUT_OF_RANGE)
        return cleaned_data

    def build_search(self, own_id: UUID) -> MeetingSearch:
        """The person who asks is a required participant."""
        cleaned_data = self.cleaned_data
        zone = cleaned_data["zone"]
        start = timezones.to_utc(
            datetime.combine(cleaned_data["first_day"], time()), timezones.get_zone(zone)
        )
        days = {
            int(weekday): [(cleaned_data["opens"], cleaned_data["closes"])]
            for weekday in cleaned_data["weekdays"]
        }
        hours = WeeklyHours(zone, days)
        attendance_by_user = {
            user_id: cleaned_data[f"{_PERSON_PREFIX}{user_id}"] for user_id in self.people
        }
        return MeetingSearch(
            meeting=MeetingRequest(
                duration=timedelta(minutes=int(cleaned_data["length"])), most=_MAX_TIMES
            ),
            participants=[
                MeetingParticipant(own_id, is_required=True, hours=hours),
                *(
                    MeetingParticipant(user_id, is_required=attendance == "must", hours=hours)
                    for user_id, attendance in attendance_by_user.items()
                    if attendance
                ),
            ],
            start=start,
            end=start + timedelta(days=int(cleaned_data["reach"])),
            zone=zone,
        )


def make_times_presenter(
    search: MeetingSearch, people: Mapping[UUID, SharePartner]
) -> Callable[[MeetingOptions], Sequence[TemplateItem]]:
    """The presenter lists free times by day, each with its query for a new event."""
    tz = timezones.get_zone(search.zone)
    required_ids = [
        participant.user_id for participant in search.participants if participant.is_required
    ]

    def present_times(offer: MeetingOptions) -> Sequence[TemplateItem]:
        days: dict[Any, list[Mapping[str, Any]]] = {}
        for (start, end), optional_ids in offer.slots:
            local_start, local_end = (timezones.to_local_time(at, tz) for at in (start, end))
            attendee_ids = [
                user_id for user_id in (*required_ids, *optional_ids) if user_id in people
            ]
            days.setdefault(local_start.date(), []).append(
                {
                    "clock": clock_text.format_clock_span(local_start, local_end),
                    "also": ", ".join(
                        _get_name(people[user_id]) for user_id in optional_ids if user_id in people
                    ),
                    "has_also": bool(optional_ids),
                    "query": new_event_initial.build_query(
                        local_start, local_end, zone=search.zone, people=attendee_ids
                    ),
                }
            )
        unknown_ids = [
            participant.user_id
            for participant in search.participants
            if participant.user_id in offer.unknown_people
        ]
        names = [
            _get_name(people[user_id]) if user_id in people else str(messages.YOU)
            for user_id in unknown_ids
        ]
        return [
            TemplateItem(
                {"has_times": bool(days), "has_unknown": bool(names)},
                {
                    "days": [
                        {"name": clock_text.format_long_day_of_year(day), "times": times}
                        for day, times in days.items()
                    ],
                    "unknown": ", ".join(names),
                },
            )
        ]

    return present_times


def _get_name(person: SharePartner) -> str:
    return person.name or person.address or ""
