"""
Fields for JSON: each takes the type that the document names, and no other.

DRF's own fields read `5` as text, "yes" as true and "7" as a number. A client that sends these has
a mistake in it, and learns of it at the member that is wrong.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

#: The largest number that a column of ours holds.
LARGEST_NUMBER: Final = 2**31 - 1


class StringOnlyMixin:
    """Refuses what is no JSON string."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("Not a string.")
        return super().to_internal_value(data)  # type: ignore[misc]  # of the field beside it


class StrictCharField(StringOnlyMixin, serializers.CharField):
    """A string; unless `allow_blank`, it has characters other than spaces."""

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
