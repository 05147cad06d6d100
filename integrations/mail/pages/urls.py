from django.urls import path

from . import (
    completion_views,
    compose_views,
    outbox_views,
    proposal_views,
    remote_search_views,
    support_access_views,
    views,
)

_MESSAGE = "inbox/messages/<uuid:message_id>/"
# A message at the provider: mailbox and sealed reference.
_PLACE = "inbox/elsewhere/<uuid:integration_id>/<uuid:row>/<slug:seal>/"

urlpatterns = [
    path("inbox/", views.show_threads, name="inbox"),
    path("inbox/compose/", compose_views.compose, name="inbox-compose"),
    path(
        "inbox/compose/addresses/", completion_views.list_addresses, name="inbox-compose-addresses"
    ),
    path("inbox/compose/senders/", completion_views.list_senders, name="inbox-compose-senders"),
    path("inbox/outbox/", outbox_views.show_outbox, name="inbox-outbox"),
    path(
        "inbox/outbox/<uuid:command_id>/",
        outbox_views.change_command,
        name="inbox-outbox-command",
    ),
    path(
        "inbox/outbox/<uuid:command_id>/state/",
        outbox_views.show_state,
        name="inbox-outbox-state",
    ),
    path("inbox/search/", remote_search_views.search_mail, name="inbox-search"),
    path(_PLACE, remote_search_views.show_remote_message, name="inbox-elsewhere"),
    path(f"{_PLACE}body/", remote_search_views.show_remote_body, name="inbox-elsewhere-body"),
    path(f"{_PLACE}file/", remote_search_views.download_remote_file, name="inbox-elsewhere-file"),
    path(
        "inbox/proposals/<uuid:proposal_id>/",
        proposal_views.discard_proposal,
        name="inbox-proposal",
    ),
    path("inbox/threads/<uuid:thread_id>/", views.show_thread, name="inbox-thread"),
    path(f"{_MESSAGE}body/", views.show_body, name="inbox-body"),
    path(
        f"{_MESSAGE}attachments/<uuid:attachment_id>/",
        views.download_attachment,
        name="inbox-attachment",
    ),
    path(f"{_MESSAGE}support/", support_access_views.open_message_to_support, name="inbox-support"),
    path(
        f"{_MESSAGE}support/close/",
        support_access_views.withdraw_support_access,
        name="inbox-support-close",
    ),
]
