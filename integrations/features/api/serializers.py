"""Requests and responses of service clients about their own matters."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.features.delegation_page import DelegationState
from integrations.features.removals import RemovalState
from integrations.models import RemovalReason
from integrations.web.api.serializers import MAX_PAGE_SIZE, CursorField, make_page_serializer


class ClientPageQuerySerializer(serializers.Serializer[None]):
    cursor = CursorField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=50)


@extend_schema_serializer(component_name="PlatformReference")
class PlatformReferenceSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField(help_text="The id in this service.")
    platform_id = serializers.CharField(help_text="The id on the platform.")


@extend_schema_serializer(component_name="Delegation")
class DelegationSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField(help_text="The value of `delegation` at `/oauth/token`.")
    user = PlatformReferenceSerializer()
    organisation = PlatformReferenceSerializer()
    purposes = serializers.ListField(
        child=serializers.CharField(), help_text="The purposes for which tokens are issued."
    )
    state = serializers.ChoiceField(choices=list(DelegationState))
    text_version = serializers.IntegerField(
        help_text="The version of the feature's text that the person agreed to."
    )
    switched_on_at = serializers.DateTimeField()
    switched_off_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the person switched it off, agreed to a new text, or left the"
        " organisation.",
    )


DelegationListSerializer = make_page_serializer("DelegationList", DelegationSerializer)


@extend_schema_serializer(component_name="Removal")
class RemovalSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    user = PlatformReferenceSerializer()
    delegation = serializers.UUIDField(help_text="The delegation of the feature's last read.")
    product = serializers.ChoiceField(choices=["mail", "calendar", "drive"])
    connection_id = serializers.UUIDField(
        help_text="The account, as `connection_id` of messages and calendars."
    )
    integration = serializers.UUIDField(
        help_text="The product of this account, as `integrations[].id` of connections."
    )
    reason = serializers.ChoiceField(choices=RemovalReason.values)
    items = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Ids of messages, events or calendars; empty: everything of the integration. An"
        " event can be a series: all its occurrences, whose ids begin with that of the series"
        " and `_`.",
    )
    last_read_at = serializers.DateTimeField()
    issued_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="When the feature's tokens are refused.")
    acknowledged_at = serializers.DateTimeField(allow_null=True)


RemovalListSerializer = make_page_serializer("RemovalList", RemovalSerializer)


class RemovalListQuerySerializer(ClientPageQuerySerializer):
    state = serializers.ChoiceField(choices=list(RemovalState), default=RemovalState.OPEN)
