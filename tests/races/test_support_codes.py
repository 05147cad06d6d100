"""One code that two agents enter at once."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connections as databases
from django.utils import timezone

from accounts import row_owner
from integrations.models import LookupMeans, SupportCode, SupportLookup
from integrations.support import lookups, support_codes
from tests.broker import record_messages
from tests.factories import make_user
from tests.integrations.support.desk import actor_of, make_agent, request_for
from tests.walls import acting_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_is_queued(monkeypatch):
    record_messages(monkeypatch)


@pytest.mark.parametrize("attempt", range(3))
def test_one_code_finds_its_person_for_one_of_two_agents(attempt):
    alice, agents = make_user("alice"), [make_agent("sam"), make_agent("tim")]
    _, code = support_codes.make_code(user_id=alice.id, at=timezone.now())
    together, found = Barrier(2), {}

    def enter(agent):
        try:
            with acting_as("staff"), row_owner.acting_for(agent.id, None):
                together.wait(timeout=10)
                found[agent.id] = lookups.find_people(
                    request_for(code, LookupMeans.CODE), actor=actor_of(agent), at=timezone.now()
                )
        finally:
            databases.close_all()

    threads = [Thread(target=enter, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(len(ids) for ids in found.values()) == [0, 1]
    (winner,) = (agent_id for agent_id, ids in found.items() if ids)
    assert SupportCode.objects.get().used_by == winner
    assert SupportLookup.objects.filter(user=alice).count() == 1
    assert SupportLookup.objects.filter(user=None).count() == 1
