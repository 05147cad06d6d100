"""Where connecting begins and comes back to, and the settings pages."""

from __future__ import annotations

from django.urls import path

from integrations.calendar.pages import (
    cache_settings_views,
    calendar_file_views,
    local_calendar_views,
    sharing_views,
)

from . import (
    admin_consent_views,
    connect_results,
    connect_views,
    disconnect_views,
    export_views,
    ledger_download,
    views,
)
from .data_use import urls as uses

_ONE = "settings/integrations/<uuid:integration_id>/"
_LOCAL = "settings/calendars/<uuid:calendar_id>/"

urlpatterns = [
    *uses.urlpatterns,
    path("settings/integrations/", views.integrations, name="settings-integrations"),
    path("settings/connect/<slug:provider>/", views.connect, name="settings-connect"),
    path(
        "settings/integrations/connect/<slug:provider>/begin",
        connect_views.begin,
        name="connect-begin",
    ),
    # Each provider comes back to an address of its own.
    path("connect/<slug:provider>/callback", connect_views.callback, name="connect-callback"),
    path(
        "connect/administrator", connect_views.administrators_answer, name="connect-administrator"
    ),
    path(
        "settings/connect/<slug:provider>/administrator/",
        admin_consent_views.administrator,
        name="settings-administrator",
    ),
    path(
        "settings/attempts/<uuid:attempt_id>/dismiss/",
        connect_results.dismiss,
        name="settings-attempt-dismiss",
    ),
    path(
        "settings/approvals/<uuid:approval_id>/forget/",
        admin_consent_views.forget,
        name="settings-approval-forget",
    ),
    path(f"{_ONE}progress/", views.progress, name="settings-progress"),
    path(f"{_ONE}sync/", views.sync_now, name="settings-sync-now"),
    path(f"{_ONE}horizon/", views.horizon, name="settings-horizon"),
    path(f"{_ONE}details/", views.details, name="settings-details"),
    path(f"{_ONE}retry/", views.retry, name="settings-retry"),
    path(f"{_ONE}calendars/", cache_settings_views.calendars, name="settings-calendars"),
    path(f"{_ONE}calendars/erase/", cache_settings_views.erase, name="settings-calendars-erase"),
    path(f"{_ONE}calendars/again/", cache_settings_views.again, name="settings-calendars-again"),
    path(f"{_ONE}calendars/keep/", cache_settings_views.keep, name="settings-calendars-keep"),
    path(f"{_ONE}export/", export_views.export, name="settings-export"),
    path(f"{_ONE}disconnect/", disconnect_views.disconnect, name="settings-disconnect"),
    path(
        "settings/connections/<uuid:connection_id>/disconnect/",
        disconnect_views.disconnect_account,
        name="settings-disconnect-account",
    ),
    path(
        "settings/connections/<uuid:connection_id>/forget/",
        disconnect_views.forget,
        name="settings-forget",
    ),
    path(
        "settings/calendars/<uuid:calendar_id>/sharing/",
        sharing_views.calendar_sharing,
        name="settings-calendar-sharing",
    ),
    path("settings/calendars/new/", local_calendar_views.new, name="settings-local-calendar-new"),
    path(_LOCAL, local_calendar_views.one, name="settings-local-calendar"),
    path(f"{_LOCAL}fill/", calendar_file_views.fill, name="settings-local-calendar-fill"),
    path(f"{_LOCAL}calendar.ics", calendar_file_views.file, name="settings-local-calendar-file"),
    path(f"{_LOCAL}remove/", local_calendar_views.remove, name="settings-local-calendar-remove"),
    path(
        "settings/shares/<uuid:share_id>/end/", sharing_views.end_share, name="settings-share-end"
    ),
    path("settings/removals/<uuid:purge_id>/", disconnect_views.purge, name="settings-purge"),
    path(
        "settings/removals/<uuid:purge_id>/receipt.json",
        disconnect_views.receipt,
        name="settings-receipt",
    ),
    path(
        "settings/removals/<uuid:purge_id>/receipt-part-2.json",
        disconnect_views.second_part,
        name="settings-receipt-part-2",
    ),
    path(
        "settings/removals/<uuid:purge_id>/ledger-part/",
        ledger_download.owners_part,
        name="settings-ledger-part",
    ),
    path(
        "settings/removals/<uuid:purge_id>/link/",
        disconnect_views.link,
        name="settings-receipt-link",
    ),
]
