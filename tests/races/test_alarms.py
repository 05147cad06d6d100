"""Two operators who settle the same alarm at the same moment."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.utils import timezone

from accounts import alarms
from accounts.ids import uuid7
from accounts.models import Alarm
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.usage import settled_alarms
from tests.races.test_withdraw import do_together

pytestmark = pytest.mark.django_db(transaction=True)


def settle(alarm_id, operator_id):
    """Return whether this operator settled the alarm."""
    try:
        settled_alarms.settle_alarm(
            alarm_id, reason=f"of {operator_id}", at=timezone.now(), operator_id=operator_id
        )
    except alarms.AlarmSettledBefore:
        return False
    return True


class TestTwoOperators:
    def test_settle_an_alarm_once_with_one_entry(self):
        alarms.raise_alarm(
            kind="purge.overdue", about=UUID(int=7), window="one", body={}, at=timezone.now()
        )
        alarm_id = Alarm.objects.get().id
        operators = [uuid7() for _ in range(4)]

        results = do_together(
            *(lambda operator=operator: settle(alarm_id, operator) for operator in operators)
        )

        assert sorted(results) == [False, False, False, True]
        winner = operators[results.index(True)]
        alarm = Alarm.objects.get()
        assert (alarm.settled_by, alarm.settled_reason) == (winner, f"of {winner}")
        payloads = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.all()]
        [entry] = [payload for payload in payloads if payload.get("event") == "alarm.settled"]
        assert entry["body"]["operator"] == entries.get_ledger_pseudonym(winner)
