"""Support and the owner disconnect an account at the same moment, and two workers take one act."""

from __future__ import annotations

from functools import partial
from threading import Barrier

import pytest

from integrations.access.fences import NotConnectedError
from integrations.coordination.leases import NotClaimable
from integrations.models import (
    OwnerNotice,
    PurgeJob,
    SupportAct,
    SupportActKind,
    SupportActState,
)
from integrations.support import act_runner
from tests.integrations.support_desk import Desk
from tests.races.test_purge_during import InThread


@pytest.fixture
def desk(transactional_db):
    return Desk()


def run_together(*actions) -> list[BaseException | None]:
    together = Barrier(len(actions))

    def wait_then(action):
        together.wait(30)
        action()

    threads = [InThread(partial(wait_then, action)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [thread.raised for thread in threads]


@pytest.mark.invariant(6)
class TestAnAct:
    @pytest.mark.parametrize("_round", range(3))
    def test_and_the_owner_open_one_purge_for_each_product(self, desk, _round):
        act = desk.order_disconnect()

        by_support, by_owner = run_together(
            partial(act_runner.run_purge_act, act_id=act.id), desk.disconnect_as_owner
        )

        assert by_support is None
        jobs = PurgeJob.objects.all()
        assert {job.integration_id for job in jobs} == {desk.mail.id, desk.calendar.id}
        assert jobs.count() == 2
        act = SupportAct.objects.get()
        assert act.done_count == jobs.filter(support_act_id=act.id).count()
        if by_owner is None:
            assert (act.state, act.done_count) == (SupportActState.UNNECESSARY, 0)
            assert not OwnerNotice.objects.filter(message__startswith="support_").exists()
        else:
            assert isinstance(by_owner, NotConnectedError)
            assert (act.state, act.done_count) == (SupportActState.DONE, 2)

    def test_that_two_workers_take_is_done_once(self, desk):
        desk.connect()
        act, _ = desk.order(SupportActKind.REVOKE_PERSON)
        run = partial(act_runner.run_purge_act, act_id=act.id)

        raised = run_together(run, run)

        assert [type(error) for error in raised if error is not None] == [NotClaimable]
        act = SupportAct.objects.get()
        assert (act.state, act.done_count) == (SupportActState.DONE, 4)
        assert PurgeJob.objects.count() == 4
        assert OwnerNotice.objects.count() == 2
