"""Connecting an account, its details, copies of mail, and settings of calendars."""

from __future__ import annotations

import re
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from integrations.connections.status_messages import QUARANTINE_REASONS
from integrations.models import (
    Calendar,
    Connection,
    ConnectionStatus,
    Export,
    ExportOutcome,
    Integration,
    IntegrationStatus,
    Reconciliation,
    StatusReason,
    SyncWork,
    WatchStatus,
)
from limited_use.models.shares import Share, ShareLevel
from tests.accounts.cast import PASSWORD
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group
from tests.integrations.formats.icalendar.files import calendar, event
from tests.integrations.household import open_watch

GROUP = Group("connections", "Connecting, details, calendars")
VERY_BROKEN_FILE = calendar(
    *(
        event("DTSTART:never", f"SUMMARY:Undated {number}", uid=f"{number}@x")
        for number in range(101)
    )
)
BROKEN_FILE = calendar(
    event("DTSTART:20260603T090000", "DTEND:20260603T080000", "SUMMARY:Backwards", uid="a@x"),
    event("DTSTART:never", "SUMMARY:Undated", uid="b@x"),
)


@GROUP.states({"google": ["mail", "calendar"], "microsoft": ["mail", "calendar"]})
def connect(stage, provider, products):
    rows.offer_microsoft(stage)
    return stage.add_newcomer().get(f"/settings/connect/{provider}/?product={products[0]}")


@GROUP.states(["google", "microsoft"])
def connect_calendar(stage, provider):
    rows.offer_microsoft(stage)
    return stage.add_newcomer().get(f"/settings/connect/{provider}/?product=calendar")


@GROUP.state()
def connect_drive(stage):
    return stage.add_newcomer().get("/settings/connect/google/?product=drive")


@GROUP.state()
def connect_added_product(stage):
    connection = rows.connect_google(stage, "mail", email="alice.private@gmail.example")
    return stage.alice.get(f"/settings/connect/google/?product=calendar&connection={connection.id}")


@GROUP.state()
def connect_again(stage):
    account = stage.mail.connection.id
    return stage.alice.get(f"/settings/connect/google/?product=mail&connection={account}")


@GROUP.state()
def connect_without_agreement(stage):
    return stage.add_newcomer().post("/settings/integrations/connect/google/begin", {}, follow=True)


@GROUP.state()
def ask_administrator(stage):
    rows.offer_microsoft(stage)
    return stage.alice.get("/settings/connect/microsoft/administrator/")


@GROUP.state()
def link_for_administrator(stage):
    rows.offer_microsoft(stage)
    return stage.alice.post("/settings/connect/microsoft/administrator/")


@GROUP.state()
def details(stage):
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.state()
def details_of_mail_alone(stage):
    connection = rows.connect_google(stage, "mail", email="alice.private@gmail.example")
    mailbox = connection.integrations.get()
    return stage.alice.get(reverse("settings-details", args=[mailbox.id]))


@GROUP.state(name="details-full")
def details_with_everything(stage):
    open_watch(stage.mail, at=stage.at)
    for hours in range(7):
        Reconciliation.objects.create(
            integration=stage.mail.integration,
            compared_at=stage.at - timedelta(hours=6 * hours),
            provider_count=1200,
            our_count=1200 - hours,
            missing_count=hours,
            extra_count=1,
            repaired_count=hours,
        )
    for reason in (*QUARANTINE_REASONS, "other"):
        rows.quarantine(stage, reason)
    granted = stage.mail.connection.granted_scopes
    Connection.objects.filter(id=stage.mail.connection.id).update(
        granted_scopes=[*granted[:-1], "https://example.test/auth/drive"]
    )
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.state()
def details_before_comparing(stage):
    Reconciliation.objects.filter(integration=stage.mail.integration).delete()
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.states(WatchStatus)
def details_notifications(stage, status):
    watch = open_watch(stage.mail, at=stage.at)
    watch.status = status
    if status == WatchStatus.LIVE:
        # The last poll found a change of which no notification came.
        watch.started_at = stage.at - timedelta(days=1)
        watch.last_event_at = stage.at - timedelta(minutes=50)
        watch.silent_since = stage.at - timedelta(minutes=10)
    watch.save()
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.state()
def details_checked_rarely(stage):
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        looked_at=stage.at - timedelta(days=20)
    )
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.state()
def details_after_saving(stage):
    address = _address(stage, "settings-horizon")
    return stage.alice.post(address, {"horizon_days": "30"}, follow=True)


@GROUP.state()
def details_of_all_mail(stage):
    Integration.objects.filter(id=stage.mail.integration.id).update(horizon_days=None)
    watch = open_watch(stage.mail, at=stage.at)
    watch.last_event_at = None
    watch.save()
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.state()
def details_before_first_check(stage):
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        last_synced_at=None,
        first_synced_at=None,
        mime_count=3,
        failing_since=stage.at,
        next_sync_at=stage.at + timedelta(minutes=5),
    )
    rows.quarantine(stage, "delayed", next_try_at=stage.at + timedelta(minutes=20))
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.state()
def details_to_reconnect(stage):
    rows.set_status(stage.mail, IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED)
    Connection.objects.filter(id=stage.mail.connection.id).update(
        status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=stage.at
    )
    return stage.alice.get(_address(stage, "settings-details"))


