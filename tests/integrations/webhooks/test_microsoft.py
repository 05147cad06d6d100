"""What Microsoft calls: trials said back as text, and calls proven by what they say back."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import providers
from integrations.models import SyncWork, Watch
from integrations.providers.microsoft import notifications
from integrations.push import blind_lookup, due_syncs, push_mechanisms
from limited_use.vault.keyring.keyring_factory import _open_files
from tests.broker import sync_message
from tests.fakes.pushes import make_open_subscriptions
from tests.integrations.push.conftest import list_watches, reconcile_due_watches
from tests.integrations.webhooks.conftest import asked_of
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]
HERE = "/webhooks/microsoft/channel"


@pytest.fixture
def work(calendars):
    return SyncWork.objects.get(integration=calendars)


@pytest.fixture
def subscription(work, provider, clock, queue, monkeypatch):
    """Return the provider's id of one that stands and what it says; nothing is due."""
    google = replace(
        providers.PROVIDERS["google"],
        watch_calendars=None,
        subscriptions=make_open_subscriptions(provider),
    )
    monkeypatch.setitem(providers.PROVIDERS, "google", google)
    monkeypatch.setitem(
        push_mechanisms.SUBSCRIPTION_MECHANISMS, "calendar", push_mechanisms.MECHANISMS["calendar"]
    )
    reconcile_due_watches(clock)
    SyncWork.objects.update(next_sync_at=timezone.now() + due_syncs.SKEW * 100)
    [(name, (hook, _))] = provider.channels.items()
    return name, notifications.build_client_state(hook)


def item(name: str, state: str, **more: object) -> dict:
    resource = "Users/oid/Events/AAkALgE="
    return {
        "subscriptionId": name,
        "subscriptionExpirationDateTime": "2026-12-01T00:00:00.0000000Z",
        "clientState": state,
        "changeType": "updated",
        "resource": resource,
        "tenantId": "11111111-2222-3333-4444-555555555555",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": resource,
            "@odata.etag": 'W/"x"',
            "id": "AAkALgE=",
        },
    } | more


def call(*items: object, body: bytes | None = None):
    content = json.dumps({"value": list(items)}).encode() if body is None else body
    return Client(enforce_csrf_checks=True).post(HERE, content, content_type="application/json")


@pytest.mark.scenario("P6")
class TestATrial:
    @pytest.mark.parametrize(
        "said",
        [
            (
                "Validation: Testing client application reachability for subscription"
                " Request-Id: 877cb92e-a60b-483b-8a39-79aa5f64f5a3"
            ),
            "eyJhbGciOiJSUzI1NiJ9.a-b_c.~+/==",
            "a%41",
            "x" * 1024,
        ],
        ids=["sentence", "signed", "percent", "longest"],
    )
    def test_is_said_back_as_text_and_as_nothing_else(self, said):
        query = urlencode({"validationToken": said})
        answer = Client(enforce_csrf_checks=True).post(f"{HERE}?{query}")

        assert (answer.status_code, answer.content.decode()) == (200, said)
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer["Cache-Control"]
        assert not answer.cookies

    @pytest.mark.parametrize(
        "token",
        [
            "", "x" * 1025, "a\r\nb", "a\tb", "a\0b", "\u00e9", "\u2028", "\uff1cb\uff1e",
            "<script>alert(1)</script>", "<b", "b>", 'a"b', "a'b", "a`b", "a&b", "{{7*7}}", "${x}",
            "#{x}", "[x]", "a\\b", "%PDF-\x80", "%3Cscript%3E<",
        ],
    )  # fmt: skip
    def test_that_is_none_of_theirs_is_not_said_back(self, token):
        answer = Client().post(f"{HERE}?{urlencode({'validationToken': token})}")

        assert (answer.status_code, answer.content) == (400, b"")

    @pytest.mark.parametrize("query", ["%ED%A0%80", "%FF", "a%00b", "x&validationToken=%3Cb%3E"])
    def test_that_is_no_text_is_not_said_back(self, query):
        answer = Client().post(f"{HERE}?validationToken={query}")

        assert (answer.status_code, answer.content) == (400, b"")

    def test_takes_one_count_and_no_look_at_the_database(self):
        with CaptureQueriesContext(connection) as queries:
            Client().post(f"{HERE}?validationToken=x")

        assert asked_of(queries) == []

    def test_is_made_by_a_post_alone(self):
        assert Client().get(f"{HERE}?validationToken=x").status_code == 405


