from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import get_hasher, make_password
from django.contrib.sessions.backends.base import UpdateError
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import user_provisioning
from accounts.allauth_adapter import AccountAdapter
from accounts.models import Session, User
from accounts.sessions import SessionStore, hash_session_key
from config import settings as production
from tests.accounts.cast import AT, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
CHANGE = "/accounts/password/change/"
LANDING = "/start/"
NEW = "another-battery-horse"


def is_in(browser: Client) -> bool:
    return browser.get(CHANGE).status_code == 200


class TestSigningIn:
    def test_takes_the_address_in_any_case(self, client, alice):
        client.post("/accounts/login/", {"login": alice.email.upper(), "password": PASSWORD})

        assert is_in(client)

    def test_makes_a_weak_hash_new(self, client, alice):
        User.objects.filter(id=alice.id).update(password=make_password(PASSWORD, salt="short"))

        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

        made = User.objects.get(id=alice.id)
        assert "$short$" not in made.password
        assert made.check_password(PASSWORD)
        assert is_in(client)

    @pytest.mark.control("2.3.3")
    def test_changes_the_session_key(self, client, alice):
        client.get("/accounts/login/")
        session = client.session
        session["planted"] = "1"
        session.save()
        before = session.session_key
        client.cookies[settings.SESSION_COOKIE_NAME] = before

        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

        assert client.session.session_key != before
        assert not SessionStore().exists(before)

    @pytest.mark.control("1.1.1")
    def test_refuses_failure_101_within_an_hour(self, alice):
        reached_password = 0
        with time_machine.travel(AT, tick=False) as clock:
            for _ in range(120):
                answer = Client().post("/accounts/login/", {"login": alice.email, "password": "no"})
                reached_password += b"Too many failed" not in answer.content and (
                    answer.status_code != 429
                )
                clock.shift(timedelta(seconds=29))

        assert reached_password <= 100

    @pytest.mark.control("1.1.1")
    @pytest.mark.control("3.1.5")
    def test_refuses_the_right_password_after_too_many_wrong_ones(self, client, alice):
        with time_machine.travel(AT, tick=False):
            for _ in range(11):
                client.post("/accounts/login/", {"login": alice.email, "password": "no"})

            client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

        assert "_auth_user_id" not in client.session

    @pytest.mark.control("1.1.1")
    @pytest.mark.parametrize("weak", ["short", "password1234", "123456789012", "alice@antares"])
    def test_refuses_weak_passwords(self, weak):
        person = user_provisioning.NewPerson("p", "alice@antares.example", "Alice")

        with pytest.raises(ValidationError):
            user_provisioning.register_user(person, password=weak, at=AT)

    @pytest.mark.control("1.1.3")
    def test_stores_passwords_under_a_slow_salted_hash(self):
        first = production.PASSWORD_HASHERS[0]

        assert first.endswith(("ScryptPasswordHasher", "Argon2PasswordHasher"))
        assert get_hasher("default").salt()

    @pytest.mark.control("1.2.1")
    def test_finds_no_account_that_nobody_registered(self):
        assert not User.objects.exists()

    @pytest.mark.clause("AN-31")
    @pytest.mark.claim("children.no-sign-up")
    def test_offers_no_sign_up(self, client):
        page = client.get("/children/").content.decode()

        assert "for organisations and is not directed to children" in page
        assert 'href="/contact/"' in page
        assert client.get("/accounts/signup/").status_code == 404
        assert not AccountAdapter().is_open_for_signup(None)

    @pytest.mark.control("3.1.5")
    @pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
    def test_refuses_forms_without_the_token(self, path):
        assert Client(enforce_csrf_checks=True).post(path, {"email": "x"}).status_code == 403


