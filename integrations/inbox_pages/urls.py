from django.urls import path

from . import elsewhere, support, views

_MESSAGE = "inbox/messages/<uuid:message_id>/"
# At the provider: whose mailbox, and where there, sealed.
_PLACE = "inbox/elsewhere/<uuid:integration_id>/<uuid:row>/<slug:seal>/"

urlpatterns = [
    path("inbox/", views.threads, name="inbox"),
    path("inbox/search/", elsewhere.search, name="inbox-search"),
    path(_PLACE, elsewhere.message, name="inbox-elsewhere"),
    path(f"{_PLACE}body/", elsewhere.body, name="inbox-elsewhere-body"),
    path(f"{_PLACE}file/", elsewhere.file, name="inbox-elsewhere-file"),
    path("inbox/threads/<uuid:thread_id>/", views.thread, name="inbox-thread"),
    path(f"{_MESSAGE}body/", views.body, name="inbox-body"),
    path(f"{_MESSAGE}attachments/<uuid:attachment_id>/", views.attachment, name="inbox-attachment"),
    path(f"{_MESSAGE}support/", support.item, name="inbox-support"),
    path(f"{_MESSAGE}support/close/", support.close, name="inbox-support-close"),
]
