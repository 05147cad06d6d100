"""The service's own addresses, and the baselines' below `/bench/`."""

from __future__ import annotations

from django.urls import include, path

from tests.bench import plain_views, views

# Under the names of ours, which have the same limits.
_FEATURES = [
    path("messages", views.PlainList.as_view(), name="api-messages"),
    path("messages/<uuid:message_id>", plain_views.PlainMessageView.as_view(), name="api-message"),
    path("threads/<uuid:thread_id>", plain_views.PlainThreadView.as_view(), name="api-thread"),
    path("events", plain_views.PlainEventList.as_view(), name="api-events"),
    path("nothing", plain_views.EmptyView.as_view()),
]

urlpatterns = [
    path("bench/feature/<str:user>/", include(_FEATURES)),
    path("bench/plain/<str:user>", views.PlainList.as_view()),
    path("bench/fernet/<str:user>", views.FernetList.as_view()),
    path("bench/columns/<str:user>", views.ColumnList.as_view()),
    path("", include("config.urls")),
]
