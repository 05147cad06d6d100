"""
Wire shapes, written out, for the OpenAPI document and for reading input.

Sinks render answers from plain dicts; `tests/api` compares every answer with these shapes.
Each component has an explicit name, so that renaming a class does not change the document.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.inbox.filters import FOLDERS
from limited_use.claims import claim

from .bodies import Moment

MAXIMUM_LIMIT = 200


@extend_schema_serializer(component_name="Address")
class Address(serializers.Serializer[None]):
    name = serializers.CharField(
        allow_blank=True, help_text="The display name. The sender chooses it freely."
    )
    email = serializers.CharField(
        allow_blank=True, help_text="Empty if the header gives a name alone."
    )
    names_another_address = serializers.BooleanField(
        help_text="True if `name` contains an email address other than `email`."
    )


@extend_schema_serializer(component_name="Attachment")
class Attachment(serializers.Serializer[None]):
    id = serializers.UUIDField()
    filename = serializers.CharField(allow_blank=True)
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    is_inline = serializers.BooleanField()


@extend_schema_serializer(component_name="MessageSummary")
class MessageSummary(serializers.Serializer[None]):
    id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    thread_id = serializers.UUIDField()
    subject = serializers.CharField(allow_blank=True)
    to = Address(many=True)
    cc = Address(many=True)
    bcc = Address(many=True)
    reply_to = Address(many=True)
    date = serializers.DateTimeField(help_text="When the provider received it, RFC 3339 UTC.")
    snippet = serializers.CharField(allow_blank=True)
    unread = serializers.BooleanField()
    starred = serializers.BooleanField()
    folders = serializers.ListField(child=serializers.CharField())
    labels = serializers.ListField(child=serializers.CharField())
    has_attachments = serializers.BooleanField()
    size = serializers.IntegerField(help_text="Bytes.")

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `from` is a word of the language, so it cannot be declared above.
        fields = super().get_fields()
        fields["from"] = Address(many=True)
        return fields


@extend_schema_serializer(component_name="Message")
class Message(MessageSummary):
    provider_id = serializers.CharField()
    rfc822_message_id = serializers.CharField(allow_null=True)
    body = serializers.CharField(allow_blank=True, help_text="Sanitised HTML.")
    body_text = serializers.CharField(allow_blank=True)
    attachments = Attachment(many=True)
    synced_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="Thread")
class Thread(serializers.Serializer[None]):
    id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    subject = serializers.CharField(allow_blank=True)
    snippet = serializers.CharField(allow_blank=True)
    participants = Address(many=True)
    message_count = serializers.IntegerField()
    unread_count = serializers.IntegerField()
    unread = serializers.BooleanField()
    starred = serializers.BooleanField()
    has_attachments = serializers.BooleanField()
    earliest_message_date = serializers.DateTimeField()
    latest_message_received_date = serializers.DateTimeField()


@extend_schema_serializer(component_name="ThreadDetail")
class ThreadDetail(Thread):
    messages = MessageSummary(many=True)


@extend_schema_serializer(component_name="Sync")
class Sync(serializers.Serializer[None]):
    stage = serializers.CharField()
    done_count = serializers.IntegerField()
    expected_count = serializers.IntegerField()
    set_aside_count = serializers.IntegerField()
    delayed_count = serializers.IntegerField(
        help_text="Messages that the provider has not delivered yet; they are fetched again soon."
    )
    pause_reason = serializers.CharField(
        allow_blank=True,
        help_text="Why it waits until `next_sync_at`, as a `status_reason`; empty if all is well.",
    )
    last_synced_at = serializers.DateTimeField(allow_null=True)
    next_sync_at = serializers.DateTimeField(allow_null=True)
    check_interval_seconds = serializers.IntegerField(
        allow_null=True,
        help_text="Seconds from one check for news to the next. Null while checks are not regular:"
        " during an import, after a failed try, while the provider's limits or a lack of workers"
        " delay checks, and until the owner reconnects. Always null for calendars.",
    )
    check_interval_reason = serializers.CharField(
        allow_null=True,
        help_text="`usual`; `told`: the provider tells of news by itself, so checks are rare;"
        " `not_looked_at`: nobody has listed or opened this mail for about an hour or longer, so"
        " checks are rare, and `usual` once somebody does. Null where `check_interval_seconds` is.",
    )
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="Null unless the last try did not succeed."
    )
    last_event_at = serializers.DateTimeField(
        allow_null=True, help_text="When the provider last told of news by itself."
    )
    watch_expires_at = serializers.DateTimeField(
        allow_null=True,
        help_text="Until when it tells unless it is asked again; null where it is asked alone.",
    )


@extend_schema_serializer(component_name="Integration")
class Integration(serializers.Serializer[None]):
    id = serializers.UUIDField()
    product = serializers.CharField()
    status = serializers.CharField()
    status_reason = serializers.CharField(allow_blank=True)
    horizon_days = serializers.IntegerField(allow_null=True)
    sync = Sync(allow_null=True)


@extend_schema_serializer(component_name="Connection")
class Connection(serializers.Serializer[None]):
    id = serializers.UUIDField()
    provider = serializers.CharField()
    email = serializers.CharField(
        allow_null=True, help_text="Null for a platform feature, and of calendars that live here."
    )
    status = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.CharField())
    granted_scopes = serializers.ListField(child=serializers.CharField())
    missing_scopes = serializers.ListField(child=serializers.CharField())
    integrations = Integration(many=True)
    created_at = serializers.DateTimeField()
    reconnect_before = serializers.DateTimeField(
        allow_null=True,
        help_text=claim(
            "api.reconnect-before",
            "Set only while the grant, or a permission that a product needs, is missing. After"
            " this time, the product that has waited longest is disconnected and its data"
            " removed.",
        ),
    )


def page(name: str, item: type[serializers.Serializer[None]]) -> type[serializers.Serializer[None]]:
    """Return the shape of a page of `item`."""
    # Made, not declared: `data` is a property of serializers, as type checkers see it.
    fields = {
        "data": item(many=True),
        "next_cursor": serializers.CharField(allow_null=True),
        "has_more": serializers.BooleanField(),
        "request_id": serializers.CharField(),
    }
    shape = type(name, (serializers.Serializer,), fields)
    return extend_schema_serializer(component_name=name)(shape)


MessageList = page("MessageList", MessageSummary)
ThreadList = page("ThreadList", Thread)
ConnectionList = page("ConnectionList", Connection)


class QueryBoolean(serializers.BooleanField):
    """`true` or `false`; DRF's field also takes `yes`, `on` and others."""

    def to_internal_value(self, data: Any) -> bool:
        if data not in {"true", "false"}:
            self.fail("invalid", input=data)
        return bool(data == "true")


class Cursor(serializers.CharField):
    """A `next_cursor`. Whether this service wrote it is checked where it is read."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=1, trim_whitespace=False, **kwargs)


class ListQuery(serializers.Serializer[None]):
    """What a list may be asked for; an unknown or repeated parameter is a 400."""

    limit = serializers.IntegerField(min_value=1, max_value=MAXIMUM_LIMIT, default=50)
    cursor = Cursor(required=False)
    connection_id = serializers.UUIDField(required=False)
    folder = serializers.ChoiceField(
        FOLDERS,
        required=False,
        error_messages={"invalid_choice": "There is no such folder."},
        help_text="Messages may be in other folders as well; these can be asked for.",
    )
    unread = QueryBoolean(required=False)
    starred = QueryBoolean(required=False)
    has_attachments = QueryBoolean(required=False)
    received_after = Moment(required=False)
    received_before = Moment(required=False)


class MessageListQuery(ListQuery):
    thread_id = serializers.UUIDField(required=False)
