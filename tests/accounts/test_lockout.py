"""Guessing passwords: a flood opens no locked account, and no stranger locks a person out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.test import Client

from accounts import demo_people, sign_in_limits, user_provisioning
from accounts.models import KnownNetwork, Session, User
from tests.accounts.cast import AT, PASSWORD, totp_code
from tests.broker import broker_down

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
HOME, OFFICE, STRANGE = "192.0.2.1", "192.0.2.2", "203.0.113.9"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
MOST = sign_in_limits.UNKNOWN_ORIGIN_RATES[0].limit


@pytest.fixture
def clock():
    with time_machine.travel(AT, tick=False) as travelled:
        yield travelled


def attempt_sign_in(
    email: str, password: str, *, address: str = STRANGE, browser: Client | None = None
):
    browser = browser or Client()
    return browser.post(LOGIN, {"login": email, "password": password}, REMOTE_ADDR=address)


def is_refused(answer) -> bool:
    """Return whether the password was not looked at."""
    return answer.status_code == 429 or b"Too many failed" in answer.content


def is_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def guess(email: str, count: int, *, network: str = "10.1") -> int:
    """Try wrong passwords, each from a network of its own; return how many were looked at."""
    addresses = (f"{network}.{number // 250}.{number % 250 + 1}" for number in range(count))
    return sum(
        not is_refused(attempt_sign_in(email, "no", address=address)) for address in addresses
    )


def signed_in(user, *, address: str = HOME) -> Client:
    """Return a browser in which somebody signed in and out."""
    browser = Client()
    assert (
        attempt_sign_in(user.email, PASSWORD, address=address, browser=browser).status_code == 302
    )
    browser.post("/accounts/logout/")
    assert not is_in(browser)
    return browser


def mailed_link() -> str:
    (letter,) = mail.outbox
    return re.search(r"http://\S+?(/accounts/login/link/\S+)", letter.body)[1]


class TestALockedAccount:
    @pytest.mark.control("1.1.1")
    def test_stays_locked_through_a_flood_of_other_attempts(self, alice, clock):
        guess(alice.email, MOST + 1)
        for number in range(320):
            sign_in_limits.count_attempt(
                make_flood_request(number), f"nobody-{number}@antares.example", at=AT
            )

        assert guess(alice.email, 5, network="10.9") == 0
        assert is_refused(attempt_sign_in(alice.email, PASSWORD))

    @pytest.mark.control("1.1.1")
    @pytest.mark.parametrize("email", ["alice@antares.example", "nobody@antares.example"])
    def test_takes_so_many_guesses_a_day_from_wherever_they_come(self, alice, clock, email):
        looked_at = guess(email, MOST + 10)
        clock.shift(timedelta(hours=23))
        later = guess(email, 5, network="10.2")
        clock.shift(timedelta(hours=1))

        assert (looked_at, later) == (MOST, 0)
        assert guess(email, 1, network="10.3") == 1

    def test_says_the_same_of_an_address_without_account(self, alice, clock, workers):
        for email in (alice.email, "nobody@antares.example"):
            guess(email, MOST)

        known, unknown = (
            re.sub(
                r'value="[^"]*"', "", attempt_sign_in(email, "no", address=address).content.decode()
            )
            for email, address in ((alice.email, HOME), ("nobody@antares.example", OFFICE))
        )

        workers.run()
        assert known == unknown
        assert [letter.to for letter in mail.outbox] == [[alice.email]]

    def test_is_none_for_right_passwords(self, alice, clock):
        for _ in range(MOST + 5):
            assert attempt_sign_in(alice.email, PASSWORD).status_code == 302


class TestStrangerGuessingPasswords:
    @pytest.mark.control("1.1.1")
    @pytest.mark.parametrize("way", ["device", "network"])
    def test_does_not_lock_out_who_signed_in_before(self, alice, clock, way):
        before = signed_in(alice)
        browser, address = (before, STRANGE) if way == "device" else (Client(), HOME)
        guess(alice.email, MOST + 5)

        attempt_sign_in(alice.email, PASSWORD, address=address, browser=browser)

        assert is_in(browser)

    def test_in_the_same_network_does_not_lock_out_a_known_device(self, alice, clock):
        browser = signed_in(alice)
        for _ in range(30):
            attempt_sign_in(alice.email, "no", address=HOME)

        attempt_sign_in(alice.email, PASSWORD, address=HOME, browser=browser)

        assert is_in(browser)

    def test_does_not_keep_somebody_who_is_signed_in_from_confirming(self, alice, clock):
        browser = Client()
        attempt_sign_in(alice.email, PASSWORD, address=HOME, browser=browser)
        guess(alice.email, MOST + 5)

        answer = browser.post(
            "/accounts/reauthenticate/", {"password": PASSWORD}, REMOTE_ADDR=STRANGE
        )

        assert answer.status_code == 302

    @pytest.mark.control("1.1.1")
    def test_with_a_known_device_gets_few_guesses(self, alice, clock):
        browser = signed_in(alice)

        looked_at = sum(
            not is_refused(attempt_sign_in(alice.email, "no", browser=browser)) for _ in range(15)
        )

        assert looked_at == sign_in_limits.DEVICE_RATES[0].limit

    @pytest.mark.parametrize("planted", ["", "x", "WyJhIl0:1abc:forged", "{}"])
    def test_makes_no_device_known(self, alice, clock, planted):
        guess(alice.email, MOST)
        browser = Client()
        browser.cookies[settings.DEVICE_COOKIE_NAME] = planted

        assert is_refused(attempt_sign_in(alice.email, PASSWORD, browser=browser))

    def test_does_not_pass_with_a_device_of_another_person(self, alice, mallory, clock):
        browser = signed_in(mallory, address=OFFICE)
        guess(alice.email, MOST)

        assert is_refused(attempt_sign_in(alice.email, PASSWORD, address=OFFICE, browser=browser))


class TestKnownOrigins:
    def test_are_marked_after_the_second_factor_only(self, sam, clock):
        secret = demo_people.add_second_factor(sam)
        browser = Client()
        attempt_sign_in(sam.email, PASSWORD, browser=browser)
        before = (settings.DEVICE_COOKIE_NAME in browser.cookies, KnownNetwork.objects.count())

        browser.post("/accounts/mfa/authenticate/", {"code": totp_code(secret)})

        assert before == (False, 0)
        assert (settings.DEVICE_COOKIE_NAME in browser.cookies, KnownNetwork.objects.count()) == (
            True,
            1,
        )

    @pytest.mark.control("2.3.2")
    def test_have_a_cookie_closed_to_scripts_and_without_the_address(self, alice, clock):
        cookie = signed_in(alice).cookies[settings.DEVICE_COOKIE_NAME]

        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert alice.email not in cookie.value
        assert str(alice.id) not in cookie.value

    @pytest.mark.parametrize(("days", "is_known"), [(59, True), (61, False)])
    def test_end(self, alice, clock, days, is_known):
        signed_in(alice)
        clock.shift(timedelta(days=days))
        guess(alice.email, MOST)

        assert is_refused(attempt_sign_in(alice.email, PASSWORD, address=HOME)) is not is_known

    def test_go_with_the_person(self, alice, clock):
        signed_in(alice)

        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        assert not KnownNetwork.objects.exists()


class TestTheMailedLink:
    @pytest.fixture
    def link(self, alice, clock, workers) -> str:
        guess(alice.email, MOST + 1)
        workers.run()
        return mailed_link()

    @pytest.mark.control("1.1.1")
    def test_lets_an_unknown_device_try_and_signs_nobody_in(self, alice, link):
        browser = Client()
        page = browser.get(link, follow=True)
        browser.post("/accounts/login/link/")
        after_link = is_in(browser)
        answer = attempt_sign_in(alice.email, "no", browser=browser)

        attempt_sign_in(alice.email, PASSWORD, browser=browser)

        assert b"You still need your password" in page.content
        assert not after_link
        assert not is_refused(answer)
        assert is_in(browser)

    def test_works_once(self, alice, link):
        first, second = Client(), Client()
        for browser in (first, second):
            browser.get(link)

        answers = [browser.post("/accounts/login/link/") for browser in (first, second)]

        assert [answer.status_code for answer in answers] == [302, 410]
        assert is_refused(attempt_sign_in(alice.email, PASSWORD, browser=second))

    def test_is_not_used_up_by_programs_that_look_at_it(self, alice, link):
        for method in ("head", "get"):
            getattr(Client(), method)(link, follow=True)
        browser = Client()
        browser.get(link)

        assert browser.post("/accounts/login/link/").status_code == 302

    @pytest.mark.control("1.3.1")
    @pytest.mark.parametrize(("hours", "status"), [(5.9, 302), (6.1, 410)])
    def test_ends(self, link, clock, hours, status):
        clock.shift(timedelta(hours=hours))
        browser = Client()
        browser.get(link)

        assert browser.post("/accounts/login/link/").status_code == status

    def test_lets_a_few_guesses_through(self, alice, link):
        browser = Client()
        browser.get(link)
        browser.post("/accounts/login/link/")

        looked_at = sum(
            not is_refused(attempt_sign_in(alice.email, "no", browser=browser)) for _ in range(10)
        )

        assert looked_at == sign_in_limits.LINK_RATES[0].limit

    def test_lets_nobody_try_another_address(self, mallory, link):
        guess(mallory.email, MOST, network="10.4")
        browser = Client()
        browser.get(link)
        browser.post("/accounts/login/link/")

        assert is_refused(attempt_sign_in(mallory.email, PASSWORD, browser=browser))

    @pytest.mark.parametrize("token", ["x", "x:y:z", "WyJhIiwiYiJd:1uHy:forged"])
    def test_is_none_that_somebody_made_up(self, client, token, db):
        client.get(f"/accounts/login/link/{token}/")

        assert client.post("/accounts/login/link/").status_code == 410

    @pytest.mark.parametrize("token", ["x" * 60_000, "x:y:z", "WyJhIiwiYiJd:1uHy:forged"])
    def test_leaves_no_session_where_somebody_made_it_up(self, client, token):
        answer = client.get(f"/accounts/login/link/{token}/")

        assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/link/")
        assert not Session.objects.exists()

    def test_does_not_answer_for_one_that_somebody_made_up(self, link):
        browser = Client()
        browser.get(link)

        browser.get("/accounts/login/link/x/")

        assert browser.post("/accounts/login/link/").status_code == 410

    @pytest.mark.control("2.1.1")
    def test_moves_its_secret_out_of_the_address(self, link):
        assert Client().get(link)["Location"] == "/accounts/login/link/"

    def test_is_mailed_once_an_hour(self, alice, link, clock, workers):
        guess(alice.email, 5, network="10.5")
        workers.run()
        within_the_hour = len(mail.outbox)
        clock.shift(timedelta(hours=1))
        guess(alice.email, 5, network="10.6")
        workers.run()

        assert (within_the_hour, len(mail.outbox)) == (1, 2)

    def test_is_not_needed_after_a_password_reset(self, alice, link, workers):
        browser = Client()
        browser.post("/accounts/password/reset/", {"email": alice.email})
        workers.run()
        reset = re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[-1].body)[1]
        form = browser.get(reset)["Location"]
        new = "another-battery-horse"
        browser.post(form, {"password1": new, "password2": new})

        attempt_sign_in(alice.email, new, browser=browser)

        assert is_in(browser)


class TestTheMailOfALink:
    """A worker sends it: the page neither waits for the mail server nor fails with it."""

    UNKNOWN = "nobody@antares.example"

    @pytest.mark.invariant(4)
    def test_is_a_message_with_an_id_whether_or_not_there_is_an_account(
        self, alice, clock, workers
    ):
        for number, email in enumerate((alice.email, self.UNKNOWN)):
            guess(email, MOST + 3, network=f"10.{number}")
        sent_by_page = len(mail.outbox)

        (known, arguments), (unknown, others) = workers.run()

        assert sent_by_page == 0
        assert known == unknown == "accounts.mail_sign_in_link"
        assert arguments == {"user_id": str(alice.id)}
        assert others.keys() == {"user_id"}
        assert not User.objects.filter(id=others["user_id"]).exists()
        assert [letter.to for letter in mail.outbox] == [[alice.email]]

    def test_goes_to_nobody_who_was_switched_off_since(self, alice, clock, workers):
        guess(alice.email, MOST + 1)
        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        assert len(workers.run()) == 1
        assert mail.outbox == []

    def test_is_asked_for_again_after_the_mail_server_failed(
        self, alice, clock, workers, settings, caplog
    ):
        locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        guess(alice.email, MOST)
        refused = attempt_sign_in(alice.email, "no", address=OFFICE)
        workers.run()
        reported = [record.msg for record in caplog.records]
        settings.EMAIL_BACKEND = locmem

        attempt_sign_in(alice.email, "no", address=OFFICE)
        workers.run()

        assert (refused.status_code, b"gets a mail" in refused.content) == (200, True)
        assert "mail.not_sent" in reported
        assert Client().get(mailed_link()).status_code == 302

    @pytest.mark.parametrize("email", ["alice@antares.example", UNKNOWN])
    def test_is_asked_for_again_after_the_broker_failed(self, alice, clock, workers, email):
        guess(email, MOST)
        with broker_down():
            refused = attempt_sign_in(email, "no", address=OFFICE)

        attempt_sign_in(email, "no", address=OFFICE)

        assert (refused.status_code, b"gets a mail" in refused.content) == (200, True)
        assert len(workers.run()) == 1


class TestConfirming:
    @pytest.mark.control("1.1.1")
    def test_takes_few_guesses_and_promises_no_link(self, alice, clock, workers):
        browser = Client()
        attempt_sign_in(alice.email, PASSWORD, address=HOME, browser=browser)

        def confirm(password: str):
            clock.shift(timedelta(seconds=20))
            return browser.post("/accounts/reauthenticate/", {"password": password})

        for _ in range(10):
            confirm("no")
        refused = confirm(PASSWORD)
        workers.run()
        clock.shift(timedelta(minutes=10))

        assert b"Wait some minutes" in refused.content
        assert b"link" not in refused.content.split(b"<main")[1].split(b"</main")[0]
        assert mail.outbox == []
        assert confirm(PASSWORD).status_code == 302


class TestSecondFactors:
    @pytest.fixture
    def secret(self, sam, clock) -> str:
        return demo_people.add_second_factor(sam)

    def at_the_factor(self, sam, browser: Client | None = None) -> Client:
        browser = browser or Client()
        assert attempt_sign_in(sam.email, PASSWORD, browser=browser).status_code == 302
        return browser

    def show(self, browser: Client, code: str):
        return browser.post("/accounts/mfa/authenticate/", {"code": code}, REMOTE_ADDR=STRANGE)

    @pytest.mark.control("1.1.1", "1.3.4")
    def test_are_counted_apart_from_passwords(self, sam, secret):
        guess(sam.email, 15)
        browser = self.at_the_factor(sam)
        for _ in range(4):
            self.show(browser, "000000")

        self.show(browser, totp_code(secret))

        assert is_in(browser)

    @pytest.mark.control("1.3.4")
    def test_take_few_guesses(self, sam, secret):
        browser = self.at_the_factor(sam)
        for _ in range(5):
            self.show(browser, "000000")

        answer = self.show(browser, totp_code(secret))

        assert not is_in(browser)
        assert b"Too many wrong codes. Try again in 5 minutes." in answer.content

    @pytest.mark.control("1.3.4")
    def test_take_few_guesses_in_a_day(self, sam, secret, clock):
        for _ in range(30):
            # Anew: a sign-in waits for its second factor for some minutes only.
            self.show(self.at_the_factor(sam), "000000")
            clock.shift(timedelta(minutes=2))
        browser = self.at_the_factor(sam)

        answer = self.show(browser, totp_code(secret))

        assert not is_in(browser)
        # The day began with the first attempt, an hour ago.
        assert b"Too many wrong codes. Try again in 23 hours." in answer.content

    def test_do_not_count_towards_the_day_once_they_are_refused(self, sam, secret, clock):
        browser = self.at_the_factor(sam)
        for _ in range(5 + 30):
            self.show(browser, "000000")
        clock.shift(timedelta(minutes=5))

        self.show(browser, totp_code(secret))

        assert is_in(browser)

    def test_are_not_used_up_by_who_else_has_the_password(self, sam, secret, clock):
        hers = self.at_the_factor(sam)
        self.show(hers, totp_code(secret))
        hers.post("/accounts/logout/")
        thief = self.at_the_factor(sam)
        for _ in range(10):
            self.show(thief, "000000")
        clock.shift(timedelta(minutes=1))

        self.show(self.at_the_factor(sam, hers), totp_code(secret))

        assert is_in(hers)

    @pytest.mark.control("1.3.2")
    @pytest.mark.parametrize("shown", ["{}", " {} ", "{}-"])
    def test_take_a_code_once(self, sam, secret, shown):
        code = totp_code(secret)
        self.show(self.at_the_factor(sam), code)
        thief = self.at_the_factor(sam)

        self.show(thief, shown.format(code))

        assert not is_in(thief)


def make_flood_request(number: int):
    """Return a request from a network of its own."""
    from django.contrib.auth.models import AnonymousUser
    from django.test import RequestFactory

    address = f"10.0.{number // 250}.{number % 250 + 1}"
    request = RequestFactory().post(LOGIN, REMOTE_ADDR=address)
    request.user, request.session = AnonymousUser(), {}
    return request
