"""Subscriptions at Microsoft, as the sandbox plays it: from the first sync to the receipt."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations import connections, purge, push
from integrations.access import scopes
from integrations.models import (
    AttemptOutcome,
    Event,
    Integration,
    Message,
    PurgeJob,
    PurgeStep,
    SyncWork,
    Watch,
    WatchStatus,
)
from integrations.operations.sync_products import PRODUCTS
from integrations.push import webhook_alarm
from integrations.sync import sync_engine, work_leases
from integrations.tasks.purge import sweep_purges
from limited_use.ledger import ledger_sequencer
from limited_use.models import Receipt
from limited_use.usage import settled_alarms
from tests.contract.subscription_worlds import answer_validation
from tests.integrations.microsoft import ALICE_BOX, MicrosoftConnectBrowser, microsoft
from tests.integrations.pages import reading
from tests.walls import acting_as

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
SUBSCRIPTIONS = "/v1.0/subscriptions"


class SubscriptionClock:
    """The machine's time, or later."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self):
        return timezone.now() + self.ahead

    def reach(self, at) -> None:
        self.ahead = max(self.ahead, at - timezone.now())


@pytest.fixture
def clock():
    return SubscriptionClock()


@pytest.fixture(autouse=True)
def webhook(settings):
    """Let Microsoft call an address that says back what it is tried with."""
    with answer_validation() as address:
        settings.PUSH = replace(
            settings.PUSH, webhook_url=address.removesuffix("/channel"), graph_subscriptions=True
        )
        yield


@pytest.fixture
def browser(microsoft, alice):
    return MicrosoftConnectBrowser(alice, microsoft)


@pytest.fixture(params=["mail", "calendar"])
def product(request):
    return request.param


@pytest.fixture
def connected(browser, microsoft, product):
    """Return Alice's integration after its first sync."""
    versions = [f"{one.key}:{one.version}" for one in scopes.features_for(product)]
    begun = browser.begin(product=product, version=versions)
    said = microsoft.visit(begun["Location"], "accept", account=ALICE_BOX)
    assert browser.arrive(**said).outcome == AttemptOutcome.CONNECTED
    sync_what_is_due(SubscriptionClock())
    assert not subscriptions(microsoft)
    return Integration.objects.get()


def sync_what_is_due(clock) -> int:
    """Do the sync work that is due, as a worker's turns do; return how many turns that took."""
    turns = 0
    while due := work_leases.get_due_ids(at=clock()):
        for work_id in due:
            with acting_as(ProcessClass.SYNC):
                sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=clock())
            turns += 1
    return turns


def see_to_watches(clock) -> None:
    with acting_as(ProcessClass.SYNC):
        for watch_id in push.get_due_watch_ids(at=clock()):
            push.reconcile_watch(watch_id=watch_id, now=clock)


def subscriptions(microsoft) -> list:
    return microsoft.look("microsoft/subscriptions", email=ALICE_BOX)["subscriptions"]


def deliver_change(microsoft, product) -> None:
    """Let something arrive at Microsoft."""
    if product == "mail":
        microsoft.deliver(ALICE_BOX, subject="In the gap")
        return
    start = timezone.now().replace(microsecond=0) + HOUR
    moment = {"dateTime": start.isoformat(), "timeZone": "UTC"}
    event = {"summary": "In the gap", "start": moment, "end": moment}
    microsoft.control("events", email=ALICE_BOX, provider="microsoft", event=event)


def shows_change(browser, product) -> bool:
    path = "/inbox/" if product == "mail" else "/calendar/?view=agenda"
    return "In the gap" in browser.client.get(path).content.decode()


def disconnect_integration(integration) -> PurgeJob:
    connection = integration.connection
    return connections.disconnect_integration(
        integration_id=integration.id,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        at=timezone.now(),
    )


