"""Wire shapes of calendars and events, written out. See `serializers`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.web.api.fields import Body, Moment
from integrations.web.api.json_fields import Integer, Pattern, Text
from integrations.web.api.serializers import MAXIMUM_LIMIT, Cursor, page


@extend_schema_serializer(component_name="CalendarCopy")
class CalendarCopy(serializers.Serializer[None]):
    state = serializers.ChoiceField(
        choices=["local", "current", "deleted", "pending", "withheld"],
        help_text="`withheld`: whoever shares it has not agreed to sharing as it reads now.",
    )
    cached_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    unreadable_count = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `from` is a word of the language, so it cannot be declared above.
        fields = super().get_fields()
        fields["from"] = serializers.DateTimeField(allow_null=True)
        return fields


@extend_schema_serializer(component_name="CalendarStanding")
class CalendarStanding(CalendarCopy):
    id = serializers.UUIDField()
    complete = serializers.BooleanField(help_text="Whether its events are among the data.")


@extend_schema_serializer(component_name="Calendar")
class Calendar(serializers.Serializer[None]):
    id = serializers.UUIDField()
    connection_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_null=True, allow_blank=True)
    timezone = serializers.CharField(allow_null=True, allow_blank=True, help_text="An IANA name.")
    colour = serializers.CharField(allow_null=True)
    is_primary = serializers.BooleanField()
    is_shown = serializers.BooleanField()
    is_local = serializers.BooleanField()
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the answer
    shared_by = serializers.UUIDField(allow_null=True, help_text="Whose it is, if not your own.")
    level = serializers.ChoiceField(choices=["owner", "freebusy", "details"])
    copy = CalendarCopy()
    etag = serializers.CharField(
        allow_null=True, help_text="For `If-Match`, in quotes; of your own that live here."
    )


@extend_schema_serializer(component_name="CalendarAbout")
class CalendarAbout(Body):
    name = Text(max_length=200)
    timezone = Text(max_length=64, help_text="An IANA name.")
    colour = Pattern(r"^#[0-9a-fA-F]{6}$", required=False, help_text="As in `#1a73e8`.")


@extend_schema_serializer(component_name="NewCalendar")
class NewCalendar(CalendarAbout):
    version = Integer(
        min_value=1, help_text="Of the words of `local-calendar` that were agreed to."
    )


@extend_schema_serializer(component_name="Imported")
class Imported(serializers.Serializer[None]):
    added = serializers.IntegerField()
    replaced = serializers.IntegerField()
    removed = serializers.IntegerField(help_text="Called off by the file.")
    left_out = serializers.ListField(
        child=serializers.CharField(), help_text="What of the file is not kept here, in words."
    )


@extend_schema_serializer(component_name="When")
class When(serializers.Serializer[None]):
    """A span of time or of days; the end is exclusive."""

    object = serializers.ChoiceField(choices=["timespan", "datespan"])
    start = serializers.CharField(help_text="RFC 3339 UTC, or a date.")
    end = serializers.CharField(help_text="RFC 3339 UTC, or the day after the last.")
    start_timezone = serializers.CharField(required=False, allow_blank=True)
    end_timezone = serializers.CharField(required=False, allow_blank=True)


@extend_schema_serializer(component_name="Participant")
class Participant(serializers.Serializer[None]):
    email = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=["needs_action", "accepted", "tentative", "declined"])
    is_organizer = serializers.BooleanField()
    is_self = serializers.BooleanField()
    is_optional = serializers.BooleanField()
    is_resource = serializers.BooleanField()


@extend_schema_serializer(component_name="Conferencing")
class Conferencing(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=["pending", "ready", "failed"])
    uri = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="Reminder")
class Reminder(serializers.Serializer[None]):
    minutes = serializers.IntegerField(help_text="Before the start.")
    method = serializers.ChoiceField(choices=["popup", "email"])


@extend_schema_serializer(component_name="Event")
class Event(serializers.Serializer[None]):
    id = serializers.CharField(
        help_text="A UUID; of an occurrence, its series' and its original start after `_`."
    )
    calendar_id = serializers.UUIDField()
    master_event_id = serializers.UUIDField(allow_null=True)
    original_start = serializers.CharField(allow_null=True)
    is_changed = serializers.BooleanField()
    when = When()
    recurrence = serializers.ListField(child=serializers.CharField())
    busy = serializers.BooleanField()
    status = serializers.ChoiceField(choices=["confirmed", "tentative"])
    visibility = serializers.ChoiceField(choices=["default", "private"])
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the answer
    title = serializers.CharField(allow_null=True, help_text="Null, as all below: only busy.")
    description = serializers.CharField(allow_null=True, help_text="Sanitised HTML.")
    location = serializers.CharField(allow_null=True)
    participants = Participant(many=True, allow_null=True)
    organizer = serializers.CharField(allow_null=True)
    conferencing = Conferencing(allow_null=True)
    reminders = Reminder(many=True, allow_null=True, help_text="Null: the calendar's own.")
    etag = serializers.CharField(allow_null=True, help_text="For `If-Match`, in quotes.")


CalendarList = page("CalendarList", Calendar)


@extend_schema_serializer(component_name="EventList")
class EventList(page("Events", Event)):  # type: ignore[misc]  # made, see there
    calendars = CalendarStanding(many=True)
    unreadable = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Series that cannot be followed, and events that do not open.",
    )


class EventListQuery(serializers.Serializer[None]):
    """A window, and whose events of it; an unknown or repeated parameter is a 400."""

    start = Moment()
    end = Moment()
    timezone = Text(max_length=64, default="UTC", help_text="An IANA name.")
    calendar_id = serializers.CharField(
        required=False, max_length=37 * 100, help_text="Ids, with commas between."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MAXIMUM_LIMIT, default=50)
    cursor = Cursor(required=False)
