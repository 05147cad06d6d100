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
    drive_save_views,
    export_views,
    ledger_download,
    sending_views,
    views,
)
from .data_use import urls as uses
from .notices import urls as notices

_INTEGRATION = "settings/integrations/<uuid:integration_id>/"
_LOCAL_CALENDAR = "settings/calendars/<uuid:calendar_id>/"

urlpatterns = [
    *uses.urlpatterns,
    *notices.urlpatterns,
    path("settings/integrations/", views.show_integrations, name="settings-integrations"),
    path("settings/connect/<slug:provider>/", views.show_connect, name="settings-connect"),
    path(
        "settings/integrations/connect/<slug:provider>/begin",
        connect_views.begin_connect,
        name="connect-begin",
    ),
    # Each provider redirects to a URL of its own.
    path(
        "connect/<slug:provider>/callback", connect_views.handle_callback, name="connect-callback"
    ),
    path("connect/administrator", connect_views.handle_admin_consent, name="connect-administrator"),
    path(
        "settings/connect/<slug:provider>/administrator/",
        admin_consent_views.ask_administrator,
        name="settings-administrator",
    ),
    path(
        "settings/attempts/<uuid:attempt_id>/dismiss/",
        connect_results.dismiss_result,
        name="settings-attempt-dismiss",
    ),
    path(
        "settings/approvals/<uuid:approval_id>/forget/",
        admin_consent_views.forget_admin_consent_request,
        name="settings-approval-forget",
    ),
    path(f"{_INTEGRATION}progress/", views.show_progress, name="settings-progress"),
    path(f"{_INTEGRATION}sync/", views.sync_now, name="settings-sync-now"),
    path(f"{_INTEGRATION}horizon/", views.set_horizon, name="settings-horizon"),
    path(f"{_INTEGRATION}sending/", sending_views.save_settings, name="settings-sending"),
    path("inbox/sending/allow/", sending_views.allow_sending, name="inbox-allow-sending"),
    path(f"{_INTEGRATION}details/", views.show_details, name="settings-details"),
    path(f"{_INTEGRATION}retry/", views.retry_quarantined, name="settings-retry"),
    path(
        f"{_INTEGRATION}calendars/", cache_settings_views.show_calendars, name="settings-calendars"
    ),
    path(
        f"{_INTEGRATION}calendars/erase/",
        cache_settings_views.delete_cached_events,
        name="settings-calendars-erase",
    ),
    path(
        f"{_INTEGRATION}calendars/again/",
        cache_settings_views.refresh_calendars,
        name="settings-calendars-again",
    ),
    path(
        f"{_INTEGRATION}calendars/keep/",
        cache_settings_views.set_cache_hours,
        name="settings-calendars-keep",
    ),
    path(f"{_INTEGRATION}export/", export_views.export_mailbox, name="settings-export"),
    path(
        f"{_INTEGRATION}disconnect/",
        disconnect_views.disconnect_integration,
        name="settings-disconnect",
    ),
    path(
        "settings/connections/<uuid:connection_id>/disconnect/",
        disconnect_views.disconnect_account,
        name="settings-disconnect-account",
    ),
    path(
        "settings/connections/<uuid:connection_id>/forget/",
        disconnect_views.forget_connection,
        name="settings-forget",
    ),
    path(
        "settings/calendars/<uuid:calendar_id>/sharing/",
        sharing_views.show_sharing,
        name="settings-calendar-sharing",
    ),
    path(
        "settings/calendars/new/",
        local_calendar_views.create_local_calendar,
        name="settings-local-calendar-new",
    ),
    path(_LOCAL_CALENDAR, local_calendar_views.edit_local_calendar, name="settings-local-calendar"),
    path(
        f"{_LOCAL_CALENDAR}fill/",
        calendar_file_views.import_file,
        name="settings-local-calendar-fill",
    ),
    path(
        f"{_LOCAL_CALENDAR}calendar.ics",
        calendar_file_views.export_file,
        name="settings-local-calendar-file",
    ),
    path(
        f"{_LOCAL_CALENDAR}remove/",
        local_calendar_views.remove_local_calendar,
        name="settings-local-calendar-remove",
    ),
    path(
        "settings/shares/<uuid:share_id>/end/", sharing_views.end_share, name="settings-share-end"
    ),
    path(
        "files/save/attachments/<uuid:message_id>/<uuid:attachment_id>/",
        drive_save_views.save_attachment,
        name="drive-save-attachment",
    ),
    path(
        "files/save/calendars/<uuid:calendar_id>/",
        drive_save_views.save_calendar,
        name="drive-save-calendar",
    ),
    path(
        "files/save/exports/<uuid:integration_id>/",
        drive_save_views.save_export,
        name="drive-save-export",
    ),
    path("settings/removals/<uuid:purge_id>/", disconnect_views.show_purge, name="settings-purge"),
    path(
        "settings/removals/<uuid:purge_id>/receipt.json",
        disconnect_views.download_receipt,
        name="settings-receipt",
    ),
    path(
        "settings/removals/<uuid:purge_id>/receipt-part-2.json",
        disconnect_views.download_second_part,
        name="settings-receipt-part-2",
    ),
    path(
        "settings/removals/<uuid:purge_id>/ledger-part/",
        ledger_download.download_ledger_part,
        name="settings-ledger-part",
    ),
    path(
        "settings/removals/<uuid:purge_id>/link/",
        disconnect_views.create_receipt_link,
        name="settings-receipt-link",
    ),
]
