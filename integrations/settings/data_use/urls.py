from __future__ import annotations

from django.urls import path

from . import access_views, activity_views, authorize_views

_ACTIVITY = "settings/activity/"
_FEATURE = "settings/features/<slug:key>/"

urlpatterns = [
    path("oauth/authorize", authorize_views.authorize_feature, name="oauth_authorize"),
    path("settings/access/", access_views.show_access, name="settings-access"),
    path(_ACTIVITY, activity_views.show_activity, name="settings-activity"),
    path(
        f"{_ACTIVITY}entries/",
        activity_views.list_entries,
        name="settings-activity-entries",
    ),
    path(
        f"{_ACTIVITY}entries/<uuid:own_entry_id>/proof",
        activity_views.download_proof,
        name="settings-activity-proof",
    ),
    path(
        f"{_ACTIVITY}activity.csv",
        activity_views.download_activity,
        {"form": "csv"},
        name="settings-activity-csv",
    ),
    path(
        f"{_ACTIVITY}activity.json",
        activity_views.download_activity,
        {"form": "json"},
        name="settings-activity-json",
    ),
    path(_FEATURE, access_views.show_feature, name="settings-feature"),
    path(f"{_FEATURE}withdraw/", access_views.withdraw_agreement, name="settings-feature-withdraw"),
    path(
        "settings/agreements/<uuid:consent_id>/withdraw/",
        access_views.withdraw_item,
        name="settings-consent-withdraw",
    ),
]
