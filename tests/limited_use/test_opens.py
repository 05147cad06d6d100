"""Who opens how much: counted from the ledger, and unusual where it is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.actors import Actor, ActorKind
from accounts.models import Alarm
from limited_use import tasks
from limited_use.guard import decision_entries, guard
from limited_use.ledger import entries, ledger_sequencer
from limited_use.models import HourOfOpens, Leaf
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.usage import access_rates, rule_usage_counter
from tests.limited_use.conftest import ALICE, NOW, SHOW_METADATA, SYSTEM

HOUR = timedelta(hours=1)
WIDGET = "client:inbox-widget"
DISPLAY = str(Purpose.INBOX_DISPLAY)
SAM = Actor(kind=ActorKind.PERSON, id=UUID(int=0x5A4), user_id=UUID(int=0x5A4))

pytestmark = [pytest.mark.django_db, pytest.mark.control("6.7.1")]


def entry(count, *, at=NOW, kind="client", feature="inbox-widget", actor="", purpose=DISPLAY):
    """Return what a permitted use says in the ledger, as far as it is counted."""
    return {
        "event": "use.permitted",
        "at": entries.to_milliseconds(at),
        "purpose": purpose,
        "actor_kind": kind,
        "actor": actor,
        "feature": feature,
        "count": count,
    }


def person(number):
    return f"{number:032x}"


def history(amounts, **more):
    """Let so many opens have been in each of the hours before this one."""
    access_rates.count_data_openings(
        entry(amount, at=NOW - HOUR * (position + 1), **more)
        for position, amount in enumerate(amounts)
    )


def alarms():
    return list(Alarm.objects.filter(kind=access_rates.ALARM_KIND).order_by("window"))


class TestCounting:
    @pytest.fixture
    def decide(self, ask):
        """Return a function that has the guard permit a use."""
        return lambda **changes: guard.permit(ask(**changes), at=NOW)

    def counted(self):
        ledger_sequencer.run_sequencer(NOW)
        rule_usage_counter.count_applied_rules(at=NOW)
        return dict(HourOfOpens.objects.values_list("actor", "opens"))

    @pytest.mark.invariant(3)
    def test_is_what_the_ledger_says_and_each_entry_once(self, decide):
        decide(count=50)
        decide(count=7)
        first = self.counted()

        assert first == self.counted()
        (said,) = {orjson.loads(bytes(one.payload))["actor"] for one in Leaf.objects.all()}
        assert first == {f"person:{said}": 57}
        assert HourOfOpens.objects.get().hour == NOW

    def test_of_the_service_is_of_one_actor_and_one_where_there_is_no_count(self, decide):
        use = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
        facts = frozenset({Fact.CONNECTION_LIVE, Fact.GRANT_LIVE})
        for _ in range(3):
            decide(use=use, actor=SYSTEM, facts=facts, holder=uuid4())

        assert self.counted() == {"system": 3}

    def test_leaves_out_what_opens_nothing(self, decide, ask):
        use = Use(DataClass.MAIL_CONTENT, Purpose.SYNC_STORE, Recipient.VAULT)
        facts = frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE, Fact.CONSENT_CURRENT})
        decide(use=use, actor=SYSTEM, facts=facts)
        decide(count=0)
        with pytest.raises(guard.AccessRefused):
            decide(use=SHOW_METADATA._replace(purpose=Purpose.MARKETING), count=50)

        assert self.counted() == {}

    def test_knows_no_actor_by_id(self, decide):
        decide(count=1)

        (actor,) = self.counted()
        assert str(ALICE.id) not in actor
        assert ALICE.id.hex not in actor

    @pytest.mark.invariant(3)
    def test_takes_a_person_who_acts_for_others_for_one(self, ask):
        # Under the service's own name for them, whoever's it is that they open.
        record = decision_entries.build_decision_record
        for owner in (uuid4(), uuid4()):
            asked = ask(actor=SAM, on_behalf_of=owner, names=_Names(owner))
            said = record(asked, guard.policy_evaluation.decide_data_use(asked.use, asked.facts), 0)
            assert said["actor"] == entries.get_ledger_pseudonym(SAM.id)

    def test_takes_an_owner_by_the_name_of_their_own_connection(self, ask):
        asked = ask(names=_Names(uuid4()))

        said = decision_entries.build_decision_record(
            asked, guard.policy_evaluation.decide_data_use(asked.use, asked.facts), 0
        )

        assert said["actor"] != entries.get_ledger_pseudonym(ALICE.id)


class _Names:
    """Names of a connection's own."""

    def __init__(self, key):
        self.key = key

    def __call__(self, one):
        return f"{one.int ^ self.key.int:032x}"

    at_the_end = __call__


