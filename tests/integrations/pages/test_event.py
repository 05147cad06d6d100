"""The page of one event, through HTTP: what it says, to whom, and what is said instead."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest

from accounts.models import Alarm
from integrations.calendar import refresh_on_read
from integrations.formats import timezones
from integrations.formats.event_content import Attendee, Conference, Reminder, When
from integrations.models import Calendar
from integrations.providers.calendars import RemoteEvent
from limited_use.models import DataKey
from limited_use.models.shares import ShareLevel
from limited_use.vault import data_keys
from limited_use.vault.fields import StoredCiphertext
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar_house import NOW, meeting, moment
from tests.integrations.household import person
from tests.integrations.pages import reading
from tests.integrations.pages.test_calendar import bobs_browser, browser_of, show_calendar

__all__ = ["bobs_browser"]

pytestmark = pytest.mark.django_db
OVERRIDE = "\u202egpj.exe"
HOSTILE = f'<script>alert(1)</script>"{OVERRIDE}'


@pytest.fixture
def account(monkeypatch):
    return houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))


@pytest.fixture
def alice(db, account):
    return houses.calendar_house(at=NOW)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    """Nobody waits for a worker that does not come."""
    monkeypatch.setattr(refresh_on_read, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(refresh_on_read.wait_for_refresh, "__kwdefaults__", {"seconds": 0.0})


def addresses(html) -> list[str]:
    return re.findall(r'<a class="entry[^"]*" href="([^"]+)"', html)


def open_first_event(browser, view="agenda", **asked) -> str:
    """Return the page of the first event that the view leads to."""
    answer = browser.get(addresses(show_calendar(browser, view, **asked))[0])
    assert answer.status_code == 200
    return answer.text


def words(html) -> str:
    return reading.text(html)


class TestEventPage:
    @pytest.mark.parametrize("view", ["month", "week", "day", "agenda"])
    def test_is_led_to_by_every_view(self, alice, account, her_browser, view):
        account.put(meeting(moment(1, 12), "Review"))
        alice.sync()

        html = open_first_event(her_browser, view, day=f"{moment(1, 12):%Y-%m-%d}")

        assert "<bdi>Review</bdi></h1>" in html

    def test_says_all_there_is(self, alice, account, her_browser):
        guests = (
            Attendee("alice@gmail.example", response="tentative", is_self=True),
            Attendee("bob@work.example", "Bob", "accepted", is_optional=True),
            Attendee("room@work.example", "Room 4", "declined", is_resource=True),
        )
        account.put(
            meeting(
                moment(2, 12),
                "Review",
                location="Main street 4",
                description="Bring <b>figures</b>",
                attendees=guests,
                is_private=True,
                is_busy=False,
                reminders=(Reminder(10), Reminder(1440, "email")),
            ),
            organizer="carol@work.example",
        )
        alice.sync()

        html = open_first_event(her_browser)

        said = words(html)
        for expected in (
            "Main street 4",
            "carol@work.example",
            "Bob bob@work.example (optional)",
            "Going",
            "Room 4",
            "Not going",
            "Your answer: Maybe",
            "10 minutes and 1 day by email before",
            "Private",
            "Shown as free",
        ):
            assert expected in said
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in html
        assert "figures" not in html

    def test_is_told_on_the_clocks_of_who_looks_and_on_its_own(self, alice, account, her_browser):
        at = moment(2, 12)
        account.put(meeting(at, "Call", zone="America/New_York"))
        alice.sync()

        said = words(open_first_event(her_browser))

        here, there = (
            at.astimezone(timezones.get_zone(name))
            for name in ("Europe/Berlin", "America/New_York")
        )
        assert f"{here:%H:%M}–" in said  # noqa: RUF001
        assert "(Europe/Berlin)" in said
        assert (
            f"In the time zone of the event: {there:%A}, {there.day} {there:%B %Y, %H:%M}" in said
        )

    def test_of_days_is_of_days_wherever_one_is(self, alice, account, her_browser):
        first = moment(3).date()
        account.put(
            houses.EventContent(
                title="Fair", start=When(day=first), end=When(day=first + timedelta(days=1))
            )
        )
        alice.sync()
        her_browser.post("/calendar/look/", {"zone": "Pacific/Kiritimati"})

        assert f"{first.day} {first:%B %Y}, all day" in words(open_first_event(her_browser))

    def test_says_how_its_series_repeats(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Standup", recurrence=("RRULE:FREQ=DAILY;COUNT=4",)))
        alice.sync()
        addressed = addresses(show_calendar(her_browser))

        said = [words(her_browser.get(one).text) for one in addressed]

        assert len(set(addressed)) == 4
        assert all("Repeats every day, 4 times." in one for one in said)
        days = [moment(2 + number) for number in range(4)]
        assert [f"{day.day} {day:%B}" in one for day, one in zip(days, said, strict=True)]

    def test_that_was_changed_from_its_series_says_so(self, alice, account, her_browser):
        start = moment(2)
        series = account.put(meeting(start, "Standup", recurrence=("RRULE:FREQ=DAILY;COUNT=2",)))
        second = When(at=start + timedelta(days=1), zone="Europe/Berlin")
        moved = meeting(second.at + timedelta(hours=2), "Standup, later")
        account.write(
            account.email,
            RemoteEvent(
                event_id="moved",
                etag="",
                ical_uid="moved",
                sequence=1,
                content=moved,
                series_id=series,
                original_start=second,
            ),
        )
        alice.sync()

        html = her_browser.get(addresses(show_calendar(her_browser))[1]).text

        assert "Standup, later" in html
        assert "This occurrence differs from its series." in words(html)

    def test_shows_the_link_of_a_call_only_if_it_is_one(self, alice, account, her_browser):
        for number, uri in enumerate(("https://meet.example/a", "javascript:alert(1)")):
            made = meeting(moment(2 + number), "Call")
            account.write(
                account.email,
                RemoteEvent(
                    event_id=f"call{number}",
                    etag="",
                    ical_uid="call",
                    sequence=0,
                    content=made,
                    conference=Conference("ready", uri),
                ),
            )
        alice.sync()

        first, second = (her_browser.get(one).text for one in addresses(show_calendar(her_browser)))

        assert 'href="https://meet.example/a" target="_blank" rel="noopener noreferrer"' in first
        assert "javascript:alert(1)" in words(second)
        assert 'href="javascript' not in second

    @pytest.mark.scenario("F3")
    def test_of_hostile_words_is_shown_as_text(self, alice, account, her_browser):
        guest = Attendee("mallory@evil.example", HOSTILE)
        account.put(meeting(moment(2), HOSTILE, location=HOSTILE, attendees=(guest,)))
        alice.sync()

        answer = her_browser.get(addresses(show_calendar(her_browser))[0])

        assert "<script>alert" not in answer.text
        assert answer.text.count(f"<bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;{OVERRIDE}") == 4
        assert "no-store" in answer["Cache-Control"]
        assert "style=" not in answer.text

    @pytest.mark.parametrize(
        "name", ["x", "1", str(UUID(int=7)), f"{UUID(int=7)}_20260101", "a" * 500]
    )
    def test_that_is_none_is_not_there(self, alice, her_browser, name):
        alice.sync()

        answer = her_browser.get(f"/calendar/events/{name}/")

        assert answer.status_code == 404
        assert "This event no longer exists" in words(answer.text)
        assert "/calendar/" in reading.links(answer.text)

    def test_that_its_series_does_not_make_says_so(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Standup", recurrence=("RRULE:FREQ=DAILY;COUNT=2",)))
        alice.sync()
        series = alice.events.get()

        html = her_browser.get(f"/calendar/events/{series.id}_19990101T000000Z/").text

        assert "This event no longer exists" in words(html)

    def test_folds_many_attendees_and_counts_their_answers(self, alice, account, her_browser):
        few = tuple(Attendee(f"{number}@work.example", response="accepted") for number in range(8))
        late = Attendee("late@work.example", response="needs_action")
        account.put(meeting(moment(2), "Few", attendees=few))
        account.put(meeting(moment(3), "Many", attendees=(*few, late)))
        alice.sync()

        first, second = (her_browser.get(one).text for one in addresses(show_calendar(her_browser)))

        assert "<summary>" not in first.split("<article")[1]
        assert "9 attendees · Going: 8 · No answer yet: 1" in words(second)
        assert "late@work.example" in second

    def test_names_the_event_in_its_breadcrumb(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]

        event, edit = her_browser.get(address).text, her_browser.get(f"{address}edit/").text

        assert '<li aria-current="page"><bdi>Review</bdi></li>' in event
        assert f'<a href="{address}"><bdi>Review</bdi></a>' in edit

    def test_leads_to_the_permission_that_a_change_needs(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        connection = alice.integration.connection_id

        html = open_first_event(her_browser)

        assert "Antares can view this calendar, but not change it." in words(html)
        grant = f"/settings/connect/google/?product=calendar&connection={connection}"
        assert grant in reading.links(html)
        Calendar.objects.update(role="reader")
        assert "View-only calendar." in words(open_first_event(her_browser))


class TestItsDescription:
    def test_is_a_sandboxed_document_of_its_own(self, alice, account, her_browser):
        text = '<b>Bring</b> <a href="https://a.example">this</a><script>alert(1)</script>'
        account.put(meeting(moment(2), "Review", description=text))
        alice.sync()

        answer = her_browser.get(f"{addresses(show_calendar(her_browser))[0]}description/")

        assert "<b>Bring</b>" in answer.text
        assert "script" not in answer.text
        assert 'rel="noopener noreferrer nofollow"' in answer.text
        policy = answer["Content-Security-Policy"]
        assert "sandbox" in policy
        assert "default-src 'none'" in policy

    def test_of_plain_lines_keeps_them(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review", description="one\ntwo < three"))
        alice.sync()

        answer = her_browser.get(f"{addresses(show_calendar(her_browser))[0]}description/")

        assert "one\ntwo &lt; three" in answer.text

    def test_of_somebody_else_is_not_there(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review", description="text"))
        alice.sync()
        address = f"{addresses(show_calendar(her_browser))[0]}description/"
        mallory, *_ = person("mallory", at=NOW)

        assert browser_of(mallory).get(address).status_code == 404


class TestAnEventOfSomebodyElse:
    @pytest.mark.clause("AN-8")
    def test_that_is_shared_says_whose_it_is(self, alice, account, bobs_browser):
        own = Attendee("alice@gmail.example", response="accepted", is_self=True)
        account.put(meeting(moment(2), "Review", description="text", attendees=(own,)))
        alice.sync()
        bob = bobs_browser()

        html = open_first_event(bob)

        assert "Review" in html
        assert f"shared by {alice.user.name}" in words(html)
        assert "(you)" not in words(html), "the account's owner is somebody else here"
        assert "Your answer" not in words(html)
        assert "text" in bob.get(f"{addresses(show_calendar(bob))[0]}description/").text

    @pytest.mark.claim("event.nothing-more")
    @pytest.mark.clause("AN-8")
    @pytest.mark.parametrize("level", [ShareLevel.FREEBUSY, ShareLevel.DETAILS])
    def test_of_which_only_busy_may_be_seen_says_nothing_more(
        self, alice, account, bobs_browser, level
    ):
        guest = Attendee("carol@work.example", "Carol")
        account.put(
            meeting(
                moment(2),
                "Doctor",
                location="Clinic",
                description="secret",
                attendees=(guest,),
                is_private=True,
            )
        )
        alice.sync()
        bob = bobs_browser(level)

        html = open_first_event(bob)
        text = bob.get(f"{addresses(show_calendar(bob))[0]}description/").text

        assert "<bdi>Busy</bdi></h1>" in html
        for word in ("Doctor", "Clinic", "Carol", "carol@", "secret"):
            assert word not in html + text

    def test_of_a_stranger_is_not_there(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        mallory, *_ = person("mallory", at=NOW)

        assert browser_of(mallory).get(address).status_code == 404


class TestWhatCannotBeShown:
    @pytest.mark.claim("event.too-old")
    @pytest.mark.scenario("C1")
    @pytest.mark.clause("AN-5")
    def test_is_not_shown_when_it_is_too_old(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review", description="as discussed"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        Calendar.objects.update(cached_at=NOW - timedelta(days=2))

        answer = her_browser.get(address)
        description = her_browser.get(f"{address}description/")

        assert (answer.status_code, description.status_code) == (503, 503)
        assert "Review" not in answer.text
        assert "as discussed" not in description.text
        assert "The copy of its calendar is too old, and no newer copy arrived" in (
            words(answer.text)
        )

    @pytest.mark.claim("event.damaged")
    def test_is_said_of_what_is_damaged(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        row = alice.events.get()
        (raw,) = alice.events.values_list("content", flat=True)
        row.__dict__["content"] = StoredCiphertext(bytes(raw)[:-1] + bytes([bytes(raw)[-1] ^ 1]))
        row.save(update_fields=["content"])

        answer = her_browser.get(address)

        assert answer.status_code == 503
        assert "The stored event or its key was altered" in words(answer.text)
        assert "Review" not in answer.text
        (alarm,) = Alarm.objects.all()
        assert (alarm.kind, alarm.about) == ("record.damaged", row.id)

    @pytest.mark.claim("event.damaged")
    def test_is_said_where_its_key_is_damaged(self, alice, account, her_browser):
        account.put(meeting(moment(2), "Review"))
        alice.sync()
        address = addresses(show_calendar(her_browser))[0]
        copy = alice.primary.cache_id
        DataKey.objects.filter(holder=copy).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        answer = her_browser.get(address)

        assert answer.status_code == 503
        assert "The stored event or its key was altered" in words(answer.text)
        assert "Review" not in answer.text
        (alarm,) = Alarm.objects.all()
        assert (alarm.kind, alarm.about) == ("key.damaged", copy)