class TestRedirects:
    @pytest.mark.control("5.1.2")
    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example/",
            r"\\evil.example",
            r"/\evil.example",
            "javascript:alert(1)",
            "http:evil.example",
            "///evil.example",
            "https://testserver@evil.example/",
        ],
    )
    def test_stay_on_our_host_after_sign_in(self, client, alice, target):
        answer = client.post(
            "/accounts/login/", {"login": alice.email, "password": PASSWORD, "next": target}
        )

        assert (answer.status_code, answer["Location"]) == (302, LANDING)

    def test_follow_a_path_of_ours(self, client, alice):
        answer = client.post(
            "/accounts/login/", {"login": alice.email, "password": PASSWORD, "next": CHANGE}
        )

        assert answer["Location"] == CHANGE

    @pytest.mark.control("5.1.2")
    @pytest.mark.parametrize(
        "target", ["https://evil.example/", "//evil.example/", r"/\evil.example"]
    )
    def test_stay_on_our_host_after_switching(self, alice, antares, target):
        browser = sign_in(alice)

        answer = browser.post(
            "/accounts/organisation/", {"organisation": str(antares.id), "next": target}
        )

        assert (answer.status_code, answer["Location"]) == (303, LANDING)


class TestSigningOut:
    @pytest.mark.claim("logout.session")
    @pytest.mark.control("2.2.1")
    def test_ends_the_session_on_the_server(self, alice):
        browser = sign_in(alice)
        cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value

        browser.post("/accounts/logout/")

        replay = Client()
        replay.cookies[settings.SESSION_COOKIE_NAME] = cookie
        assert not is_in(replay)
        assert not SessionStore().exists(cookie)

    @pytest.mark.claim("logout.session")
    @pytest.mark.control("6.6.1")
    def test_clears_what_the_browser_kept(self, alice):
        browser = sign_in(alice)
        browser.cookies["something"] = "of ours"
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value

        answer = browser.post("/accounts/logout/")

        assert answer["Clear-Site-Data"] == '"cache", "storage"'
        cleared = {name for name, cookie in answer.cookies.items() if cookie["max-age"] == 0}
        assert cleared >= {"something", settings.CSRF_COOKIE_NAME}
        assert browser.cookies[settings.SESSION_COOKIE_NAME].value != session
        assert browser.cookies[settings.DEVICE_COOKIE_NAME].value

    def test_asks_first_on_get(self, alice):
        browser = sign_in(alice)

        browser.get("/accounts/logout/")

        assert is_in(browser)


class TestSignInSessions:
    @pytest.mark.control("2.2.1")
    def test_end_on_the_server_when_they_expire(self, alice):
        with time_machine.travel(AT, tick=False) as clock:
            browser = sign_in(alice)
            cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value

            clock.shift(timedelta(seconds=settings.SESSION_COOKIE_AGE + 1))
            replay = Client()
            replay.cookies[settings.SESSION_COOKIE_NAME] = cookie

            assert not is_in(replay)

    @pytest.mark.control("6.5.1")
    @pytest.mark.invariant(4)
    def test_are_stored_under_a_hash_of_their_key(self, alice):
        browser = sign_in(alice)
        cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value

        row = Session.objects.get(user_id=alice.id)

        assert row.session_key == hash_session_key(cookie) != cookie
        assert cookie not in row.session_data

    def test_cannot_be_used_by_who_reads_the_table(self, alice):
        sign_in(alice)
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get().session_key

        assert not is_in(thief)

    def test_cannot_be_used_by_who_copies_a_row_under_a_key_of_their_own(self, alice):
        sign_in(alice)
        row = Session.objects.get()
        row.session_key = hash_session_key("k" * 32)
        row.save(force_insert=True)
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = "k" * 32

        assert not is_in(thief)

    @given(key=st.text(min_size=1, max_size=80))
    def test_never_store_a_key_as_it_is(self, key):
        assert hash_session_key(key) != key
        assert re.fullmatch(r"[0-9a-f]{40}", hash_session_key(key))

    def test_deleted_under_a_request_are_not_saved_back(self, alice):
        sign_in(alice)
        key = sign_in(alice).cookies[settings.SESSION_COOKIE_NAME].value
        in_flight = SessionStore(key)
        in_flight["something"] = "new"

        Session.objects.all().delete()

        with pytest.raises(UpdateError):
            in_flight.save()
        assert not Session.objects.exists()

    @pytest.mark.control("2.2.3")
    def test_carry_no_stateless_token(self):
        assert settings.SESSION_ENGINE == "accounts.sessions"

    @pytest.mark.control("2.3.1")
    @pytest.mark.control("2.3.2")
    def test_ride_in_cookies_closed_to_scripts_and_other_sites(self, alice):
        cookie = sign_in(alice).cookies[settings.SESSION_COOKIE_NAME]

        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert cookie["secure"] == (settings.SESSION_COOKIE_SECURE or "")


