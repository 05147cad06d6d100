"""Requests of writes of events. See `calendars`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.web.api.json_fields import (
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictUUIDField,
)
from integrations.web.api.request_fields import (
    DistinctListField,
    PersonIdField,
    RequestBodySerializer,
)

from .free_busy import MAX_PEOPLE

_SCOPES = ["this", "following", "all"]
_NOTIFY = ["all", "none"]


@extend_schema_serializer(component_name="WhenGiven")
class WhenGivenSerializer(RequestBodySerializer):
    """Two times on the clocks of `timezone`, or two days; the end is exclusive."""

    object = serializers.ChoiceField(choices=["timespan", "datespan"])
    start = StrictCharField(
        max_length=40, help_text="A time (RFC 3339), a local time without an offset, or a date."
    )
    end = StrictCharField(max_length=40)
    timezone = StrictCharField(
        max_length=64, default="UTC", help_text="The IANA name of a time zone."
    )


@extend_schema_serializer(component_name="InvitedGuest")
class InvitedGuestSerializer(RequestBodySerializer):
    email = StrictCharField(max_length=254)
    name = StrictCharField(max_length=200, default="", allow_blank=True)
    is_optional = StrictBooleanField(default=False)


@extend_schema_serializer(component_name="ReminderGiven")
class ReminderGivenSerializer(RequestBodySerializer):
    minutes = StrictIntegerField(
        min_value=0, max_value=40320, help_text="Minutes before the start."
    )
    method = serializers.ChoiceField(choices=["popup", "email"], default="popup")


class NotifySerializer(RequestBodySerializer):
    notify = serializers.ChoiceField(
        choices=_NOTIFY,
        default="none",
        help_text="Whether the provider emails the attendees about the change.",
    )


class EventFieldsSerializer(NotifySerializer):
    title = StrictCharField(required=False, allow_blank=True, max_length=1000)
    description = StrictCharField(required=False, allow_blank=True, max_length=8192)
    location = StrictCharField(required=False, allow_blank=True, max_length=1000)
    recurrence = serializers.ListField(
        child=StrictCharField(max_length=2000), required=False, max_length=20
    )
    participants = InvitedGuestSerializer(many=True, required=False)
    busy = StrictBooleanField(required=False)
    visibility = serializers.ChoiceField(choices=["default", "private"], required=False)
    reminders = serializers.ListField(
        child=ReminderGivenSerializer(),
        required=False,
        allow_null=True,
        max_length=5,
        help_text="Null: the calendar's default reminders.",
    )


@extend_schema_serializer(component_name="NewEvent")
class NewEventSerializer(EventFieldsSerializer):
    calendar_id = StrictUUIDField()
    when = WhenGivenSerializer()
    require_free = DistinctListField(
        child=PersonIdField(),
        default=list,
        max_length=MAX_PEOPLE,
        help_text="People who must be free, each `me`, an id or a platform id. Antares checks their"
        " calendars again; if someone is not free, the status is 409.",
    )


@extend_schema_serializer(component_name="EventEdit")
class EventEditSerializer(EventFieldsSerializer):
    """What is to be different; what is left out stays."""

    when = WhenGivenSerializer(required=False)
    scope = serializers.ChoiceField(choices=_SCOPES, default="this")


@extend_schema_serializer(component_name="Move")
class MoveSerializer(NotifySerializer):
    calendar_id = StrictUUIDField(
        help_text="A calendar of the same account, or an Antares calendar if the event is in one."
    )


@extend_schema_serializer(component_name="Answer")
class AnswerSerializer(NotifySerializer):
    status = serializers.ChoiceField(choices=["accepted", "tentative", "declined"])
    scope = serializers.ChoiceField(choices=["this", "all"], default="this")


class DeleteQuerySerializer(NotifySerializer):
    scope = serializers.ChoiceField(choices=_SCOPES, default="this")


@extend_schema_serializer(component_name="WrittenElsewhere")
class WrittenElsewhereSerializer(serializers.Serializer[None]):
    """It was written, and lies outside of the time that is kept here."""

    status = serializers.ChoiceField(choices=["written"])
    calendar_id = serializers.UUIDField()
    id = serializers.CharField(allow_null=True)
