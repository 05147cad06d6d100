"""Two workers carry out one bulk revocation at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from integrations.models import BulkRevocation, BulkState, PurgeJob, SupportAct, SupportActState
from integrations.support import bulk_revocation, bulk_runner
from tests.factories import make_organisation
from tests.integrations.support.bulk_world import list_revoked, make_account, make_proposal
from tests.integrations.support.desk import actor_of, make_agent
from tests.races.locks import run_in_session

COUNT = 12


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    @pytest.mark.parametrize("lease", [timedelta(minutes=2), timedelta(0)])
    def test_disconnect_each_account_once(self, lease, monkeypatch):
        """Without a lease, both are at work."""
        monkeypatch.setattr(bulk_runner, "LEASE", lease)
        monkeypatch.setattr(bulk_runner, "BATCH", 4)
        acme, sam, sina = make_organisation(), make_agent("sam"), make_agent("sina")
        accounts = [make_account(acme) for _ in range(COUNT)]
        bulk = bulk_revocation.propose_bulk(
            make_proposal(organisation_id=acme.id), actor=actor_of(sam), at=timezone.now()
        )
        bulk_runner.run_bulk(bulk_id=bulk.id)
        bulk_revocation.approve_bulk(bulk.id, actor=actor_of(sina), at=timezone.now())

        run = partial(bulk_runner.run_bulk, bulk_id=bulk.id)
        with ThreadPoolExecutor(2) as pool:
            for worker in [pool.submit(run_in_session, run) for _ in range(2)]:
                worker.result(60)
        # A worker that lost its lease leaves acts for the next run.
        bulk_runner.run_bulk(bulk_id=bulk.id)

        assert list_revoked() == {account.id for account in accounts}
        assert PurgeJob.objects.count() == COUNT
        states = SupportAct.objects.values_list("state", flat=True)
        assert list(states) == [SupportActState.DONE] * COUNT
        assert BulkRevocation.objects.get().state == BulkState.DONE
        assert BulkRevocation.objects.get().counts["progress"]["done"] == COUNT