class TestACall:
    @pytest.mark.scenario("P5")
    def test_makes_that_calendar_due_once_however_many_changes_it_tells(
        self, subscription, work, queue, alice
    ):
        answer = call(*[item(*subscription, changeType=one) for one in ("created", "updated") * 5])

        assert (answer.status_code, answer.content) == (202, b"")
        assert queue == [sync_message(work)]
        assert alice.work.next_sync_at > timezone.now()

    def test_may_speak_for_others_that_are_not_ours(self, subscription, work, queue):
        strange = item("another", "theirs", tenantId="another")

        assert call(strange, item(*subscription)).status_code == 202
        assert queue == [sync_message(work)]

    @pytest.mark.scenario("P3")
    @pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
    def test_about_the_subscription_itself_has_it_seen_to(
        self, subscription, calendars, work, queue, event
    ):
        told = {"changeType": None, "resourceData": None, "lifecycleEvent": event}

        assert call(item(*subscription, **told)).status_code == 202
        [row] = list_watches(calendars)
        assert (row.due_at <= timezone.now()) is (event != "missed")
        assert queue == [sync_message(work)]

    @pytest.mark.scenario("P4")
    def test_of_one_that_is_forgotten_is_acknowledged_and_dropped(self, subscription, queue):
        Watch.objects.all().delete()

        assert call(item(*subscription)).status_code == 202
        assert (queue, Watch.objects.count()) == ([], 0)

    def test_about_another_thing_is_acknowledged_and_dropped(self, subscription, queue):
        _, state = subscription

        assert call(item("another", state)).status_code == 202
        assert queue == []

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b'{"value": 1}', b"{", b"[" * 100_000, b"x" * (512 * 1024 + 1)]
    )
    def test_that_makes_no_sense_does_not_come_for_four_hours(self, body, queue):
        answer = call(body=body)

        assert (answer.status_code, answer.content, queue) == (202, b"", [])


@pytest.mark.scenario("P5")
class TestStrangerAtGraphWebhook:
    @pytest.mark.parametrize(
        "forged",
        [
            lambda name, _: item(name, "wrong"),
            lambda name, state: item(name, state.swapcase()),
            lambda name, state: item(name, f"{state}x"),
            lambda name, state: item(
                name, f"{blind_lookup.make_channel_id()}.{state.partition('.')[2]}"
            ),
            lambda name, _: item(name, "x" * 129),
            lambda name, state: item(name, f"{state.partition('.')[0]}.\ud800"),
            lambda name, state: item(name, f"{state.partition('.')[0]}.\u00e9"),
            lambda name, _: item(name, "\ud800.\ud800", lifecycleEvent=[[[[]]]]),
            lambda name, _: item(name, None),
            lambda _, state: {"subscriptionId": 1, "clientState": state},
            lambda name, _: name,
        ],
    )
    def test_is_refused_and_changes_nothing(self, subscription, queue, calendars, forged):
        [before] = list_watches(calendars)

        answer = call(forged(*subscription))

        [after] = list_watches(calendars)
        assert (answer.status_code, queue) == (403, [])
        assert (after.last_event_at, after.due_at) == (before.last_event_at, before.due_at)

    def test_costs_one_count_and_no_look_at_the_database(self, subscription):
        name, _ = subscription
        with CaptureQueriesContext(connection) as queries:
            call(*[item(name, f"{number}.wrong") for number in range(50)])

        assert asked_of(queries) == []

    @pytest.mark.invariant(4)
    def test_leaves_no_secret_in_the_log(self, subscription, caplog, capsys):
        call(item(*subscription))
        call(item("canary", "canary.canary"))

        said = caplog.text + "".join(capsys.readouterr())
        assert not any(one in said for one in (*subscription, "canary", "AAkALgE="))


def test_without_keys_whoever_calls_is_told_to_come_again(subscription, settings, queue):
    folder, away = settings.KEYRING.folder, settings.KEYRING.folder.with_name("away")
    folder.rename(away)
    _open_files.cache_clear()

    out = call(item(*subscription))
    away.rename(folder)

    assert (out.status_code, queue) == (503, [])