class TestChangingThePassword:
    @pytest.mark.claim("password.other-sessions")
    @pytest.mark.control("2.2.2")
    def test_ends_every_other_session_and_keeps_this_one(self, alice):
        here, there = sign_in(alice), sign_in(alice)

        here.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

        assert is_in(here)
        assert not is_in(there)
        assert Session.objects.filter(user_id=alice.id).count() == 1

    def test_needs_the_old_one(self, alice):
        browser = sign_in(alice)

        browser.post(CHANGE, {"oldpassword": "wrong", "password1": NEW, "password2": NEW})

        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)


class TestResettingThePassword:
    @pytest.fixture(autouse=True)
    def _with_workers(self, workers):
        self.workers = workers

    def link(self, alice) -> str:
        Client().post("/accounts/password/reset/", {"email": alice.email})
        self.workers.run()
        return re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[-1].body)[1]

    def follow(self, link: str) -> tuple[Client, str | None]:
        browser = Client()
        answer = browser.get(link)
        return browser, answer.headers.get("Location")

    @pytest.mark.claim("password.every-session", "password.link")
    @pytest.mark.control("1.3.2")
    @pytest.mark.control("2.2.2")
    def test_works_once_and_ends_all_sessions(self, alice):
        there = sign_in(alice)
        link = self.link(alice)
        browser, form = self.follow(link)

        browser.post(form, {"password1": NEW, "password2": NEW})

        alice.refresh_from_db()
        assert alice.check_password(NEW)
        assert not is_in(there)
        assert b"no longer valid" in self.follow(link)[0].get(link, follow=True).content

    def test_asks_for_the_new_password_on_a_page(self, alice):
        browser, form = self.follow(self.link(alice))

        page = browser.get(form).content.decode()

        assert "Set a new password" in page
        assert f'action="{form}"' in page
        assert 'name="password1"' in page

    @pytest.mark.control("2.1.1")
    def test_moves_the_key_out_of_the_address(self, alice):
        link = self.link(alice)

        _, form = self.follow(link)

        assert link.split("-")[-1].strip("/") not in form

    @pytest.mark.claim("password.link")
    @pytest.mark.control("1.3.1")
    def test_expires_within_seven_days(self, alice):
        assert settings.PASSWORD_RESET_TIMEOUT == 86400 <= 7 * 86400
        with time_machine.travel(AT, tick=False) as clock:
            link = self.link(alice)
            clock.shift(timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 60))

            answer = Client().get(link, follow=True)

        assert b"no longer valid" in answer.content

    @pytest.mark.control("1.3.2")
    @pytest.mark.parametrize("change", ["sign in", "switch off", "change the address"])
    def test_stops_working_when_the_account_changes(self, alice, change):
        with time_machine.travel(AT, tick=False) as clock:
            link = self.link(alice)
            clock.shift(timedelta(minutes=1))
            if change == "sign in":
                sign_in(alice)
            elif change == "switch off":
                user_provisioning.deactivate_user(user_id=alice.id, at=AT)
            else:
                User.objects.filter(id=alice.id).update(email="alice.b@antares.example")

            answer = Client().get(link, follow=True)

        assert b"no longer valid" in answer.content

    @pytest.mark.control("1.3.3")
    @pytest.mark.control("1.3.4")
    def test_sends_a_keyed_hash_of_at_least_64_bits(self, alice):
        key = self.link(alice).rstrip("/").rpartition("-")[2]

        assert len(key) * 4 >= 64

    def test_says_the_same_of_unknown_addresses(self, client, alice):
        known = client.post("/accounts/password/reset/", {"email": alice.email})
        unknown = client.post("/accounts/password/reset/", {"email": "nobody@antares.example"})

        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
