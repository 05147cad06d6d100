"""
Limits of password attempts.

An attempt is counted before the password is checked, and taken back if it was right:

- a known device or network has its own counters, which strangers cannot use up;
- all unknown origins share one counter of the account, then need a mailed link (`sign_in_links`);
- a browser that opened such a link has a few attempts of its own.

An address without an account is treated the same, but gets no mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from accounts import account_mail, known_origins, people, rate_limit_counters, sign_in_links
from accounts.client_networks import find_network
from accounts.rate_limit_counters import Rate, RateCounter

_DAY: Final = 24 * 3600
_NO_PERSON_ID: Final = UUID(int=0)

NETWORK_RATE: Final = Rate("sign-in-failed-network", 10, 60)
DEVICE_RATES: Final = (
    Rate("sign-in-failed-device", 10, 600),
    Rate("sign-in-failed-device-day", 100, _DAY),
)
KNOWN_NETWORK_RATES: Final = (
    Rate("sign-in-failed-known-network", 10, 600),
    Rate("sign-in-failed-known-network-day", 100, _DAY),
)
UNKNOWN_ORIGIN_RATES: Final = (Rate("sign-in-failed-unknown", 20, _DAY),)
LINK_RATES: Final = (Rate("sign-in-failed-link", 5, 900),)
CONFIRMATION_RATES: Final = (Rate("sign-in-failed-confirming", 10, 600),)


class TooManySignInAttempts(Exception):
    """The password was not checked. Wait `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many attempts")
        self.retry_after = retry_after


class SignInLinkNeeded(Exception):
    """The password was not checked. An account gets a mailed link."""


def count_attempt(request: HttpRequest, email: str, *, at: datetime) -> list[RateCounter]:
    """
    Count an attempt as failed; return the counters to take back if the password was right.

    :raises TooManySignInAttempts: if the network or a signed-in person tries too many
    :raises SignInLinkNeeded: if too many failed from such origins
    """
    address = email.strip().lower()
    person_id = people.find_person(address)
    wait_counters, link_counters = _find_counters(request, address, person_id, at=at)
    counted_counters: list[RateCounter] = []
    for counter in (*wait_counters, *link_counters):
        usage = rate_limit_counters.add_rate_limit_count(*counter, at=at)
        if usage.is_within:
            counted_counters.append(counter)
            continue
        take_back_counts(counted_counters, at=at)
        if counter in wait_counters:
            raise TooManySignInAttempts(usage.reset_after)
        _queue_link(address, person_id, at=at)
        raise SignInLinkNeeded
    return counted_counters


def _queue_link(address: str, person_id: UUID | None, *, at: datetime) -> None:
    """Queue a sign-in link, at most one an hour for an address."""
    counter = account_mail.MailCounter(sign_in_links.MAIL.rate, address)
    account_mail.queue_mail(sign_in_links.MAIL, counter=counter, user_id=person_id, at=at)


def take_back_counts(counters: Sequence[RateCounter], *, at: datetime) -> None:
    for counter in counters:
        rate_limit_counters.take_back_rate_count(*counter, at=at)


def _find_counters(
    request: HttpRequest, address: str, user_id: UUID | None, *, at: datetime
) -> tuple[list[RateCounter], list[RateCounter]]:
    """Return counters that demand waiting, and counters that a mailed link gets past."""
    if user_id is not None and request.user.is_authenticated and request.user.pk == user_id:
        # A mailed link permits to sign in, and this person is signed in.
        return _make_counters(CONFIRMATION_RATES, f"{user_id}"), []
    if permit := sign_in_links.find_sign_in_permit(request, address, at=at):
        return [], _make_counters(LINK_RATES, permit)
    network = find_network(request)
    network_counters = [RateCounter(NETWORK_RATE, network)]
    # Looked up for unknown addresses too, so that the time reveals nothing.
    person_id = user_id or _NO_PERSON_ID
    if device := known_origins.find_known_device(request, person_id):
        return [], _make_counters(DEVICE_RATES, f"{person_id} {device}")
    if known_origins.is_known_network(request, person_id, at=at):
        return network_counters, _make_counters(KNOWN_NETWORK_RATES, f"{person_id} {network}")
    return network_counters, _make_counters(UNKNOWN_ORIGIN_RATES, address)


def _make_counters(rates: Sequence[Rate], key: str) -> list[RateCounter]:
    return [RateCounter(rate, key) for rate in rates]
