"""Where connecting begins and comes back to, and the settings pages."""

from __future__ import annotations

from django.urls import path

from . import (
    approvals,
    calendar_files,
    calendars,
    connect,
    endings,
    exports,
    ledger_part,
    local_calendars,
    outcomes,
    sharing,
    views,
)
from .uses import urls as uses

_ONE = "settings/integrations/<uuid:integration_id>/"
_LOCAL = "settings/calendars/<uuid:calendar_id>/"

urlpatterns = [
    *uses.urlpatterns,
    path("settings/integrations/", views.integrations, name="settings-integrations"),
    path("settings/connect/<slug:provider>/", views.connect, name="settings-connect"),
    path(
        "settings/integrations/connect/<slug:provider>/begin", connect.begin, name="connect-begin"
    ),
    # Each provider comes back to an address of its own.
    path("connect/<slug:provider>/callback", connect.callback, name="connect-callback"),
    path("connect/administrator", connect.administrators_answer, name="connect-administrator"),
    path(
        "settings/connect/<slug:provider>/administrator/",
        approvals.administrator,
        name="settings-administrator",
    ),
    path(
        "settings/attempts/<uuid:attempt_id>/dismiss/",
        outcomes.dismiss,
        name="settings-attempt-dismiss",
    ),
    path(
        "settings/approvals/<uuid:approval_id>/forget/",
        approvals.forget,
        name="settings-approval-forget",
    ),
    path(f"{_ONE}progress/", views.progress, name="settings-progress"),
    path(f"{_ONE}sync/", views.sync_now, name="settings-sync-now"),
    path(f"{_ONE}horizon/", views.horizon, name="settings-horizon"),
    path(f"{_ONE}details/", views.details, name="settings-details"),
    path(f"{_ONE}retry/", views.retry, name="settings-retry"),
    path(f"{_ONE}calendars/", calendars.calendars, name="settings-calendars"),
    path(f"{_ONE}calendars/erase/", calendars.erase, name="settings-calendars-erase"),
    path(f"{_ONE}calendars/again/", calendars.again, name="settings-calendars-again"),
    path(f"{_ONE}calendars/keep/", calendars.keep, name="settings-calendars-keep"),
    path(f"{_ONE}export/", exports.export, name="settings-export"),
    path(f"{_ONE}disconnect/", endings.disconnect, name="settings-disconnect"),
    path(
        "settings/connections/<uuid:connection_id>/disconnect/",
        endings.disconnect_account,
        name="settings-disconnect-account",
    ),
    path(
        "settings/connections/<uuid:connection_id>/forget/", endings.forget, name="settings-forget"
    ),
    path(
        "settings/calendars/<uuid:calendar_id>/sharing/",
        sharing.calendar_sharing,
        name="settings-calendar-sharing",
    ),
    path("settings/calendars/new/", local_calendars.new, name="settings-local-calendar-new"),
    path(_LOCAL, local_calendars.one, name="settings-local-calendar"),
    path(f"{_LOCAL}fill/", calendar_files.fill, name="settings-local-calendar-fill"),
    path(f"{_LOCAL}calendar.ics", calendar_files.file, name="settings-local-calendar-file"),
    path(f"{_LOCAL}remove/", local_calendars.remove, name="settings-local-calendar-remove"),
    path("settings/shares/<uuid:share_id>/end/", sharing.end_share, name="settings-share-end"),
    path("settings/removals/<uuid:purge_id>/", endings.purge, name="settings-purge"),
    path(
        "settings/removals/<uuid:purge_id>/receipt.json", endings.receipt, name="settings-receipt"
    ),
    path(
        "settings/removals/<uuid:purge_id>/receipt-part-2.json",
        endings.second_part,
        name="settings-receipt-part-2",
    ),
    path(
        "settings/removals/<uuid:purge_id>/ledger-part/",
        ledger_part.owners_part,
        name="settings-ledger-part",
    ),
    path("settings/removals/<uuid:purge_id>/link/", endings.link, name="settings-receipt-link"),
]