def finish_purge(job, clock) -> dict:
    """Run the purge whenever it is due; return what its receipt says of the notifications."""
    with acting_as(ProcessClass.PURGE):
        for _ in range(60):
            job.refresh_from_db()
            clock.reach(job.next_try_at)
            if purge.run_purge(job_id=job.id, now=clock) is PurgeStep.DONE:
                break
            ledger_sequencer.run_sequencer(clock())
    return json.loads(bytes(Receipt.objects.get().document))["body"]["provider_watches"]


def read_removal(browser, job) -> str:
    return reading.text(browser.client.get(f"/settings/removals/{job.id}/").content.decode())


@pytest.mark.scenario("P3")
class TestAChangeBeforeTheSubscription:
    """Nobody is told of it: the sync is due when the subscription starts."""

    def test_is_here_after_the_next_turn(self, connected, browser, microsoft, product, clock):
        deliver_change(microsoft, product)
        see_to_watches(clock)
        assert subscriptions(microsoft)

        assert sync_what_is_due(clock)

        assert shows_change(browser, product)

    def test_is_here_after_a_subscription_that_was_lost(
        self, connected, browser, microsoft, product, clock
    ):
        see_to_watches(clock)
        sync_what_is_due(clock)
        # Nobody hears of it: it is found gone when it is renewed.
        event = {"email": ALICE_BOX, "event": "subscriptionRemoved"}
        microsoft.control("microsoft/subscriptions/lifecycle", **event)
        deliver_change(microsoft, product)
        Watch.objects.update(due_at=clock())
        see_to_watches(clock)

        assert sync_what_is_due(clock)

        assert subscriptions(microsoft)
        assert shows_change(browser, product)


@pytest.mark.scenario("P6")
class TestAnAddressThatMicrosoftCannotValidate:
    @pytest.mark.parametrize(
        "problem", ["graph_validation_failed", "graph_validation_failed_older"]
    )
    @pytest.mark.parametrize("product", ["calendar"], indirect=True)
    def test_is_tried_again_within_a_minute(self, connected, microsoft, clock, problem):
        microsoft.sandbox.fail_next(2, path_prefix=SUBSCRIPTIONS, method="POST", problem=problem)
        pauses = []

        for _ in range(2):
            see_to_watches(clock)
            [watch] = Watch.objects.all()
            assert watch.status == WatchStatus.WANTED
            pauses.append((watch.due_at - clock()).total_seconds())
            clock.reach(watch.due_at)
        see_to_watches(clock)

        assert all(0 < pause <= 20 for pause in pauses)
        assert pauses[0] <= 10
        assert len(subscriptions(microsoft)) == 1
        assert not Alarm.objects.exists()

    @pytest.mark.parametrize("product", ["mail"], indirect=True)
    def test_is_an_alarm_of_its_own_after_several_failures_and_settled_by_a_success(
        self, connected, browser, microsoft, clock
    ):
        several = webhook_alarm.SEVERAL
        microsoft.sandbox.fail_next(
            several, path_prefix=SUBSCRIPTIONS, method="POST", problem="graph_validation_failed"
        )
        began, raised = clock(), []
        for _ in range(several):
            see_to_watches(clock)
            raised.append(list(Alarm.objects.values_list("kind", "body__provider")))
            clock.reach(Watch.objects.get().due_at)
        lasted = clock() - began

        assert raised == [[]] * (several - 1) + [[("provider.webhook_rejected", "microsoft")]]
        assert lasted < timedelta(minutes=6)
        # Polled meanwhile, and its owner reads nothing else.
        deliver_change(microsoft, "mail")
        work = SyncWork.objects.get()
        assert work.next_sync_at - clock() <= timedelta(minutes=1)
        clock.reach(work.next_sync_at)
        sync_what_is_due(clock)
        assert shows_change(browser, "mail")
        integration = Integration.objects.get()
        assert (integration.status, integration.status_reason) == ("active", "")
        details = browser.client.get(reverse("settings-details", args=[integration.id])).text
        assert "Antares checks Microsoft every minute." in details

        clock.reach(Watch.objects.get().due_at)
        with acting_as(ProcessClass.PURGE):
            assert push.settle_webhook_alarm(at=clock()) == 0
        see_to_watches(clock)
        assert len(subscriptions(microsoft)) == 1
        with acting_as(ProcessClass.PURGE):
            sweep_purges()

        alarm = Alarm.objects.get()
        assert alarm.settled_reason == "the provider accepted the address again"
        assert Message.objects.count() == 4

    def test_of_one_watch_alone_is_an_alarm_once_a_day(self, db, clock):
        several, daily = webhook_alarm.SEVERAL, webhook_alarm.REPEATED
        numbers = []
        for rejected_count in range(several + daily + 1):
            webhook_alarm.report_rejections(rejected_count, provider="microsoft", at=clock())
            numbers.append(Alarm.objects.count())
            # Other watches start all the time.
            for alarm in Alarm.objects.open():
                with acting_as(ProcessClass.PURGE):
                    settled_alarms.settle_alarm(alarm.id, reason=webhook_alarm.REASON, at=clock())

        assert numbers == [0] * several + [1] * daily + [2]


