"""One write under one key: by many at once, and after the process that wrote it was killed."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connections as databases
from django.utils import timezone

from accounts import row_owner
from integrations.access.request_context import RequestContext
from integrations.models import Event, Integration, Reply
from integrations.web import idempotency
from integrations.web.idempotency import KeyedRequest, RequestInProgress
from tests.api import cast
from tests.api.calendars.asking import V1
from tests.api.calendars.test_local_writing import create_calendar_named
from tests.integrations import household as houses
from tests.integrations.calendar_house import moment
from tests.integrations.purge.conftest import keyring
from tests.races.writers import Writer, has_no_other_connection
from tests.worlds.processes import wait_until

__all__ = ["keyring"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scenario("C3"),
    pytest.mark.invariant(9),
]
# More lines than a write has; the loop ends with the first that is not reached.
MANY = 500
STEPS = ["web/idempotency.py", "calendar/api/event_views.py", "calendar/local_events.py"]


class TestLeaseThatHasEnded:
    @pytest.fixture
    def asked(self, keyring):
        house = houses.household()
        return RequestContext(house.actor, house.user.id, timezone.now())

    def claim(self, asked, barrier=None):
        try:
            with row_owner.acting_for(asked.actor.user_id, asked.actor.organisation_id):
                integration = Integration.objects.get()
                if barrier is not None:
                    barrier.wait(20)
                return idempotency.claim(
                    asked, KeyedRequest("create_event", "key-1", b"New"), integration
                )
        except RequestInProgress as error:
            return error
        finally:
            databases.close_all()

    def test_is_taken_over_by_one_of_many(self, asked):
        lease = self.claim(asked)
        later = replace(asked, at=lease.held_until)
        barrier = threading.Barrier(8)

        with ThreadPoolExecutor(8) as pool:
            ends = list(pool.map(lambda _: self.claim(later, barrier), range(8)))

        [taken] = [end for end in ends if isinstance(end, Reply)]
        assert (taken.id, taken.held_until) == (lease.id, later.at + idempotency.LEASE_TIME)
        # The others wait for the new lease.
        waits = {end.retry_after for end in ends if isinstance(end, RequestInProgress)}
        assert (len(ends), waits) == (8, {idempotency.LEASE_TIME.total_seconds()})

    def test_is_not_released_by_whoever_had_it_before(self, asked):
        lease = self.claim(asked)
        taken = self.claim(replace(asked, at=lease.held_until))

        idempotency.release(lease, is_undone=True)

        assert Reply.objects.get().held_until == taken.held_until

    def test_is_not_taken_over_a_moment_before(self, asked):
        lease = self.claim(asked)

        early = self.claim(replace(asked, at=lease.held_until - timedelta(microseconds=1)))

        assert isinstance(early, RequestInProgress)
        assert 0 < early.retry_after < 1


@pytest.fixture
def writer(keyring):
    with Writer() as writer:
        yield writer


class TestProcessKilledWhileItWrites:
    """At each line the caller is told how long to wait, and then the event is written once."""

    def kill_at(self, lines, writer):
        user, *_ = houses.person("alice", at=timezone.now())
        hers = cast.browser(user)
        calendar = create_calendar_named(hers, "Family")
        cookies = f"session={hers.cookies['session'].value}"
        when = {"object": "timespan", "start": moment(2).isoformat(),
                "end": moment(2, 10).isoformat()}  # fmt: skip
        told = []

        for line in lines:
            body = json.dumps({"calendar_id": calendar, "title": f"Tea {line}", "when": when})
            key = f"key-{line:08}"

            ended = writer.write(line=line, steps=STEPS, cookies=cookies, body=body, key=key)
            wait_until(has_no_other_connection)

            told.append(self.send_until_written(hers, body, key))
            assert Event.objects.count() == len(told), line
            if ended != -9:
                assert ended == 201
                return told
        return told

    def send_until_written(self, hers, body, key) -> int | None:
        """Send the same again, after the wait that is told; return that wait, if there was one."""

        def send():
            return hers.post(
                f"{V1}/events", body, content_type="application/json",
                headers={"Idempotency-Key": key},
            )  # fmt: skip

        answer, wait = send(), None
        if answer.status_code == 409:
            assert answer.json()["code"] == "in-progress"
            wait = int(answer["Retry-After"])
            assert 100 < wait <= 120
            with time_machine.travel(timezone.now() + timedelta(seconds=wait)):
                answer = send()
        assert answer.status_code == 201
        return wait

    def test_is_followed_by_the_same_request(self, writer):
        told = self.kill_at(range(20, MANY, 25), writer)

        # Before the lease and after the answer, there is nothing to wait for.
        assert {wait is None for wait in told} == {True, False}

    @pytest.mark.thorough("a write of an event, killed before each line that it runs")
    def test_is_followed_by_the_same_request_wherever_it_was_killed(self, writer):
        told = self.kill_at(range(1, MANY, 2), writer)

        assert 40 < len(told) < MANY / 2 - 1
        assert {wait is None for wait in told} == {True, False}
