"""A person's zone and date format, chosen in the profile, on every kind of page."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone

from tests.fakes.calendars import FakeCalendars
from tests.fakes.mail import FakeMailbox
from tests.integrations import calendar_house as calendars
from tests.integrations import household as houses
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.pages.reading import text

pytestmark = pytest.mark.django_db
PROFILE = "/accounts/profile/"


@pytest.fixture
def alice(db, monkeypatch):
    """Alice, with a mailbox and calendars."""
    mailbox = houses.provided(monkeypatch, FakeMailbox())
    account = calendars.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
    alice = houses.household()
    mailbox.deliver(at=timezone.now() - timedelta(hours=30), label_ids=("INBOX",))
    alice.settle()
    account.put(meeting(moment(2, 9), "Review"))
    who = (alice.user, alice.organisation, alice.membership)
    calendars.calendar_house(at=timezone.now(), who=who).sync()
    return alice


def choose(browser, zone, date_format):
    answer = browser.post(PROFILE, {"time_zone": zone, "date_format": date_format}, follow=True)
    assert "Your changes are saved." in answer.text


def find_zones(html):
    """Return the zones that the exact times of a page name."""
    return set(re.findall(r'title="[^"]*:\d\d(?: [AP]M)? \(([^)]*)\)"', html))


def read_pages(alice, browser):
    """Return the pages with times of mail, of conversations and of settings."""
    paths = (
        "/inbox/",
        f"/inbox/threads/{alice.messages.get().thread_id}/",
        "/settings/integrations/",
        f"/settings/integrations/{alice.integration.id}/details/",
        PROFILE,
    )
    return {path: browser.get(path).text for path in paths}


class TestZoneOfTheProfile:
    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Phoenix"])
    def test_is_that_of_mail_and_settings(self, alice, her_browser, zone):
        choose(her_browser, zone, "iso")

        pages = read_pages(alice, her_browser)

        assert {path: find_zones(html) for path, html in pages.items()} == {
            path: {zone} for path in pages
        }

    @pytest.mark.parametrize(
        ("zone", "date_format", "clock"),
        [
            ("Asia/Tokyo", "iso", "18:00\u201319:00"),
            ("America/Phoenix", "month-first", "2\u20133 AM"),
            ("Asia/Kathmandu", "day-first-12", "2:45\u20133:45 PM"),
        ],
    )
    def test_is_that_of_the_calendar(self, alice, her_browser, zone, date_format, clock):
        choose(her_browser, zone, date_format)

        page = text(her_browser.get("/calendar/", {"view": "agenda"}).text)

        # Nine o'clock in UTC.
        assert clock in page
        assert zone in page

    def test_is_utc_and_said_everywhere_before_it_is_known(self, alice, her_browser):
        for path, html in read_pages(alice, her_browser).items():
            assert find_zones(html) == {"UTC"}, path

    def test_changes_with_the_profile(self, alice, her_browser):
        for zone in ("Asia/Tokyo", "Europe/Paris"):
            choose(her_browser, zone, "iso")

            assert find_zones(her_browser.get("/inbox/").text) == {zone}

    def test_is_no_other_persons(self, alice, her_browser, client):
        choose(her_browser, "Asia/Tokyo", "iso")
        bob, *_ = houses.person("bob", at=timezone.now())
        client.force_login(bob, backend=settings.AUTHENTICATION_BACKENDS[0])

        assert find_zones(client.get(PROFILE).text) == {"UTC"}


class TestDateFormatOfTheProfile:
    @pytest.mark.parametrize(
        ("date_format", "pattern"),
        [
            ("iso", "%Y-%m-%d %H:%M"),
            ("day-first", "{day} %b %Y, %H:%M"),
            ("month-first", "%b {day}, %Y, {hour}:%M %p"),
            ("day-first-12", "{day} %b %Y, {hour}:%M %p"),
        ],
    )
    def test_is_that_of_a_message(self, alice, her_browser, date_format, pattern):
        choose(her_browser, "Asia/Tokyo", date_format)

        message = alice.messages.get()
        page = text(her_browser.get(f"/inbox/threads/{message.thread_id}/").text)

        at = message.received_at.astimezone(ZoneInfo("Asia/Tokyo"))
        assert at.strftime(pattern.format(day=at.day, hour=at.hour % 12 or 12)) in page
