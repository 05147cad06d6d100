"""Mails of the sign-in pages: plain words, and times as their recipient reads them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts import account_mail, display_times, reset_links, sign_in_links, time_preferences
from accounts.models import DateFormat
from config.process_classes import ProcessClass
from tests.accounts.cast import AT
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
KINDS = [reset_links.MAIL, sign_in_links.MAIL]


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as travelled:
        yield travelled


def send(user, kind, mailoutbox):
    """Send a mail as a worker does, and return its text."""
    with acting_as(ProcessClass.PURGE):
        account_mail.send_queued(kind, user_id=user.id, at=AT)
    (message,) = mailoutbox
    return message.body


class TestTimes:
    @pytest.mark.parametrize(
        ("kind", "end"),
        [
            # A day, and six hours, after noon UTC.
            (reset_links.MAIL, "2026-11-26 21:00"),
            (sign_in_links.MAIL, "2026-11-26 03:00"),
        ],
    )
    def test_are_in_the_zone_and_format_of_the_recipient(self, alice, mailoutbox, kind, end):
        time_preferences.save_time_preferences(
            alice, time_zone="Asia/Tokyo", date_format=DateFormat.ISO
        )

        assert f"once, until {end}. " in send(alice, kind, mailoutbox)
        assert display_times.get_date_format() == DateFormat.DAY_FIRST, "of the next mail"

    @pytest.mark.parametrize(
        ("kind", "end"),
        [
            (reset_links.MAIL, "26 Nov 2026, 12:00 UTC"),
            (sign_in_links.MAIL, "25 Nov 2026, 18:00 UTC"),
        ],
    )
    def test_are_in_utc_and_say_so_without_a_zone(self, alice, mailoutbox, kind, end):
        assert f"once, until {end}. " in send(alice, kind, mailoutbox)


class TestLinks:
    @pytest.mark.parametrize(
        ("kind", "lifetime"),
        [(reset_links.MAIL, timedelta(days=1)), (sign_in_links.MAIL, timedelta(hours=6))],
    )
    def test_work_until_the_time_that_the_mail_names(
        self, alice, mailoutbox, clock, kind, lifetime
    ):
        path = re.search(r"https?://[^/]+(/\S+)", send(alice, kind, mailoutbox))[1]

        def is_valid():
            page = Client().get(path, follow=True).content.decode()
            return "This link is no longer valid" not in page

        clock.move_to(AT + lifetime - timedelta(minutes=1))
        assert is_valid()
        clock.move_to(AT + lifetime + timedelta(minutes=1))
        assert not is_valid()
