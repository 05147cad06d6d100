"""A question of support about an event: the person chooses it, allows it, and takes it back."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.ids import uuid7
from integrations.calendar import refresh_on_read, support_access
from integrations.calendar.pages import event_choice_presenter
from integrations.models import Calendar, Event, EventKind, QuestionState
from integrations.providers.calendars import CancelledInstance
from integrations.support import item_readings
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.integrations import calendar_house as houses
from tests.integrations import household
from tests.integrations.calendar import local_house, test_shared
from tests.integrations.calendar_house import NOW, meeting, moment
from tests.integrations.pages import reading
from tests.integrations.support.desk import actor_of, make_agent
from tests.integrations.support.people import disconnect
from tests.integrations.sync.conftest import keyring
from tests.integrations.test_support_events import (
    CANARY,
    DAILY,
    account,
    account_instance,
    alice,
    event,
    get_event,
    hers,
    open_to_support,
    put_changed_occurrence,
    read_event,
    sam,
)
from tests.integrations.test_support_questions import ask, decline, look_up
from tests.walls import requests_act_as_web

__all__ = ["account", "alice", "event", "hers", "keyring", "requests_act_as_web", "sam"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.invariant(1),
    pytest.mark.usefixtures("requests_act_as_web"),
]

VERSION = FEATURES["support"].version


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    # No worker answers.
    monkeypatch.setattr(refresh_on_read.wait_for_refresh, "__kwdefaults__", {"seconds": 0.0})


@pytest.fixture
def agent(sam):
    return actor_of(sam)


@pytest.fixture
def question(alice, agent):
    return ask(look_up(alice.actor, agent), agent, kind="event", text="Open the lunch, please.")


def get_path(question, event=None) -> str:
    path = f"/settings/support/questions/{question.id}/"
    return path if event is None else f"{path}events/{event.id}/"


def list_events(browser, question, **query) -> str:
    answer = browser.get(get_path(question), query)
    assert answer.status_code == 200
    return answer.text


def allow(browser, question, event, **form):
    fields = {"agree": "yes", "hours": "24", "version": str(VERSION), **form}
    return browser.post(get_path(question, event), fields)


def make_local_event(actor, title: str = f"{CANARY} local", *, day: int = 2) -> Event:
    calendar_id = local_house.create_local_calendar(actor)
    local_house.write_events(
        actor,
        calendar_id,
        local_house.make_local_input("one@antares", meeting(moment(day), title)),
    )
    return Event.objects.get(calendar_id=calendar_id)


class TestFromTheQuestionToTheReading:
    @pytest.fixture(params=["provider", "Antares", "series"])
    def event(self, request, alice, account):
        """An event of a provider's or an Antares calendar, or a series."""
        if request.param == "Antares":
            return make_local_event(alice.actor)
        if request.param == "series":
            account.put(meeting(moment(4), f"{CANARY} daily", recurrence=DAILY))
            alice.sync(at=NOW + timedelta(minutes=1))
            return get_event(alice, f"{CANARY} daily")
        return get_event(alice)

    @pytest.mark.claim(
        "support.question-opens-nothing",
        "support.not-read",
        "support.open-item-until",
        "support.no-longer-open",
        "support.each-reading",
        "event-support.taken-back",
    )
    @pytest.mark.clause("LU-3.1")
    def test_the_event_is_open_from_the_answer_until_it_is_taken_back(
        self, event, question, hers, sam
    ):
        desk = cast.desk(sam)
        question_path = f"/support/questions/{question.id}/"
        assert read_event(desk, event).status_code == 403
        assert get_path(question, event) in list_events(hers, question)
        assert "Nothing is open to support until you allow it" in list_events(hers, question)

        answer = allow(hers, question, event, hours="1")

        assert answer.url == get_path(question)
        question.refresh_from_db()
        consent = Consent.objects.get(item=event.id)
        assert (question.state, question.item) == (QuestionState.ALLOWED, event.id)
        assert question.consent_id == consent.id
        assert consent.expires_at - consent.given_at == timedelta(hours=1)
        page = list_events(hers, question)
        assert "Allowed. A support agent can see the event now." in page
        assert "No support agent has read it since you opened it" in page
        answered = desk.get(question_path).text
        assert f'href="/support/events/{event.id}/"' in answered
        assert "Read the event" in answered
        assert "Each time you read a message or an event, Antares records it" in answered

        opened_before = read_event(desk, event)
        assert CANARY in opened_before.text
        for path in (get_path(question), "/settings/support/"):
            page = hers.get(path).text
            assert "A support agent read it:" in page
            assert "which a support agent can read until" in page
            assert f'<a href="/calendar/events/{event.id}/">One event</a>' in page

        (stop,) = re.findall(r'action="(/settings/support/items/[^"]+)"', page)
        stopped = hers.post(stop, follow=True).text
        assert "Stopped sharing. Support agents can no longer see this event." in stopped
        assert read_event(desk, event).status_code == 403
        page = list_events(hers, question)
        assert "The item that you chose is no longer open to support" in page
        assert "A support agent read it:" in page

    @pytest.mark.claim("support.each-reading", "support.all-listed")
    def test_each_reading_is_found_once(self, alice, event, question, hers, sam):
        allow(hers, question, event)
        for _ in range(2):
            read_event(cast.desk(sam), event)
        support_access.withdraw_access(actor=alice.actor, event_id=event.id, at=timezone.now())
        assert read_event(cast.desk(sam), event).status_code == 403

        readings = item_readings.find_readings(
            [event.id], actor=alice.actor, since=question.asked_at
        )

        assert len(readings[event.id]) == 2

    @pytest.mark.claim("event-support.agent-will-see", "event-support.nothing-else")
    @pytest.mark.clause("LU-3.1")
    def test_the_agent_sees_what_was_shown_before(self, event, question, hers, sam):
        page = hers.get(get_path(question, event)).text
        assert "The agent will see this" in page
        assert "Open the lunch, please." in page
        assert "OTHER-TITLE" not in page

        allow(hers, question, event)
        agent_page = read_event(cast.desk(sam), event).text
        another = read_event(cast.desk(make_agent("tom")), event)

        assert "Only the support agent who asked can read it." in page
        assert (another.status_code, CANARY in another.text) == (403, False)
        shown_facts = re.search(r'<dl class="facts">.*?</dl>', page, re.DOTALL)
        assert shown_facts is not None
        assert shown_facts.group() in agent_page
        for part in re.findall(r'<section aria-labelledby="\w+">.*?</section>', page, re.DOTALL):
            assert part in agent_page


