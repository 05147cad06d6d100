from django.urls import include, path, re_path

from integrations.calendar.api import (
    availability_views,
    calendar_file_views,
    calendar_views,
    event_views,
    free_busy_views,
    sharing_views,
)
from integrations.connections.api import views as connections
from integrations.mail.api import views

from . import fallback_views, openapi

_MESSAGE = "messages/<uuid:message_id>"

#: Included below one prefix, so that the address of a page is compared once, not with each route.
_OF_A_PERSON = [
    path("messages", views.MessageList.as_view(), name="api-messages"),
    path(_MESSAGE, views.MessageDetail.as_view(), name="api-message"),
    path(
        f"{_MESSAGE}/attachments/<uuid:attachment_id>",
        views.AttachmentDetail.as_view(),
        name="api-attachment",
    ),
    path("threads", views.ThreadList.as_view(), name="api-threads"),
    path("threads/<uuid:thread_id>", views.ThreadDetail.as_view(), name="api-thread"),
    path("connections", connections.ConnectionList.as_view(), name="api-connections"),
    path(
        "connections/<uuid:connection_id>",
        connections.ConnectionDetail.as_view(),
        name="api-connection",
    ),
    path(
        "calendars/<uuid:calendar_id>/shares",
        sharing_views.CalendarShares.as_view(),
        name="api-calendar-shares",
    ),
    path("shares", sharing_views.ShareList.as_view(), name="api-shares"),
    path("shares/<uuid:share_id>", sharing_views.ShareDetail.as_view(), name="api-share"),
    path("calendars", calendar_views.CalendarList.as_view(), name="api-calendars"),
    path(
        "calendars/<uuid:calendar_id>",
        calendar_views.CalendarDetail.as_view(),
        name="api-calendar",
    ),
    path(
        "calendars/<uuid:calendar_id>/import",
        calendar_file_views.CalendarImport.as_view(),
        name="api-calendar-import",
    ),
    path(
        "calendars/<uuid:calendar_id>/export",
        calendar_file_views.CalendarExport.as_view(),
        name="api-calendar-export",
    ),
    path("events", event_views.EventList.as_view(), name="api-events"),
    path("events/<str:event_id>", event_views.EventDetail.as_view(), name="api-event"),
    path("free-busy", free_busy_views.FreeBusy.as_view(), name="api-free-busy"),
    path("availability", availability_views.Availability.as_view(), name="api-availability"),
    path(
        "events/<str:event_id>/response",
        event_views.EventResponse.as_view(),
        name="api-event-response",
    ),
    path("events/<str:event_id>/move", event_views.EventMove.as_view(), name="api-event-move"),
]

urlpatterns = [
    path("v1/users/<str:user>/", include(_OF_A_PERSON)),
    path("openapi.json", openapi.openapi, name="openapi"),
    path("api/", openapi.reference, name="api-reference"),
    # Last: it takes what is left. An address may contain line ends, which `.` does not match.
    re_path(r"^v1(?:/[\s\S]*)?\Z", fallback_views.Nothing.as_view(), name="api-nothing"),
]