class TestUnusual:
    def test_is_a_feature_that_suddenly_reads_fifty_times_as_much(self):
        history([100, 90, 110, 120] * 30)
        access_rates.count_data_openings([entry(5000)])

        for _ in range(3):
            access_rates.alarm_unusual_rates(at=NOW)

        (alarm,) = alarms()
        assert alarm.body == {
            "actor": WIDGET,
            "purpose": DISPLAY,
            "count": 5000,
            "usual": 105,
            "limit": 1000,
        }

    def test_is_said_once_for_each_hour_and_purpose(self):
        for purpose in (DISPLAY, str(Purpose.CALENDAR_SCHEDULE)):
            history([100] * 48, purpose=purpose)
            access_rates.count_data_openings(
                [entry(5000, purpose=purpose), entry(6000, at=NOW + HOUR, purpose=purpose)]
            )

        access_rates.alarm_unusual_rates(at=NOW)
        access_rates.alarm_unusual_rates(at=NOW + HOUR)
        access_rates.alarm_unusual_rates(at=NOW + HOUR)

        assert len(alarms()) == 4

    def test_is_an_owner_by_the_name_of_the_ledger(self):
        history([20] * 48, kind="person", actor=person(7), feature="inbox")
        access_rates.count_data_openings(
            [entry(5000, kind="person", actor=person(7), feature="inbox")]
        )

        access_rates.alarm_unusual_rates(at=NOW)

        assert [alarm.about for alarm in alarms()] == [UUID(int=7)]

    @pytest.mark.parametrize("amount", [80, 130, 450, 999])
    def test_is_no_normal_use(self, amount):
        history([100, 90, 110, 120] * 30)
        access_rates.count_data_openings([entry(amount)])

        assert access_rates.alarm_unusual_rates(at=NOW) == []
        assert alarms() == []

    def test_is_no_busy_actor_that_is_as_busy_as_ever(self):
        history([20_000, 60_000, 35_000, 50_000] * 30)
        access_rates.count_data_openings([entry(90_000)])

        assert access_rates.alarm_unusual_rates(at=NOW) == []

    def test_is_a_new_actor_that_reads_more_than_others_do_for_that(self):
        for number in range(1, 6):
            history([50, 60, 70] * 20, kind="person", actor=person(number))
        access_rates.count_data_openings([entry(4000, kind="person", actor=person(99))])

        (found,) = access_rates.alarm_unusual_rates(at=NOW)

        assert (found.actor, found.usual) == (f"person:{person(99)}", 60)

    def test_is_no_new_actor_that_reads_as_others_do(self):
        for number in range(1, 6):
            history([1500, 1600, 1700] * 20, kind="person", actor=person(number))
        access_rates.count_data_openings([entry(2500, kind="person", actor=person(99))])

        assert access_rates.alarm_unusual_rates(at=NOW) == []

    def test_is_judged_by_its_own_kind_of_actor(self):
        # What a client reads for many people says nothing about one person.
        history([50_000] * 48)
        for number in range(1, 3):
            history([50] * 20, kind="person", actor=person(number))
        access_rates.count_data_openings([entry(4000, kind="person", actor=person(99))])

        assert len(access_rates.alarm_unusual_rates(at=NOW)) == 1

    def test_is_nothing_while_nothing_is_usual(self):
        access_rates.count_data_openings([entry(1_000_000)])

        assert access_rates.alarm_unusual_rates(at=NOW) == []

    def test_is_not_forgiven_because_it_was_the_same_the_hour_before(self):
        history([5000, *[100] * 47])
        access_rates.count_data_openings([entry(5000)])

        assert len(access_rates.alarm_unusual_rates(at=NOW)) == 2

    @given(st.lists(st.integers(1, 10**7), min_size=1, max_size=60))
    def test_is_never_what_is_in_the_middle_of_the_usual(self, hours):
        middle = sorted(hours)[len(hours) // 2]

        assert access_rates.compute_usual_opening_limit(hours) >= min(
            middle, access_rates.compute_usual_opening_limit([middle])
        )
        assert access_rates.compute_usual_opening_limit(hours) >= access_rates.FLOOR

    @pytest.mark.invariant(3)
    def test_is_found_by_the_task_that_counts(self, ask):
        history([100] * 48, kind="person", actor=person(7), purpose=DISPLAY)
        for _ in range(30):
            guard.permit(ask(count=200), at=NOW)
        ledger_sequencer.run_sequencer(NOW)

        tasks.count_uses()
        access_rates.alarm_unusual_rates(at=NOW)

        assert HourOfOpens.objects.filter(hour=NOW).get(actor__startswith="person").opens == 6000
        assert len(alarms()) == 1


class TestAccessRateTable:
    def test_is_bounded(self):
        access_rates.count_data_openings(
            [entry(1, at=NOW - timedelta(days=91)), entry(1, at=NOW - timedelta(days=89))]
        )

        access_rates.alarm_unusual_rates(at=NOW)

        assert HourOfOpens.objects.count() == 1
