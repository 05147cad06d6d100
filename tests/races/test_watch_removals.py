"""
Removals whose watch cannot be stopped at once: at Google and Microsoft, whatever goes wrong.

At the end the provider tells of nothing any more, the grant was given back after that, and the
receipt says what became of the watch.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import connections, purge, push
from integrations.models import AttemptOutcome, Connection, PurgeJob
from integrations.push import unsubscribe
from tests.broker import record_messages
from tests.contract.subscription_worlds import answer_validation
from tests.integrations import removal_world
from tests.integrations.google import acme, alice, google
from tests.integrations.microsoft import microsoft
from tests.integrations.purge.interleaving import Worker
from tests.integrations.removal_world import TRUE, RemovalWorld
from tests.walls import acting_as

__all__ = ["acme", "alice", "google", "microsoft"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scenario("X6", "X7"),
    pytest.mark.invariant(6),
]
TOPIC = "projects/sandbox-project/topics/gmail"
DOWN = {"status": 503, "body": ""}
SLOW = {"status": 429, "body": "", "headers": {"Retry-After": "1"}}
# What goes wrong, how often; and before which commit of its turn the first worker is killed.
FAULTS = {
    "nothing": ({}, 0, None),
    "503 once": (DOWN, 1, None),
    "503 five times": (DOWN, 5, None),
    "429 twice": (SLOW, 2, None),
    "lost on its way": ({"drop": "before"}, 1, None),
    "lost four times": ({"drop": "before"}, 4, None),
    "answer lost": ({"drop": "after"}, 1, None),
    "no answer in time": ({"hang_seconds": 1.5}, 2, None),
    "token endpoint 503": (DOWN, 2, None),
    "killed before it asks": ({}, 0, 3),
    "killed before it counts": ({}, 0, 4),
    "killed, and then 503": (DOWN, 2, 3),
}


class Gmail(removal_world.RemovalAtGoogle):
    product, stops = "mail", {"path_suffix": "/stop", "method": "POST"}
    token_path = "/token"

    def expire_access(self):
        self.sandbox.expire_access(self.email)


class GoogleCalendar(Gmail):
    product = "calendar"


class OutlookMail(removal_world.RemovalAtMicrosoft):
    product, stops = "mail", {"path_prefix": "/v1.0/subscriptions", "method": "DELETE"}
    token_path = "/oauth2/v2.0/token"

    def expire_access(self):
        self.there.control("microsoft/tokens/expire", email=self.email)


class OutlookCalendar(OutlookMail):
    product = "calendar"


ACCOUNTS = [Gmail, GoogleCalendar, OutlookMail, OutlookCalendar]


@pytest.fixture
def watched(request, alice, settings, monkeypatch):
    """Return the world of an account whose provider tells of its product."""
    kind = request.param
    settings.GMAIL_UNITS_PER_MINUTE = 0
    settings.PUSH = replace(
        settings.PUSH,
        pubsub_topic=TOPIC,
        pubsub_account="push@antares.iam.gserviceaccount.com",
        calendar_channels=True,
        graph_subscriptions=True,
    )
    record_messages(monkeypatch)
    account = kind(request.getfixturevalue(kind.key))
    with answer_validation() as address:
        settings.PUSH = replace(settings.PUSH, webhook_url=address.removesuffix("/channel"))
        assert account.connect(alice, account.product).outcome == AttemptOutcome.CONNECTED
        world = RemovalWorld(alice, account)
        with acting_as(ProcessClass.SYNC):
            for watch_id in push.get_due_watch_ids(at=timezone.now()):
                push.reconcile_watch(watch_id=watch_id)
        assert account.list_watches()
        yield world


def break_down(world, name, monkeypatch) -> int | None:
    """Have things go wrong; return before which commit the first worker is to be killed."""
    fault, count, commits = FAULTS[name]
    sandbox = world.account.sandbox
    where = world.account.stops
    if name == "token endpoint 503":
        world.account.expire_access()
        Connection.objects.update(access_expires_at=timezone.now())
        where = {"path_suffix": world.account.token_path}
    if name == "no answer in time":
        monkeypatch.setattr(unsubscribe, "LONGEST_CALL", timedelta(seconds=0.4))
    if count:
        sandbox.fail_next(count, **where, **fault)
    return commits


def remove(world, commits) -> dict[str, object]:
    """Disconnect it and run its purge to the end; return what its receipt says."""
    integration = world.integrations[world.account.product]
    connections.disconnect_integration(
        integration_id=integration.id,
        user_id=world.connection.user_id,
        organisation_id=world.connection.organisation_id,
        at=world.clock(),
    )
    job = PurgeJob.objects.get()
    if commits is not None:
        worker = Worker(partial(purge.run_purge, job_id=job.id, now=world.clock), ignored=())
        for _ in range(commits):
            worker.step()
        worker.kill()
        world.clock.ahead += timedelta(minutes=2)
    world.finish(job)
    return world.read_receipt(world.account.product)["provider_watches"]


@pytest.mark.claim("receipt.watch-stopped", "receipt.watch-gone", "removal.notices-stopped")
@pytest.mark.parametrize("watched", ACCOUNTS, indirect=True, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.thorough("48 removals, each with another fault while its watches are stopped")
def test_a_removal_leaves_no_watch(watched, name, monkeypatch):
    commits = break_down(watched, name, monkeypatch)

    said = remove(watched, commits)

    assert watched.account.list_watches() == []
    assert said["outcome"] in {"stopped", "gone"}
    assert said["lapse_by"] is None
    job = watched.job_of(watched.account.product)
    text, _ = watched.read_page(job)
    claims = watched.find_claims(text, "removal.notices", [watched.account.product])
    assert claims == {"removal.notices-stopped"}
    assert TRUE["removal.notices-stopped"](watched, watched.account.product)
