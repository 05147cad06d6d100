"""Guessing passwords: a flood opens no locked account, and no stranger locks a person out."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from tests.accounts.cast import AT, PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def attempt(email: str, password: str, *, address: str, browser: Client | None = None):
    browser = browser or Client()
    return browser.post(LOGIN, {"login": email, "password": password}, REMOTE_ADDR=address)


def is_refused(answer) -> bool:
    """Return whether the password was not looked at."""
    return answer.status_code == 429 or b"Too many failed" in answer.content


def addresses(count: int, *, network: str = "10.0") -> list[str]:
    return [f"{network}.{number // 250}.{number % 250 + 1}" for number in range(count)]


class TestALockedAccount:
    @pytest.mark.control("1.1.1")
    def test_stays_locked_through_a_flood_of_other_attempts(self, alice):
        with time_machine.travel(AT, tick=False):
            attempts = [
                attempt(alice.email, "no", address=address)
                for address in addresses(30, network="10.1")
            ]
            assert is_refused(attempts[-1])

            for number, address in enumerate(addresses(540)):
                attempt(f"nobody-{number}@antares.example", "no", address=address)

            answer = attempt(alice.email, PASSWORD, address="192.0.2.1")

        assert is_refused(answer)
        assert answer.status_code != 302
