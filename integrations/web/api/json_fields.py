"""
Fields that accept only the JSON type in the document.

DRF's own fields read `5` as text, "yes" as true and "7" as a number.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

#: The largest value of our integer columns.
LARGEST_NUMBER: Final = 2**31 - 1


class StringOnlyMixin:
    """Rejects values other than JSON strings."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("Not a string.")
        return super().to_internal_value(data)  # type: ignore[misc]  # from the field class


class StrictCharField(StringOnlyMixin, serializers.CharField):
    """A string; unless `allow_blank`, with characters other than spaces."""

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("allow_blank"):
            kwargs.setdefault("min_length", 1)
        super().__init__(**kwargs)


class StrictRegexField(StringOnlyMixin, serializers.RegexField):
    pass


class StrictEmailField(StringOnlyMixin, serializers.EmailField):
    pass


class StrictIntegerField(serializers.IntegerField):
    """A JSON number without a fraction."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_value", LARGEST_NUMBER)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """JSON `true` or `false`."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictUUIDField(StringOnlyMixin, serializers.UUIDField):
    """A UUID as this API writes it: 36 characters."""

    def to_internal_value(self, data: Any) -> UUID:
        parsed: UUID = super().to_internal_value(data)
        if str(parsed) != data.lower():
            self.fail("invalid", value=data)
        return parsed
