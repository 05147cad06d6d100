"""The whole account is disconnected at the same time as one of its products."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from django.utils import timezone

from integrations import connections
from integrations.models import Integration, PurgeJob
from tests.integrations.google import acme, alice, browser_of, google
from tests.races.locks import run_in_session, session, wait_for_waiters
from tests.races.test_lock_order import SHORT, connected

__all__ = ["acme", "alice", "browser_of", "connected", "google"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.scenario("X6")
class TestDisconnectingTheWholeAccount:
    @pytest.mark.parametrize("product", ["mail", "calendar"])
    def test_ends_each_product_once(self, connected, alice, acme, product):
        browser, mail, back = connected
        browser.arrive(back)
        owner = {"user_id": alice.id, "organisation_id": acme.id, "at": timezone.now()}
        one = mail.connection.integrations.get(product=product)
        acts = [
            partial(connections.disconnect_account, connection_id=mail.connection_id, **owner),
            partial(connections.disconnect_integration, integration_id=one.id, **owner),
        ]

        with ThreadPoolExecutor(2) as pool, session() as ledger:
            # Both have begun, and wait for what they write or lock next.
            ledger.execute("LOCK TABLE limited_use_leaf IN SHARE MODE")
            running = [pool.submit(run_in_session, act, deadlock_timeout=SHORT) for act in acts]
            wait_for_waiters(2)
            ledger.commit()
            for disconnect in running:
                with suppress(connections.NotConnectedError):
                    disconnect.result(30)

        assert not Integration.objects.live().exists()
        assert PurgeJob.objects.count() == 2
