from django.urls import include, path, re_path

from . import (
    availability,
    calendar_files,
    calendars,
    connections,
    document,
    edge,
    events,
    free_busy,
    mail,
    sharing,
)

_MESSAGE = "messages/<uuid:message_id>"

#: Included below one prefix, so that the address of a page is compared once, not with each route.
_OF_A_PERSON = [
    path("messages", mail.MessageList.as_view(), name="api-messages"),
    path(_MESSAGE, mail.MessageDetail.as_view(), name="api-message"),
    path(
        f"{_MESSAGE}/attachments/<uuid:attachment_id>",
        mail.AttachmentDetail.as_view(),
        name="api-attachment",
    ),
    path("threads", mail.ThreadList.as_view(), name="api-threads"),
    path("threads/<uuid:thread_id>", mail.ThreadDetail.as_view(), name="api-thread"),
    path("connections", connections.ConnectionList.as_view(), name="api-connections"),
    path(
        "connections/<uuid:connection_id>",
        connections.ConnectionDetail.as_view(),
        name="api-connection",
    ),
    path(
        "calendars/<uuid:calendar_id>/shares",
        sharing.CalendarShares.as_view(),
        name="api-calendar-shares",
    ),
    path("shares", sharing.ShareList.as_view(), name="api-shares"),
    path("shares/<uuid:share_id>", sharing.ShareDetail.as_view(), name="api-share"),
    path("calendars", calendars.CalendarList.as_view(), name="api-calendars"),
    path(
        "calendars/<uuid:calendar_id>",
        calendars.CalendarDetail.as_view(),
        name="api-calendar",
    ),
    path(
        "calendars/<uuid:calendar_id>/import",
        calendar_files.CalendarImport.as_view(),
        name="api-calendar-import",
    ),
    path(
        "calendars/<uuid:calendar_id>/export",
        calendar_files.CalendarExport.as_view(),
        name="api-calendar-export",
    ),
    path("events", events.EventList.as_view(), name="api-events"),
    path("events/<str:event_id>", events.EventDetail.as_view(), name="api-event"),
    path("free-busy", free_busy.FreeBusy.as_view(), name="api-free-busy"),
    path("availability", availability.Availability.as_view(), name="api-availability"),
    path(
        "events/<str:event_id>/response",
        events.EventResponse.as_view(),
        name="api-event-response",
    ),
    path("events/<str:event_id>/move", events.EventMove.as_view(), name="api-event-move"),
]

urlpatterns = [
    path("v1/users/<str:user>/", include(_OF_A_PERSON)),
    path("openapi.json", document.openapi, name="openapi"),
    path("api/", document.reference, name="api-reference"),
    # Last: it takes what is left. An address may contain line ends, which `.` does not match.
    re_path(r"^v1(?:/[\s\S]*)?\Z", edge.Nothing.as_view(), name="api-nothing"),
]
