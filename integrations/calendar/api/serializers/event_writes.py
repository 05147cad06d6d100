"""Wire shapes of what is written of events. See `calendars`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.web.api.fields import Body, DistinctList, Person
from integrations.web.api.json_fields import Boolean, Id, Integer, Text

from .free_busy import MOST_PEOPLE

_SCOPES = ["this", "following", "all"]
_NOTIFY = ["all", "none"]


@extend_schema_serializer(component_name="WhenGiven")
class WhenGiven(Body):
    """Two times on the clocks of `timezone`, or two days; the end is exclusive."""

    object = serializers.ChoiceField(choices=["timespan", "datespan"])
    start = Text(max_length=40, help_text="RFC 3339, a local time, or a date.")
    end = Text(max_length=40)
    timezone = Text(max_length=64, default="UTC", help_text="An IANA name.")


@extend_schema_serializer(component_name="InvitedGuest")
class InvitedGuest(Body):
    email = Text(max_length=254)
    name = Text(max_length=200, default="", allow_blank=True)
    is_optional = Boolean(default=False)


@extend_schema_serializer(component_name="ReminderGiven")
class ReminderGiven(Body):
    minutes = Integer(min_value=0, max_value=40320, help_text="Before the start.")
    method = serializers.ChoiceField(choices=["popup", "email"], default="popup")


class Told(Body):
    notify = serializers.ChoiceField(
        choices=_NOTIFY, default="none", help_text="Whether guests are sent word of it."
    )


class EventFields(Told):
    title = Text(required=False, allow_blank=True, max_length=1000)
    description = Text(required=False, allow_blank=True, max_length=8192)
    location = Text(required=False, allow_blank=True, max_length=1000)
    recurrence = serializers.ListField(child=Text(max_length=2000), required=False, max_length=20)
    participants = InvitedGuest(many=True, required=False)
    busy = Boolean(required=False)
    visibility = serializers.ChoiceField(choices=["default", "private"], required=False)
    reminders = serializers.ListField(
        child=ReminderGiven(),
        required=False,
        allow_null=True,
        max_length=5,
        help_text="Null for the calendar's own.",
    )


@extend_schema_serializer(component_name="NewEvent")
class NewEvent(EventFields):
    calendar_id = Id()
    when = WhenGiven()
    require_free = DistinctList(
        child=Person(),
        default=list,
        max_length=MOST_PEOPLE,
        help_text="Ids of people, or `me`, who have to be free then, looked at anew: else a 409.",
    )


@extend_schema_serializer(component_name="EventEdit")
class EventEdit(EventFields):
    """What is to be different; what is left out stays."""

    when = WhenGiven(required=False)
    scope = serializers.ChoiceField(choices=_SCOPES, default="this")


@extend_schema_serializer(component_name="Move")
class Move(Told):
    calendar_id = Id(help_text="Of the same account, or both kept here.")


@extend_schema_serializer(component_name="Answer")
class Answer(Told):
    status = serializers.ChoiceField(choices=["accepted", "tentative", "declined"])
    scope = serializers.ChoiceField(choices=["this", "all"], default="this")


class DeleteQuery(Told):
    scope = serializers.ChoiceField(choices=_SCOPES, default="this")


@extend_schema_serializer(component_name="WrittenElsewhere")
class WrittenElsewhere(serializers.Serializer[None]):
    """It was written, and lies outside of the time that is kept here."""

    status = serializers.ChoiceField(choices=["written"])
    calendar_id = serializers.UUIDField()
    id = serializers.CharField(allow_null=True)
