from django.urls import path

from . import remote_search_views, support_access_views, views

_MESSAGE = "inbox/messages/<uuid:message_id>/"
# A message at the provider: mailbox and sealed reference.
_PLACE = "inbox/elsewhere/<uuid:integration_id>/<uuid:row>/<slug:seal>/"

urlpatterns = [
    path("inbox/", views.show_threads, name="inbox"),
    path("inbox/search/", remote_search_views.search_mail, name="inbox-search"),
    path(_PLACE, remote_search_views.show_remote_message, name="inbox-elsewhere"),
    path(f"{_PLACE}body/", remote_search_views.show_remote_body, name="inbox-elsewhere-body"),
    path(f"{_PLACE}file/", remote_search_views.download_remote_file, name="inbox-elsewhere-file"),
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
