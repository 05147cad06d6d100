"""The calendar, its events, and forms."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from django.urls import reverse

from accounts.ids import uuid7
from accounts.models import User
from accounts.rate_limit_counters import Rate
from integrations.calendar import free_busy_query
from integrations.formats.event_content import Attendee, Conference, EventContent, When
from integrations.models import (
    Calendar,
    CalendarRole,
    Connection,
    Event,
    EventKind,
    Integration,
    IntegrationStatus,
    ItemKind,
)
from integrations.providers import errors
from integrations.providers.calendars import RemoteEvent
from integrations.providers.google.google_config import GOOGLE
from limited_use.models.shares import ShareLevel
from limited_use.vault.fields import StoredCiphertext
from tests.contact_sheets import rows
from tests.contact_sheets.stage import ADDRESS
from tests.contact_sheets.state import Group
from tests.integrations.calendar import local_house
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.pages import reading

GROUP = Group("calendar", "Calendar")
VIEWS = ("month", "week", "day", "agenda")
ME = Attendee(ADDRESS, "Alice Adler", "needs_action", is_self=True)


@GROUP.states(VIEWS)
def view(stage, key):
    return stage.alice.get("/calendar/", {"view": key})


@GROUP.states(VIEWS)
def view_of_nothing(stage, key):
    return stage.alice.get("/calendar/", {"view": key, "day": "2031-05-05"})


@GROUP.state()
def no_calendar(stage):
    return stage.add_newcomer().get("/calendar/")


@GROUP.state()
def importing(stage):
    user = stage.add_person("Nora")
    rows.connect_google(stage, "calendar", email="nora@gmail.example", user=user)
    rows.agree(user, stage.organisation, "calendar")
    Integration.objects.filter(connection__user=user).update(status=IntegrationStatus.SYNCING)
    return rows.browser(user).get("/calendar/")


@GROUP.state()
def crowded_day(stage):
    for hour in range(9):
        stage.calendars.put(meeting(moment(2, 9), f"Interview {hour + 1}"))
    stage.calendar.sync(at=stage.at)
    return stage.alice.get("/calendar/", {"view": "week", "day": f"{moment(2):%Y-%m-%d}"})


@GROUP.state()
def crowded_month(stage):
    for hour in range(9):
        stage.calendars.put(meeting(moment(2, 9 + hour), f"Interview {hour + 1}"))
    stage.calendar.sync(at=stage.at)
    return stage.alice.get("/calendar/", {"view": "month"})


@GROUP.states({"forward": "2027-03-28", "back": "2026-10-25"})
def clocks_go(stage, _, day):
    return stage.alice.get("/calendar/", {"view": "day", "day": day})


@GROUP.state()
def copy_too_old(stage):
    _expire(stage)
    return stage.alice.get("/calendar/")


@GROUP.state()
def loading(stage):
    _expire(stage)
    return stage.alice.get("/calendar/coming/?waited=0")


@GROUP.state()
def loading_took_too_long(stage):
    _expire(stage)
    return stage.alice.get("/calendar/coming/?waited=99")


@GROUP.state()
def loaded(stage):
    return stage.alice.get("/calendar/coming/?waited=1")


@GROUP.state()
def copy_deleted(stage):
    stage.alice.post(f"/settings/integrations/{stage.calendar.integration.id}/calendars/erase/")
    return stage.alice.get("/calendar/")


@GROUP.state()
def access_ended(stage):
    _expire(stage)
    rows.set_status(stage.calendar, IntegrationStatus.REAUTH_REQUIRED)
    return stage.alice.get("/calendar/")


@GROUP.state()
def unreadable_events(stage):
    Calendar.objects.filter(integration=stage.calendar.integration).update(unreadable_count=2)
    return stage.alice.get("/calendar/")


@GROUP.states(ShareLevel)
def shared_with_bob(stage, level):
    rows.share(stage, stage.calendar.primary, level)
    return stage.bobs_browser.get("/calendar/", {"view": "week"})


@GROUP.state()
def shared_copy_deleted(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    copy_deleted(stage)
    return stage.bobs_browser.get("/calendar/")


@GROUP.state()
def shared_copy_too_old(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    _expire(stage)
    rows.set_status(stage.calendar, IntegrationStatus.REAUTH_REQUIRED)
    return stage.bobs_browser.get("/calendar/")


@GROUP.state()
def shared_before_sharing_changed(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    rows.reword(stage, "calendar-sharing")
    return stage.bobs_browser.get("/calendar/")


@GROUP.state(EventKind.SINGLE, CalendarRole.OWNER)
def days_without_hours(stage):
    days = [When(day=moment(day).date()) for day in (2, 4)]
    _put(stage, EventContent(title="Trade fair", start=days[0], end=days[1]))
    return stage.alice.get("/calendar/", {"view": "week", "day": f"{moment(2):%Y-%m-%d}"})


@GROUP.state()
def one_calendar_hidden(stage):
    hide = {"show": "no", "view": "week"}
    address = f"/calendar/calendars/{stage.calendar.primary.id}/shown/"
    return stage.alice.post(address, hide, follow=True)


@GROUP.state()
def antares_calendar(stage):
    made = rows.create_calendar(stage, "Choir")
    rows.write_event(stage, made, "Choir practice")
    return stage.alice.get("/calendar/", {"view": "week"})


@GROUP.state()
def display(stage):
    return stage.alice.get("/calendar/look/")


@GROUP.state()
def display_without_own_zone(stage):
    User.objects.filter(id=stage.user.id).update(time_zone="")
    return stage.alice.get("/calendar/look/")


@GROUP.state()
def display_with_shortcuts(stage):
    browser = stage.alice
    browser.post("/calendar/look/", {"zone": "America/New_York", "keys": "on"})
    return browser.get("/calendar/look/")


@GROUP.state()
def week_with_shortcuts(stage):
    browser = stage.alice
    browser.post("/calendar/look/", {"zone": "America/New_York", "keys": "on"})
    return browser.get("/calendar/", {"view": "week"})


@GROUP.states(
    [
        "Plan for the next quarter",
        "Framework agreement with Nadia",
        "Team lunch",
        "Dentist",
    ]
)
def event(stage, title):
    return stage.alice.get(rows.find_event(stage.alice, title))


@GROUP.states(["event", "series", "occurrence"])
def support_form(stage, kind):
    return stage.alice.get(_find_support_form(stage, kind))


@GROUP.states(["all day", "Antares"])
def support_form_of_calendar(stage, kind):
    if kind == "all day":
        days = EventContent(
            title="Fair", start=When(day=stage.at.date()), end=When(day=moment(4).date())
        )
        _put(stage, days)
        page = stage.alice.get(rows.find_event(stage.alice, "Fair"))
    else:
        calendar_id = local_house.create_local_calendar(stage.calendar.actor, "Garden")
        dinner = local_house.make_local_input("dinner@antares", meeting(moment(2), "Dinner"))
        local_house.write_events(stage.calendar.actor, calendar_id, dinner)
        page = stage.alice.get(rows.find_event(stage.alice, "Dinner"))
    return stage.alice.get(_read_support_form_address(page))


@GROUP.state()
def support_form_without_agreement(stage):
    return stage.alice.post(_find_support_form(stage, "event"), {"hours": "24"}, follow=True)


@GROUP.states(["event", "form"])
def support_allowed(stage, shown):
    address = _find_support_form(stage, "event")
    response = rows.open_to_support(stage.alice, address)
    return response if shown == "event" else stage.alice.get(address)


@GROUP.state(ItemKind.EVENT)
def support_among_features(stage):
    rows.open_to_support(stage.alice, _find_support_form(stage, "event"))
    return stage.alice.get(reverse("settings-access"))


@GROUP.state()
def support_stopped(stage):
    address = _find_support_form(stage, "event")
    rows.open_to_support(stage.alice, address)
    return stage.alice.post(f"{address}close/", follow=True)


@GROUP.state(status=404)
def support_form_of_nothing(stage):
    return stage.alice.get(f"/calendar/events/{uuid7()}/support/")


def _find_support_form(stage, kind):
    title = {"event": "Review", "series": "Standup", "occurrence": "Standup, later"}[kind]
    _put(stage, meeting(moment(2), "Review", description="Bring figures"))
    start = moment(3)
    series = stage.calendars.put(
        meeting(start, "Standup", recurrence=("RRULE:FREQ=DAILY;COUNT=3",))
    )
    original = When(at=start + timedelta(days=1), zone="Europe/Berlin")
    stage.calendars.write(
        ADDRESS,
        RemoteEvent(
            event_id="moved",
            etag="",
            ical_uid="moved",
            sequence=1,
            content=meeting(original.at + timedelta(hours=2), "Standup, later"),
            series_id=series,
            original_start=original,
        ),
    )
    stage.calendar.sync(at=stage.at)
    return _read_support_form_address(stage.alice.get(rows.find_event(stage.alice, title)))


def _read_support_form_address(page):
    return re.search(r'href="(/calendar/events/[^/"]+/support/)"', page.text)[1]


@GROUP.states(["accepted", "tentative", "declined", "needs_action"])
def invitation(stage, response):
    me = replace(ME, response=response)
    _put(stage, meeting(moment(2), "Review", attendees=(me,)), organizer="carol@work.example")
    return stage.alice.get(rows.find_event(stage.alice, "Review"))


@GROUP.state()
def invitation_answered(stage):
    _put(stage, meeting(moment(2), "Review", attendees=(ME,)), organizer="carol@work.example")
    address = rows.find_event(stage.alice, "Review")
    form = {"response": "accepted", "version": rows.read_version(stage.alice, address)}
    return stage.alice.post(f"{address}answer/", form, follow=True)


@GROUP.state(status=409)
def invitation_changed(stage):
    _put(stage, meeting(moment(2), "Review", attendees=(ME,)), organizer="carol@work.example")
    address = rows.find_event(stage.alice, "Review")
    return stage.alice.post(f"{address}answer/", {"response": "accepted", "version": "0f"})


@GROUP.state()
def event_with_everything(stage):
    guests = tuple(
        Attendee(f"guest{number}@work.example", f"Guest {number}", "accepted")
        for number in range(30)
    )
    everything = meeting(
        moment(2),
        "Board of Kestrel",
        location="https://maps.example/place",
        description="<p>See the <a href='https://work.example/'>agenda</a>.</p>",
        attendees=(ME, *guests),
        is_private=True,
        is_busy=False,
        is_tentative=True,
        zone="America/New_York",
    )
    _put(stage, everything, organizer="carol@work.example")
    return stage.alice.get(rows.find_event(stage.alice, "Board of Kestrel"))


@GROUP.states({"pending": "", "ready": "https://meet.example/abc", "failed": "", "phone": "+49 30"})
def event_with_online_meeting(stage, state, uri):
    state = "ready" if state == "phone" else state
    name = stage.calendars.put(meeting(moment(2), "Video call"))
    stored = stage.calendars.events[ADDRESS][name]
    stage.calendars.write(ADDRESS, replace(stored, conference=Conference(state, uri)))
    stage.calendar.sync(at=stage.at)
    return stage.alice.get(rows.find_event(stage.alice, "Video call"))


@GROUP.state()
def description_alone(stage):
    address = rows.find_event(stage.alice, "Framework agreement")
    return stage.alice.get(f"{address}description/")


@GROUP.state()
def event_without_title(stage):
    _put(stage, meeting(moment(1, 23), ""))
    return stage.alice.get(rows.find_event(stage.alice, "(no title)"))


@GROUP.states(["delete", "move"])
def change_without_title(stage, action):
    _put(stage, meeting(moment(1, 23), ""))
    return stage.alice.get(f"{rows.find_event(stage.alice, '(no title)')}{action}/")


@GROUP.state(name="change-with-place")
def change_of_event_with_place(stage):
    _put(stage, meeting(moment(2), "Site visit", location="Main street 4"))
    return stage.alice.get(f"{rows.find_event(stage.alice, 'Site visit')}edit/")


@GROUP.state()
def change_of_online_series_at_outlook(stage):
    series = meeting(moment(2, 8), "Weekly call", recurrence=("RRULE:FREQ=DAILY;COUNT=9",))
    rows.connect_outlook(stage, series, conference=Conference("ready", "https://teams.example/1"))
    return stage.alice.get(f"{rows.find_event(stage.alice, 'Weekly call')}edit/")


@GROUP.state(status=409)
def change_of_changed(stage):
    _put(stage, meeting(moment(2), "Site visit", location="Main street 4"))
    address = f"{rows.find_event(stage.alice, 'Site visit')}edit/"
    form = reading.form_values(stage.alice.get(address).content.decode())
    return stage.alice.post(address, {**form, "title": "New plan", "version": "0f"})


@GROUP.state()
def changed(stage):
    address = f"{rows.find_event(stage.alice, 'Dentist')}edit/"
    form = reading.form_values(stage.alice.get(address).content.decode())
    return stage.alice.post(address, {**form, "title": "Dr. Weiss"}, follow=True)


@GROUP.state()
def event_with_more_attendees(stage):
    name = stage.calendars.put(meeting(moment(2), "Town hall", attendees=(ME,)))
    stored = stage.calendars.events[ADDRESS][name]
    stage.calendars.write(ADDRESS, replace(stored, has_more_attendees=True))
    stage.calendar.sync(at=stage.at)
    return stage.alice.get(rows.find_event(stage.alice, "Town hall"))


@GROUP.state()
def invitation_to_series(stage):
    content = meeting(
        moment(2, 8), "Choir", attendees=(ME,), recurrence=("RRULE:FREQ=DAILY;COUNT=9",)
    )
    _put(stage, content, organizer="carol@work.example")
    return stage.alice.get(rows.find_event(stage.alice, "Choir"))


@GROUP.states([(EventKind.CHANGED, "in-series"), (EventKind.CHANGED, "alone")])
def changed_occurrence(stage, key):
    has_series = key[1] == "in-series"
    name = stage.calendars.put(
        meeting(moment(2, 8), "Daily stand-up", recurrence=("RRULE:FREQ=DAILY;COUNT=9",))
    )
    stored = stage.calendars.events[ADDRESS][name]
    occurrence = moment(3, 8)
    exception = replace(
        stored,
        event_id=f"{name}_{occurrence:%Y%m%dT%H%M%SZ}",
        series_id=name,
        original_start=When(at=occurrence, zone="Europe/Berlin"),
        content=meeting(moment(3, 11), "Stand-up, later"),
    )
    stage.calendars.write(ADDRESS, exception)
    stage.calendar.sync(at=stage.at)
    if not has_series:
        Event.objects.filter(calendar=stage.calendar.primary, kind=EventKind.SERIES).delete()
    return stage.alice.get(rows.find_event(stage.alice, "Stand-up, later"))


@GROUP.state(EventKind.SERIES)
def series(stage):
    _put_series(stage)
    return stage.alice.get(rows.find_event(stage.alice, "Daily stand-up"))


@GROUP.state(CalendarRole.READER)
def event_view_only(stage):
    Calendar.objects.filter(integration=stage.calendar.integration).update(role=CalendarRole.READER)
    return stage.alice.get(rows.find_event(stage.alice, "Dentist"))


@GROUP.states([CalendarRole.WRITER, CalendarRole.FREEBUSY])
def event_in_calendar_of(stage, role):
    Calendar.objects.filter(integration=stage.calendar.integration).update(role=role)
    return stage.alice.get(rows.find_event(stage.alice, ""))


@GROUP.state(EventKind.CANCELLED)
def cancelled_occurrence(stage):
    """The rest of the series is shown, without the occurrence."""
    _put_series(stage)
    address = rows.find_event(stage.alice, "Daily stand-up")
    version = rows.read_version(stage.alice, f"{address}delete/")
    form = {"version": version, "scope": "this"}
    return stage.alice.post(f"{address}delete/", form, follow=True)


@GROUP.state()
def event_without_permission(stage):
    _allow(stage, "mail.read", "calendar.read")
    return stage.alice.get(rows.find_event(stage.alice, "Dentist"))


@GROUP.states(ShareLevel)
def event_shared_with_bob(stage, level):
    rows.share(stage, stage.calendar.primary, level)
    title = "Busy" if level == ShareLevel.FREEBUSY else "Framework"
    return stage.bobs_browser.get(rows.find_event(stage.bobs_browser, title))


@GROUP.state()
def event_private_to_bob(stage):
    rows.share(stage, stage.calendar.primary, ShareLevel.DETAILS)
    return stage.bobs_browser.get(rows.find_event(stage.bobs_browser, "Busy"))


@GROUP.state()
def event_in_antares_calendar(stage):
    made = rows.create_calendar(stage, "Choir")
    rows.write_event(stage, made, "Choir practice")
    return stage.alice.get(rows.find_event(stage.alice, "Choir practice"))


@GROUP.state(status=404)
def event_gone(stage):
    address = rows.find_event(stage.alice, "Dentist")
    Event.objects.filter(calendar=stage.calendar.primary).delete()
    return stage.alice.get(address)


@GROUP.state(status=503)
def event_too_old(stage):
    address = rows.find_event(stage.alice, "Dentist")
    _expire(stage)
    return stage.alice.get(address)


@GROUP.state(status=503)
def event_damaged(stage):
    address = rows.find_event(stage.alice, "Dentist")
    for row in Event.objects.filter(calendar=stage.calendar.primary):
        (raw,) = Event.objects.filter(id=row.id).values_list("content", flat=True)
        row.__dict__["content"] = StoredCiphertext(bytes(raw)[:-1] + bytes([bytes(raw)[-1] ^ 1]))
        row.save(update_fields=["content"])
    return stage.alice.get(address)


@GROUP.state()
def new_event(stage):
    return stage.alice.get("/calendar/new/", {"day": f"{moment(2):%Y-%m-%d}", "hour": "14"})


@GROUP.state(status=400)
def new_event_with_errors(stage):
    return stage.alice.post("/calendar/new/", {"title": "x" * 3000, "start_day": "never"})


@GROUP.state()
def new_event_nowhere(stage):
    _allow(stage, "mail.read", "calendar.read")
    return stage.alice.get("/calendar/new/")


@GROUP.state()
def new_event_with_nothing_connected(stage):
    return stage.add_newcomer().get("/calendar/new/")


@GROUP.state()
def new_event_saved(stage):
    return stage.alice.post("/calendar/new/", _fill_form(stage), follow=True)


@GROUP.state(status=409)
def new_event_not_free(stage):
    _put(stage, meeting(moment(2, 9), "Busy then", hours=10))
    return stage.alice.post("/calendar/new/", {**_fill_form(stage), "require_free": "on"})


@GROUP.states(
    {
        "unavailable": errors.Unavailable("away"),
        "rejected": errors.Rejected("no"),
        "revoked": errors.GrantRevoked("ended"),
        "unknown": errors.OutcomeUnknown("lost"),
    },
)
def new_event_failed(stage, _, error):
    stage.patch.setattr(stage.calendars, "failures", {"create": [error] * 9})
    return rows.with_any_status(stage.alice.post("/calendar/new/", _fill_form(stage)))


@GROUP.states(["edit", "delete", "move"])
def change(stage, action):
    return stage.alice.get(f"{rows.find_event(stage.alice, 'Plan for')}{action}/")


@GROUP.states(["edit", "delete", "move"])
def change_series(stage, action):
    _put_series(stage)
    return stage.alice.get(f"{rows.find_event(stage.alice, 'Daily stand-up')}{action}/")


@GROUP.states(["edit", "delete", "move"])
def change_in_antares_calendar(stage, action):
    made = rows.create_calendar(stage, "Choir")
    rows.write_event(stage, made, "Choir practice")
    return stage.alice.get(f"{rows.find_event(stage.alice, 'Choir practice')}{action}/")


@GROUP.state()
def move_at_microsoft(stage):
    """Outlook moves no events: a copy is made, and the attendees are told."""
    guests = (ME, Attendee("bob@antares.example"))
    online = Conference("ready", "https://meet.example/abc")
    rows.connect_outlook(stage, meeting(moment(2), "Roadmap", attendees=guests), conference=online)
    return stage.alice.get(f"{rows.find_event(stage.alice, 'Roadmap')}move/")


@GROUP.state()
def find_time_too_often(stage):
    stage.patch.setattr(free_busy_query, "RATE", replace_rate(free_busy_query.RATE))
    stage.change_settings(RATE_LIMIT_SCALE=1)
    for _ in range(2):
        response = stage.alice.get("/calendar/find/", _ask_for_time())
    return rows.with_any_status(response)


@GROUP.states(["edit", "delete", "move"])
def change_view_only(stage, action):
    Calendar.objects.filter(integration=stage.calendar.integration).update(role="reader")
    address = f"{rows.find_event(stage.alice, 'Dentist')}{action}/"
    return rows.with_any_status(stage.alice.get(address))


@GROUP.state()
def move_with_no_other_calendar(stage):
    others = Calendar.objects.filter(integration=stage.calendar.integration)
    others.exclude(id=stage.calendar.primary.id).update(role="reader")
    return stage.alice.get(f"{rows.find_event(stage.alice, 'Dentist')}move/")


@GROUP.states(["edit", "delete", "move"], status=404)
def change_of_gone(stage, action):
    address = rows.find_event(stage.alice, "Dentist")
    Event.objects.filter(calendar=stage.calendar.primary).delete()
    return stage.alice.get(f"{address}{action}/")


@GROUP.states({"edit": 400, "delete": 409, "move": 400})
def change_with_errors(stage, action, status):
    address = f"{rows.find_event(stage.alice, 'Plan for')}{action}/"
    response = stage.alice.post(address, {"version": "0f"})
    assert response.status_code == status
    return rows.with_any_status(response)


@GROUP.state()
def deleted(stage):
    address = rows.find_event(stage.alice, "Dentist")
    version = rows.read_version(stage.alice, f"{address}delete/")
    return stage.alice.post(f"{address}delete/", {"version": version}, follow=True)


@GROUP.state()
def find_time(stage):
    return stage.alice.get("/calendar/find/")


@GROUP.state()
def find_time_without_own_zone(stage):
    User.objects.filter(id=stage.user.id).update(time_zone="")
    return stage.alice.get("/calendar/find/")


@GROUP.states({"found": "09:00", "none": "23:30"})
def times(stage, _, opens):
    return stage.alice.get("/calendar/find/", {**_ask_for_time(), "opens": opens})


@GROUP.state(name="find-time-errors")
def find_time_with_errors(stage):
    asked = {**_ask_for_time(), "closes": "08:00", "first_day": "never", "zone": "Mars/Base"}
    return rows.with_any_status(stage.alice.get("/calendar/find/", asked))


@GROUP.state()
def find_time_with_colleague(stage):
    return _ask_with_alice(stage, "may")


@GROUP.state()
def find_time_with_unknown_colleague(stage):
    return _ask_with_alice(stage, "must", first_day="2001-01-01")


def _ask_with_alice(stage, choice, **asked):
    """Bob asks, who is shown when Alice is busy."""
    rows.share(stage, stage.calendar.primary, ShareLevel.FREEBUSY)
    local_house.create_local_calendar(stage.bob, "Bob's calendar")
    form = stage.bobs_browser.get("/calendar/find/").content.decode()
    (name,) = re.findall(r'<div class="field attendee">.*?<select[^>]* name="([^"]+)"', form)
    return stage.bobs_browser.get("/calendar/find/", {**_ask_for_time(), name: choice, **asked})


def replace_rate(rate):
    return Rate(rate.name, 1, rate.seconds)


def _expire(stage):
    Calendar.objects.filter(integration=stage.calendar.integration).update(
        cached_at=stage.at - timedelta(days=9)
    )


def _put(stage, content, **more):
    stage.calendars.put(content, **more)
    stage.calendar.sync(at=stage.at)


def _put_series(stage):
    _put(stage, meeting(moment(2, 8), "Daily stand-up", recurrence=("RRULE:FREQ=DAILY;COUNT=9",)))


def _allow(stage, *capabilities):
    granted = sorted(GOOGLE.list_scopes_for(frozenset(capabilities)))
    Connection.objects.filter(id=stage.mail.connection.id).update(granted_scopes=granted)


def _fill_form(stage):
    page = stage.alice.get("/calendar/new/").content.decode()
    day = f"{moment(2):%Y-%m-%d}"
    return {
        "key": re.search(r'name="key" value="([^"]+)"', page)[1],
        "calendar": str(stage.calendar.primary.id),
        "title": "Review",
        "start_day": day,
        "start_time": "09:00",
        "end_day": day,
        "end_time": "10:00",
        "zone": "Europe/Berlin",
        "every": "1",
    }


def _ask_for_time():
    return {
        "length": "60",
        "first_day": f"{moment(2):%Y-%m-%d}",
        "reach": "7",
        "opens": "09:00",
        "closes": "23:59",
        "weekdays": [str(day) for day in range(7)],
        "zone": "Europe/Berlin",
    }
