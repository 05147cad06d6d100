from django.urls import path, re_path

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

_USER = "v1/users/<str:user>/"
_MESSAGE = f"{_USER}messages/<uuid:message_id>"

urlpatterns = [
    path("openapi.json", document.openapi, name="openapi"),
    path("api/", document.reference, name="api-reference"),
    path(f"{_USER}messages", mail.MessageList.as_view(), name="api-messages"),
    path(_MESSAGE, mail.MessageDetail.as_view(), name="api-message"),
    path(
        f"{_MESSAGE}/attachments/<uuid:attachment_id>",
        mail.AttachmentDetail.as_view(),
        name="api-attachment",
    ),
    path(f"{_USER}threads", mail.ThreadList.as_view(), name="api-threads"),
    path(f"{_USER}threads/<uuid:thread_id>", mail.ThreadDetail.as_view(), name="api-thread"),
    path(f"{_USER}connections", connections.ConnectionList.as_view(), name="api-connections"),
    path(
        f"{_USER}connections/<uuid:connection_id>",
        connections.ConnectionDetail.as_view(),
        name="api-connection",
    ),
    path(
        f"{_USER}calendars/<uuid:calendar_id>/shares",
        sharing.CalendarShares.as_view(),
        name="api-calendar-shares",
    ),
    path(f"{_USER}shares", sharing.ShareList.as_view(), name="api-shares"),
    path(f"{_USER}shares/<uuid:share_id>", sharing.ShareDetail.as_view(), name="api-share"),
    path(f"{_USER}calendars", calendars.CalendarList.as_view(), name="api-calendars"),
    path(
        f"{_USER}calendars/<uuid:calendar_id>",
        calendars.CalendarDetail.as_view(),
        name="api-calendar",
    ),
    path(
        f"{_USER}calendars/<uuid:calendar_id>/import",
        calendar_files.CalendarImport.as_view(),
        name="api-calendar-import",
    ),
    path(
        f"{_USER}calendars/<uuid:calendar_id>/export",
        calendar_files.CalendarExport.as_view(),
        name="api-calendar-export",
    ),
    path(f"{_USER}events", events.EventList.as_view(), name="api-events"),
    path(f"{_USER}events/<str:event_id>", events.EventDetail.as_view(), name="api-event"),
    path(f"{_USER}free-busy", free_busy.FreeBusy.as_view(), name="api-free-busy"),
    path(f"{_USER}availability", availability.Availability.as_view(), name="api-availability"),
    path(
        f"{_USER}events/<str:event_id>/response",
        events.EventResponse.as_view(),
        name="api-event-response",
    ),
    path(f"{_USER}events/<str:event_id>/move", events.EventMove.as_view(), name="api-event-move"),
    # Last: it takes what is left. An address may contain line ends, which `.` does not match.
    re_path(r"^v1(?:/[\s\S]*)?\Z", edge.Nothing.as_view(), name="api-nothing"),
]
