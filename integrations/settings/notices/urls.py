from __future__ import annotations

from django.urls import path

from . import choices_views, stop_views, views

urlpatterns = [
    path("settings/notices/", views.show_notices, name="settings-notices"),
    path("settings/notices/choices/", choices_views.show_choices, name="settings-notice-choices"),
    path("notices/stop/<str:token>/", stop_views.stop_notices, name="notice-stop"),
]
