"""Outlook's calendars from the button to the purge, through the sandbox."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts import owned
from accounts.models import Organisation
from config.classes import ProcessClass
from integrations import connections, purge, scopes
from integrations.asking import Asked
from integrations.calendars import single, writing
from integrations.calendars.writing import Draft
from integrations.models import (
    AttemptOutcome,
    Calendar,
    Event,
    EventKind,
    Integration,
    PurgeStep,
    SyncWork,
)
from integrations.providers.calendars import When
from integrations.sync import engine
from limited_use.ledger import sequencer
from tests.factories import actor_for
from tests.integrations.microsoft import ALICE_BOX, Browser, microsoft
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
    browser = Browser(alice, microsoft)
    versions = [f"{one.key}:{one.version}" for one in scopes.features_for("calendar")]
    begun = browser.begin(product="calendar", version=versions)
    said = microsoft.visit(begun["Location"], "accept", account=ALICE_BOX)
    assert browser.arrive(**said).outcome == AttemptOutcome.CONNECTED
    # The list first, and then what is on it.
    synced()
    synced()
    return browser


def synced() -> None:
    for work_id in list(SyncWork.objects.values_list("id", flat=True)):
        again = True
        while again:
            SyncWork.objects.filter(id=work_id).update(next_sync_at=timezone.now())
            with acting_as(ProcessClass.SYNC):
                again = engine.run(work_id=work_id, at=timezone.now())


def page(browser, now) -> str:
    return browser.client.get(f"/calendar/?day={now:%Y-%m-%d}&view=agenda").content.decode()


def test_are_shown_as_series_and_events(connected, now, microsoft):
    shown = page(connected, now)

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
    synced()

    kinds = sorted(Event.objects.values_list("kind", flat=True))
    assert kinds == [EventKind.CANCELLED, EventKind.SERIES]


@pytest.mark.clause("AN-6")
def test_are_written_once_and_seen_at_once(connected, microsoft, alice, now):
    calendar = Calendar.objects.get()
    whose = calendar.user_id, calendar.organisation_id
    asked = Asked(actor_for(alice, Organisation.objects.get(id=whose[1])), whose[0], timezone.now())
    start = When(at=now + 3 * HOUR, zone="Europe/Berlin")
    draft = Draft(title="Planned", start=start, end=When(at=now + 4 * HOUR, zone="Europe/Berlin"))
    with owned.acting_for(*whose):
        made = writing.create(asked, calendar.id, draft, key="one")
        again = writing.create(asked, calendar.id, draft, key="one")

    assert made.id == again.id
    assert "Planned" in page(connected, now)
    found = microsoft.look("calendar", email=ALICE_BOX, provider="microsoft")["events"]
    assert [one["summary"] for one in found].count("Planned") == 1
    assert single.event_id(made.id).row == Event.objects.get(id=made.id).id


@pytest.mark.invariant(6)
@pytest.mark.django_db(transaction=True)
def test_leave_nothing_here_when_they_are_disconnected(connected):
    integration = Integration.objects.get()
    connection = integration.connection
    job = connections.disconnect(
        integration_id=integration.id,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        at=timezone.now(),
    )
    with acting_as(ProcessClass.PURGE):
        for _ in range(50):
            if purge.run(job_id=job.id) is PurgeStep.DONE:
                break
            sequencer.run(timezone.now())

    assert not Event.objects.exists()
    assert not Calendar.objects.exists()
