"""Serializers of messages and threads, and of the query parameters of their lists."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.mail.list_filters import FOLDERS
from integrations.web.api.request_fields import OffsetDateTimeField
from integrations.web.api.serializers import (
    MAX_PAGE_SIZE,
    CursorField,
    QueryBooleanField,
    make_page_serializer,
)


@extend_schema_serializer(component_name="Address")
class AddressSerializer(serializers.Serializer[None]):
    name = serializers.CharField(
        allow_blank=True, help_text="The display name. Senders choose it freely."
    )
    email = serializers.CharField(
        allow_blank=True, help_text="Empty if the header has only a name."
    )
    names_another_address = serializers.BooleanField(
        help_text="True if `name` contains an email address other than `email`."
    )


@extend_schema_serializer(component_name="Attachment")
class AttachmentSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    filename = serializers.CharField(allow_blank=True)
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    is_inline = serializers.BooleanField()


@extend_schema_serializer(component_name="MessageSummary")
class MessageSummarySerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    thread_id = serializers.UUIDField()
    subject = serializers.CharField(allow_blank=True)
    to = AddressSerializer(many=True)
    cc = AddressSerializer(many=True)
    bcc = AddressSerializer(many=True)
    reply_to = AddressSerializer(many=True)
    date = serializers.DateTimeField(
        help_text="When the provider received the message (RFC 3339, UTC)."
    )
    snippet = serializers.CharField(allow_blank=True)
    unread = serializers.BooleanField()
    starred = serializers.BooleanField()
    folders = serializers.ListField(child=serializers.CharField())
    labels = serializers.ListField(child=serializers.CharField())
    has_attachments = serializers.BooleanField()
    size = serializers.IntegerField(help_text="Bytes.")

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `from` is a Python keyword, so the field cannot be declared above.
        fields = super().get_fields()
        fields["from"] = AddressSerializer(many=True)
        return fields


@extend_schema_serializer(component_name="Message")
class MessageSerializer(MessageSummarySerializer):
    provider_id = serializers.CharField()
    rfc822_message_id = serializers.CharField(allow_null=True)
    body = serializers.CharField(allow_blank=True, help_text="Sanitised HTML.")
    body_text = serializers.CharField(allow_blank=True)
    attachments = AttachmentSerializer(many=True)
    synced_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="Thread")
class ThreadSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    subject = serializers.CharField(allow_blank=True)
    snippet = serializers.CharField(allow_blank=True)
    participants = AddressSerializer(many=True)
    message_count = serializers.IntegerField()
    unread_count = serializers.IntegerField()
    unread = serializers.BooleanField()
    starred = serializers.BooleanField()
    has_attachments = serializers.BooleanField()
    earliest_message_date = serializers.DateTimeField()
    latest_message_received_date = serializers.DateTimeField()


@extend_schema_serializer(component_name="ThreadDetail")
class ThreadDetailSerializer(ThreadSerializer):
    messages = MessageSummarySerializer(many=True)


MessageListSerializer = make_page_serializer("MessageList", MessageSummarySerializer)
ThreadListSerializer = make_page_serializer("ThreadList", ThreadSerializer)


class MailListQuerySerializer(serializers.Serializer[None]):
    """Query parameters of a list; an unknown or repeated parameter is a 400."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=50)
    cursor = CursorField(required=False)
    connection_id = serializers.UUIDField(required=False)
    folder = serializers.ChoiceField(
        FOLDERS,
        required=False,
        error_messages={"invalid_choice": "There is no such folder."},
        help_text="A folder. Messages may be in other folders too, which are no filters.",
    )
    unread = QueryBooleanField(required=False)
    starred = QueryBooleanField(required=False)
    has_attachments = QueryBooleanField(required=False)
    received_after = OffsetDateTimeField(required=False)
    received_before = OffsetDateTimeField(required=False)


class MessageListQuerySerializer(MailListQuerySerializer):
    thread_id = serializers.UUIDField(required=False)
