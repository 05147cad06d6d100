"""Figures are for operators; they come from the database, and name nobody."""

from __future__ import annotations

import hashlib
import re

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Alarm
from integrations.operations import metrics
from integrations.tasks import evidence as tasks
from limited_use import tasks as counting
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.usage import refusal_bursts
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from tests.api import cast
from tests.review.conftest import MESSAGES, as_worker, run_sequencer_and_tally

pytestmark = pytest.mark.django_db
TOKEN = "t" * 43


def figures(answer):
    """Return (name, labels) and value of each sample."""
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def measure():
    with as_worker():
        tasks.measure()


def count():
    with as_worker():
        counting.count_uses()


@pytest.fixture
def collector(settings):
    settings.METRICS_TOKEN_SHA256 = hashlib.sha256(TOKEN.encode()).hexdigest()
    return cast.collector(TOKEN)


@pytest.mark.control("3.1.1")
class TestWhoMayRead:
    def test_is_an_operator_with_a_second_factor(self, otto):
        assert otto.get("/metrics").status_code == 200

    def test_is_a_collector_with_the_token(self, alice, collector):
        assert collector.get("/metrics").status_code == 200

    @pytest.mark.parametrize("token", ["", "t" * 42, "x" * 43, "é" * 43])
    def test_is_nobody_with_another_token(self, collector, token):
        answer = Client(headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")})

        assert answer.get("/metrics").headers["Location"].startswith("/accounts/login/")

    def test_is_nobody_by_token_where_none_is_set(self, settings):
        settings.METRICS_TOKEN_SHA256 = ""

        for token in ("", TOKEN):
            assert cast.bearer(token).get("/metrics").status_code == 302

    def test_is_nobody_else(self, alice, rita):
        assert Client().get("/metrics").status_code == 302
        assert cast.browser(alice.user).get("/metrics").status_code == 403
        assert rita.get("/metrics").status_code == 403


class TestDecisions:
    def test_are_counted_by_feature_purpose_and_outcome(self, used, otto):
        found = figures(otto.get("/metrics"))

        assert found["antares_refusals_total", (("feature", "campaigns"),)] == 1
        [marketing] = [
            labels
            for name, labels in found
            if name == "antares_decisions_total" and ("purpose", "marketing") in labels
        ]
        assert dict(marketing) == {
            "feature": "campaigns",
            "purpose": "marketing",
            "data_class": "mail.metadata",
            "recipient": "platform_feature",
            "rule": "never-market",
            "outcome": "refused",
        }

    def test_only_grow(self, used, campaigns, otto):
        before = figures(otto.get("/metrics"))

        campaigns.get(MESSAGES)
        run_sequencer_and_tally()
        after = figures(otto.get("/metrics"))

        for key, value in before.items():
            if key[0].endswith("_total"):
                assert after[key] >= value
        assert after["antares_refusals_total", (("feature", "campaigns"),)] == 2


class TestGauges:
    def test_say_how_the_service_stands(self, used, otto):
        measure()

        found = figures(otto.get("/metrics"))

        assert found["antares_keyring_available", ()] == 1
        assert found["antares_data_keys", (("line", "content"),)] == 1
        active = (("provider", "google"), ("status", "active"))
        assert found["antares_connections", active] == 1
        assert found["antares_promises_late", (("promise", "rows_gone"),)] == 0
        assert found["antares_refusals_last_5_minutes", (("feature", "campaigns"),)] == 1
        assert found["antares_ledger_waiting", ()] == 0
        assert found["antares_measured_timestamp_seconds", ()] > 0

    def test_say_that_the_keyring_does_not_answer(self, used, otto, monkeypatch):
        def away():
            raise KeyStoreUnavailable

        monkeypatch.setattr(metrics, "get_keyring", away)

        measure()

        assert figures(otto.get("/metrics"))["antares_keyring_available", ()] == 0

    def test_say_how_far_a_turn_of_the_keys_is(self, used, otto, monkeypatch):
        def die(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(key_epochs, "_rewrap_batch", die)
        with pytest.raises(KeyboardInterrupt):
            key_epochs.rotate_key_epoch(KeyLine.CONTENT, timezone.now())
        measure()

        found = figures(otto.get("/metrics"))

        assert found["antares_data_keys_to_wrap", (("line", "content"),)] == 1
        assert found["antares_data_keys_to_wrap", (("line", "credential"),)] == 0

    def test_say_nothing_before_anything_was_measured(self, otto):
        assert not [name for name, _ in figures(otto.get("/metrics")) if "keyring" in name]

    def test_have_words_for_each(self, used):
        assert {one.name for one in metrics.measure_metrics(at=timezone.now())} <= set(
            metrics.DESCRIPTIONS
        )

    def test_replace_what_was_measured_before(self, used):
        first = metrics.measure_metrics(at=timezone.now())
        metrics.measure_metrics(at=timezone.now())

        assert len(metrics.load_metrics()[1]) == len(first)


@pytest.mark.invariant(4)
@pytest.mark.control("6.5.1")
class TestMetricsForOthers:
    def test_is_in_them(self, used, alice, mine, otto):
        measure()

        shown = otto.get("/metrics").content.decode()

        secrets = [cast.MARKER, "gmail.example", alice.user.email, *vars(mine).values()]
        assert not [one for one in secrets if one in shown]
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", shown)


@pytest.mark.clause("LU-4", "LU-4.1")
class TestABurst:
    def test_of_a_campaign_that_keeps_trying_is_an_alarm(self, campaigns):
        for _ in range(refusal_bursts.FLOOR + 1):
            assert campaigns.get(MESSAGES).status_code == 403
        run_sequencer_and_tally()

        count()
        count()

        alarm = Alarm.objects.get(kind="refusals.burst")
        assert alarm.body["feature"] == "campaigns"
        assert alarm.body["count"] > refusal_bursts.FLOOR

    def test_is_not_what_happens_now_and_then(self, campaigns, alice):
        for _ in range(3):
            campaigns.get(MESSAGES)
            cast.browser(alice.user).get(MESSAGES)
        run_sequencer_and_tally()

        count()

        assert not Alarm.objects.filter(kind="refusals.burst").exists()
