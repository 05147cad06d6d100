"""What channels call: by the token they were given, about what they were opened for."""

from __future__ import annotations

from urllib.robotparser import RobotFileParser

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import SyncWork, Watch
from integrations.push import blind_lookup, due_syncs
from limited_use.vault.keyring.keyring_factory import _open_files
from tests.broker import sync_message
from tests.integrations.push.conftest import CALENDAR, list_watches, reconcile_due_watches
from tests.integrations.webhooks.conftest import CHANNEL, asked_of, send_channel_call
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]
RESOURCE = f"resource-{CALENDAR}@there"


@pytest.fixture
def work(calendars):
    return SyncWork.objects.get(integration=calendars)


@pytest.fixture
def channel(calendars, provider, clock, queue, work):
    """Return the id and the token of a channel that stands; nothing is due."""
    reconcile_due_watches(clock)
    SyncWork.objects.update(next_sync_at=timezone.now() + due_syncs.SKEW * 100)
    [(hook, _)] = provider.channels.values()
    return hook.channel_id, hook.token


class TestACall:
    def test_makes_that_calendar_due_and_no_other(self, channel, work, queue, alice):
        answer = send_channel_call(*channel, resource=RESOURCE)

        assert (answer.status_code, answer.content) == (204, b"")
        assert queue == [sync_message(work)]
        assert alice.work.next_sync_at > timezone.now()

    @pytest.mark.scenario("P5")
    def test_that_comes_ten_times_asks_once(self, channel, work, queue):
        with time_machine.travel(timezone.now(), tick=False):
            statuses = {
                send_channel_call(*channel, resource=RESOURCE).status_code for _ in range(10)
            }

        assert (statuses, queue) == ({204}, [sync_message(work)])

    @pytest.mark.parametrize("state", ["sync", "exists", "not_exists", "nonsense"])
    def test_is_heard_whatever_it_says_has_become_of_it(self, channel, calendars, state):
        assert send_channel_call(*channel, resource=RESOURCE, state=state).status_code == 204
        [watch] = list_watches(calendars)
        assert watch.last_event_at is not None

    @pytest.mark.scenario("P6")
    def test_may_come_before_we_know_what_the_provider_calls_it(
        self, calendars, provider, clock, queue, work
    ):
        heard = []

        def first() -> None:
            [(hook, _)] = provider.channels.values()
            heard.append(
                send_channel_call(
                    hook.channel_id, hook.token, resource="?", state="sync"
                ).status_code
            )

        provider.after_opening = first
        reconcile_due_watches(clock)

        assert heard == [204]
        [watch] = list_watches(calendars)
        assert watch.last_event_at is not None

    @pytest.mark.scenario("P4")
    def test_of_a_channel_that_is_forgotten_is_acknowledged_and_dropped(self, channel, queue):
        Watch.objects.all().delete()

        assert send_channel_call(*channel, resource=RESOURCE).status_code == 204
        assert (queue, Watch.objects.count()) == ([], 0)

    def test_about_another_thing_is_acknowledged_and_dropped(self, channel, queue):
        assert send_channel_call(*channel, resource="another").status_code == 204
        assert queue == []


@pytest.mark.scenario("P5")
class TestStrangerAtChannelWebhook:
    @pytest.mark.parametrize(
        "forged",
        [
            lambda one, _: (one, "wrong"),
            lambda one, _: (one, ""),
            lambda _, secret: ("", secret),
            lambda one, secret: (one[:-1], secret),
            lambda one, secret: (one.swapcase(), secret),
            lambda _, secret: (blind_lookup.make_channel_id(), secret),
            lambda one, _: (one, blind_lookup.derive_token(blind_lookup.make_channel_id())),
            lambda one, secret: (f"{one}x", secret),
            lambda _, secret: ("é" * 43, secret),
        ],
    )
    def test_is_refused_and_changes_nothing(self, channel, queue, forged):
        assert send_channel_call(*forged(*channel), resource=RESOURCE).status_code == 403
        assert queue == []

    def test_without_a_header_is_refused(self, channel):
        assert Client().post(CHANNEL).status_code == 403

    def test_costs_one_count_and_no_look_at_the_database(self, channel):
        with CaptureQueriesContext(connection) as queries:
            send_channel_call(channel[0], "wrong", resource=RESOURCE)

        assert asked_of(queries) == []

    @pytest.mark.invariant(4)
    def test_leaves_no_secret_in_the_log(self, channel, caplog, capsys):
        send_channel_call(*channel, resource=RESOURCE)
        send_channel_call(channel[0], "canary", resource="canary")

        said = caplog.text + "".join(capsys.readouterr())
        assert not any(one in said for one in (*channel, "canary", RESOURCE))


def test_without_keys_whoever_calls_is_told_to_come_again(channel, settings, queue):
    folder, away = settings.KEYRING.folder, settings.KEYRING.folder.with_name("away")
    folder.rename(away)
    _open_files.cache_clear()

    out = send_channel_call(*channel, resource=RESOURCE)
    away.rename(folder)

    assert (out.status_code, queue) == (503, [])


@pytest.mark.scenario("O6")
def test_robots_may_call_what_google_calls():
    answer = Client().get("/robots.txt")
    robots = RobotFileParser()
    robots.parse(answer.text.splitlines())

    assert answer["Content-Type"].startswith("text/plain")
    for agent in ("APIs-Google", "APIs-Google; (+https://developers.google.com/)", "Googlebot"):
        for path in ("/webhooks/google/channel", "/webhooks/google/pubsub"):
            assert robots.can_fetch(agent, f"https://antares.example{path}"), agent
    assert not robots.can_fetch("Googlebot", "https://antares.example/receipts/x/")
    assert robots.can_fetch("Googlebot", "https://antares.example/data-use/")
