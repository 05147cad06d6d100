"""What every `Subscriptions` promises, whatever stands behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.providers import errors
from tests.contract.subscription_worlds import (
    FakeSubscriptionWorld,
    GraphWorld,
    answer_validation,
    hook,
)

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def address():
    with answer_validation() as found:
        yield found


@pytest.fixture(params=["fake", "graph"])
def world(request, address):
    if request.param == "fake":
        made = FakeSubscriptionWorld(address)
    else:
        made = GraphWorld(request.getfixturevalue("sandbox"), address)
    yield made
    made.check()


def subscribe_to_calendar(world, name="one"):
    return world.adapter.subscribe_to_calendar(world.calendar_id, hook(name, world.address))


def test_stands_for_as_long_as_was_asked(world):
    asked = hook("one", world.address)

    made = world.adapter.subscribe_to_mailbox(asked)

    assert world.held == {made.resource_id}
    assert abs(made.ends_at - asked.ends_at) < timedelta(seconds=1)


def test_of_the_mailbox_stands_beside_that_of_a_calendar(world):
    of_mail = world.adapter.subscribe_to_mailbox(hook("mail", world.address))
    of_calendar = subscribe_to_calendar(world)

    assert world.held == {of_mail.resource_id, of_calendar.resource_id}


@pytest.mark.scenario("P3")
def test_is_renewed_where_it_stands(world):
    made = world.adapter.subscribe_to_calendar(
        world.calendar_id, hook("one", world.address, lasts=2 * DAY)
    )

    until = world.adapter.renew_subscription(made.resource_id, ends_at=made.ends_at + DAY)

    assert abs(until - made.ends_at - DAY) < timedelta(seconds=1)
    assert world.held == {made.resource_id}


@pytest.mark.scenario("P3")
def test_that_has_ended_is_not_renewed(world):
    made = subscribe_to_calendar(world)
    world.end_all()

    with pytest.raises(errors.Gone):
        world.adapter.renew_subscription(made.resource_id, ends_at=made.ends_at)


def test_takes_the_place_of_another_of_the_same_thing(world):
    first = subscribe_to_calendar(world)

    second = subscribe_to_calendar(world, "two")

    assert first.resource_id != second.resource_id
    assert world.held == {second.resource_id}


def test_may_stand_when_no_answer_came_and_is_not_there_twice(world):
    world.lose_answer()

    with pytest.raises(errors.OutcomeUnknown) as caught:
        subscribe_to_calendar(world)
    assert len(world.held) == 1
    made = subscribe_to_calendar(world, "two")

    assert world.held == {made.resource_id}
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_is_ended_without_an_error_however_often(world):
    made = subscribe_to_calendar(world)

    said = [world.adapter.stop_subscription(made.resource_id) for _ in range(2)]

    assert said == [True, False]
    assert world.held == set()


def test_needs_the_scope_of_what_it_is_about(world):
    with pytest.raises(errors.ScopeMissing):
        world.without_scope().subscribe_to_mailbox(hook("one", world.address))


@pytest.mark.scenario("P6")
def test_is_not_made_where_nobody_answers_a_trial(sandbox):
    world = GraphWorld(sandbox, "http://127.0.0.1:1/nobody")

    with pytest.raises(errors.WebhookRejected) as caught:
        subscribe_to_calendar(world)

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert world.held == set()
