from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from integrations.access import person_references
from integrations.access.person_references import PersonReference, PersonResolver
from integrations.formats import timezones

from .json_fields import StrictCharField, StringOnlyMixin

_CLOCK_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class RequestBodySerializer(serializers.Serializer[None]):
    """A JSON object; a member that is not declared is an error at that member."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError(
                {str(name)[:64]: ["This member is unknown."] for name in sorted(unknown, key=str)}
            )
        return super().to_internal_value(data)


class OffsetDateTimeField(StringOnlyMixin, serializers.DateTimeField):
    """A time with its UTC offset; without one, the time is ambiguous."""

    default_error_messages = {
        "naive": "Add the offset from UTC, such as 2026-05-04T09:00:00+02:00."
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)


class TimeZoneNameField(StrictCharField):
    """A time zone by its IANA name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, validators=[validate_zone], **kwargs)


def validate_zone(name: str) -> None:
    """:raises ValidationError:"""
    try:
        timezones.get_zone(name)
    except timezones.UnknownZone:
        raise serializers.ValidationError(
            "This time zone does not exist. Use a name of the IANA database, such as Europe/Berlin."
        ) from None


class PersonIdField(StrictCharField):
    """A person: `me`, our id, or the platform's id. The context's `people` resolves it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=person_references.MAX_LENGTH, trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = empty) -> PersonReference:
        people: PersonResolver = self.context["people"]
        return people.resolve(super().run_validation(data))


@extend_schema_field({"type": "string", "pattern": _CLOCK_PATTERN})
class ClockTimeField(StringOnlyMixin, serializers.TimeField):
    """A time of day without a zone, as 09:00."""

    def to_internal_value(self, data: Any) -> time:
        if isinstance(data, str) and not re.search(_CLOCK_PATTERN, data, re.ASCII):
            self.fail("invalid", format="hh:mm")
        clock_time: time = super().to_internal_value(data)
        return clock_time


class DistinctListField(serializers.ListField):
    """A list of distinct values."""

    def run_validation(self, data: Any = empty) -> Any:
        values = super().run_validation(data)
        if len(set(values)) < len(values):
            raise serializers.ValidationError(["Name each one once."])
        return values
