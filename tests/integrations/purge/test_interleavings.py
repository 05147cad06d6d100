"""
Disconnects and reconnects of one account at the same time, in every order that they could run in.

At the end the grant is gone at the provider, or something live needs it and the receipt named it,
or the receipt says `unconfirmed` and links the provider's page. Each receipt is true when issued.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import hypothesis
import pytest
from django.db import connection as database
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from urllib3 import Timeout

from integrations.connections import automatic_disconnect, callback
from integrations.grants import shared_grants
from integrations.providers import provider_http
from limited_use.ledger import ledger_sequencer
from tests.fakes.mail import FakeMailbox
from tests.fakes.pushes import FakeWatches
from tests.integrations import household
from tests.integrations.purge.account_checks import check_end
from tests.integrations.purge.account_world import (
    ALL_DAY,
    KINDS,
    MOST_ACTIONS,
    SHAPES,
    GoogleAccountWorld,
)
from tests.integrations.purge.conftest import NOW
from tests.integrations.purge.google_grants import Fault, GoogleGrants
from tests.integrations.purge.interleaving import PATIENCE
from tests.tiers import is_thorough

# How often a connect looks whether a revocation is over.
MOST_POLLS = 4


def _is_sequencer_locked() -> bool:
    # Of this database: `pg_locks` also shows those of tests that run beside this one.
    held = (
        "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE datname = current_database()"
        " AND locktype = 'advisory' AND classid = %s AND objid = %s"
    )
    with database.cursor() as cursor:
        cursor.execute(held, [ledger_sequencer.LOCK_CLASS, ledger_sequencer.LOCK])
        return cursor.fetchone() is not None


@pytest.fixture
def provider(settings, monkeypatch, transactional_db):
    household.provided(monkeypatch, FakeMailbox(), FakeWatches())
    # A worker that stops inside a request has not lost it, however busy the machine is.
    monkeypatch.setattr(provider_http, "SHORT", Timeout(connect=PATIENCE, read=PATIENCE))
    monkeypatch.setattr(shared_grants, "LONGEST_CALL", timedelta(seconds=PATIENCE))
    # One that waits for a revocation lets others run between two looks, in no time.
    monkeypatch.setattr(callback, "POLL_SECONDS", 0)
    monkeypatch.setattr(callback, "MOST_POLLS", MOST_POLLS)
    with GoogleGrants.running() as google:
        monkeypatch.setattr(callback, "timezone", SimpleNamespace(now=google.read_clock))
        settings.GOOGLE = replace(
            settings.GOOGLE, revoke_url=google.revoke_url, token_url=google.token_url
        )
        yield google


class GivenUp(Exception):
    """Raised in a world as Hypothesis does when an example becomes too long."""


class TestWorld:
    def test_stops_its_workers_when_an_example_is_given_up(self, provider):
        """A worker may have stopped inside the sequencer, whose lock is its session's."""
        with suppress(GivenUp), GoogleAccountWorld(provider, SHAPES["two products"]) as world:
            world.do(("disconnect", "alice", "mail", "hint"))
            while not _is_sequencer_locked():
                world.do(("run", 0, 1))
            raise GivenUp

        assert not _is_sequencer_locked()
        with GoogleAccountWorld(provider, SHAPES["two products"]) as other:
            other.do(("disconnect", "alice", "mail", "hint"))
            other.finish()
            assert check_end(other).endswith(": needed_elsewhere")

    def test_leaves_nothing_to_the_sweep_of_the_next_example(self, provider):
        with suppress(GivenUp), GoogleAccountWorld(provider, SHAPES["two products"]) as world:
            world.do(("leave", "alice"))
            raise GivenUp

        assert automatic_disconnect.disconnect_due_integrations(at=NOW) == []


