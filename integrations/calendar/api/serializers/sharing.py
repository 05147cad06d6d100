"""Requests and responses of shares."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.web.api.json_fields import StrictEmailField, StrictIntegerField
from integrations.web.api.request_fields import OffsetDateTimeField, RequestBodySerializer
from limited_use.models.shares import ShareLevel


@extend_schema_serializer(component_name="Share")
class ShareSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    calendar_id = serializers.UUIDField()
    direction = serializers.ChoiceField(choices=["given", "received"])
    address = serializers.CharField(
        allow_null=True,
        help_text="The address that you entered. Null if the calendar is shared with you.",
    )
    user_id = serializers.UUIDField(
        allow_null=True, help_text="The id of the calendar's owner. Null if the calendar is yours."
    )
    platform_id = serializers.CharField(
        allow_null=True,
        help_text="The platform's id of the calendar's owner. Null if the calendar is yours.",
    )
    name = serializers.CharField(
        allow_null=True,
        help_text="The name of the calendar's owner. Null if the calendar is yours.",
    )
    level = serializers.ChoiceField(choices=ShareLevel.values)
    given_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(component_name="ShareList")
class ShareListSerializer(serializers.Serializer[None]):
    next_cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
    request_id = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `data` is a property of serializers, so it cannot be declared above.
        return {"data": ShareSerializer(many=True), **super().get_fields()}


@extend_schema_serializer(component_name="NewShare")
class NewShareSerializer(RequestBodySerializer):
    email = StrictEmailField(max_length=254)
    level = serializers.ChoiceField(choices=ShareLevel.values)
    expires_at = OffsetDateTimeField(required=False, allow_null=True)
    version = StrictIntegerField(
        min_value=1,
        help_text="The version of the `calendar-sharing` text that the person has agreed to.",
    )


@extend_schema_serializer(component_name="Accepted")
class AcceptedSerializer(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=["accepted"])
    disclosure = serializers.CharField()
