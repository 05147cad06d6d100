"""Requests and responses of calendars and events."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.web.api.json_fields import StrictCharField, StrictIntegerField, StrictRegexField
from integrations.web.api.request_fields import OffsetDateTimeField, RequestBodySerializer
from integrations.web.api.serializers import MAX_PAGE_SIZE, CursorField, make_page_serializer


@extend_schema_serializer(component_name="CalendarCopy")
class CalendarCopySerializer(serializers.Serializer[None]):
    state = serializers.ChoiceField(
        choices=["local", "current", "deleted", "pending", "withheld"],
        help_text="`local`: an Antares calendar. `current`: the copy is current. `deleted`: the"
        " copy was removed. `pending`: the first copy is being fetched. `withheld`: the"
        " owner has not agreed to the current text about sharing.",
    )
    cached_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    unreadable_count = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `from` is a Python keyword, so it cannot be declared above.
        fields = super().get_fields()
        fields["from"] = serializers.DateTimeField(allow_null=True)
        return fields


@extend_schema_serializer(component_name="CalendarStanding")
class CalendarStandingSerializer(CalendarCopySerializer):
    id = serializers.UUIDField()
    complete = serializers.BooleanField(
        help_text="Whether the page includes the calendar's events."
    )


@extend_schema_serializer(component_name="Calendar")
class CalendarSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    connection_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_null=True, allow_blank=True)
    timezone = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="The IANA name of a time zone."
    )
    colour = serializers.CharField(allow_null=True)
    is_primary = serializers.BooleanField()
    is_shown = serializers.BooleanField()
    is_local = serializers.BooleanField()
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the answer
    shared_by = serializers.UUIDField(
        allow_null=True, help_text="The id of the owner, if the calendar is shared with you."
    )
    shared_by_platform_id = serializers.CharField(
        allow_null=True,
        help_text="The platform's id of the owner, if the calendar is shared with you.",
    )
    level = serializers.ChoiceField(choices=["owner", "freebusy", "details"])
    copy = CalendarCopySerializer()
    etag = serializers.CharField(
        allow_null=True,
        help_text="The version for `If-Match`, in quotes. Only Antares calendars of your own"
        " have one.",
    )


@extend_schema_serializer(component_name="CalendarAbout")
class CalendarAboutSerializer(RequestBodySerializer):
    name = StrictCharField(max_length=200)
    timezone = StrictCharField(max_length=64, help_text="The IANA name of a time zone.")
    colour = StrictRegexField(
        r"^#[0-9a-fA-F]{6}$", required=False, help_text="Red, green and blue, such as `#1a73e8`."
    )


@extend_schema_serializer(component_name="NewCalendar")
class NewCalendarSerializer(CalendarAboutSerializer):
    version = StrictIntegerField(
        min_value=1,
        help_text="The version of the `local-calendar` text that the person has agreed to.",
    )


@extend_schema_serializer(component_name="Imported")
class ImportedSerializer(serializers.Serializer[None]):
    added = serializers.IntegerField()
    replaced = serializers.IntegerField()
    removed = serializers.IntegerField(help_text="Events that the file cancels.")
    left_out = serializers.ListField(
        child=serializers.CharField(),
        help_text="The parts of the file that were not imported, in words.",
    )


@extend_schema_serializer(component_name="When")
class WhenSerializer(serializers.Serializer[None]):
    """A span of time or of days; the end is exclusive."""

    object = serializers.ChoiceField(choices=["timespan", "datespan"])
    start = serializers.CharField(help_text="A time (RFC 3339, UTC), or a date.")
    end = serializers.CharField(help_text="A time (RFC 3339, UTC), or the day after the last day.")
    start_timezone = serializers.CharField(required=False, allow_blank=True)
    end_timezone = serializers.CharField(required=False, allow_blank=True)


@extend_schema_serializer(component_name="Participant")
class ParticipantSerializer(serializers.Serializer[None]):
    email = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=["needs_action", "accepted", "tentative", "declined"])
    is_organizer = serializers.BooleanField()
    is_self = serializers.BooleanField()
    is_optional = serializers.BooleanField()
    is_resource = serializers.BooleanField()


@extend_schema_serializer(component_name="Conferencing")
class ConferencingSerializer(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=["pending", "ready", "failed"])
    uri = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="Reminder")
class ReminderSerializer(serializers.Serializer[None]):
    minutes = serializers.IntegerField(help_text="Minutes before the start.")
    method = serializers.ChoiceField(choices=["popup", "email"])


@extend_schema_serializer(component_name="Event")
class EventSerializer(serializers.Serializer[None]):
    id = serializers.CharField(
        help_text="A UUID. An occurrence has the id of its series, `_` and its original start."
    )
    calendar_id = serializers.UUIDField()
    master_event_id = serializers.UUIDField(allow_null=True)
    original_start = serializers.CharField(allow_null=True)
    is_changed = serializers.BooleanField()
    when = WhenSerializer()
    recurrence = serializers.ListField(child=serializers.CharField())
    busy = serializers.BooleanField()
    status = serializers.ChoiceField(choices=["confirmed", "tentative"])
    visibility = serializers.ChoiceField(choices=["default", "private"])
    read_only = serializers.BooleanField()  # type: ignore[assignment]  # a field of the answer
    title = serializers.CharField(
        allow_null=True, help_text="Null if only the busy time is shared, as are all members below."
    )
    description = serializers.CharField(allow_null=True, help_text="Sanitised HTML.")
    location = serializers.CharField(allow_null=True)
    participants = ParticipantSerializer(many=True, allow_null=True)
    organizer = serializers.CharField(allow_null=True)
    conferencing = ConferencingSerializer(allow_null=True)
    reminders = ReminderSerializer(
        many=True, allow_null=True, help_text="Null: the calendar's default reminders."
    )
    etag = serializers.CharField(
        allow_null=True, help_text="The version for `If-Match`, in quotes."
    )


CalendarListSerializer = make_page_serializer("CalendarList", CalendarSerializer)


@extend_schema_serializer(component_name="EventList")
class EventListSerializer(make_page_serializer("Events", EventSerializer)):  # type: ignore[misc]  # made, see there
    calendars = CalendarStandingSerializer(many=True)
    unreadable = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Ids of series whose rule cannot be read, and of events that cannot be"
        " decrypted.",
    )


class EventListQuerySerializer(serializers.Serializer[None]):
    """A window and calendars; an unknown or repeated parameter is a 400."""

    start = OffsetDateTimeField()
    end = OffsetDateTimeField()
    timezone = StrictCharField(
        max_length=64, default="UTC", help_text="The IANA name of a time zone."
    )
    calendar_id = serializers.CharField(
        required=False, max_length=37 * 100, help_text="Ids, separated by commas."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=50)
    cursor = CursorField(required=False)