@pytest.mark.invariant(6)
@pytest.mark.scenario("X6", "X8")
@pytest.mark.clause("TOK-REVOKE", "TOK-DELETE")
class TestDisconnectsAtOnce:
    @pytest.mark.claim("receipt.revoked", "receipt.needed-elsewhere")
    @pytest.mark.claim("receipt.mail-connected", "receipt.calendars-connected")
    @pytest.mark.parametrize("first", ["mail", "calendar"])
    def test_one_inside_the_other(self, provider, request, record_property, first):
        """One disconnect at each commit of the other's purge; every eighth in `make test`."""
        second = {"mail": "calendar", "calendar": "mail"}[first]
        ends = Counter()
        for commits in range(0, 200, 1 if is_thorough(request.config) else 8):
            with GoogleAccountWorld(provider, SHAPES["two products"]) as world:
                world.do(("disconnect", "alice", first, "hint"))
                world.do(("run", 0, commits))
                is_last = not world.workers
                world.do(("disconnect", "alice", second, "no hint"))
                world.finish()
                ends[check_end(world)] += 1
            if is_last:
                break

        record_property("interleavings", dict(ends))
        assert set(ends) == {
            "the grant is gone: confirmed, confirmed",
            "the grant is gone: confirmed, needed_elsewhere",
        }

    @pytest.mark.parametrize("commits", [16, 1000], ids=["while it ends", "after it has ended"])
    def test_a_reconnect_stores_no_grant_that_a_purge_has_just_revoked(self, provider, commits):
        with GoogleAccountWorld(provider, SHAPES["two organisations"]) as world:
            world.do(("disconnect", "bob", "mail", "no hint"))
            world.do(("disconnect", "alice", "mail", "hint"))
            world.do(("reconnect", "alice", "mail"))
            world.do(("run", 0, commits))
            is_revoked = not world.account.has_grant
            world.finish()

            assert is_revoked
            assert world.connects == ["GrantRevoked"]
            assert check_end(world).startswith("the grant is gone: ")

    def test_two_reconnects_are_of_newer_grants_than_a_purge_that_has_asked(self, provider):
        """Google answers the purge, and both connects are stored before its receipt is issued."""
        with GoogleAccountWorld(provider, SHAPES["two organisations"]) as world:
            world.account.faults = [Fault.DOWN_AFTER]
            for action in (
                ("leave", "alice"), ("run", 0, 1000), ("sweep",),
                ("disconnect", "bob", "mail", "no hint"), ("run", 0, 1000), ("sweep",),
                ("run", 0, 9), ("reconnect", "bob", "mail"), ("run", 0, 3),
                ("reconnect", "bob", "mail"), ("sweep",), ("run", 1, 1000), ("run", 1, 1000),
            ):  # fmt: skip
                world.do(action)
            receipt_count = len(world.receipts)
            world.finish()

            assert world.connects == ["stored", "stored"]
            assert len(world.receipts) > receipt_count
            assert check_end(world).startswith("a live integration needs the grant")

    def test_a_grant_that_was_left_to_a_dead_one_is_said_to_be_not_revoked(self, provider):
        """Its holder cannot be told: of a connection that has ended no account is known."""
        with GoogleAccountWorld(provider, SHAPES["two organisations"]) as world:
            world.do(("end at Google",))
            world.do(("reconnect", "bob", "mail"))
            world.do(("run", 0, 1000))
            for who in ("bob", "alice"):
                world.do(("disconnect", who, "mail", "hint"))
                world.do(("run", 0, 1000))
            world.finish()

            assert world.account.has_grant
            how = "the grant was left to a connection whose own had ended"
            assert check_end(world).startswith(f"{how}: already_gone, needed_elsewhere")

    # No shrinking: what an example drew is its history, and a shorter one is another history.
    @pytest.mark.claim("receipt.revoked", "receipt.already-gone", "receipt.gone-after-asking")
    @pytest.mark.claim("receipt.needed-elsewhere", "receipt.other-organisation")
    @pytest.mark.claim("receipt.mail-connected", "receipt.calendars-connected")
    @pytest.mark.claim("receipt.tokens-destroyed", "receipt.unconfirmed")
    @pytest.mark.claim("receipt.credential-kept", "receipt.credential-until-settled")
    @hypothesis.settings(
        max_examples=14,
        phases=[Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(data=st.data())
    def test_leave_no_grant_behind_and_no_false_receipt(self, provider, data):
        shape = data.draw(st.sampled_from(["two products", "two products", *SHAPES]), "shape")
        with GoogleAccountWorld(provider, SHAPES[shape]) as world:
            world.is_google_away = data.draw(st.sampled_from([False] * 5 + [True]), "away")
            world.may_end_at_google = data.draw(st.sampled_from([False] * 3 + [True]), "ends there")
            faults = st.lists(st.sampled_from(Fault), max_size=2)
            world.account.faults = [Fault.LOST_BEFORE] * ALL_DAY
            if not world.is_google_away:
                world.account.faults = data.draw(st.one_of(st.just([]), faults), "faults")

            for _ in range(data.draw(st.integers(1, MOST_ACTIONS), "actions")):
                if actions := world.actions():
                    kind = data.draw(st.sampled_from([one for one in KINDS if one in actions]))
                    world.do(data.draw(st.sampled_from(actions[kind]), "next"))
            world.finish()

            hypothesis.event(check_end(world))
