"""Outlook's calendars from the button to the purge, through the sandbox."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts import row_owner
from accounts.models import Organisation
from config.process_classes import ProcessClass
from integrations import connections, purge
from integrations.access import scopes
from integrations.access.request_context import RequestContext
from integrations.calendar import event_lookup
from integrations.calendar.events import event_access, event_service
from integrations.calendar.events.event_drafts import EventDraft
from integrations.formats.event_content import When
from integrations.models import (
    AttemptOutcome,
    Calendar,
    Event,
    EventKind,
    Integration,
    PurgeStep,
    SyncWork,
)
from integrations.operations.sync_products import PRODUCTS
from integrations.sandbox.microsoft.calendar import online_meetings
from integrations.sync import sync_engine
from limited_use.ledger import ledger_sequencer
from tests.factories import actor_for
from tests.integrations.microsoft import ALICE_BOX, MicrosoftConnectBrowser, microsoft
from tests.integrations.pages import reading
from tests.integrations.providers.microsoft.kills import KilledDuringGraphCall, Kills
from tests.walls import acting_as

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def theirs(microsoft, now):
    """Return the sandbox's ids of an event and of a series that were there before."""

    def put(**event):
        moment = {"dateTime": now.isoformat(), "timeZone": "UTC"}
        later = {"dateTime": (now + HOUR).isoformat(), "timeZone": "UTC"}
        made = {"start": moment, "end": later} | event
        answer = microsoft.control("events", email=ALICE_BOX, provider="microsoft", event=made)
        return str(answer["id"])

    series = put(summary="Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"])
    return put(summary="Lunch"), series


@pytest.fixture
def connected(theirs, microsoft, alice):
    browser = MicrosoftConnectBrowser(alice, microsoft)
    versions = [f"{one.key}:{one.version}" for one in scopes.features_for("calendar")]
    begun = browser.begin(product="calendar", version=versions)
    said = microsoft.visit(begun["Location"], "accept", account=ALICE_BOX)
    assert browser.arrive(**said).outcome == AttemptOutcome.CONNECTED
    # The list first, and then what is on it.
    sync_everything()
    sync_everything()
    return browser


def sync_everything() -> None:
    for work_id in list(SyncWork.objects.values_list("id", flat=True)):
        again = True
        while again:
            SyncWork.objects.filter(id=work_id).update(next_sync_at=timezone.now())
            with acting_as(ProcessClass.SYNC):
                again = sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())


def show_agenda_page(browser, now) -> str:
    return browser.client.get(f"/calendar/?day={now:%Y-%m-%d}&view=agenda").content.decode()


def test_are_shown_as_series_and_events(connected, now, microsoft):
    shown = show_agenda_page(connected, now)

    assert ("Weekly" in shown, "Lunch" in shown) == (True, True)
    assert sorted(Event.objects.values_list("kind", flat=True)) == [
        EventKind.SERIES,
        EventKind.SINGLE,
    ]


@pytest.mark.scenario("C6", "D3")
def test_follow_what_becomes_of_them_there(connected, microsoft, theirs):
    lunch, series = theirs
    where = {"email": ALICE_BOX, "provider": "microsoft"}
    calendar = microsoft.look("calendar", **where)
    [master] = [one for one in calendar["events"] if one["id"] == series]
    second = {"id": f"{series}_x", "recurringEventId": series, "status": "cancelled"}
    microsoft.control("events/cancel", id=lunch, **where)
    start = datetime.fromisoformat(master["start"]["dateTime"]) + timedelta(weeks=1)
    original = {"dateTime": start.isoformat(), "timeZone": "UTC"}
    stamp = f"{series}_{start:%Y%m%dT%H%M%SZ}"
    gone = second | {"id": stamp, "originalStartTime": original, "start": original, "end": original}
    microsoft.control("events", event=gone, **where)
    sync_everything()

    kinds = sorted(Event.objects.values_list("kind", flat=True))
    assert kinds == [EventKind.CANCELLED, EventKind.SERIES]


@pytest.mark.clause("AN-6")
def test_are_written_once_and_seen_at_once(connected, microsoft, alice, now):
    calendar = Calendar.objects.get()
    whose = calendar.user_id, calendar.organisation_id
    asked = RequestContext(
        actor_for(alice, Organisation.objects.get(id=whose[1])), whose[0], timezone.now()
    )
    start = When(at=now + 3 * HOUR, zone="Europe/Berlin")
    draft = EventDraft(
        title="Planned", start=start, end=When(at=now + 4 * HOUR, zone="Europe/Berlin")
    )
    with row_owner.acting_for(*whose):
        seen = event_access.find_writable_calendar(asked, calendar.id)
        made = event_service.create(asked, seen, draft, key="one")
        again = event_service.create(asked, seen, draft, key="one")

    assert made.event_id == again.event_id
    assert "Planned" in show_agenda_page(connected, now)
    found = microsoft.look("calendar", email=ALICE_BOX, provider="microsoft")["events"]
    assert [one["summary"] for one in found].count("Planned") == 1
    assert (
        event_lookup.parse_event_id(made.event_id).row_id == Event.objects.get(id=made.event_id).id
    )