@GROUP.state()
def export_begins(stage):
    """After the password: the download begins by itself."""
    user = stage.user
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    browser = cast.browser(user)
    asked = browser.post(_address(stage, "settings-export"), follow=True)
    (leads_to,) = re.findall(r'name="next"[^>]* value="([^"]+)"', asked.content.decode())
    form = {"password": PASSWORD, "next": leads_to}
    return browser.post(asked.wsgi_request.path, form, follow=True)


@GROUP.state()
def export(stage):
    return stage.alice.get(_address(stage, "settings-export"))


@GROUP.states([ExportOutcome.OPEN, ExportOutcome.COMPLETE, ExportOutcome.INTERRUPTED])
def export_listed(stage, outcome):
    _make_export(stage, outcome)
    return stage.alice.get(_address(stage, "settings-export"))


@GROUP.state()
def export_many(stage):
    for outcome in (ExportOutcome.COMPLETE, ExportOutcome.INTERRUPTED, ExportOutcome.OPEN):
        _make_export(stage, outcome)
    return stage.alice.get(_address(stage, "settings-export"))


@GROUP.state()
def calendars(stage):
    return stage.alice.get(_address(stage, "settings-calendars", stage.calendar))


@GROUP.state()
def calendars_not_cached(stage):
    Calendar.objects.filter(integration=stage.calendar.integration).update(
        cached_at=stage.at - timedelta(days=9),
        listed_at=stage.at - timedelta(days=9),
        unreadable_count=3,
    )
    return stage.alice.get(_address(stage, "settings-calendars", stage.calendar))


@GROUP.state()
def calendars_that_differ(stage):
    Calendar.objects.filter(integration=stage.calendar.integration).update(
        compared_at=stage.at, missing_count=2, extra_count=1, unreadable_count=1
    )
    return stage.alice.get(_address(stage, "settings-calendars", stage.calendar))


@GROUP.state()
def calendars_not_listed_yet(stage):
    user = stage.add_person("Nora")
    account = rows.connect_google(stage, "calendar", email="nora@gmail.example", user=user)
    made = Integration.objects.get(connection=account)
    return rows.browser(user).get(reverse("settings-calendars", args=[made.id]))


@GROUP.state()
def calendars_after_saving(stage):
    address = _address(stage, "settings-calendars-keep", stage.calendar)
    return stage.alice.post(address, {"hours": "6"}, follow=True)


@GROUP.state()
def calendars_erase(stage):
    return stage.alice.get(_address(stage, "settings-calendars-erase", stage.calendar))


@GROUP.state()
def calendars_erased(stage):
    address = _address(stage, "settings-calendars-erase", stage.calendar)
    return stage.alice.post(address, follow=True)


@GROUP.state()
def sharing_with_nobody(stage):
    return stage.alice.get(_address_of("settings-calendar-sharing", stage.calendar.primary))


@GROUP.states(ShareLevel)
def sharing_with_one(stage, level):
    rows.share(stage, stage.calendar.primary, level)
    return stage.alice.get(_address_of("settings-calendar-sharing", stage.calendar.primary))


@GROUP.state()
def sharing_with_many(stage):
    for name in ("Bea", "Carol", "Dan"):
        email = stage.add_person(name).email
        _share_by_form(stage, email, level="details" if name == "Dan" else "freebusy")
    return stage.alice.get(_address_of("settings-calendar-sharing", stage.calendar.primary))


