"""Notifications of a watch that the provider was not seen to stop, after the purge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from integrations import connections, purge
from integrations.models import Connection, PurgeStep, SyncWork, Watch
from integrations.providers import errors
from tests.database_rows import dump_tables
from tests.integrations.purge.revoke_endpoint import RevokeEndpoint
from tests.integrations.purge.test_engine import body_of
from tests.integrations.push.conftest import CALENDAR, reconcile_due_watches
from tests.integrations.webhooks.conftest import send_channel_call, send_push
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("requests_act_as_web"),
    pytest.mark.scenario("P4"),
    pytest.mark.invariant(5),
    pytest.mark.claim("receipt.watch-dropped"),
]
# A mailbox is looked up once a minute, whatever comes; the permit for that names nobody.
# And the counter of the network that calls.
LEDGER = {"limited_use_leaf", "limited_use_datakey", "limited_use_keyepoch", "accounts_ratecount"}


@pytest.fixture(params=["unanswered", "no_access"])
def outcome(request):
    return request.param


@pytest.fixture
def purged(alice, provider, settings, outcome):
    """Return a function that purges an integration whose watch the provider does not stop."""

    def run(integration):
        refusal = errors.Unavailable("down")
        if outcome == "no_access":
            refusal = errors.TokenRejected("gone", status=401)
            Connection.objects.update(refresh_token=None)
        provider.refusals = [refusal] * 20
        job = connections.disconnect_integration(
            integration_id=integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )
        for _ in range(200):
            if purge.run_purge(
                job_id=job.id, now=partial(max, timezone.now(), job.next_try_at)
            ) is (PurgeStep.DONE):
                break
            job.refresh_from_db()
        watches = body_of(integration)["provider_watches"]
        assert watches["outcome"] == outcome
        assert "Antares ignores further notifications" in watches["says"]

    with RevokeEndpoint.running() as endpoint:
        settings.GOOGLE = replace(settings.GOOGLE, revoke_url=endpoint.url)
        yield run


class TestALateNotification:
    def test_about_a_mailbox_is_dropped(self, watched, mailbox, provider, purged, queue):
        blind = bytes(Watch.objects.get().lookup_blind).hex()
        assert send_push().status_code == 204
        assert queue
        purged(watched.integration)

        self.check(send_push, mailbox, provider, queue, blind)

    def test_of_a_channel_is_dropped(self, calendars, mailbox, provider, *, purged, queue, clock):
        reconcile_due_watches(clock)
        # The start of the watch made it due, and the first call would not have to.
        SyncWork.objects.update(next_sync_at=clock.at + timedelta(hours=1))
        [(hook, _)] = provider.channels.values()
        blind = bytes(Watch.objects.get(integration=calendars).lookup_blind).hex()
        tell = partial(
            send_channel_call, hook.channel_id, hook.token, resource=f"resource-{CALENDAR}@there"
        )
        assert tell().status_code == 204
        assert queue
        purged(calendars)

        self.check(tell, mailbox, provider, queue, blind)

    @pytest.mark.parametrize("outcome", ["unanswered"], indirect=True)
    def test_is_dropped_while_the_provider_is_asked_again(
        self, alice, calendars, mailbox, provider, *, queue, clock, outcome
    ):
        """The row of the watch is still there, for it is stopped by that."""
        reconcile_due_watches(clock)
        [(hook, _)] = provider.channels.values()
        provider.refusals = [errors.Unavailable("down")] * 20
        job = connections.disconnect_integration(
            integration_id=calendars.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )
        assert purge.run_purge(job_id=job.id) is PurgeStep.VERIFIED
        blind = b"not the blind: that stays until the provider has answered".hex()
        assert Watch.objects.filter(integration=calendars).exists()

        tell = partial(
            send_channel_call, hook.channel_id, hook.token, resource=f"resource-{CALENDAR}@there"
        )
        self.check(tell, mailbox, provider, queue, blind)

    def check(self, tell, mailbox, provider, queue, blind):
        """See that what is told is answered, looked up nowhere, and kept nowhere."""
        queue.clear()
        calls = [*mailbox.calls], [*provider.calls]
        works = SyncWork.objects.count()
        before = dump_tables()

        answer = tell()

        assert (answer.status_code, answer.content, queue) == (204, b"", [])
        assert ([*mailbox.calls], [*provider.calls]) == calls
        assert SyncWork.objects.count() == works
        after = dump_tables()
        assert {name for name in after if after[name] != before[name]} <= LEDGER
        assert not any(blind.encode() in rows for rows in after.values())
