"""
Serializers that all API packages share. They describe responses and validate parameters.

Sinks render responses from plain dicts; `tests/api` compares every response with its serializer.
Each component has an explicit name, so renaming a class does not change the document.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

MAX_PAGE_SIZE = 200


def make_page_serializer(
    name: str, item_serializer: type[serializers.Serializer[None]]
) -> type[serializers.Serializer[None]]:
    """Return the serializer class of a page of items."""
    # Built with `type`: to type checkers, `data` is a property of serializers.
    fields = {
        "data": item_serializer(many=True),
        "next_cursor": serializers.CharField(allow_null=True),
        "has_more": serializers.BooleanField(),
        "request_id": serializers.CharField(),
    }
    serializer_class = type(name, (serializers.Serializer,), fields)
    return extend_schema_serializer(component_name=name)(serializer_class)


class QueryBooleanField(serializers.BooleanField):
    """`true` or `false`. DRF's field also accepts `yes`, `on` and others."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in {"true", "false"}:
            self.fail("invalid", input=data)
        return bool(data == "true")


class CursorField(serializers.CharField):
    """A `next_cursor`. Its signature is checked later, by `page_cursors.read`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=1, trim_whitespace=False, **kwargs)