class TestTheForm:
    def test_shows_place_guests_and_description_before_agreeing(self, event, question, hers):
        page = reading.text(hers.get(get_path(question, event)).text)

        for text in (f"{CANARY} street", "bob@work.example", f"{CANARY} text"):
            assert text in page

    @pytest.mark.control("2.4.1")
    def test_the_person_confirms_first_that_it_is_them(self, alice, event, question):
        answer = allow(cast.browser(alice.user), question, event)

        assert "/reauthenticate/" in answer.url
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.parametrize(
        "form", [{"agree": ""}, {"hours": ""}, {"hours": "8760"}, {"version": "0"}]
    )
    def test_an_incomplete_form_opens_nothing(self, event, question, hers, form):
        assert allow(hers, question, event, **form).url == get_path(question, event)
        assert not Consent.objects.filter(feature="support").exists()

    def test_a_closed_question_opens_nothing(self, alice, event, question, hers):
        decline(question, alice.actor)

        page = hers.get(allow(hers, question, event).url).text

        assert "The question is no longer open. Your answer changed nothing." in page
        assert "Choose one event" not in page
        assert not Consent.objects.filter(feature="support").exists()

    def test_a_question_about_one_kind_is_not_answered_with_the_other(
        self, alice, agent, event, question, hers
    ):
        about_a_message = ask(look_up(alice.actor, agent), agent)

        assert allow(hers, about_a_message, event).status_code == 404
        path = f"{get_path(question)}messages/{event.id}/"
        assert hers.get(path).status_code == 404
        assert not Consent.objects.filter(feature="support").exists()


