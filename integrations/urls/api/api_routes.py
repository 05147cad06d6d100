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
from integrations.drive.api import action_views as actions
from integrations.drive.api import views as files
from integrations.features.api import delegation_views, removal_views
from integrations.mail.api import proposal_views, sending_views, views

from . import fallback_views, guides, openapi, reference_page, server_metadata

_MESSAGE_ROUTE = "messages/<uuid:message_id>"

#: Included under one prefix, so that other URLs are compared once, not with each route.
_USER_ROUTES = [
    path("messages", views.MessageListView.as_view(), name="api-messages"),
    path(_MESSAGE_ROUTE, views.MessageDetailView.as_view(), name="api-message"),
    path(
        f"{_MESSAGE_ROUTE}/attachments/<uuid:attachment_id>",
        views.AttachmentDetailView.as_view(),
        name="api-attachment",
    ),
    path("threads", views.ThreadListView.as_view(), name="api-threads"),
    path("threads/<uuid:thread_id>", views.ThreadDetailView.as_view(), name="api-thread"),
    path("outbox", sending_views.OutboxView.as_view(), name="api-outbox"),
    path(
        "outbox/<uuid:command_id>",
        sending_views.OutboxMessageView.as_view(),
        name="api-outbox-message",
    ),
    path(
        "outbox/<uuid:command_id>/undo",
        sending_views.OutboxUndoView.as_view(),
        name="api-outbox-undo",
    ),
    path(
        "outbox/<uuid:command_id>/look-again",
        sending_views.OutboxLookView.as_view(),
        name="api-outbox-look",
    ),
    path(
        "outbox/<uuid:command_id>/settle-as-sent",
        sending_views.OutboxSettlementView.as_view(),
        name="api-outbox-settle",
    ),
    path("proposals", proposal_views.ProposalListView.as_view(), name="api-proposals"),
    path(
        "proposals/<uuid:proposal_id>",
        proposal_views.ProposalDetailView.as_view(),
        name="api-proposal",
    ),
    path("files", files.FileListView.as_view(), name="api-files"),
    path("files/<uuid:file_id>", files.FileDetailView.as_view(), name="api-file"),
    path("files/<uuid:file_id>/accept", actions.FileAcceptView.as_view(), name="api-file-accept"),
    path("files/<uuid:file_id>/pause", actions.FilePauseView.as_view(), name="api-file-pause"),
    path("files/<uuid:file_id>/resume", actions.FileResumeView.as_view(), name="api-file-resume"),
    path("files/<uuid:file_id>/cancel", actions.FileCancelView.as_view(), name="api-file-cancel"),
    path("files/<uuid:file_id>/retry", actions.FileRetryView.as_view(), name="api-file-retry"),
    path("connections", connections.ConnectionListView.as_view(), name="api-connections"),
    path(
        "connections/<uuid:connection_id>",
        connections.ConnectionDetailView.as_view(),
        name="api-connection",
    ),
    path(
        "calendars/<uuid:calendar_id>/shares",
        sharing_views.CalendarSharesView.as_view(),
        name="api-calendar-shares",
    ),
    path("shares", sharing_views.ShareListView.as_view(), name="api-shares"),
    path("shares/<uuid:share_id>", sharing_views.ShareDetailView.as_view(), name="api-share"),
    path("calendars", calendar_views.CalendarListView.as_view(), name="api-calendars"),
    path(
        "calendars/<uuid:calendar_id>",
        calendar_views.CalendarDetailView.as_view(),
        name="api-calendar",
    ),
    path(
        "calendars/<uuid:calendar_id>/import",
        calendar_file_views.CalendarImportView.as_view(),
        name="api-calendar-import",
    ),
    path(
        "calendars/<uuid:calendar_id>/export",
        calendar_file_views.CalendarExportView.as_view(),
        name="api-calendar-export",
    ),
    path("events", event_views.EventListView.as_view(), name="api-events"),
    path("events/<str:event_id>", event_views.EventDetailView.as_view(), name="api-event"),
    path("free-busy", free_busy_views.FreeBusyView.as_view(), name="api-free-busy"),
    path("availability", availability_views.AvailabilityView.as_view(), name="api-availability"),
    path(
        "events/<str:event_id>/response",
        event_views.EventResponseView.as_view(),
        name="api-event-response",
    ),
    path("events/<str:event_id>/move", event_views.EventMoveView.as_view(), name="api-event-move"),
]

urlpatterns = [
    path("v1/users/<str:user>/", include(_USER_ROUTES)),
    path("v1/delegations", delegation_views.DelegationListView.as_view(), name="api-delegations"),
    path("v1/removals", removal_views.RemovalListView.as_view(), name="api-removals"),
    path(
        "v1/removals/<uuid:removal_id>/acknowledge",
        removal_views.RemovalAcknowledgementView.as_view(),
        name="api-removal-acknowledge",
    ),
    path(
        ".well-known/oauth-authorization-server",
        server_metadata.serve_metadata,
        name="oauth-metadata",
    ),
    path("openapi.json", openapi.serve_document, name="openapi"),
    path("api/", reference_page.show_reference, name="api-reference"),
    path("api/plain/", reference_page.show_plain_reference, name="api-reference-plain"),
    path("api/guides/", guides.list_guides, name="api-guides"),
    path("api/guides/<slug:slug>/", guides.show_guide, name="api-guide"),
    # Last: matches all other URLs. A URL may contain line ends, which `.` does not match.
    re_path(r"^v1(?:/[\s\S]*)?\Z", fallback_views.NotFoundView.as_view(), name="api-nothing"),
]