@GROUP.state()
def sharing_with_end(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    Share.objects.update(expires_at=stage.at + timedelta(days=3))
    return stage.alice.get(_address_of("settings-calendar-sharing", stage.calendar.primary))


@GROUP.state()
def sharing_of_antares_calendar(stage):
    made = rows.create_calendar(stage, "Choir")
    return stage.alice.get(_address_of("settings-calendar-sharing", made))


@GROUP.states(["main", "other"])
def sharing_without_name_of(stage, kind):
    stage.alice.post(_address(stage, "settings-calendars-erase", stage.calendar))
    is_main = kind == "main"
    made = Calendar.objects.get(integration=stage.calendar.integration, is_primary=is_main)
    return stage.alice.get(_address_of("settings-calendar-sharing", made))


@GROUP.state()
def sharing_terms_changed(stage):
    return _share_by_form(stage, "bob@antares.example", version="0")


@GROUP.state()
def sharing_saved(stage):
    return _share_by_form(stage, "bob@antares.example", follow=True)


@GROUP.state()
def sharing_with_errors(stage):
    return _share_by_form(stage, "bob", until="2020-01-01", agree="")


@GROUP.state()
def new_calendar(stage):
    return stage.alice.get("/settings/calendars/new/")


@GROUP.state()
def new_calendar_with_errors(stage):
    return stage.alice.post(
        "/settings/calendars/new/", {"name": "", "zone": "Europe/Atlantis", "colour": "red"}
    )


@GROUP.state()
def new_calendar_terms_changed(stage):
    form = {"name": "Choir", "zone": "Europe/Berlin", "colour": "#aa3377", "agree": "on"}
    return stage.alice.post("/settings/calendars/new/", {**form, "version": "0"})


@GROUP.state()
def antares_calendars_one(stage):
    made = rows.create_calendar(stage, "Choir")
    return stage.alice.get(reverse("settings-calendars", args=[made.integration_id]))


@GROUP.state()
def antares_calendars_many(stage):
    made = rows.create_calendar(stage, "Choir")
    rows.create_calendar(stage, "Family")
    rows.share(stage, made, ShareLevel.DETAILS)
    return stage.alice.get(reverse("settings-calendars", args=[made.integration_id]))


@GROUP.state()
def antares_calendars_empty(stage):
    made = rows.create_calendar(stage, "Choir")
    _remove(stage, made)
    return stage.alice.get(reverse("settings-calendars", args=[made.integration_id]))


@GROUP.state()
def antares_calendar(stage):
    made = rows.create_calendar(stage, "Choir")
    rows.write_event(stage, made, "Choir practice")
    return stage.alice.get(_address_of("settings-local-calendar", made))


@GROUP.state()
def antares_calendar_saved(stage):
    made = rows.create_calendar(stage, "Choir")
    form = {"name": "Church choir", "zone": "Europe/Berlin", "colour": "#aa3377"}
    return stage.alice.post(
        _address_of("settings-local-calendar", made),
        {**form, "version": Calendar.objects.get(id=made.id).version},
        follow=True,
    )


@GROUP.state()
def antares_calendar_with_errors(stage):
    made = rows.create_calendar(stage, "Choir")
    return stage.alice.post(
        _address_of("settings-local-calendar", made),
        {"name": "", "zone": "Europe/Atlantis", "colour": "red", "version": "1"},
    )


@GROUP.state()
def antares_calendar_changed_by_others(stage):
    made = rows.create_calendar(stage, "Choir")
    form = {"name": "Choir", "zone": "Europe/Berlin", "colour": "#aa3377", "version": "999"}
    return stage.alice.post(_address_of("settings-local-calendar", made), form)


@GROUP.states({"good": calendar(event("DTSTART:20260603T090000", "SUMMARY:Tea", uid="t@x"))})
def file_imported(stage, _, data):
    return _import(stage, data, follow=True)


@GROUP.states(
    {
        "broken": BROKEN_FILE,
        "very-broken": VERY_BROKEN_FILE,
        "other-format": b"PK\x03\x04 no calendar",
        "empty": b"",
    },
    status=422,
)
def file_refused(stage, _, data):
    return _import(stage, data)


@GROUP.state(status=400)
def file_missing(stage):
    made = rows.create_calendar(stage, "Choir")
    return stage.alice.post(_address_of("settings-local-calendar-fill", made))


@GROUP.state()
def remove_calendar(stage):
    made = rows.create_calendar(stage, "Choir")
    rows.write_event(stage, made, "Choir practice")
    return stage.alice.get(_address_of("settings-local-calendar-remove", made))


@GROUP.state()
def removed_calendar(stage):
    made = rows.create_calendar(stage, "Choir")
    return _remove(stage, made, follow=True)


@GROUP.state()
def remove_all_calendars(stage):
    made = rows.create_calendar(stage, "Choir")
    rows.create_calendar(stage, "Family")
    rows.share(stage, made, ShareLevel.FREEBUSY)
    return stage.alice.get(reverse("settings-disconnect", args=[made.integration_id]))


@GROUP.state()
def remove_all_of_none(stage):
    made = rows.create_calendar(stage, "Choir")
    _remove(stage, made)
    return stage.alice.get(reverse("settings-disconnect", args=[made.integration_id]))


def _address(stage, name, house=None):
    return reverse(name, args=[(house or stage.mail).integration.id])


def _address_of(name, made):
    return reverse(name, args=[made.id])


def _make_export(stage, outcome):
    Export.objects.create(
        integration=Integration.objects.get(id=stage.mail.integration.id),
        user_id=stage.user.id,
        organisation_id=stage.organisation.id,
        asked_at=stage.at - timedelta(minutes=1),
        ended_at=stage.at if outcome else None,
        outcome=outcome,
        message_count=9,
    )


def _share_by_form(stage, email, *, follow=False, **more):
    form = {"email": email, "level": "details", "agree": "on", "version": rows.SHARING_VERSION}
    address = _address_of("settings-calendar-sharing", stage.calendar.primary)
    return stage.alice.post(address, {**form, **more}, follow=follow)


def _import(stage, data, *, follow=False):
    made = rows.create_calendar(stage, "Choir")
    chosen = SimpleUploadedFile("choir.ics", data, content_type="text/calendar")
    address = _address_of("settings-local-calendar-fill", made)
    return stage.alice.post(address, {"file": chosen}, follow=follow)


def _remove(stage, made, *, follow=False):
    version = Calendar.objects.get(id=made.id).version
    address = _address_of("settings-local-calendar-remove", made)
    return stage.alice.post(address, {"version": version}, follow=follow)
