"""One event, opened to support by its owner for a time: pages, refusals, and what is recorded."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import User
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.access import support_permits
from integrations.access.request_context import ObjectNotFound
from integrations.calendar import cache_settings, local_calendars, support_access
from integrations.calendar.pages import support_event_presenter
from integrations.formats.event_content import Attendee
from integrations.grants import provider_credentials
from integrations.models import Calendar, Event, EventKind
from integrations.providers.calendars import CancelledInstance, RemoteEvent
from limited_use.agreements import consents
from limited_use.guard.guard import AccessRefused
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Fact
from limited_use.sinks import support_sink
from limited_use.vault import data_keys
from limited_use.vault.envelope import Unopenable
from tests.api import cast
from tests.database_rows import TABLES_OF_A_RECORD, dump_tables, list_changed_tables
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations import household
from tests.integrations.calendar import local_house
from tests.integrations.calendar_house import NOW, meeting, moment
from tests.integrations.pages import reading
from tests.integrations.support.desk import (
    actor_of,
    list_decisions,
    make_agent,
    without_tokens,
)
from tests.integrations.support.people import disconnect
from tests.integrations.sync.conftest import keyring
from tests.walls import acting_as, requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.invariant(1),
    pytest.mark.usefixtures("requests_act_as_web"),
]

CANARY = "CANARY-event-5e1"
VERSION = FEATURES["support"].version
GUESTS = (
    Attendee("alice@gmail.example", response="accepted", is_self=True),
    Attendee("bob@work.example", "Bob", "declined"),
)
DAILY = ("RRULE:FREQ=DAILY;COUNT=4",)


@pytest.fixture
def account(monkeypatch):
    return houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))


@pytest.fixture
def alice(account):
    account.put(
        meeting(
            moment(2),
            f"{CANARY} <b>",
            location=f"{CANARY} street",
            description=f"<p>{CANARY} <b>text</b></p><script>{CANARY} script</script>",
            attendees=GUESTS,
            is_private=True,
        )
    )
    account.put(meeting(moment(3), "OTHER-TITLE", description="OTHER-TEXT"))
    house = houses.calendar_house(at=NOW)
    house.sync()
    return house


def get_event(alice, title: str = CANARY) -> Event:
    """Return the row of the event with a title that begins with these characters."""
    for event, opened in zip(
        Event.objects.filter(calendar=alice.primary).order_by("id"), alice.opened(), strict=True
    ):
        if opened["content"] and opened["content"]["title"].startswith(title):
            return event
    raise LookupError(title)


@pytest.fixture
def event(alice):
    return get_event(alice)


@pytest.fixture
def sam():
    return make_agent()


@pytest.fixture
def hers(alice) -> Client:
    return cast.browser(alice.user, recent=True)


def open_to_support(actor, event, *, hours=24, at=None) -> Consent:
    return support_access.open_to_support(
        actor=actor, event_id=event.id, hours=hours, version=VERSION, at=at or timezone.now()
    )


def read_event(browser, event):
    return browser.get(f"/support/events/{event.id}/")


def send_form(browser, event, **form):
    fields = {"agree": "yes", "hours": "24", "version": str(VERSION), **form}
    return browser.post(f"/calendar/events/{event.id}/support/", fields)


def put_changed_occurrence(account, series: str, *, day: int, title: str) -> None:
    at = moment(day)
    start = meeting(at).start
    account.write(
        account.email,
        RemoteEvent(
            event_id=account_instance(account, series, start),
            etag="",
            ical_uid=f"{series}@google.com",
            sequence=1,
            content=meeting(at + timedelta(hours=2), title),
            series_id=series,
            original_start=start,
        ),
    )


def account_instance(account, series: str, start) -> str:
    return f"{series}_{start.at:%Y%m%dT%H%M%SZ}"


class TestTheOwner:
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("WLU-3.1")
    def test_is_told_who_sees_what_and_until_when_before_agreeing(self, hers, event):
        page = hers.get(f"/calendar/events/{event.id}/support/").text

        assert f"{CANARY} &lt;b&gt;" in page
        assert "or event (title, times, place, description, guests and status)" in page
        assert re.findall(r'name="hours" value="(\d+)"', page) == ["1", "24", "72"]
        assert "checked" not in page
        assert "series" not in page

    @pytest.mark.claim("event-support.can-see-until", "event-support.open-until")
    @pytest.mark.clause("WLU-3.1")
    @pytest.mark.parametrize("hours", [1, 24, 72])
    def test_opens_one_event_until_the_end_they_chose(self, hers, event, sam, hours):
        send_form(hers, event, hours=str(hours))

        consent = Consent.objects.get(item=event.id)
        assert consent.expires_at - consent.given_at == timedelta(hours=hours)
        ends = consent.expires_at
        end = f"<time [^>]*>{ends.day} {ends:%b} {ends:%Y}, {ends:%H:%M} UTC</time>"
        form_page = hers.get(f"/calendar/events/{event.id}/support/").text
        event_page = hers.get(f"/calendar/events/{event.id}/").text
        assert re.search(f"A support agent can see this event until {end}", form_page)
        assert re.search(f"Support can see this until {end}", event_page)
        assert read_event(cast.desk(sam), event).status_code == 200
        assert (consent.purpose, consent.recipient) == ("support.item", "support_agent")

    @pytest.mark.clause("LU-3.1")
    @pytest.mark.parametrize(
        "form",
        [{"agree": ""}, {"hours": ""}, {"hours": "8760"}, {"hours": "-1"}, {"version": "0"}],
    )
    def test_opens_nothing_without_agreeing_to_all_of_it(self, hers, event, form):
        assert send_form(hers, event, **form).status_code == 302
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.control("2.4.1")
    def test_is_asked_who_they_are_first(self, alice, event):
        assert "/reauthenticate/" in send_form(cast.browser(alice.user), event).url
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.claim("event-support.open-until")
    def test_sees_that_it_is_open_and_takes_it_back(self, hers, event):
        page = f"/calendar/events/{event.id}/"
        assert "Let support see this event" in hers.get(page).text
        send_form(hers, event)
        assert "Support can see this until" in hers.get(page).text

        hers.post(f"{page}support/close/")

        assert "Support can see this until" not in hers.get(page).text
        assert Consent.objects.get(item=event.id).withdrawn_at

    def test_opens_and_closes_nothing_of_anybody_else(self, alice, event):
        stranger, *_ = household.person("mallory", at=NOW)
        browser = cast.browser(stranger, recent=True)
        open_to_support(alice.actor, event)

        assert browser.get(f"/calendar/events/{event.id}/support/").status_code == 404
        assert send_form(browser, event).status_code == 404
        assert browser.post(f"/calendar/events/{event.id}/support/close/").status_code == 404
        assert Consent.objects.get(item=event.id).withdrawn_at is None

    @pytest.mark.claim("event-support.reading-recorded", "support.each-reading", "feature.support")
    @pytest.mark.invariant(3)
    @pytest.mark.clause("LU-3.1")
    def test_finds_every_reading_in_their_own_activity(self, alice, event, hers, sam):
        open_to_support(alice.actor, event)
        for _ in range(2):
            assert read_event(cast.desk(sam), event).status_code == 200

        page = hers.get("/settings/activity/entries/", {"purpose": "support.item"}).text
        lines = [reading.text(row) for row in page.split("<li>")]
        # Its times, and the rest.
        assert len([line for line in lines if "An Antares support agent" in line]) == 4
        days = reading.text(hers.get("/settings/activity/").text)
        assert (
            "An Antares support agent read a message or an event that you opened to support" in days
        )

    def test_finds_it_on_the_page_of_access(self, alice, event, hers):
        open_to_support(alice.actor, event)

        page = hers.get("/settings/access/").text

        assert f'<a href="/calendar/events/{event.id}/support/">One event</a>' in page


class TestASeries:
    @pytest.fixture
    def series(self, alice, account):
        remote_id = account.put(meeting(moment(4), f"{CANARY} daily", recurrence=DAILY))
        put_changed_occurrence(account, remote_id, day=5, title="MOVED-TITLE")
        alice.sync(at=NOW + timedelta(minutes=1))
        return get_event(alice, f"{CANARY} daily")

    @pytest.fixture
    def occurrence(self, alice, series):
        return get_event(alice, "MOVED-TITLE")

    @pytest.mark.claim("event-support.whole-series")
    def test_is_opened_as_a_whole_from_each_occurrence_of_it(self, alice, series, hers, sam):
        start = moment(6)
        page = hers.get(f"/calendar/events/{series.id}_{start:%Y%m%dT%H%M%SZ}/").text
        assert f'href="/calendar/events/{series.id}/support/"' in page
        form_page = hers.get(f"/calendar/events/{series.id}/support/").text
        assert "Support agents see the whole series as you entered it" in form_page

        open_to_support(alice.actor, series)
        agent_page = read_event(cast.desk(sam), series).text

        assert f"{CANARY} daily" in agent_page
        assert "every day, 4 times" in reading.text(agent_page)
        assert "MOVED-TITLE" not in agent_page

    @pytest.mark.claim("event-support.one-occurrence")
    def test_stays_closed_while_one_changed_occurrence_is_open(
        self, alice, series, occurrence, hers, sam
    ):
        assert occurrence.kind == EventKind.CHANGED
        start = moment(5)
        page = hers.get(f"/calendar/events/{series.id}_{start:%Y%m%dT%H%M%SZ}/").text
        assert f'href="/calendar/events/{occurrence.id}/support/"' in page
        form_page = hers.get(f"/calendar/events/{occurrence.id}/support/").text
        assert "Support agents see this occurrence only, and not the series" in form_page

        open_to_support(alice.actor, occurrence)
        agent_page = read_event(cast.desk(sam), occurrence).text

        assert "MOVED-TITLE" in agent_page
        assert CANARY not in agent_page
        assert read_event(cast.desk(sam), series).status_code == 403

    def test_cannot_open_a_cancelled_occurrence_which_has_no_content(
        self, alice, account, series, sam
    ):
        [remote_id] = [
            event_id
            for event_id, stored in account.events[account.email].items()
            if isinstance(stored, RemoteEvent) and stored.content.recurrence
        ]
        start = meeting(moment(7)).start
        account.cancel_instance(
            account.email,
            CancelledInstance(account_instance(account, remote_id, start), remote_id, start),
        )
        alice.sync(at=NOW + timedelta(minutes=2))
        cancelled = Event.objects.get(calendar=alice.primary, kind=EventKind.CANCELLED)

        with pytest.raises(ObjectNotFound):
            open_to_support(alice.actor, cancelled)


class TestSupport:
    @pytest.mark.claim("data-use.staff")
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("AN-18")
    def test_sees_kinds_ids_ends_and_organisations_of_what_is_open(self, alice, event, sam):
        open_to_support(alice.actor, event)

        page = cast.desk(sam).get("/support/items/").text

        assert f'href="/support/events/{event.id}/"' in page
        assert str(get_event(alice, "OTHER").id) not in page
        assert alice.organisation.name in page
        assert CANARY not in page

    @pytest.mark.claim(
        "event-support.item-only",
        "event-support.nothing-else",
        "feature.support",
        "data-use.staff",
    )
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("WLU-3.1")
    def test_sees_the_event_and_nothing_else_of_the_calendar(self, alice, event, sam):
        open_to_support(alice.actor, event)

        page = read_event(cast.desk(sam), event).text

        text = reading.text(page)
        assert f"{CANARY} &lt;b&gt;" in page
        assert f"{CANARY} street" in text
        assert f"{CANARY} text" in text
        assert f"{CANARY} script" not in page
        assert "(Europe/Berlin)" in text
        assert "Bob" in text
        assert "bob@work.example" in text
        assert "Not going" in text
        assert "Confirmed · Shown as busy · Private" in text
        assert "OTHER" not in page
        assert "alice@gmail.example calendar" not in page
        assert read_event(cast.desk(sam), get_event(alice, "OTHER")).status_code == 403

    @pytest.mark.claim("feature.support", "stored.no-copy")
    def test_makes_no_copy_by_reading(self, alice, event, sam):
        open_to_support(alice.actor, event)
        desk = cast.desk(sam)
        before = dump_tables()

        assert f"{CANARY} text" in read_event(desk, event).text

        assert list_changed_tables(before) <= TABLES_OF_A_RECORD

    @pytest.mark.claim("event-support.as-it-is")
    def test_sees_the_event_as_it_is_when_it_changes(self, alice, account, event, sam):
        open_to_support(alice.actor, event)
        [stored] = [
            stored
            for stored in account.events[account.email].values()
            if stored.content.title.startswith(CANARY)
        ]
        changed = replace(stored, content=replace(stored.content, title="CHANGED-TITLE"))
        account.write(account.email, changed)
        alice.sync(at=NOW + timedelta(minutes=1))

        assert "CHANGED-TITLE" in read_event(cast.desk(sam), event).text

    @pytest.mark.claim("support.asking-recorded", "data-use.staff")
    @pytest.mark.invariant(3)
    @pytest.mark.clause("LU-3")
    def test_is_refused_what_was_not_opened_and_that_is_recorded(self, event, sam):
        answer = read_event(cast.desk(sam), event)

        assert answer.status_code == 403
        assert CANARY.encode() not in answer.content
        refused = list_decisions("support.item")
        assert {entry["event"] for entry in refused} == {"use.refused"}
        assert all("item_consented" in entry["missing"] for entry in refused)

    @pytest.mark.clause("LU-3")
    def test_cannot_tell_what_is_closed_from_what_does_not_exist(self, event, sam):
        browser = cast.desk(sam)

        closed = read_event(browser, event)
        unknown = browser.get(f"/support/events/{uuid7()}/")

        assert (closed.status_code, unknown.status_code) == (403, 403)
        assert without_tokens(closed.text) == without_tokens(unknown.text)
        assert len(list_decisions("support.item")) == 4

    @pytest.mark.clause("LU-3")
    def test_opens_no_event_as_a_message_and_no_message_as_an_event(self, alice, event, sam):
        open_to_support(alice.actor, event)

        assert cast.desk(sam).get(f"/support/items/{event.id}/").status_code == 403

    @pytest.mark.claim("event-support.taken-back", "support.until", "support.withdrawn")
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.invariant(5)
    def test_sees_nothing_any_more_once_the_owner_took_it_back(self, alice, event, sam):
        open_to_support(alice.actor, event)
        browser = cast.desk(sam)
        assert read_event(browser, event).status_code == 200

        assert support_access.withdraw_access(
            actor=alice.actor, event_id=event.id, at=timezone.now()
        )

        assert read_event(browser, event).status_code == 403
        assert str(event.id) not in browser.get("/support/items/").text

    @pytest.mark.claim(
        "support.until",
        "event-support.can-see-until",
        "event-support.open-until",
        "feature.support",
        "data-use.staff",
    )
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.invariant(5)
    def test_sees_nothing_any_more_once_its_end_has_come(self, alice, event, sam):
        open_to_support(alice.actor, event, hours=1, at=timezone.now() - timedelta(hours=1))

        assert read_event(cast.desk(sam), event).status_code == 403
        assert str(event.id) not in cast.desk(sam).get("/support/items/").text

    @pytest.mark.claim("event-support.ends-with-copy")
    @pytest.mark.invariant(5)
    @pytest.mark.invariant(6)
    @pytest.mark.parametrize("how", ["disconnected", "deleted copy", "deleted event", "old copy"])
    def test_sees_nothing_of_a_calendar_that_is_no_more(self, alice, account, event, sam, how):
        open_to_support(alice.actor, event)
        at = timezone.now()
        if how == "disconnected":
            disconnect(alice.integration, at)
        elif how == "deleted copy":
            with acting_as(ProcessClass.WEB, alice):
                cache_settings.delete_copies(
                    actor=alice.actor, integration_id=alice.integration.id, at=at
                )
        elif how == "deleted event":
            [remote_id] = [
                event_id
                for event_id, stored in account.events[account.email].items()
                if stored.content.title.startswith(CANARY)
            ]
            account.remove(remote_id)
            alice.sync(at=NOW + timedelta(minutes=1))
        else:
            Calendar.objects.update(cached_at=at - timedelta(hours=25))

        assert read_event(cast.desk(sam), event).status_code == 403
        if how in {"disconnected", "deleted copy"}:
            assert Consent.objects.get(item=event.id).withdrawn_at
        if how != "old copy":
            assert str(event.id) not in cast.desk(sam).get("/support/items/").text
        else:
            decisions = list_decisions("support.item")
            assert {tuple(decision["missing"]) for decision in decisions} == {("cache_current",)}

    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("how", ["withdrawn", "over", "disconnected", "deleted copy"])
    def test_opens_nothing_with_a_permit_of_before(self, alice, event, sam, how):
        at = timezone.now()
        open_to_support(alice.actor, event, hours=1, at=at)
        opened = support_access.get_permitted_event(actor=actor_of(sam), event_id=event.id, at=at)
        if how == "withdrawn":
            support_access.withdraw_access(actor=alice.actor, event_id=event.id, at=at)
        elif how == "over":
            Consent.objects.update(expires_at=at + timedelta(seconds=1))
            at += timedelta(seconds=1)
        elif how == "disconnected":
            disconnect(alice.integration, at)
        else:
            cache_settings.delete_copies(
                actor=alice.actor, integration_id=alice.integration.id, at=at
            )

        with pytest.raises(Unopenable):
            support_sink.render_item(
                "console/event.html",
                opened.row,
                item_id=event.id,
                permits=opened.permits,
                actor=actor_of(sam),
                shape=support_event_presenter.shape_support_event,
                at=at,
            )

    @pytest.mark.invariant(5)
    def test_sees_nothing_after_the_grant_has_ended(self, alice, event, sam):
        open_to_support(alice.actor, event)
        connection = alice.integration.connection

        assert provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=timezone.now()
        )

        assert read_event(cast.desk(sam), event).status_code == 403

    @pytest.mark.clause("AN-18")
    def test_is_not_the_owner_of_what_is_seen(self, alice, event):
        open_to_support(alice.actor, event)
        User.objects.filter(id=alice.user.id).update(role=Role.SUPPORT)
        browser = cast.desk(User.objects.get(id=alice.user.id))

        assert read_event(browser, event).status_code == 403
        assert str(event.id) not in browser.get("/support/items/").text

    @pytest.mark.clause("LU-3")
    @pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.OPERATOR])
    def test_is_nobody_of_another_role(self, alice, event, role):
        open_to_support(alice.actor, event)
        user = make_agent(role=role)

        assert read_event(cast.desk(user), event).status_code in {302, 403}
        with pytest.raises(AccessRefused) as caught:
            support_permits.to_show_event(
                actor=actor_of(user), event_id=event.id, at=timezone.now()
            )
        assert Fact.ITEM_CONSENTED in caught.value.decision.missing

    @pytest.mark.clause("LU-3.1")
    def test_sees_nothing_under_words_that_have_changed(self, alice, event, sam, monkeypatch):
        open_to_support(alice.actor, event)
        monkeypatch.setitem(FEATURES, "support", replace(FEATURES["support"], version=VERSION + 1))

        assert read_event(cast.desk(sam), event).status_code == 403

    def test_sees_nothing_that_anybody_but_the_owner_agreed_to(self, event, sam):
        stranger, organisation, _ = household.person("mallory", at=NOW)
        consents.give(
            person_id=stranger.id,
            organisation_id=organisation.id,
            feature="support",
            version=VERSION,
            item=event.id,
            expires_at=timezone.now() + timedelta(hours=1),
            at=timezone.now(),
        )

        assert read_event(cast.desk(sam), event).status_code == 403

    @pytest.mark.scenario("O3")
    @pytest.mark.invariant(4)
    def test_leaves_nothing_of_it_in_the_log(self, alice, event, sam, caplog):
        open_to_support(alice.actor, event)
        with caplog.at_level("DEBUG"):
            read_event(cast.desk(sam), event)

        assert CANARY not in caplog.text


class TestAnEventThatLivesHere:
    @pytest.fixture
    def actor(self, alice):
        return alice.actor

    @pytest.fixture
    def calendar(self, actor):
        calendar_id = local_house.create_local_calendar(actor)
        local_house.write_events(
            actor,
            calendar_id,
            local_house.make_local_input(
                "one@antares", meeting(moment(2), f"{CANARY} local", description="two\nlines")
            ),
        )
        local_house.write_events(
            actor,
            calendar_id,
            local_house.make_local_input("two@antares", meeting(moment(3), "LOCAL-OTHER")),
        )
        return Calendar.objects.get(id=calendar_id)

    @pytest.fixture
    def event(self, calendar):
        return Event.objects.filter(calendar=calendar).order_by("id")[0]

    @pytest.mark.claim("feature.support", "data-use.staff")
    @pytest.mark.clause("LU-3.1")
    def test_is_seen_by_support_while_it_is_open_under_the_key_of_its_line(
        self, actor, calendar, event, hers, sam
    ):
        form_page = hers.get(f"/calendar/events/{event.id}/support/").text
        assert "when you delete the event or remove the calendar" in form_page
        browser = cast.desk(sam)
        assert read_event(browser, event).status_code == 403

        send_form(hers, event)
        page = read_event(browser, event).text

        assert data_keys.has_data_key(calendar.cache_id)
        assert "LOCAL" not in page
        assert f"{CANARY} local" in page
        assert "two<br>lines" in page
        other = Event.objects.filter(calendar=calendar).order_by("id")[1]
        assert read_event(browser, other).status_code == 403
        hers.post(f"/calendar/events/{event.id}/support/close/")
        assert read_event(browser, event).status_code == 403

    @pytest.mark.claim("event-support.ends-with-calendar")
    @pytest.mark.invariant(5)
    def test_is_closed_with_the_removal_of_its_calendar(self, actor, calendar, event, sam):
        open_to_support(actor, event)

        with acting_as(ProcessClass.WEB, actor):
            local_calendars.remove_local_calendar(
                actor=actor, calendar_id=calendar.id, etag=calendar.version, at=timezone.now()
            )

        assert read_event(cast.desk(sam), event).status_code == 403
        assert Consent.objects.get(item=event.id).withdrawn_at
        assert str(event.id) not in cast.desk(sam).get("/support/items/").text

    @pytest.mark.claim("event-support.ends-with-calendar")
    @pytest.mark.invariant(5)
    def test_is_closed_when_it_is_deleted(self, actor, calendar, event, sam):
        open_to_support(actor, event)
        Event.objects.filter(id=event.id).delete()

        assert read_event(cast.desk(sam), event).status_code == 403
