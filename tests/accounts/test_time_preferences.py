"""The time zone and the date format: guessed at the first sign-in, changed in the profile."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import demo_people, display_times, time_preferences
from accounts.models import DateFormat, User
from tests.accounts.cast import PASSWORD, totp_code

LOGIN = "/accounts/login/"
FACTOR = "/accounts/mfa/authenticate/"


def sign_in(user, zone, *, language="en-GB,en;q=0.9", browser=None):
    """Sign in by the page as a browser in `zone` does, and return the browser."""
    browser = browser or Client()
    form = {"login": user.email, "password": PASSWORD, "time_zone": zone}
    browser.post(LOGIN, form, headers={"Accept-Language": language})
    return browser


def read_preferences(user):
    user.refresh_from_db()
    return user.time_zone, user.date_format


class TestDateFormat:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("en-US,en;q=0.9", DateFormat.MONTH_FIRST),
            ("en-us", DateFormat.MONTH_FIRST),
            ("es-US", DateFormat.MONTH_FIRST),
            ("en-GB,en-US;q=0.8", DateFormat.DAY_FIRST),
            ("en-AU", DateFormat.DAY_FIRST_12),
            ("hi-IN", DateFormat.DAY_FIRST_12),
            ("de-DE,de;q=0.9,en-US;q=0.8", DateFormat.DAY_FIRST),
            ("sv-SE", DateFormat.ISO),
            ("ja", DateFormat.ISO),
            ("zh-Hant-TW", DateFormat.ISO),
            ("en-SE;q=1.0, en-US", DateFormat.ISO),
            ("en", DateFormat.DAY_FIRST),
            ("*", DateFormat.DAY_FIRST),
            ("", DateFormat.DAY_FIRST),
            (";;,--,", DateFormat.DAY_FIRST),
        ],
    )
    def test_is_the_usual_one_of_the_first_language(self, header, expected):
        assert time_preferences.guess_date_format(header) == expected

    @given(st.text(max_size=80))
    def test_is_guessed_from_any_header(self, header):
        assert time_preferences.guess_date_format(header) in DateFormat


class TestTimeZones:
    def test_are_names_that_the_database_of_zones_has(self):
        zones = time_preferences.list_time_zones()

        assert set(zones) <= available_timezones()
        assert {"UTC", "Europe/Paris", "America/Argentina/Buenos_Aires"} <= set(zones)
        assert list(zones) == sorted(zones)
        assert not [zone for zone in zones if zone.startswith(("Etc/", "US/", "SystemV/"))]

    def test_fit_the_column(self):
        longest = max(len(zone) for zone in available_timezones())

        assert longest <= User._meta.get_field("time_zone").max_length


@pytest.mark.django_db
class TestFirstSignIn:
    def test_sets_the_zone_of_the_browser_and_the_format_of_its_language(self, alice):
        sign_in(alice, "America/New_York", language="en-US")

        assert read_preferences(alice) == ("America/New_York", DateFormat.MONTH_FIRST)

    def test_accepts_an_older_name_of_a_zone(self, alice):
        sign_in(alice, "Asia/Calcutta", language="en-IN")

        assert read_preferences(alice) == ("Asia/Calcutta", DateFormat.DAY_FIRST_12)

    @pytest.mark.parametrize(
        "zone", ["", "Mars/Olympus", "../../etc/passwd", "europe/paris", "UTC\0", "x" * 5000]
    )
    def test_ignores_a_zone_that_does_not_exist(self, alice, zone):
        browser = sign_in(alice, zone)

        assert "_auth_user_id" in browser.session
        assert read_preferences(alice) == ("", "")

    def test_shows_times_in_that_zone_from_the_first_page(self, alice):
        browser = sign_in(alice, "Asia/Kolkata")

        assert "(Asia/Kolkata)" in browser.get("/accounts/profile/").content.decode()

    def test_needs_the_right_password(self, alice):
        Client().post(
            LOGIN, {"login": alice.email, "password": "wrong", "time_zone": "Europe/Paris"}
        )

        assert read_preferences(alice) == ("", "")


@pytest.mark.django_db
class TestLaterSignIn:
    def test_keeps_the_guess_of_the_first(self, alice):
        sign_in(alice, "America/New_York", language="en-US")
        sign_in(alice, "Europe/Paris")

        assert read_preferences(alice) == ("America/New_York", DateFormat.MONTH_FIRST)

    def test_keeps_a_choice_of_the_person(self, alice):
        time_preferences.save_time_preferences(alice, time_zone="UTC", date_format=DateFormat.ISO)
        sign_in(alice, "Europe/Paris")

        assert read_preferences(alice) == ("UTC", DateFormat.ISO)

    def test_keeps_a_choice_made_in_another_window_at_the_same_time(self, alice, rf):
        # This request read the person before the choice was saved.
        earlier = User.objects.get(pk=alice.pk)
        time_preferences.save_time_preferences(
            alice, time_zone="Asia/Tokyo", date_format=DateFormat.ISO
        )
        request = rf.post(LOGIN, {"time_zone": "Europe/Paris"})

        time_preferences.guess_time_preferences(request, earlier)

        assert read_preferences(alice) == ("Asia/Tokyo", DateFormat.ISO)


@pytest.mark.django_db
class TestSignInWithASecondFactor:
    def test_takes_the_zone_from_the_second_step(self, alice):
        secret = demo_people.add_second_factor(alice)
        browser = sign_in(alice, "Europe/Paris")
        assert read_preferences(alice) == ("", "")

        form = {"code": totp_code(secret), "time_zone": "Europe/Paris"}
        browser.post(FACTOR, form, headers={"Accept-Language": "fr-FR"})

        assert "_auth_user_id" in browser.session
        assert read_preferences(alice) == ("Europe/Paris", DateFormat.DAY_FIRST)

    def test_has_the_hidden_field_in_the_forms_of_both_steps(self, alice):
        demo_people.add_second_factor(alice)
        browser = Client()
        first = browser.get(LOGIN).content.decode()
        sign_in(alice, "", browser=browser)
        second = browser.get(FACTOR).content.decode()

        # The second step has a form for codes and one for security keys.
        assert first.count("data-time-zone") == 1
        assert second.count("data-time-zone") == 2
        assert "antares/time-zone.js" in first
        assert "antares/time-zone.js" in second


@pytest.mark.django_db
class TestProfilePage:
    PAGE = "/accounts/profile/"

    def test_saves_zone_and_format(self, alice):
        browser = sign_in(alice, "Europe/Paris")

        answer = browser.post(
            self.PAGE, {"time_zone": "Asia/Tokyo", "date_format": "iso"}, follow=True
        )

        assert read_preferences(alice) == ("Asia/Tokyo", DateFormat.ISO)
        assert "Your changes are saved." in answer.content.decode()
        assert "(Asia/Tokyo)" in answer.content.decode()

    def test_offers_the_person_s_own_zone_even_if_its_name_is_old(self, alice):
        browser = sign_in(alice, "Asia/Calcutta")

        form = browser.get(self.PAGE).context["form"]
        answer = browser.post(self.PAGE, {"time_zone": "Asia/Calcutta", "date_format": "iso"})

        assert form["time_zone"].value() == "Asia/Calcutta"
        assert answer.status_code == 302
        assert read_preferences(alice) == ("Asia/Calcutta", DateFormat.ISO)

    @pytest.mark.parametrize(
        "form",
        [
            {},
            {"time_zone": "Mars/Olympus", "date_format": "iso"},
            {"time_zone": "Europe/Paris", "date_format": "stardate"},
            {"time_zone": "Etc/GMT+5", "date_format": "iso"},
        ],
    )
    def test_changes_nothing_for_a_choice_that_it_does_not_offer(self, alice, form):
        browser = sign_in(alice, "Europe/Paris", language="en-US")

        answer = browser.post(self.PAGE, form)

        assert answer.status_code == 200
        assert answer.context["form"].errors
        assert read_preferences(alice) == ("Europe/Paris", DateFormat.MONTH_FIRST)

    def test_is_for_people_who_are_signed_in(self, client):
        assert client.get(self.PAGE)["Location"].startswith(LOGIN)

    def test_writes_only_the_row_of_the_person(self, alice, mallory):
        browser = sign_in(alice, "Europe/Paris")

        browser.post(
            self.PAGE,
            {"time_zone": "Asia/Tokyo", "date_format": "iso", "user": str(mallory.id)},
        )

        assert read_preferences(mallory) == ("", "")


@pytest.mark.django_db
class TestTimesOfARequest:
    def test_of_a_visitor_are_in_utc_after_one_of_a_person(self, alice):
        sign_in(alice, "Asia/Tokyo").get("/accounts/profile/")

        assert display_times.get_zone() != ZoneInfo("Asia/Tokyo")
