"""Watches at Google, as the sandbox plays it: from the connect to the receipt."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import connections, purge, push
from integrations.models import Connection, Integration, PurgeJob, PurgeStep, Watch, WatchStatus
from limited_use.ledger import ledger_sequencer
from limited_use.models import Receipt
from tests.api import cast
from tests.factories import make_organisation, make_user
from tests.integrations.google import ALICE_BOX
from tests.integrations.pages import reading
from tests.integrations.removal_world import RemovalClock
from tests.walls import acting_as

TOPIC = "projects/sandbox-project/topics/gmail"


@pytest.fixture
def connected(transactional_db, google, alice, browser_of, settings):
    settings.PUSH = replace(
        settings.PUSH, pubsub_topic=TOPIC, pubsub_account="push@antares.iam.gserviceaccount.com"
    )
    browser_of(alice).connect()
    return Integration.objects.get()


def reconcile_due_watches() -> None:
    with acting_as(ProcessClass.SYNC):
        for watch_id in push.get_due_watch_ids(at=timezone.now()):
            push.reconcile_watch(watch_id=watch_id)


def disconnect_integration(integration, clock=timezone.now):
    connection = integration.connection
    job = connections.disconnect_integration(
        integration_id=integration.id,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        at=timezone.now(),
    )
    with acting_as(ProcessClass.PURGE):
        while purge.run_purge(job_id=job.id, now=clock) is not PurgeStep.DONE:
            ledger_sequencer.run_sequencer(clock())
            job.refresh_from_db()
            if isinstance(clock, RemovalClock):
                clock.reach(job.next_try_at)
    return json.loads(bytes(Receipt.objects.get().document))["body"]


def read_removal(user):
    """Return what the page of the only removal says."""
    answer = cast.browser(user).get(f"/settings/removals/{PurgeJob.objects.get().id}/")
    return reading.text(answer.content.decode())


def topics(google):
    return google.pushes()["topics"]


def test_a_mailbox_is_watched_for_as_long_as_it_is_connected(connected, google):
    reconcile_due_watches()
    watched = topics(google)
    said = disconnect_integration(connected)

    assert watched == {ALICE_BOX: TOPIC}
    assert topics(google) == {}
    assert said["provider_watches"]["outcome"] == "stopped"
    assert said["provider_revocation"]["outcome"] == "confirmed"
    assert not Watch.objects.exists()


@pytest.mark.scenario("X6")
@pytest.mark.parametrize("rotates", [False, True])
def test_a_watch_is_stopped_with_a_token_that_has_to_be_refreshed(connected, google, rotates):
    google.dial(rotate_refresh_tokens=rotates)
    reconcile_due_watches()
    google.expire_access(ALICE_BOX)
    Connection.objects.update(access_expires_at=timezone.now())

    said = disconnect_integration(connected)

    assert said["provider_watches"]["outcome"] == "stopped"
    # By the newest token, or the provider would take the grant for gone already.
    assert said["provider_revocation"]["outcome"] == "confirmed"
    assert (topics(google), google.grants(ALICE_BOX)) == ({}, [])


@pytest.mark.scenario("X6")
def test_a_watch_is_stopped_with_a_new_token_if_google_refuses_the_present_one(connected, google):
    reconcile_due_watches()
    google.expire_access(ALICE_BOX)
    refreshed = google.calls("/token")

    said = disconnect_integration(connected)

    assert google.calls("/token") == refreshed + 1
    assert said["provider_watches"]["outcome"] == "stopped"
    assert topics(google) == {}


@pytest.mark.scenario("X1")
@pytest.mark.claim("removal.notices-no-access")
def test_a_watch_whose_grant_is_gone_is_left_to_end_by_itself(connected, google, alice):
    reconcile_due_watches()
    google.revoke_grant(ALICE_BOX)

    said = disconnect_integration(connected)

    assert said["provider_watches"]["outcome"] == "no_access"
    assert said["provider_watches"]["lapse_by"] is not None
    page = read_removal(alice)
    assert "Antares could not ask Google to stop notifying it of changes" in page


@pytest.mark.scenario("X6")
@pytest.mark.claim("removal.notices-kept")
def test_a_watch_that_another_connection_goes_by_is_kept(connected, google, alice, browser_of):
    bob = make_user("bob", organisation=make_organisation("Other"))
    browser_of(bob).connect()
    reconcile_due_watches()

    said = disconnect_integration(connected)

    assert said["provider_watches"]["outcome"] == "needed_elsewhere"
    assert topics(google) == {ALICE_BOX: TOPIC}
    assert "Google still notifies Antares of changes in this account" in read_removal(alice)


@pytest.mark.scenario("X1")
@pytest.mark.claim("removal.notices-lapsed", "removal.notices-asked")
def test_a_watch_that_ended_before_google_answered_has_lapsed(connected, google, alice):
    reconcile_due_watches()
    clock = RemovalClock()
    Watch.objects.update(expires_at=clock() + timedelta(minutes=10))
    google.fail_next(99, path_suffix="/stop", method="POST", status=503, body="")

    said = disconnect_integration(connected, clock)["provider_watches"]

    assert (said["outcome"], said["lapse_by"]) == ("lapsed", None)
    assert google.grants(ALICE_BOX) == []
    assert "The notifications of Google have ended by themselves." in read_removal(alice)


@pytest.mark.clause("SCOPE-MIN")
def test_a_watch_takes_the_permission_that_mail_is_read_by(connected, google):
    reconcile_due_watches()

    [watch] = Watch.objects.all()
    assert watch.status == WatchStatus.LIVE
    assert google.calls("gmail.users.watch") == 1