@pytest.mark.invariant(6)
@pytest.mark.django_db(transaction=True)
def test_leave_nothing_here_when_they_are_disconnected(connected):
    integration = Integration.objects.get()
    connection = integration.connection
    job = connections.disconnect_integration(
        integration_id=integration.id,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        at=timezone.now(),
    )
    with acting_as(ProcessClass.PURGE):
        for _ in range(50):
            if purge.run_purge(job_id=job.id) is PurgeStep.DONE:
                break
            ledger_sequencer.run_sequencer(timezone.now())

    assert not Event.objects.exists()
    assert not Calendar.objects.exists()


@pytest.fixture
def other(microsoft):
    """Return the sandbox's id of a second calendar."""
    where = {"email": ALICE_BOX, "provider": "microsoft"}
    return str(microsoft.control("calendars", summary="Other", **where)["id"])


class Series:
    """A weekly meeting of Alice's with guests: its second time moved, its third cancelled."""

    def __init__(self, microsoft, now, emails=("bob@contoso.example",)) -> None:
        self.microsoft, self.first = microsoft, now + 2 * HOUR
        guests = [{"email": email, "responseStatus": "accepted"} for email in emails]
        self.id = self.put(0, summary="Standup", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"],
                           attendees=guests)  # fmt: skip
        for week, status in ((1, "confirmed"), (2, "cancelled")):
            original = self.first + timedelta(weeks=week)
            self.put(
                week, id=f"{self.id}_{original:%Y%m%dT%H%M%SZ}", recurringEventId=self.id,
                status=status, summary="Moved", originalStartTime=clock(original),
            )  # fmt: skip

    def put(self, week, **event) -> str:
        # An hour later than its series says.
        start = self.first + timedelta(weeks=week) + bool(week) * HOUR
        times = {"start": clock(start), "end": clock(start + HOUR)}
        where = {"email": ALICE_BOX, "provider": "microsoft"}
        return str(self.microsoft.control("events", event=times | event, **where)["id"])


def titles(microsoft, calendar: str) -> list[str]:
    """Return what events and changed occurrences of a calendar are called at the provider."""
    found = microsoft.look("calendar", email=ALICE_BOX, provider="microsoft", calendar=calendar)
    there = {one["id"]: one for one in found["events"] if one["status"] == "confirmed"}
    return sorted(
        one["summary"] for one in there.values() if one.get("recurringEventId", one["id"]) in there
    )


def clock(at: datetime) -> dict[str, str]:
    return {"dateTime": at.isoformat(), "timeZone": "UTC"}


@pytest.fixture
def series(microsoft, now):
    return Series(microsoft, now)


def row_of_series() -> Event:
    """Return the series that has an occurrence of its own."""
    changed = Event.objects.get(kind=EventKind.CHANGED)
    return Event.objects.get(kind=EventKind.SERIES, remote_blind=changed.series_blind)


def move_page(connected) -> tuple[str, str, dict[str, str]]:
    """Return address and text of the page that moves the series, and its form as it stands."""
    address = f"/calendar/events/{row_of_series().id}/move/"
    shown = connected.client.get(address).content.decode()
    form = {
        "version": re.search(r'name="version" value="([0-9a-f]+)"', shown)[1],
        "calendar": re.search(r'<option value="([^"]+)"', shown)[1],
    }
    return address, shown, form


@pytest.fixture
def kills(monkeypatch):
    return Kills(monkeypatch)