@pytest.mark.scenario("X7")
class TestSubscriptionAfterDisconnect:
    @pytest.fixture
    def subscribed(self, connected, microsoft, clock):
        see_to_watches(clock)
        sync_what_is_due(clock)
        assert len(subscriptions(microsoft)) == 1
        return connected

    @pytest.mark.claim("receipt.watch-stopped", "removal.notices-asked", "removal.notices-stopped")
    @pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"}, {"status": 429}])
    @pytest.mark.parametrize("product", ["calendar"], indirect=True)
    def test_ends_the_subscription_that_could_not_be_ended_at_once(
        self, subscribed, browser, microsoft, clock, fault
    ):
        microsoft.sandbox.fail_next(3, path_prefix=SUBSCRIPTIONS, method="DELETE", **fault)
        job = disconnect_integration(subscribed)
        with acting_as(ProcessClass.PURGE):
            purge.run_purge(job_id=job.id, now=clock)

        page = read_removal(browser, job)
        assert "Microsoft has not confirmed yet that it no longer notifies Antares" in page
        assert not Event.objects.exists()
        assert len(subscriptions(microsoft)) == 1

        said = finish_purge(job, clock)

        assert subscriptions(microsoft) == []
        assert (said["outcome"], said["tries"], said["lapse_by"]) == ("stopped", 4, None)
        assert not Watch.objects.exists()
        page = read_removal(browser, job)
        assert "Microsoft confirmed that it no longer notifies Antares of changes." in page

    @pytest.mark.claim("receipt.watch-gone")
    @pytest.mark.parametrize("product", ["mail"], indirect=True)
    def test_says_that_the_subscription_was_gone(self, subscribed, microsoft, clock):
        # The answer is lost on its way, and the next one is that there is none.
        microsoft.sandbox.fail_next(1, path_prefix=SUBSCRIPTIONS, method="DELETE", drop="after")

        said = finish_purge(disconnect_integration(subscribed), clock)

        assert subscriptions(microsoft) == []
        assert said["outcome"] == "gone"
        assert [(one["outcome"], one["count"]) for one in said["each"]] == [("gone", 1)]

    @pytest.mark.claim("receipt.watch-unanswered", "removal.notices-unanswered")
    @pytest.mark.parametrize("product", ["mail"], indirect=True)
    def test_gives_up_after_a_day_and_says_so(self, subscribed, browser, microsoft, clock):
        microsoft.sandbox.fail_next(99, path_prefix=SUBSCRIPTIONS, method="DELETE", status=503)
        job = disconnect_integration(subscribed)

        said = finish_purge(job, clock)

        assert len(subscriptions(microsoft)) == 1
        assert said["outcome"] == "unanswered"
        assert said["tries"] > 20
        assert said["lapse_by"] is not None
        assert timedelta(hours=24) <= clock() - job.fenced_at < timedelta(hours=25)
        page = read_removal(browser, job)
        assert "Microsoft did not confirm that it no longer notifies Antares of changes." in page
