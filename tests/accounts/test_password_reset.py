"""Links to set a new password: how many are mailed, who mails them, and what a stranger learns."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import user_provisioning
from accounts.models import User
from tests.accounts.cast import AT, person, sign_in
from tests.broker import broker_down

pytestmark = pytest.mark.django_db
RESET, DONE = "/accounts/password/reset/", "/accounts/password/reset/done/"
HOUR = timedelta(hours=1)
MOST = 5
UNKNOWN = "nobody@antares.example"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as travelled:
        yield travelled


@pytest.fixture
def sent(workers, mailoutbox):
    """Return a function that lets workers send what was asked for, and returns all mails so far."""

    def send_queued_mail():
        workers.run()
        return mailoutbox

    return send_queued_mail


def ask_for_reset(email: str, *, address: str = "203.0.113.9", browser: Client | None = None):
    return (browser or Client()).post(RESET, {"email": email}, REMOTE_ADDR=address)


def ask_from_many_networks(email: str, count: int) -> set[tuple[int, str]]:
    """Ask once from each network, and return the different answers."""
    answers = [ask_for_reset(email, address=f"198.51.100.{number}") for number in range(count)]
    return {(answer.status_code, answer.headers.get("Location", "")) for answer in answers}


def known_device(user) -> Client:
    """Return a browser in which somebody signed in and out."""
    browser = sign_in(user)
    browser.post("/accounts/logout/")
    return browser


class TestStrangerResettingPassword:
    @pytest.mark.control("1.1.1")
    def test_makes_few_mails_and_is_answered_as_before(self, alice, sent, clock):
        answers = ask_from_many_networks(alice.email, 12)
        clock.shift(HOUR / 2)
        answers |= ask_from_many_networks(alice.email, 3)

        assert answers == {(302, DONE)}
        assert [letter.to for letter in sent()] == [[alice.email]] * MOST

    @pytest.mark.control("1.1.1")
    def test_does_not_keep_a_known_device_from_its_mail(self, alice, sent):
        browser = known_device(alice)
        ask_from_many_networks(alice.email, 12)

        answer = ask_for_reset(alice.email, browser=browser)

        assert (answer.status_code, answer["Location"]) == (302, DONE)
        assert len(sent()) == MOST + 1

    def test_uses_nothing_up_once_the_network_is_refused(self, alice, sent):
        for number in range(20):
            ask_for_reset(f"nobody-{number}@antares.example")
        refused = [ask_for_reset(alice.email).status_code for _ in range(12)]

        ask_for_reset(alice.email, address="198.51.100.1")

        assert refused == [429] * 12
        assert len(sent()) == 1

    def test_uses_nothing_up_with_forms_that_are_not_valid(self, alice, sent):
        for _ in range(12):
            assert ask_for_reset(f"{alice.email},").status_code == 200

        ask_for_reset(alice.email)

        assert len(sent()) == 1

    def test_gets_no_counter_by_a_device_of_another_person(self, alice, mallory, sent):
        ask_from_many_networks(alice.email, 12)

        ask_for_reset(alice.email, browser=known_device(mallory))

        assert len(sent()) == MOST


class TestTheMail:
    """A worker makes and sends it: the page neither waits for the mail server nor fails with it."""

    @pytest.mark.control("1.1.1")
    @pytest.mark.invariant(4)
    def test_is_a_message_with_an_id_whether_or_not_there_is_an_account(
        self, alice, workers, mailoutbox
    ):
        for email in (alice.email, UNKNOWN):
            assert ask_for_reset(email)["Location"] == DONE
        sent_by_page = len(mailoutbox)

        (known, arguments), (unknown, others) = workers.run()

        assert sent_by_page == 0
        assert known == unknown == "accounts.mail_reset_link"
        assert arguments == {"user_id": str(alice.id)}
        assert others.keys() == {"user_id"}
        assert not User.objects.filter(id=others["user_id"]).exists()
        assert [letter.to for letter in mailoutbox] == [[alice.email]]

    @pytest.mark.control("1.1.1")
    def test_costs_the_page_the_same_statements_whether_or_not_there_is_an_account(
        self, alice, workers
    ):
        statements = []
        for email in (alice.email, UNKNOWN):
            with CaptureQueriesContext(connection) as captured:
                ask_for_reset(email)
            statements.append([query["sql"].split("(")[0].split("=")[0] for query in captured])

        assert statements[0] == statements[1]

    def test_goes_to_nobody_who_was_switched_off_since(self, alice, sent):
        ask_for_reset(alice.email)
        user_provisioning.deactivate_user(user_id=alice.id, at=AT)

        assert sent() == []

    def test_is_not_sent_while_the_mail_server_is_down_and_the_page_answers(
        self, alice, workers, settings, caplog, mailoutbox
    ):
        locmem, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        answer = ask_for_reset(alice.email)
        workers.run()
        settings.EMAIL_BACKEND = locmem
        reported = [record.msg for record in caplog.records]

        ask_for_reset(alice.email)
        workers.run()

        assert (answer.status_code, answer["Location"]) == (302, DONE)
        assert "mail.not_sent" in reported
        assert len(mailoutbox) == 1

    @pytest.mark.parametrize("email", ["alice@antares.example", UNKNOWN])
    def test_counts_for_nothing_while_the_broker_is_down(self, alice, workers, email):
        with broker_down():
            answers = ask_from_many_networks(email, MOST + 1)

        ask_for_reset(email)

        assert answers == {(302, DONE)}
        assert len(workers.run()) == 1


class TestAPerson:
    def test_gets_mails_again_after_an_hour(self, alice, sent, clock):
        ask_from_many_networks(alice.email, 12)
        clock.shift(HOUR)

        ask_for_reset(alice.email)

        assert len(sent()) == MOST + 1

    def test_with_a_known_device_gets_few_mails(self, alice, sent):
        browser = known_device(alice)

        for _ in range(12):
            ask_for_reset(alice.email, browser=browser)

        assert len(sent()) == MOST


@pytest.mark.parametrize(
    "email", ["\N{LATIN SMALL LETTER LONG S}am@antares.example", "SAM@antares.example"]
)
def test_another_spelling_of_an_address_makes_no_more_mails(email, sent):
    sam = person("sam")
    ask_from_many_networks(sam.email, 6)

    answers = ask_from_many_networks(email, 6)

    assert answers == {(302, DONE)}
    assert len(sent()) == MOST
