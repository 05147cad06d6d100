"""
A decision on what is found, permits and the reading of keys, while the tables grow ten times.

Everything that facts, guard and vault look into before a page opens grows: people, memberships,
delegations, consents, connections, integrations, keys, and the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.utils import timezone

from accounts import row_owner
from accounts.actors import Actor
from accounts.models import Delegation, Membership, User
from config.process_classes import ProcessClass
from integrations.access import facts, permits
from integrations.models import Connection, Integration
from limited_use.access_request import AccessRequest
from limited_use.models import Consent, DataKey, Leaf, LedgerKey, WrappedLedgerKey
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use
from limited_use.sinks import json_sink
from tests import unrecorded
from tests.bench import caller, classes, crowd, figures, leaves, mailbox, measure, pairs, sizes
from tests.bench.figures import Figure
from tests.factories import actor_for, make_organisation, make_user

PEOPLE = sizes.choose_size(2_000, tiny=20)
ENTRIES = sizes.choose_size(50_000, tiny=100)
TIMES = 10
RUNS, WARM_UP = sizes.choose_size(400, tiny=3), sizes.choose_size(30, tiny=1)

_LISTED = (DataClass.MAIL_METADATA,)
_SHOWN = Use(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.OWNER)
# As whom a process asks that is not a web process.
_CLASS = {"permits for a sync": ProcessClass.SYNC}
_OF_PEOPLE = (
    *(User, Membership, Delegation, Connection, Integration, Consent),
    *(LedgerKey, WrappedLedgerKey, DataKey),
)


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    alice, bob = (make_user(name, organisation=organisation) for name in ("alice", "bob"))
    hers = mailbox.make_owned_mailbox(alice, organisation)
    mailbox.make_owned_mailbox(bob, organisation)
    caller.feature_of(bob, organisation)
    _grow_tables(bob, times=1)
    with pairs.copy_database() as (small, large):
        with classes.use_database(large):
            _grow_tables(bob, times=TIMES - 1, above=1)
        _check_table_sizes(small, times=1)
        _check_table_sizes(large, times=TIMES)
        calls = _prepare_calls(hers, actor_for(alice, organisation))
        before = [_count_entries(small), _count_entries(large)]
        with ExitStack() as stack:
            stack.enter_context(classes.use_database(small))
            stack.enter_context(row_owner.acting_for(alice.id, organisation.id))
            logins = {
                (size, one): stack.enter_context(classes.logged_in(one, to=database))
                for size, database in (("small", small), ("large", large))
                for one in (ProcessClass.WEB, ProcessClass.SYNC)
            }
            samples = measure.interleaved(
                {
                    f"{name}, {size}": _prepare_call_at(
                        logins[size, _CLASS.get(name, ProcessClass.WEB)], call
                    )
                    for name, call in calls.items()
                    for size in ("small", "large")
                },
                runs=RUNS,
                warm_up=WARM_UP,
            )
            planned = [
                _count_planned_statements(database)
                for (size, _), database in logins.items()
                if size == "large"
            ]
        # One of a page's permit and two of a sync's, which asks for news.
        expected = [count + 3 * (RUNS + WARM_UP) for count in before]
        if [_count_entries(small), _count_entries(large)] != expected:
            raise AssertionError("not every permit has its ledger entry")
        return [*(_build_figure(name, samples) for name in calls), _planned_each_time(planned)]


def _grow_tables(bob: User, *, times: int, above: int = 0) -> None:
    crowd.copy_user(bob, times * PEOPLE, first=above * PEOPLE + 1)
    leaves.load(times * ENTRIES, placed_from=above * ENTRIES)
    mailbox.settle_tables()


def _check_table_sizes(database: Any, *, times: int) -> None:
    """:raises AssertionError: unless every table is as large as it is meant to be"""
    with classes.use_database(database):
        for model in _OF_PEOPLE:
            if not times * PEOPLE <= model.objects.count() <= 4 * (times * PEOPLE + 2):
                raise AssertionError(f"{model.__name__}: {model.objects.count()} rows")
    if _count_entries(database) < times * ENTRIES:
        raise AssertionError(f"{_count_entries(database)} ledger entries")


def _count_entries(database: Any) -> int:
    with classes.use_database(database):
        return Leaf.objects.count()


def _prepare_calls(hers: Integration, actor: Actor) -> dict[str, Callable[[], object]]:
    at = timezone.now()
    granted = permits.to_display(actor=actor, counts={hers.id: 50}, data_classes=_LISTED, at=at)
    whose = hers.connection.user_id

    def decision() -> None:
        found = facts.for_mailboxes(user_id=whose, actor=actor, at=at).by_integration[hers.id]
        allowed, _, _ = unrecorded.decide_unrecorded(
            [_make_access_request(hers, actor, found)], at=at
        )
        if not allowed:
            raise AssertionError("what is measured was refused")

    def for_a_page() -> None:
        now = timezone.now()
        found = facts.for_mailboxes(user_id=whose, actor=actor, at=now)
        permits.to_display(
            actor=actor, counts={hers.id: 50}, data_classes=_LISTED, at=now, snapshot=found
        )

    return {
        "decision on what is found": decision,
        "permit for a page": for_a_page,
        "permits for a sync": lambda: permits.to_sync(integration_id=hers.id, at=timezone.now()),
        # No rows: what is left is the reading of the key and of what can be withdrawn.
        "key and fences read": lambda: json_sink.render_json_page(
            [], permits=granted, actor=actor, shape=lambda *_: {}, at=at
        ),
    }


def _make_access_request(
    hers: Integration, actor: Actor, found: facts.HolderFacts
) -> AccessRequest:
    return AccessRequest(
        use=_SHOWN,
        holder=hers.id,
        epoch=found.epoch,
        actor=actor,
        on_behalf_of=actor.user_id,
        facts=found.facts,
        fences=found.fences,
        feature=facts.INBOX_CONSENT.feature_key,
        count=50,
        names=found.names,
    )


def _prepare_call_at(database: Any, call: Callable[[], object]) -> Callable[[], object]:
    def turn_and_call() -> object:
        classes.turn_to(database)
        return call()

    return turn_and_call


def _build_figure(name: str, samples: measure.Samples) -> Figure:
    small, large = (samples.clock[f"{name}, {size}"] for size in ("small", "large"))
    return figures.make_ratio_figure(
        name,
        1e6 * measure.median(large),
        "µs",
        baseline=1e6 * measure.median(small),
        against=f"{PEOPLE:,} people, {ENTRIES:,} ledger entries; ours has {TIMES} times as many",
        most=1.2,
        note=f"median of {RUNS} in turn; 95th percentiles {1e6 * measure.p95(large):.0f}"
        f" and {1e6 * measure.p95(small):.0f} µs",
    )


def _count_planned_statements(database: Any) -> int:
    """Return how many of a login's statements were planned each time."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE custom_plans > generic_plans + 10"
        )
        return int(cursor.fetchone()[0])


def _planned_each_time(counts: list[int]) -> Figure:
    return figures.make_limit_figure(
        "planned each time",
        sum(counts),
        "statements",
        most=0,
        note="to plan one that reads six tables takes longer than to run it",
    )
