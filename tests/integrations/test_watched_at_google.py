"""Watches at Google, as the sandbox plays it: from the connect to the receipt."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from config.classes import ProcessClass
from integrations import connections, purge, watches
from integrations.models import Connection, Integration, PurgeStep, Watch, WatchStatus
from limited_use.ledger import sequencer
from limited_use.models import Receipt
from tests.integrations.google import ALICE_BOX
from tests.walls import acting_as

TOPIC = "projects/sandbox-project/topics/gmail"


@pytest.fixture
def connected(transactional_db, google, alice, browser_of, settings):
    settings.GOOGLE_PUBSUB_TOPIC = TOPIC
    settings.GOOGLE_PUSH_ACCOUNT = "push@antares.iam.gserviceaccount.com"
    browser_of(alice).connect()
    return Integration.objects.get()


def sweep() -> None:
    with acting_as(ProcessClass.SYNC):
        for watch_id in watches.due(at=timezone.now()):
            watches.keep(watch_id=watch_id)


def disconnect(integration):
    connection = integration.connection
    job = connections.disconnect(
        integration_id=integration.id,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        at=timezone.now(),
    )
    with acting_as(ProcessClass.PURGE):
        while purge.run(job_id=job.id) is not PurgeStep.DONE:
            sequencer.run(timezone.now())
    return json.loads(bytes(Receipt.objects.get().document))["body"]


def topics(google):
    return google.pushes()["topics"]


def test_a_mailbox_is_watched_for_as_long_as_it_is_connected(connected, google):
    sweep()
    watched = topics(google)
    said = disconnect(connected)

    assert watched == {ALICE_BOX: TOPIC}
    assert topics(google) == {}
    assert said["provider_watches"]["outcome"] == "stopped"
    assert said["provider_revocation"]["outcome"] == "confirmed"
    assert not Watch.objects.exists()


@pytest.mark.scenario("X6")
@pytest.mark.parametrize("rotates", [False, True])
def test_a_watch_is_stopped_with_a_token_that_has_to_be_refreshed(connected, google, rotates):
    google.dial(rotate_refresh_tokens=rotates)
    sweep()
    google.expire_access(ALICE_BOX)
    Connection.objects.update(access_expires_at=timezone.now())

    said = disconnect(connected)

    assert said["provider_watches"]["outcome"] == "stopped"
    # By the newest token, or the provider would take the grant for gone already.
    assert said["provider_revocation"]["outcome"] == "confirmed"
    assert (topics(google), google.grants(ALICE_BOX)) == ({}, [])


@pytest.mark.scenario("X1")
def test_a_watch_whose_grant_is_gone_is_left_to_end_by_itself(connected, google):
    sweep()
    google.revoke_grant(ALICE_BOX)

    said = disconnect(connected)

    assert said["provider_watches"]["outcome"] == "no_access"
    assert said["provider_watches"]["lapse_by"] is not None


@pytest.mark.clause("SCOPE-MIN")
def test_a_watch_takes_the_permission_that_mail_is_read_by(connected, google):
    sweep()

    [watch] = Watch.objects.all()
    assert watch.status == WatchStatus.LIVE
    assert google.calls("gmail.users.watch") == 1
