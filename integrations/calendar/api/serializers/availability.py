"""Request and response of `/availability`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.formats.recurrence.meeting_slots import WeeklyHours
from integrations.web.api.json_fields import StrictBooleanField, StrictIntegerField
from integrations.web.api.request_fields import (
    ClockTimeField,
    OffsetDateTimeField,
    PersonIdField,
    RequestBodySerializer,
    TimeZoneNameField,
)

from .free_busy import MAX_PEOPLE, check_window

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MINUTES_OF_A_DAY: Final = 24 * 60


@extend_schema_serializer(component_name="Opening")
class OpeningSerializer(RequestBodySerializer):
    days = serializers.ListField(
        child=serializers.ChoiceField(choices=_DAYS), min_length=1, max_length=len(_DAYS)
    )
    start = ClockTimeField(help_text="A time of day, such as 09:00.")
    end = ClockTimeField(
        help_text="A time of day. If it is not after the start, it is on the next day; 00:00 is"
        " midnight."
    )


@extend_schema_serializer(component_name="WorkingHours")
class WorkingHoursSerializer(RequestBodySerializer):
    timezone = TimeZoneNameField(help_text="The IANA name of a time zone.")
    open = serializers.ListField(child=OpeningSerializer(), min_length=1, max_length=14)


@extend_schema_serializer(component_name="Invited")
class InvitedSerializer(RequestBodySerializer):
    user_id = PersonIdField(help_text="`me`, a person's id, or a platform id.")
    required = StrictBooleanField(  # type: ignore[assignment]  # a field of the body
        default=True, help_text="Whether the participant must attend."
    )
    hours = WorkingHoursSerializer(
        required=False,
        help_text="The participant's own hours. All-day events of the participant begin in this"
        " time zone.",
    )


@extend_schema_serializer(component_name="AvailabilityQuery")
class AvailabilityQuerySerializer(RequestBodySerializer):
    """What is looked for, of whom, and when; a field that is not known is a 400."""

    start = OffsetDateTimeField()
    end = OffsetDateTimeField()
    timezone = TimeZoneNameField(
        default="UTC",
        help_text="An IANA time zone name. Suggested times begin at multiples of `step_minutes`"
        " after midnight in this zone.",
    )
    duration_minutes = StrictIntegerField(min_value=1, max_value=_MINUTES_OF_A_DAY)
    step_minutes = StrictIntegerField(
        min_value=5,
        max_value=_MINUTES_OF_A_DAY,
        default=15,
        help_text="Minutes between possible starts, counted from midnight.",
    )
    buffer_before_minutes = StrictIntegerField(
        min_value=0,
        max_value=_MINUTES_OF_A_DAY,
        default=0,
        help_text="Minutes before the meeting during which all required participants must be free.",
    )
    buffer_after_minutes = StrictIntegerField(
        min_value=0,
        max_value=_MINUTES_OF_A_DAY,
        default=0,
        help_text="Minutes after the meeting during which all required participants must be free.",
    )
    limit = StrictIntegerField(min_value=1, max_value=200, default=20)
    participants = serializers.ListField(
        child=InvitedSerializer(), min_length=1, max_length=MAX_PEOPLE
    )
    hours = WorkingHoursSerializer(
        required=False,
        help_text="The hours of participants without hours of their own. Without it, any time of"
        " day counts.",
    )

    def validate_participants(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({participant["user_id"] for participant in value}) < len(value):
            raise serializers.ValidationError("Name each one once.")
        if not any(participant["required"] for participant in value):
            raise serializers.ValidationError("At least one participant must be required.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_window(attrs)
        if attrs["end"] - attrs["start"] < timedelta(minutes=attrs["duration_minutes"]):
            raise serializers.ValidationError({"duration_minutes": ["Longer than the time range."]})
        return attrs


def parse_hours(fields: dict[str, Any] | None) -> WeeklyHours | None:
    """Return working hours by weekday, as the slot search takes them."""
    if fields is None:
        return None
    days: dict[int, list[Any]] = {}
    for opening in fields["open"]:
        for day in dict.fromkeys(opening["days"]):
            days.setdefault(_DAYS.index(day), []).append((opening["start"], opening["end"]))
    return WeeklyHours(fields["timezone"], days)


@extend_schema_serializer(component_name="Slot")
class SlotSerializer(serializers.Serializer[None]):
    start = serializers.DateTimeField(help_text="A time (RFC 3339, UTC).")
    end = serializers.DateTimeField(help_text="A time (RFC 3339, UTC), exclusive.")
    optional = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="The ids of the optional participants who are free.",
    )


@extend_schema_serializer(component_name="Attendance")
class AttendanceSerializer(serializers.Serializer[None]):
    person = serializers.CharField(help_text="As the request names the participant.")
    user_id = serializers.UUIDField(allow_null=True, help_text="Null for an unknown platform id.")
    platform_id = serializers.CharField(
        allow_null=True, help_text="Null for people who share no calendar with you."
    )
    required = serializers.BooleanField()  # type: ignore[assignment]  # a field of the answer
    status = serializers.ChoiceField(
        choices=["known", "unknown"],
        help_text="If the times of a required participant are unknown, no times are returned.",
    )


@extend_schema_serializer(component_name="Availability")
class AvailabilitySerializer(serializers.Serializer[None]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    timezone = serializers.CharField()
    participants = AttendanceSerializer(many=True)
    request_id = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `data` is a property of serializers, so it cannot be declared above.
        return {"data": SlotSerializer(many=True), **super().get_fields()}
