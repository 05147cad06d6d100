"""Links to set a new password: how many are mailed, and that no stranger uses them up."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from tests.accounts.cast import AT, person, sign_in

pytestmark = pytest.mark.django_db
RESET, DONE = "/accounts/password/reset/", "/accounts/password/reset/done/"
HOUR = timedelta(hours=1)
MOST = 5


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as travelled:
        yield travelled


def ask(email: str, *, address: str = "203.0.113.9", browser: Client | None = None):
    return (browser or Client()).post(RESET, {"email": email}, REMOTE_ADDR=address)


def ask_from_many_networks(email: str, count: int) -> set[tuple[int, str]]:
    """Ask once from each network, and return the different answers."""
    answers = [ask(email, address=f"198.51.100.{number}") for number in range(count)]
    return {(answer.status_code, answer.headers.get("Location", "")) for answer in answers}


def known_device(user) -> Client:
    """Return a browser in which somebody signed in and out."""
    browser = sign_in(user)
    browser.post("/accounts/logout/")
    return browser


class TestAStranger:
    @pytest.mark.control("1.1.1")
    def test_makes_few_mails_and_is_answered_as_before(self, alice, mailoutbox, clock):
        answers = ask_from_many_networks(alice.email, 12)
        clock.shift(HOUR / 2)
        answers |= ask_from_many_networks(alice.email, 3)

        assert answers == {(302, DONE)}
        assert [letter.to for letter in mailoutbox] == [[alice.email]] * MOST

    @pytest.mark.control("1.1.1")
    def test_does_not_keep_a_known_device_from_its_mail(self, alice, mailoutbox):
        browser = known_device(alice)
        ask_from_many_networks(alice.email, 12)

        answer = ask(alice.email, browser=browser)

        assert (answer.status_code, answer["Location"]) == (302, DONE)
        assert len(mailoutbox) == MOST + 1

    def test_uses_nothing_up_once_the_network_is_refused(self, alice, mailoutbox):
        for number in range(20):
            ask(f"nobody-{number}@antares.example")
        refused = [ask(alice.email).status_code for _ in range(12)]

        ask(alice.email, address="198.51.100.1")

        assert refused == [429] * 12
        assert len(mailoutbox) == 1

    def test_uses_nothing_up_with_forms_that_are_not_valid(self, alice, mailoutbox):
        for _ in range(12):
            assert ask(f"{alice.email},").status_code == 200

        ask(alice.email)

        assert len(mailoutbox) == 1

    def test_gets_no_counter_by_a_device_of_another_person(self, alice, mallory, mailoutbox):
        ask_from_many_networks(alice.email, 12)

        ask(alice.email, browser=known_device(mallory))

        assert len(mailoutbox) == MOST


class TestAPerson:
    def test_gets_mails_again_after_an_hour(self, alice, mailoutbox, clock):
        ask_from_many_networks(alice.email, 12)
        clock.shift(HOUR)

        ask(alice.email)

        assert len(mailoutbox) == MOST + 1

    def test_with_a_known_device_gets_few_mails(self, alice, mailoutbox):
        browser = known_device(alice)

        for _ in range(12):
            ask(alice.email, browser=browser)

        assert len(mailoutbox) == MOST


@pytest.mark.parametrize(
    "email", ["\N{LATIN SMALL LETTER LONG S}am@antares.example", "SAM@antares.example"]
)
def test_another_spelling_of_an_address_makes_no_more_mails(email, mailoutbox):
    sam = person("sam")
    ask_from_many_networks(sam.email, 6)

    answers = ask_from_many_networks(email, 6)

    assert answers == {(302, DONE)}
    assert len(mailoutbox) == MOST