class TestOutlookSeries:
    @pytest.mark.scenario("C3", "C6")
    @pytest.mark.invariant(9)
    @pytest.mark.claim("move.copied", "move.guests-told", "form.guests-told")
    def test_is_moved_with_its_exceptions_after_a_warning_and_however_often_killed(
        self, other, series, connected, kills
    ):
        microsoft = series.microsoft
        address, page_before, form = move_page(connected)
        mailed = microsoft.sandbox.counters()["invitations"]

        refused = connected.client.post(address, form)

        assert "Their answers are not copied" in page_before
        assert "and then deletes the original" in page_before
        assert "Nothing was changed" in refused.content.decode()
        assert titles(microsoft, other) == []
        assert microsoft.sandbox.counters()["invitations"] == mailed

        tries = 0
        while tries < 9:
            tries += 1
            kills.arm(1)
            try:
                answer = connected.client.post(address, form | {"notify": "on"})
            except KilledDuringGraphCall:
                continue
            break

        # The copy, the cancelled, the moved, the original; and then only our rows are left.
        assert (tries, answer.status_code) == (5, 302)
        assert titles(microsoft, other) == ["Moved", "Standup"]
        assert titles(microsoft, "") == ["Lunch", "Weekly"]
        shown = show_agenda_page(connected, series.first + timedelta(weeks=1))
        assert shown.count("Moved") == 1
        sync_everything()
        assert sorted(Event.objects.values_list("kind", flat=True)) == sorted(
            [EventKind.SINGLE, EventKind.SERIES, EventKind.SERIES, EventKind.CHANGED,
             EventKind.CANCELLED]
        )  # fmt: skip

    @pytest.mark.scenario("C3", "C6")
    @pytest.mark.invariant(9)
    @pytest.mark.claim("form.outcome-unknown")
    def test_is_moved_once_though_answers_are_lost(self, other, series, connected, microsoft):
        address, _, form = move_page(connected)
        form["notify"] = "on"
        for method in ("POST", "PATCH", "DELETE"):
            microsoft.sandbox.fail_next(
                method=method, path_prefix="/v1.0/me/calendars", drop="after"
            )

        statuses = []
        while len(statuses) < 4 and 302 not in statuses:
            statuses.append(connected.client.post(address, form).status_code)

        assert statuses in ([409, 302], [409, 409, 302])
        assert titles(microsoft, other) == ["Moved", "Standup"]
        assert titles(microsoft, "") == ["Lunch", "Weekly"]

    def test_without_an_online_meeting_is_not_said_to_get_a_new_link(self, series, connected):
        address = f"/calendar/events/{row_of_series().id}_{series.first:%Y%m%dT%H%M%SZ}/edit/"

        page = reading.text(connected.client.get(address).content.decode())

        assert "This and following events" in page
        assert "new link" not in page

    @pytest.mark.scenario("C6")
    @pytest.mark.claim("edit.new-meeting-link")
    def test_that_meets_online_goes_on_online_from_the_occurrence_that_is_edited(
        self, other, series, microsoft, connected, kills
    ):
        join(microsoft, series.id)
        sync_everything()
        row = row_of_series()
        assert "The online meeting gets a new link" in move_page(connected)[1]
        last = series.first + timedelta(weeks=3)
        address = f"/calendar/events/{row.id}_{last:%Y%m%dT%H%M%SZ}/edit/"
        page = connected.client.get(address).content.decode()
        assert "the online meeting gets a new link from this event on" in reading.text(page)
        form = reading.form_values(page)
        edit = {"title": "Sitdown", "scope": "following", "notify": "on"}

        # The new series, and the end of the old one; then only our rows are left.
        for _ in range(2):
            kills.arm(1)
            with pytest.raises(KilledDuringGraphCall):
                connected.client.post(address, form | edit)
        answer = connected.client.post(address, form | edit, follow=True)

        assert "the online meeting has a new link" in reading.text(answer.content.decode())
        found = microsoft.look("calendar", email=ALICE_BOX, provider="microsoft")["events"]
        old, new = (
            one
            for title in ("Standup", "Sitdown")
            for one in found
            if one.get("recurrence") and one["summary"] == title
        )
        for one in (old, new):
            assert one["graph"]["isOnlineMeeting"]
            assert one["graph"]["onlineMeetingProvider"] == "teamsForBusiness"
            assert one["description"].count(online_meetings.get_meeting_address(one)) == 1
        assert online_meetings.get_meeting_address(old) not in new["description"]


def join(microsoft, event_id: str) -> None:
    """Make an event of the sandbox an online meeting, as one made in Teams is."""
    block = online_meetings.MEETING_BLOCK.format(
        line=online_meetings.MEETING_RULE,
        address=online_meetings.get_meeting_address({"id": event_id}),
    )
    event = {
        "id": event_id,
        "description": f"<p>Agenda</p>{block}",
        "graph": {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"},
    }
    microsoft.control("events", email=ALICE_BOX, provider="microsoft", event=event)


class TestOutlookSeriesWithManyGuests:
    """Its moved occurrence has no guests; the series has more than may be invited."""

    @pytest.fixture
    def series(self, microsoft, now):
        emails = [f"guest{number}@contoso.example" for number in range(51)]
        return Series(microsoft, now, emails)

    @pytest.mark.clause("AN-11")
    @pytest.mark.parametrize("scope", ["all", "following"])
    @pytest.mark.parametrize("action", ["edit", "delete"])
    def test_is_not_written_through_an_occurrence(self, series, connected, action, scope):
        microsoft = series.microsoft
        address = f"/calendar/events/{Event.objects.get(kind=EventKind.CHANGED).id}/{action}/"
        page = connected.client.get(address).content.decode()
        form = {"version": re.search(r'name="version" value="([0-9a-f]+)"', page)[1]}
        if action == "edit":
            form = reading.form_values(page) | {"title": "Sitdown"}
        mailed = microsoft.sandbox.counters()["invitations"]
        before = microsoft.look("calendar", email=ALICE_BOX, provider="microsoft")["events"]

        answer = connected.client.post(
            address, form | {"scope": scope, "notify": "on"}, follow=True
        )

        shown = reading.text(answer.content.decode())
        assert "A message or an invitation goes to at most 50 people." in shown
        assert microsoft.sandbox.counters()["invitations"] == mailed
        after = microsoft.look("calendar", email=ALICE_BOX, provider="microsoft")["events"]
        assert after == before
