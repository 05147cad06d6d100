"""The page on which a calendar is shared, and the list of who sees what."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations import connections
from integrations.calendar import notices as calendar_notices
from integrations.models import OwnerNotice
from integrations.notifications import notice_delivery
from limited_use.models import Share
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.household import person
from tests.integrations.sync.conftest import keyring
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("AN-8"),
    pytest.mark.usefixtures("requests_act_as_web"),
]
VERSION = FEATURES["calendar-sharing"].version


@pytest.fixture
def alice(monkeypatch):
    account = houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
    house = houses.calendar_house(at=timezone.now())
    account.put(meeting(moment(3), "Review"))
    house.sync(at=timezone.now())
    return house


@pytest.fixture
def bob(alice):
    user, *_ = person("bob", alice.organisation, at=timezone.now())
    cast.verified(user)
    return user


@pytest.fixture
def page(alice):
    return reverse("settings-calendar-sharing", args=[alice.primary.id])


def fill_in(browser, page, email, **more):
    form = {"email": email, "level": "details", "agree": "on", "version": VERSION, **more}
    return browser.post(page, form)


class TestSharingPage:
    @pytest.mark.claim("sharing.nobody")
    def test_says_what_sharing_is_before_it_is_done(self, alice, page):
        shown = cast.browser(alice.user).get(page).content.decode()

        assert FEATURES["calendar-sharing"].disclosure in shown
        assert "alice@gmail.example" in shown
        assert "Not shared with anyone." in shown

    @pytest.mark.claim("sharing.unrevealed", "sharing.nobody")
    def test_shares_and_says_the_same_whoever_has_the_address(self, alice, bob, page, mailoutbox):
        browser = cast.browser(alice.user)

        said = []
        for email in (bob.email, "nobody@antares.example"):
            answer = fill_in(browser, page, email)
            assert answer.status_code == 302
            said.append(browser.get(page).content.decode().count("they can see the calendar now"))

        assert said == [1, 1]
        assert Share.objects.filter(viewer_id=bob.id).count() == 1
        shown = browser.get(page).content.decode()
        assert bob.email in shown
        assert "nobody@antares.example" in shown
        assert f">{bob.name}<" not in shown
        assert str(bob.id) not in shown
        assert "Not shared with anyone." not in shown
        for share in Share.objects.all():
            calendar_notices.notify_of_share(share.id, at=timezone.now())
        notice_delivery.deliver_due_notices(at=timezone.now() + timedelta(minutes=2))
        notice = OwnerNotice.objects.get()
        assert (notice.user_id, notice.routed_at is None) == (bob.id, False)
        # No mail is sent, neither to registered persons nor to other addresses.
        assert mailoutbox == []

    def test_keeps_what_was_typed_where_it_cannot_be_done(self, alice, bob, page):
        yesterday = (timezone.now() - timedelta(days=2)).date().isoformat()

        answer = fill_in(cast.browser(alice.user), page, bob.email, until=yesterday)

        assert answer.status_code == 200
        assert bob.email in answer.content.decode()
        assert "Choose today or a later day" in answer.content.decode()
        assert not Share.objects.exists()

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", ""])
    def test_ends_with_the_last_day_in_the_zone_of_the_person(self, alice, bob, page, zone):
        alice.user.time_zone = zone
        alice.user.save(update_fields=["time_zone"])
        tz = ZoneInfo(zone or "UTC")
        last_day = timezone.now().astimezone(tz).date() + timedelta(days=3)
        browser = cast.browser(alice.user)

        fill_in(browser, page, bob.email, until=last_day.isoformat())

        end = Share.objects.get().expires_at.astimezone(tz)
        assert end == datetime.combine(last_day + timedelta(days=1), time(), tz)
        said = f"End of {last_day.day} {last_day:%b %Y}"
        assert said in browser.get(page).content.decode()

    def test_may_end_today(self, alice, bob, page):
        fill_in(cast.browser(alice.user), page, bob.email, until=f"{timezone.now():%Y-%m-%d}")

        assert Share.objects.count() == 1

    def test_names_a_day_that_no_calendar_reaches(self, alice, bob, page):
        answer = fill_in(cast.browser(alice.user), page, bob.email, until="9999-12-31")

        assert "outside the supported calendar years" in answer.content.decode()
        assert not Share.objects.exists()

    def test_names_its_parents(self, alice, page):
        shown = cast.browser(alice.user).get(page).content.decode()

        assert reverse("settings-calendars", args=[alice.integration.id]) in shown
        assert "Google Calendar</a>" in shown

    def test_needs_an_affirmative_click(self, alice, bob, page):
        form = {"email": bob.email, "level": "details", "version": VERSION}

        assert cast.browser(alice.user).post(page, form).status_code == 200
        assert not Share.objects.exists()

        assert "Tick this box to continue." in cast.browser(alice.user).post(page, form).text

    def test_after_its_terms_changed_asks_for_the_current_ones(self, alice, bob, page):
        browser = cast.browser(alice.user)

        asked = fill_in(browser, page, bob.email, version=VERSION - 1)
        assert "Read it again, then agree." in asked.text
        assert not Share.objects.exists()
        shown = asked.context["form"]
        assert shown["agree"].value() is False

        version = shown["version"].value()
        assert fill_in(browser, page, bob.email, version=version).status_code == 302
        assert Share.objects.count() == 1

    def test_names_a_past_day_with_the_other_mistakes(self, alice, page):
        answer = fill_in(cast.browser(alice.user), page, "nobody", until="2020-01-01")

        assert "Choose today or a later day" in answer.text
        assert "Enter a valid email address" in answer.text

    @pytest.mark.control("3.1.4")
    def test_of_anybody_elses_calendar_is_not_there(self, bob, page):
        assert cast.browser(bob).get(page).status_code == 404
        assert fill_in(cast.browser(bob), page, bob.email).status_code == 404

    @pytest.mark.invariant(12)
    def test_is_kept_by_nobody(self, alice, page):
        assert "no-store" in cast.browser(alice.user).get(page)["Cache-Control"]


class TestWhoSeesWhat:
    @pytest.fixture(autouse=True)
    def _shared(self, alice, bob, page):
        fill_in(cast.browser(alice.user), page, bob.email)
        self.share = Share.objects.get()

    def test_is_seen_by_both_sides(self, alice, bob):
        access = reverse("settings-access")

        shown = cast.browser(alice.user).get(access).content.decode()
        assert bob.email in shown
        assert f">{bob.name}<" not in shown
        assert str(bob.id) not in shown
        seen = cast.browser(bob).get(access).content.decode()
        assert f"A calendar of {alice.user.name}" in seen

    @pytest.mark.claim("sharing.over")
    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("who", ["owner", "viewer"])
    def test_is_ended_by_either(self, alice, bob, who):
        browser = cast.browser(alice.user if who == "owner" else bob)

        answer = browser.post(reverse("settings-share-end", args=[self.share.id]))

        assert answer.status_code == 302
        assert Share.objects.get().withdrawn_at is not None

    def test_is_ended_on_its_page_and_leads_back_there(self, alice, page):
        browser = cast.browser(alice.user)
        end = reverse("settings-share-end", args=[self.share.id])
        assert f'action="{end}"' in browser.get(page).content.decode()

        answer = browser.post(end, {"calendar": str(alice.primary.id)})

        assert (answer.status_code, answer.url) == (302, page)
        assert "Not shared with anyone." in browser.get(page).content.decode()

    @pytest.mark.invariant(5)
    def test_ends_with_the_agreement_to_sharing_and_not_until_then(self, alice):
        connections.withdraw_consent(
            feature="calendar-sharing",
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )

        assert Share.objects.get().withdrawn_at is not None
