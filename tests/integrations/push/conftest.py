"""Alice's mailbox and calendars, a provider that tells of them, and the time as a test sets it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import purge
from integrations import push as service
from integrations.access import permits
from integrations.models import Integration, PurgeTrigger, SyncWork, Watch, WatchKind
from integrations.providers.push import MailboxNotification
from integrations.push import push_mechanisms
from integrations.push.push_mechanisms import PushMechanism
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys
from tests.fakes.mail import FakeMailbox
from tests.fakes.pushes import FakeWatches
from tests.integrations import household as houses
from tests.keyrings import copy_keyring
from tests.walls import acting_as

TOPIC = "projects/antares/topics/gmail"
CALENDAR = "a-calendar-of-ours"


class PushClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


@pytest.fixture
def clock():
    return PushClock(timezone.now())


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.LEDGER_ORIGIN = "ledger.example/log1"
    settings.GMAIL_UNITS_PER_MINUTE = 0
    settings.PUSH = replace(
        settings.PUSH,
        pubsub_topic=TOPIC,
        pubsub_account="push@antares.iam.gserviceaccount.com",
        calendar_channels=True,
    )
    data_keys.drop_cached_keys()
    # One of an older test's would stand in no ledger of this one's.
    permits._push_lookup_permits.clear()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture
def provider(clock):
    """Return what the provider was asked to tell of."""
    return FakeWatches(now=clock.at)


@pytest.fixture
def mailbox(monkeypatch, provider):
    return houses.provided(monkeypatch, FakeMailbox(), provider)


@pytest.fixture
def alice(db, mailbox):
    return houses.household()


@pytest.fixture
def calendars(alice, clock, monkeypatch):
    """Return Alice's calendars, of which one is followed."""
    way = PushMechanism(WatchKind.CHANNEL, find_target=lambda watch, *_: f"{watch.resource}@there")
    monkeypatch.setitem(push_mechanisms.MECHANISMS, "calendar", way)
    made = Integration.objects.create(
        connection=alice.connection,
        product="calendar",
        status_since=clock.at,
        switched_on_at=clock.at,
    )
    data_keys.create_data_key(holder=made.id, line=KeyLine.CONTENT, at=clock.at, epoch=made.epoch)
    SyncWork.objects.create(
        integration=made, resource=CALENDAR, next_sync_at=clock.at + timedelta(days=1)
    )
    service.request_watch(integration=made, resource=CALENDAR, at=clock.at)
    return made


def reconcile_due_watches(clock) -> list:
    """See to everything that is due, with the rights of a worker that syncs."""
    with acting_as(ProcessClass.SYNC):
        due = service.get_due_watch_ids(at=clock.at)
        for watch_id in due:
            service.reconcile_watch(watch_id=watch_id, now=clock)
    return due


def open_purge_job(house, integration: Integration, clock) -> None:
    with acting_as(ProcessClass.WEB, house), transaction.atomic():
        purge.open_purge_job(integration=integration, trigger=PurgeTrigger.OWNER, at=clock.at)


def list_watches(of: Integration) -> list[Watch]:
    return list(Watch.objects.filter(integration=of).order_by("wanted_at", "id"))


def told_of(address: str, clock) -> list:
    """Receive a notification about a mailbox, and return the changed resources."""
    permit = permits.for_push_lookup(MailboxNotification(address), at=clock.at)
    return service.receive_mailbox_notification(address, "google", permit=permit, at=clock.at)
