"""The first requests of a web process, which arrive before it knows whether it may serve."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from config.restore_gate import RestoreGate
from config.schema_gate import SchemaGate

CHANNEL = "/webhooks/google/channel"


def serve(environ, start_response):
    start_response("204 No Content", [])
    return [b""]


def call(door) -> str:
    """Return the status of one notification."""
    statuses = []
    door({"PATH_INFO": CHANNEL}, lambda status, _headers: statuses.append(status))
    return statuses[0]


def shut_by_schema(application, is_shut):
    return SchemaGate(application, lambda: not is_shut())


class TestRequestsDuringTheFirstLook:
    """A notification that came while another one made the process look was answered 503."""

    @pytest.mark.scenario("P5")
    @pytest.mark.parametrize("gate", [RestoreGate, shut_by_schema])
    def test_wait_for_its_answer(self, gate):
        is_asked, may_answer = Event(), Event()
        looks = []

        def is_pending() -> bool:
            looks.append(True)
            is_asked.set()
            assert may_answer.wait(10)
            return False

        door = gate(serve, is_pending)
        with ThreadPoolExecutor(4) as pool:
            first = pool.submit(call, door)
            assert is_asked.wait(10)
            others = [pool.submit(call, door) for _ in range(3)]
            # Long enough for a refusal, which would not wait.
            Event().wait(0.3)
            may_answer.set()
            statuses = [one.result(10) for one in (first, *others)]

        assert statuses == ["204 No Content"] * 4
        assert looks == [True]

    @pytest.mark.parametrize("gate", [RestoreGate, shut_by_schema])
    def test_are_all_refused_by_one_look_that_finds_something_in_the_way(self, gate):
        looks = []
        door = gate(serve, lambda: looks.append(True) or True)

        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda _: call(door), range(8)))

        assert statuses == ["503 Service Unavailable"] * 8
        assert looks == [True]
