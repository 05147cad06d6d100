from __future__ import annotations

from django.urls import path

from . import views

_FEATURE = "settings/features/<slug:key>/"

urlpatterns = [
    path("settings/uses/", views.show_activity, name="settings-uses"),
    path(
        "settings/uses/record.csv",
        views.download_activity,
        {"form": "csv"},
        name="settings-uses-csv",
    ),
    path(
        "settings/uses/record.json",
        views.download_activity,
        {"form": "json"},
        name="settings-uses-json",
    ),
    path(
        "settings/uses/<uuid:own_entry_id>/proof", views.download_proof, name="settings-uses-proof"
    ),
    path(_FEATURE, views.show_feature, name="settings-feature"),
    path(f"{_FEATURE}withdraw/", views.withdraw_agreement, name="settings-feature-withdraw"),
    path(
        "settings/agreements/<uuid:consent_id>/withdraw/",
        views.withdraw_item,
        name="settings-consent-withdraw",
    ),
]
