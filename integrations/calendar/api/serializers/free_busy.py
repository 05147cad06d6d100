"""Wire shapes of free and busy, written out. See `serializers`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.formats.recurrence.rrule import FIRST_YEAR, LAST_YEAR
from integrations.web.api.fields import Body, DistinctList, Moment, Person, Zone
from integrations.web.api.json_fields import Id

MOST_PEOPLE: Final = 50
MOST_CALENDARS: Final = 50
LONGEST: Final = timedelta(days=62)


@extend_schema_serializer(component_name="FreeBusyQuery")
class FreeBusyQuery(Body):
    """Of whom, and when; a field that is not known is a 400."""

    start = Moment()
    end = Moment()
    timezone = Zone(default="UTC", help_text="An IANA name: on whose clocks days begin.")
    people = DistinctList(
        child=Person(),
        default=list,
        max_length=MOST_PEOPLE,
        help_text="Ids of people, or `me`. Whoever shares nothing with you is unknown.",
    )
    calendars = DistinctList(
        child=Id(),
        default=list,
        max_length=MOST_CALENDARS,
        help_text="Ids of calendars, beside people or instead.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_window(attrs)
        if not attrs["people"] and not attrs["calendars"]:
            raise serializers.ValidationError({"people": ["Name somebody, or a calendar."]})
        return attrs


def check_window(attrs: dict[str, Any]) -> None:
    """:raises ValidationError: unless it is a time that calendars reach, of `LONGEST` at most"""
    for name in ("start", "end"):
        if not FIRST_YEAR < attrs[name].year < LAST_YEAR:
            raise serializers.ValidationError({name: ["No calendar reaches there."]})
    if attrs["end"] <= attrs["start"]:
        raise serializers.ValidationError({"end": ["It is after the start."]})
    if attrs["end"] - attrs["start"] > LONGEST:
        raise serializers.ValidationError(
            {"end": [f"At most {LONGEST.days} days after the start."]}
        )


@extend_schema_serializer(component_name="BusySlot")
class BusySlot(serializers.Serializer[None]):
    start = serializers.DateTimeField(help_text="RFC 3339 UTC.")
    end = serializers.DateTimeField(help_text="RFC 3339 UTC, exclusive.")
    status = serializers.ChoiceField(choices=["busy", "tentative"])


class _Told(serializers.Serializer[None]):
    status = serializers.ChoiceField(
        choices=["known", "unknown"], help_text="What is not known is not free."
    )
    time_slots = BusySlot(many=True, help_text="Merged, in order; none if unknown.")


@extend_schema_serializer(component_name="CalendarTimes")
class CalendarTimes(_Told):
    calendar_id = serializers.UUIDField()


@extend_schema_serializer(component_name="PersonTimes")
class PersonTimes(_Told):
    user_id = serializers.UUIDField()
    calendars = CalendarTimes(many=True, help_text="What it was told by.")


@extend_schema_serializer(component_name="FreeBusy")
class FreeBusy(serializers.Serializer[None]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    timezone = serializers.CharField()
    calendars = CalendarTimes(many=True, help_text="Those that were asked for by id.")
    request_id = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `data` is a property of serializers, so it cannot be declared above.
        return {"data": PersonTimes(many=True), **super().get_fields()}
