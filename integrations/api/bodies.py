"""What the bodies of requests are made of: nothing unknown, times with an offset, zones by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

from integrations import zones

#: How a caller names whoever it is or acts for.
ME: Final = "me"


class Body(serializers.Serializer[None]):
    """A JSON object; a member that is not declared is an error at that member."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError(
                {str(name)[:64]: ["There is no such field."] for name in sorted(unknown, key=str)}
            )
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A time that says itself how far from UTC it is; what does not could be meant otherwise."""

    default_error_messages = {"naive": "Say how far from UTC, as in 2026-05-04T09:00:00+02:00."}

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)


class Zone(serializers.CharField):
    """A time zone by its IANA name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, validators=[is_known], **kwargs)


def is_known(name: str) -> None:
    """:raises ValidationError: if there is no zone of that name"""
    try:
        zones.zone(name)
    except zones.UnknownZone:
        raise serializers.ValidationError(
            "There is no such time zone. Name it as in Europe/Berlin, by the IANA database."
        ) from None


class Person(serializers.UUIDField):
    """A person's id, or `me`: the context's `user_id`."""

    def to_internal_value(self, data: Any) -> UUID:
        if data == ME:
            found: UUID = self.context["user_id"]
            return found
        return super().to_internal_value(data)
