"""What is counted from the ledger is what stands in the ledger, each entry once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Alarm
from limited_use import tasks
from limited_use.guard import guard
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import entries, ledger_sequencer
from limited_use.models import Leaf
from limited_use.models.usage import PolicyUse, Refusal, Tally
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use
from limited_use.policy.rules import RULES
from limited_use.usage import refusal_bursts, rule_usage_counter
from tests.limited_use.conftest import NOW

FIVE = timedelta(minutes=5)
MARKET = Use(DataClass.MAIL_CONTENT, Purpose.MARKETING, Recipient.PLATFORM_FEATURE)
USES = [
    Use(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.OWNER),
    Use(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.OWNER),
    MARKET,
]


def count_policy_uses():
    return Counter(
        {
            (one.rule, one.is_permitted, one.purpose, one.data_class): one.count
            for one in PolicyUse.objects.all()
        }
    )


def in_the_ledger():
    found = [orjson.loads(bytes(one)) for one in Leaf.objects.values_list("payload", flat=True)]
    return Counter(
        (one["rule"], one["event"] == "use.permitted", one["purpose"], one["class"])
        for one in found
        if one["event"].startswith("use.")
    )


@pytest.fixture
def decide(ask):
    """Return a function that has the guard decide a use, whatever comes of it."""

    def decide(use, *, at=NOW, feature=None):
        try:
            return guard.permit(ask(use=use, feature=feature), at=at).entry_id
        except AccessRefused as refusal:
            return refusal.entry_id

    return decide


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestTally:
    def test_counts_each_rule_that_was_applied(self, decide):
        made = [decide(USES[0]), decide(USES[0]), decide(MARKET)]
        ledger_sequencer.run_sequencer(NOW)

        assert rule_usage_counter.count_applied_rules(at=NOW) == 3

        assert count_policy_uses() == in_the_ledger()
        shown = PolicyUse.objects.get(rule="owner-reads-own-inbox")
        # The newest first: what a reviewer is shown first.
        assert (shown.count, shown.latest) == (2, [made[1], made[0]])
        assert PolicyUse.objects.get(rule="never-market").latest == [made[2]]

    def test_counts_nothing_twice(self, decide):
        decide(USES[0])
        ledger_sequencer.run_sequencer(NOW)
        rule_usage_counter.count_applied_rules(at=NOW)

        assert rule_usage_counter.count_applied_rules(at=NOW) == 0
        assert count_policy_uses().total() == 1

    def test_counts_nothing_that_has_no_place_yet(self, decide):
        decide(USES[0])

        assert rule_usage_counter.count_applied_rules(at=NOW) == 0
        assert Tally.objects.get().size == 0

    def test_counts_what_is_no_decision_by_its_name(self, holder):
        entry = entries.record_ledger_event(event="integration.connected", about=holder, at=NOW)
        ledger_sequencer.run_sequencer(NOW)

        assert rule_usage_counter.count_applied_rules(at=NOW) == 1

        event = PolicyUse.objects.get()
        assert (event.rule, event.count, event.latest) == ("integration.connected", 1, [entry])
        assert not [rule.id for rule in RULES if "." in rule.id]

    def test_keeps_the_newest_entries_and_no_more(self, decide):
        made = [decide(USES[0]) for _ in range(7)]
        ledger_sequencer.run_sequencer(NOW)
        rule_usage_counter.count_applied_rules(at=NOW)
        made.append(decide(USES[0]))
        ledger_sequencer.run_sequencer(NOW)

        rule_usage_counter.count_applied_rules(at=NOW)

        assert PolicyUse.objects.get().latest == made[:-6:-1]

    def test_keeps_refusals_for_a_month(self, decide):
        decide(MARKET)
        ledger_sequencer.run_sequencer(NOW)
        rule_usage_counter.count_applied_rules(at=NOW)
        assert Refusal.objects.count() == 1

        rule_usage_counter.count_applied_rules(
            at=NOW + rule_usage_counter.REFUSALS_KEPT_FOR + timedelta(seconds=1)
        )

        assert not Refusal.objects.exists()
        # The count stays: it is the ledger's.
        assert count_policy_uses().total() == 1

    @given(runs=st.lists(st.lists(st.sampled_from(USES), max_size=5), max_size=4))
    @hypothesis_settings(
        max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_comes_to_the_same_however_it_is_interrupted(self, decide, runs):
        for uses in runs:
            for use in uses:
                decide(use)
            ledger_sequencer.run_sequencer(NOW)
            rule_usage_counter.count_applied_rules(at=NOW)

        assert count_policy_uses() == in_the_ledger()
        assert Tally.objects.get().size == ledger_sequencer.get_ledger_size() if runs else True


def record_refusals(count, *, at=NOW, feature="campaigns"):
    Refusal.objects.bulk_create(
        Refusal(
            entry_id=entries.uuid7(),
            at=at,
            rule="never-market",
            feature=feature,
            data_class=MARKET.data_class,
            purpose=MARKET.purpose,
            recipient=MARKET.recipient,
        )
        for _ in range(count)
    )


@pytest.mark.django_db
class TestABurst:
    def test_of_refusals_raises_one_alarm_in_its_window(self):
        record_refusals(refusal_bursts.FLOOR + 1)

        for seconds in (1, 20, 100):
            refusal_bursts.alarm_bursts(at=NOW + timedelta(seconds=seconds))

        alarm = Alarm.objects.get(kind="refusals.burst")
        assert alarm.body == {"feature": "campaigns", "count": refusal_bursts.FLOOR + 1}

    def test_is_found_in_the_window_that_has_just_ended(self):
        record_refusals(refusal_bursts.FLOOR + 1, at=NOW - timedelta(seconds=1))

        assert [one.began_at for one in refusal_bursts.alarm_bursts(at=NOW)] == [NOW - FIVE]

    def test_is_told_again_in_the_next_window_that_has_one(self):
        record_refusals(refusal_bursts.FLOOR + 1)
        record_refusals(refusal_bursts.FLOOR + 1, at=NOW + FIVE)

        refusal_bursts.alarm_bursts(at=NOW + FIVE)

        assert Alarm.objects.get(kind="refusals.burst").count == 2

    def test_is_not_what_stays_within_the_floor(self):
        record_refusals(refusal_bursts.FLOOR)

        assert refusal_bursts.alarm_bursts(at=NOW) == []
        assert not Alarm.objects.exists()

    def test_is_not_what_is_usual_for_that_feature(self):
        usual = int(refusal_bursts.BASELINE / FIVE) * 3
        record_refusals(usual, at=NOW - timedelta(days=1), feature="noisy")
        record_refusals(refusal_bursts.FLOOR + 5, feature="noisy")
        record_refusals(refusal_bursts.FLOOR + 5, feature="quiet")

        assert [one.feature for one in refusal_bursts.alarm_bursts(at=NOW)] == ["quiet"]


@pytest.mark.django_db
class TestUsageCounterTask:
    def test_counts_and_watches(self, decide, time_machine):
        time_machine.move_to(NOW, tick=False)
        for _ in range(refusal_bursts.FLOOR + 1):
            decide(MARKET)
        ledger_sequencer.run_sequencer(NOW)

        tasks.count_uses()

        assert Alarm.objects.get().kind == "refusals.burst"