class TestASeries:
    @pytest.fixture
    def series(self, alice, account):
        remote_id = account.put(meeting(moment(4), f"{CANARY} daily", recurrence=DAILY))
        put_changed_occurrence(account, remote_id, day=5, title="MOVED-TITLE")
        start = meeting(moment(7)).start
        account.cancel_instance(
            account.email,
            CancelledInstance(account_instance(account, remote_id, start), remote_id, start),
        )
        alice.sync(at=NOW + timedelta(minutes=1))
        return get_event(alice, f"{CANARY} daily")

    def test_is_listed_once_and_its_changed_occurrence_by_itself(
        self, alice, series, question, hers
    ):
        changed = get_event(alice, "MOVED-TITLE")

        page = list_events(hers, question)

        assert page.count(get_path(question, series)) == 1
        assert page.count(get_path(question, changed)) == 1
        assert "A series is listed once" in page

    @pytest.mark.claim("event-support.whole-series")
    def test_is_opened_as_a_whole_and_the_page_says_so(self, series, question, hers, sam):
        page = hers.get(get_path(question, series)).text
        assert "Let a support agent see this series?" in page
        assert "Support agents see the whole series as you entered it" in page

        allow(hers, question, series)

        agent_page = reading.text(read_event(cast.desk(sam), series).text)
        assert "every day, 4 times" in agent_page
        assert "MOVED-TITLE" not in agent_page

    @pytest.mark.claim("event-support.one-occurrence")
    def test_stays_closed_if_a_changed_occurrence_is_the_answer(
        self, alice, series, question, hers, sam
    ):
        changed = get_event(alice, "MOVED-TITLE")
        page = hers.get(get_path(question, changed)).text
        assert "Let a support agent see this occurrence?" in page
        assert "Support agents see this occurrence only, and not the series" in page

        allow(hers, question, changed)

        assert "MOVED-TITLE" in read_event(cast.desk(sam), changed).text
        assert read_event(cast.desk(sam), series).status_code == 403

    @pytest.mark.claim("event-support.gone")
    def test_has_cancelled_occurrences_that_cannot_be_chosen(self, alice, series, question, hers):
        cancelled = Event.objects.get(calendar=alice.primary, kind=EventKind.CANCELLED)
        assert get_path(question, cancelled) not in list_events(hers, question)

        assert "Nothing was opened." in hers.get(get_path(question, cancelled), follow=True).text
        allow(hers, question, cancelled)
        assert not Consent.objects.filter(feature="support").exists()


class TestTheList:
    def test_has_the_next_thirty_days_and_links_to_others(self, alice, account, question, hers):
        # The list counts in the person's zone, where the next day may have begun.
        account.put(meeting(moment(32), "DAY-32"))
        account.put(meeting(moment(-4), "DAY-MINUS-4"))
        alice.sync(at=NOW + timedelta(minutes=1))

        page = list_events(hers, question)
        (later,) = re.findall(r'rel="next" href="([^"]+)"', page)
        (earlier,) = re.findall(r'rel="prev" href="([^"]+)"', page)

        assert "OTHER-TITLE" in page
        assert "DAY-32" not in page
        assert "DAY-MINUS-4" not in page
        assert "DAY-32" in hers.get(later).text
        assert "DAY-MINUS-4" in hers.get(earlier).text

    def test_shows_times_in_the_zone_of_the_person_and_the_name_of_the_calendar(
        self, alice, question, hers
    ):
        alice.user.time_zone = "America/New_York"
        alice.user.save(update_fields=["time_zone"])

        source = list_events(hers, question)
        page = reading.text(source)

        local = moment(3).astimezone(ZoneInfo("America/New_York"))
        assert f"{local:%H:%M}" in page
        assert "Time zone: America/New_York" in page
        assert '<span class="mail-from"><bdi>alice@gmail.example</bdi></span>' in source

    def test_has_the_events_of_a_hidden_calendar(self, alice, event, question, hers):
        Calendar.objects.filter(id=alice.primary.id).update(is_shown=False)

        assert get_path(question, event) in list_events(hers, question)

    @pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", "0001-01-01", "9999-12-31", "-1"])
    def test_of_an_invalid_day_is_that_of_today(self, question, hers, day):
        answer = hers.get(get_path(question), {"day": day})

        assert answer.status_code == 302
        assert answer.url == get_path(question)

    def test_is_cut_after_fifty_events_and_goes_on_with_the_next(
        self, alice, account, question, hers, monkeypatch
    ):
        monkeypatch.setattr(event_choice_presenter, "MAX_LISTED", 3)
        for day in range(4, 9):
            account.put(meeting(moment(day), f"DAY-{day}."))
        alice.sync(at=NOW + timedelta(minutes=1))

        page, titles = list_events(hers, question), []
        assert "Only the first 3 events are listed. Choose an earlier or later period." in page
        for _ in range(3):
            titles += re.findall(r"DAY-\d\.", page)
            (later,) = re.findall(r'rel="next" href="([^"]+)"', page)
            page = hers.get(later).text

        assert titles == [f"DAY-{day}." for day in range(4, 9)]

    def test_is_empty_without_events(self, question, hers):
        page = list_events(hers, question, day="2031-05-05")

        assert "No events in these 30 days." in page
        assert "Decline" in page

    def test_offers_only_declining_without_a_calendar(self, alice, question, hers):
        disconnect(alice.integration, timezone.now())

        page = list_events(hers, question)

        assert "You have no calendar of your own with an event that you could open." in page
        assert "Decline" in page

    @pytest.mark.claim("event-support.not-listed", "calendar.too-old")
    def test_says_that_an_outdated_copy_is_not_listed(self, alice, event, question, hers):
        local_event = make_local_event(alice.actor)
        Calendar.objects.filter(id=alice.primary.id).update(
            cached_at=timezone.now() - timedelta(hours=25)
        )

        page = list_events(hers, question)

        assert "The events of 1 calendar are not listed" in page
        assert CANARY in page
        assert get_path(question, local_event) in page
        assert get_path(question, event) not in page


