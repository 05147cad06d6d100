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
    start = ClockTimeField(help_text="On the clock, as 09:00.")
    end = ClockTimeField(
        help_text="What ends no later than it begins ends on the next day: 00:00 is midnight."
    )


@extend_schema_serializer(component_name="WorkingHours")
class WorkingHoursSerializer(RequestBodySerializer):
    timezone = TimeZoneNameField(help_text="An IANA name.")
    open = serializers.ListField(child=OpeningSerializer(), min_length=1, max_length=14)


@extend_schema_serializer(component_name="Invited")
class InvitedSerializer(RequestBodySerializer):
    user_id = PersonIdField(help_text="A person's id, or `me`.")
    required = StrictBooleanField(  # type: ignore[assignment]  # a field of the body
        default=True, help_text="Whether there is no meeting without them."
    )
    hours = WorkingHoursSerializer(
        required=False, help_text="Their own; whole days in their calendar begin in that zone."
    )


@extend_schema_serializer(component_name="AvailabilityQuery")
class AvailabilityQuerySerializer(RequestBodySerializer):
    """What is looked for, of whom, and when; a field that is not known is a 400."""

    start = OffsetDateTimeField()
    end = OffsetDateTimeField()
    timezone = TimeZoneNameField(
        default="UTC", help_text="On whose clocks slots begin at full steps."
    )
    duration_minutes = StrictIntegerField(min_value=1, max_value=_MINUTES_OF_A_DAY)
    step_minutes = StrictIntegerField(
        min_value=5, max_value=_MINUTES_OF_A_DAY, default=15, help_text="Counted from midnight."
    )
    buffer_before_minutes = StrictIntegerField(
        min_value=0, max_value=_MINUTES_OF_A_DAY, default=0, help_text="Free before it, for all."
    )
    buffer_after_minutes = StrictIntegerField(
        min_value=0, max_value=_MINUTES_OF_A_DAY, default=0, help_text="Free after it, for all."
    )
    limit = StrictIntegerField(min_value=1, max_value=200, default=20)
    participants = serializers.ListField(
        child=InvitedSerializer(), min_length=1, max_length=MAX_PEOPLE
    )
    hours = WorkingHoursSerializer(
        required=False, help_text="Of everybody who has none of their own; none: any time."
    )

    def validate_participants(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({participant["user_id"] for participant in value}) < len(value):
            raise serializers.ValidationError("Each is named once.")
        if not any(participant["required"] for participant in value):
            raise serializers.ValidationError("Somebody has to be there.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_window(attrs)
        if attrs["end"] - attrs["start"] < timedelta(minutes=attrs["duration_minutes"]):
            raise serializers.ValidationError({"duration_minutes": ["Longer than the window."]})
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
    start = serializers.DateTimeField(help_text="RFC 3339 UTC.")
    end = serializers.DateTimeField(help_text="RFC 3339 UTC, exclusive.")
    optional = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Who can come of those who do not have to. Who has to can.",
    )


@extend_schema_serializer(component_name="Attendance")
class AttendanceSerializer(serializers.Serializer[None]):
    user_id = serializers.UUIDField()
    required = serializers.BooleanField()  # type: ignore[assignment]  # a field of the answer
    status = serializers.ChoiceField(
        choices=["known", "unknown"],
        help_text="With one unknown who has to be there, there is no slot.",
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
