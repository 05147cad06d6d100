"""The set of disconnected connections is the criteria's set, for random worlds."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import hypothesis
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from integrations.models import BulkRevocation, BulkState, Connection
from integrations.providers.local import LOCAL
from integrations.support import bulk_act, bulk_runner
from tests.factories import make_organisation, make_user
from tests.integrations.support.bulk_world import begin, list_revoked, make_account, run_worker
from tests.integrations.support.desk import make_agent

HOURS = 6
PROVIDERS = ("google", "microsoft", LOCAL.key)

accounts = st.lists(
    st.tuples(
        st.integers(0, 1),  # organisation
        st.sampled_from(PROVIDERS),
        st.integers(0, HOURS),  # connected, hours ago
        st.sampled_from([(), ("mail",), ("mail", "calendar")]),
    ),
    max_size=6,
)
criteria = st.tuples(
    st.none() | st.integers(0, 1),
    st.sampled_from(["", "google", "microsoft"]),
    st.none() | st.integers(1, HOURS),
    st.none() | st.integers(0, HOURS),
).filter(
    lambda chosen: (
        (chosen[0] is not None or chosen[1] or chosen[2] is not None)
        and (chosen[2] is None or chosen[2] > (chosen[3] or 0))
    )
)


class Killed(BaseException):
    """The worker's process ends."""


class Rollback(Exception):
    """The example is over."""


def matches(account, chosen):
    (organisation, provider, hours, _), (place, chosen_provider, first, last) = account, chosen
    return (
        provider != LOCAL.key
        and place in (None, organisation)
        and chosen_provider in ("", provider)
        and (first is None or hours <= first)
        and hours >= (last or 0)
    )


def run_with_kills(bulk, kills, patch):
    """Run workers until the end; after each of `kills` acts, one is killed."""
    carry_out, at = bulk_act.carry_out, timezone.now()
    for count in [*kills, None]:
        left = [count]

        def carry_out_or_die(act_id, left=left, **values):
            if left[0] == 0:
                raise Killed
            if left[0] is not None:
                left[0] -= 1
            return carry_out(act_id, **values)

        patch.setattr(bulk_act, "carry_out", carry_out_or_die)
        try:
            run_worker(bulk, now=lambda at=at: at)
        except Killed:
            at += bulk_runner.LEASE
    patch.setattr(bulk_act, "carry_out", carry_out)


@pytest.mark.django_db
class TestRandomWorlds:
    @hypothesis.settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(accounts=accounts, chosen=criteria, kills=st.lists(st.integers(0, 3), max_size=2))
    def test_exactly_the_matching_accounts_are_disconnected(self, accounts, chosen, kills):
        block = transaction.atomic()
        # As the block of the test itself: durable ones may begin in it.
        block._from_testcase = True
        with suppress(Rollback), block:
            self.check_world(accounts, chosen, kills)
            raise Rollback

    def check_world(self, accounts, chosen, kills):
        now = timezone.now()
        organisations = [make_organisation() for _ in range(2)]
        people = [make_user("alice", organisation=each) for each in organisations]
        sam, sina = make_agent("sam"), make_agent("sina")
        accounts_by_id = {}
        for account in accounts:
            organisation, provider, hours, products = account
            # Between the borders that criteria can have.
            at = now - timedelta(hours=hours, minutes=-1 if hours == HOURS else 0, seconds=1)
            connection = make_account(
                organisations[organisation],
                user=people[organisation],
                provider=provider,
                products=products if provider != LOCAL.key else (),
            )
            Connection.objects.filter(id=connection.id).update(connected_at=at)
            hours_ago = (now - at).total_seconds() / 3600
            accounts_by_id[connection.id] = (organisation, provider, hours_ago, ())
        place, provider, first, last = chosen

        bulk = begin(
            sam,
            sina,
            organisation_id=None if place is None else organisations[place].id,
            provider=provider,
            connected_from=None if first is None else now - timedelta(hours=first),
            connected_until=None if last is None else now - timedelta(hours=last),
        )
        with pytest.MonkeyPatch.context() as patch:
            run_with_kills(bulk, kills, patch)

        expected = {key for key, account in accounts_by_id.items() if matches(account, chosen)}
        assert list_revoked() == expected
        bulk = BulkRevocation.objects.get(id=bulk.id)
        assert bulk.state == BulkState.DONE
        assert bulk.counts["connections"] == len(expected)
        assert bulk.counts["progress"]["done"] == len(expected)
