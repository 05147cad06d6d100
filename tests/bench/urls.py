"""The service's own addresses, and the baselines' below `/bench/`."""

from __future__ import annotations

from django.urls import include, path

from tests.bench import views

urlpatterns = [
    path("bench/plain/<str:user>", views.PlainList.as_view()),
    path("bench/fernet/<str:user>", views.FernetList.as_view()),
    path("bench/columns/<str:user>", views.ColumnList.as_view()),
    path("", include("config.urls")),
]