class TestWhatCannotBeChosen:
    @pytest.mark.claim("event-support.gone")
    def test_an_event_of_somebody_else(self, question, hers):
        stranger = houses.CalendarHouse(
            household.household(
                at=NOW,
                who=household.person("mallory", at=NOW),
                product="calendar",
                features=houses.FEATURES,
                horizon_days=None,
            )
        )
        foreign_event = make_local_event(stranger.actor, "THEIRS")

        for item in (foreign_event.id, uuid7()):
            path = f"{get_path(question)}events/{item}/"
            page = hers.get(path, follow=True).text
            assert "None of your own calendars has this event" in page
            assert "THEIRS" not in page
        assert "Nothing was opened." in hers.get(allow(hers, question, foreign_event).url).text
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.claim("event-support.gone")
    def test_an_event_of_a_calendar_that_a_colleague_shares(self, alice, agent):
        # A private one shows a colleague nothing anyway.
        event = get_event(alice, "OTHER")
        user, *others = household.person("bob", alice.organisation, at=NOW)
        bob = test_shared.actor_of(user, *others)
        test_shared.give_share(alice, bob)
        question = ask(look_up(bob, agent), agent, kind="event")
        his = cast.browser(user, recent=True)
        assert "OTHER-TITLE" in his.get(f"/calendar/events/{event.id}/").text

        assert "OTHER-TITLE" not in list_events(his, question)
        page = his.get(get_path(question, event), follow=True).text
        assert "Nothing was opened." in page
        assert "OTHER-TITLE" not in page
        allow(his, question, event)
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.claim("event-support.gone")
    def test_an_event_of_a_disconnected_calendar(self, alice, event, question, hers):
        disconnect(alice.integration, timezone.now())

        assert "Nothing was opened." in hers.get(get_path(question, event), follow=True).text
        assert "Nothing was opened." in hers.get(allow(hers, question, event).url).text
        assert not Consent.objects.filter(feature="support").exists()

    def test_an_event_whose_copy_is_outdated_is_not_shown(self, event, question, hers):
        Calendar.objects.update(cached_at=timezone.now() - timedelta(hours=25))

        answer = hers.get(get_path(question, event))

        assert answer.status_code == 503
        assert "This event cannot be shown right now" in answer.text
        assert CANARY not in answer.text

    def test_nothing_of_somebody_elses_question(self, event, question):
        mallory, *_ = household.person("mallory", at=NOW)
        browser = cast.browser(mallory, recent=True)

        assert browser.get(get_path(question)).status_code == 404
        assert browser.get(get_path(question, event)).status_code == 404
        assert allow(browser, question, event).status_code == 404


class TestThePageOfTheEvent:
    def test_offers_to_answer_a_waiting_question(self, alice, event, question, hers):
        path = f"/calendar/events/{event.id}/support/"
        assert get_path(question, event) in hers.get(path).text

        decline(question, alice.actor)

        assert get_path(question, event) not in hers.get(path).text

    def test_offers_no_answer_to_a_question_about_a_message(self, alice, agent, event, hers):
        ask(look_up(alice.actor, agent), agent)

        assert (
            "Answer with this event" not in hers.get(f"/calendar/events/{event.id}/support/").text
        )


class TestOpenItems:
    def test_of_deleted_events_are_said_so_and_stopped(self, alice, event, hers):
        consent = open_to_support(alice.actor, event)
        Event.objects.filter(id=event.id).delete()

        assert "One item that no longer exists" in hers.get("/settings/support/").text
        page = hers.post(f"/settings/support/items/{consent.id}/stop/", follow=True).text

        assert "Stopped sharing." in page
        consent.refresh_from_db()
        assert consent.withdrawn_at is not None
