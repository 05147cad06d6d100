"""Proposals of one text to many owners at once, and sends under one key: the bounds hold."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connections as databases

from integrations.mail.sending import known_recipients, proposals
from integrations.models import DraftProposal, OutboxCommand, OutgoingCount
from tests.api import cast
from tests.api.sending_requests import allow_sending, open_assistant, propose, send
from tests.integrations import household as houses
from tests.integrations.purge.conftest import keyring

__all__ = ["keyring"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.invariant(15),
    pytest.mark.clause("AN-11"),
]
AT_ONCE = 6


def run_at_once(*requests) -> list[int]:
    """Return the statuses of requests that begin together."""
    barrier = threading.Barrier(len(requests))

    def run(request) -> int:
        barrier.wait(20)
        try:
            return request().status_code
        finally:
            databases.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(run, requests))


class TestOneText:
    @pytest.fixture(autouse=True)
    def everybody_is_known(self, monkeypatch):
        monkeypatch.setattr(known_recipients, "are_recipients_known", lambda *_, **__: True)

    def test_reaches_exactly_as_many_owners_as_may_get_it(self, keyring, monkeypatch):
        monkeypatch.setattr(proposals, "TEMPLATE_RATE", proposals.Rate("template", 3, 86_400))
        owners = [allow_sending(houses.household()) for _ in range(AT_ONCE)]
        callers = [(open_assistant(owner), owner) for owner in owners]

        statuses = run_at_once(
            *(
                lambda client=client, owner=owner: propose(client, owner)
                for client, owner in callers
            )
        )

        assert sorted(statuses) == [201] * 3 + [403] * 3
        assert DraftProposal.objects.count() == 3

    def test_to_an_owner_beyond_the_bound_is_never_let_in_beside_a_refusal(
        self, keyring, monkeypatch
    ):
        monkeypatch.setattr(proposals, "TEMPLATE_RATE", proposals.Rate("template", 0, 86_400))
        owner = allow_sending(houses.household())
        client = open_assistant(owner)

        statuses = run_at_once(
            *(
                partial(propose, client, owner, key=f"key-0000000{number}")
                for number in range(AT_ONCE)
            )
        )

        assert statuses == [403] * AT_ONCE


class TestOneKey:
    def test_sends_once_however_often_it_is_sent_at_once(self, keyring):
        alice = allow_sending(houses.household())
        browsers = [cast.browser(alice.user) for _ in range(AT_ONCE)]

        statuses = run_at_once(*(partial(send, browser, alice) for browser in browsers))

        assert set(statuses) <= {202, 409}
        assert 202 in statuses
        assert (OutboxCommand.objects.count(), OutgoingCount.objects.count()) == (1, 1)

    def test_with_another_text_at_once_sends_one_of_them(self, keyring):
        alice = allow_sending(houses.household())
        browsers = [cast.browser(alice.user) for _ in range(AT_ONCE)]

        statuses = run_at_once(
            *(
                partial(send, browser, alice, text=f"Text {number}")
                for number, browser in enumerate(browsers)
            )
        )

        assert sorted(statuses) == [202, *[422] * (AT_ONCE - 1)]
        assert OutboxCommand.objects.count() == 1
