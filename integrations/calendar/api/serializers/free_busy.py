"""Request and response of `/free-busy`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.formats.recurrence.rrule import FIRST_YEAR, LAST_YEAR
from integrations.web.api.json_fields import StrictUUIDField
from integrations.web.api.request_fields import (
    DistinctListField,
    OffsetDateTimeField,
    PersonIdField,
    RequestBodySerializer,
    TimeZoneNameField,
)

MAX_PEOPLE: Final = 50
MAX_CALENDARS: Final = 50
MAX_WINDOW: Final = timedelta(days=62)


@extend_schema_serializer(component_name="FreeBusyQuery")
class FreeBusyQuerySerializer(RequestBodySerializer):
    """Of whom, and when; a field that is not known is a 400."""

    start = OffsetDateTimeField()
    end = OffsetDateTimeField()
    timezone = TimeZoneNameField(
        default="UTC", help_text="The IANA name of the time zone in which all-day events begin."
    )
    people = DistinctListField(
        child=PersonIdField(),
        default=list,
        max_length=MAX_PEOPLE,
        help_text="People, each `me`, an id or a platform id. If a text is both, it is the id. The"
        " times of people who share no calendar with you are unknown.",
    )
    calendars = DistinctListField(
        child=StrictUUIDField(),
        default=list,
        max_length=MAX_CALENDARS,
        help_text="Ids of calendars, with or without people.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_window(attrs)
        if not attrs["people"] and not attrs["calendars"]:
            raise serializers.ValidationError({"people": ["Name at least one person or calendar."]})
        return attrs


def check_window(attrs: dict[str, Any]) -> None:
    """:raises ValidationError: if the window leaves the supported years, or exceeds `MAX_WINDOW`"""
    for name in ("start", "end"):
        if not FIRST_YEAR < attrs[name].year < LAST_YEAR:
            raise serializers.ValidationError({name: ["This date is out of range."]})
    if attrs["end"] <= attrs["start"]:
        raise serializers.ValidationError({"end": ["The end must be after the start."]})
    if attrs["end"] - attrs["start"] > MAX_WINDOW:
        raise serializers.ValidationError(
            {"end": [f"At most {MAX_WINDOW.days} days after the start."]}
        )


@extend_schema_serializer(component_name="BusySlot")
class BusySlotSerializer(serializers.Serializer[None]):
    start = serializers.DateTimeField(help_text="A time (RFC 3339, UTC).")
    end = serializers.DateTimeField(help_text="A time (RFC 3339, UTC), exclusive.")
    status = serializers.ChoiceField(choices=["busy", "tentative"])


class _BusyTimesSerializer(serializers.Serializer[None]):
    status = serializers.ChoiceField(
        choices=["known", "unknown"], help_text="`unknown` does not mean free."
    )
    time_slots = BusySlotSerializer(
        many=True, help_text="Merged and in order. Empty if the status is `unknown`."
    )


@extend_schema_serializer(component_name="CalendarTimes")
class CalendarTimesSerializer(_BusyTimesSerializer):
    calendar_id = serializers.UUIDField()


@extend_schema_serializer(component_name="PersonTimes")
class PersonTimesSerializer(_BusyTimesSerializer):
    person = serializers.CharField(help_text="As the request names the person.")
    user_id = serializers.UUIDField(allow_null=True, help_text="Null for an unknown platform id.")
    platform_id = serializers.CharField(
        allow_null=True, help_text="Null for people who share no calendar with you."
    )
    calendars = CalendarTimesSerializer(
        many=True, help_text="The calendars that the times come from."
    )


@extend_schema_serializer(component_name="FreeBusy")
class FreeBusySerializer(serializers.Serializer[None]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    timezone = serializers.CharField()
    calendars = CalendarTimesSerializer(
        many=True, help_text="The calendars that were requested by id."
    )
    request_id = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `data` is a property of serializers, so it cannot be declared above.
        return {"data": PersonTimesSerializer(many=True), **super().get_fields()}
