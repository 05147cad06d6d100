"""
Disconnects of one account at the same time, in every order that a machine could run them.

At the end the grant is gone at the provider, or something live needs it and the receipt named it,
or the receipt says `unconfirmed` and links the provider's page. Each receipt is true when issued.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Self

import hypothesis
import pytest
from django.db import connection as database
from django.db import transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from urllib3 import Timeout

from integrations import endings, grants, purge
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
)
from integrations.providers import transport
from integrations.purge.provider_words import NEEDS
from limited_use import departures
from limited_use.ledger import sequencer
from limited_use.models import DataKey
from tests import factories
from tests.fakes.mail import FakeMailbox
from tests.fakes.pushes import FakeWatches
from tests.integrations import household
from tests.integrations.purge.conftest import NOW, Clock
from tests.integrations.purge.google_grants import Fault, GoogleGrants
from tests.integrations.purge.interleaving import PATIENCE, Worker
from tests.integrations.purge.test_engine import body_of
from tests.tiers import is_thorough

_numbers = itertools.count(1)

# What is connected of the account, by person. The second person is in another organisation.
SHAPES = {
    "two products": {"alice": ("mail", "calendar")},
    "two organisations": {"alice": ("mail",), "bob": ("mail",)},
    "two products and another organisation": {"alice": ("mail", "calendar"), "bob": ("mail",)},
}
# How many commits a worker does before another one may run.
BURSTS = (1, 3, 12, 1000)
MOST_ACTIONS = 25
MOST_KILLS = 2
# By how often they are drawn.
KINDS = ("end", "end", "run", "run", "run", "run", "run", "sweep", "kill", "google")
# More than a purge asks in a day.
ALL_DAY = 100


class World:
    """One Google account, connected by one or two people, and the workers that purge it."""

    def __init__(self, google: GoogleGrants, shape: dict[str, tuple[str, ...]]) -> None:
        self.google, self.clock = google, Clock(NOW)
        self.number = next(_numbers)
        self.connections = {who: self._connect(who, products) for who, products in shape.items()}
        self.tokens = {one.id: self._token(who) for who, one in self.connections.items()}
        self.account = google.open_account(*self.tokens.values())
        self.workers: list[Worker] = []
        self.jobs_at_work: dict[Worker, PurgeJob] = {}
        self.kills = 0
        self.gone: set[str] = set()
        self.is_google_away = self.may_end_at_google = self.has_ended_at_google = False
        self.receipts: dict[object, dict[str, object]] = {}
        # What was live just before a connection ended.
        self.live_at_the_end: dict[object, dict[object, list[str]]] = {}
        self.running: Worker | None = None
        google.before_each = google.after_each = self._in_request
        self.live = self._read_live()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """
        Kill the workers that are left, also when an example fails or Hypothesis gives it up.

        A stopped worker may have stopped inside the sequencer, whose lock belongs to its session:
        until that is closed, no purge in this database gets its receipt.
        """
        while self.workers:
            self.running = self.workers.pop()
            self.running.kill()

    def _token(self, who: str) -> str:
        return f"1//{who}-{self.number}"

    def _connect(self, who: str, products: tuple[str, ...]) -> Connection:
        organisation = factories.make_organisation()
        connection = factories.make_connection(
            factories.make_user(who, organisation=organisation, last_seen_at=NOW),
            organisation,
            subject=f"sub-{self.number}",
            refresh_token=self._token(who),
            at=NOW,
        )
        for product in products:
            factories.make_integration(connection, product=product, at=NOW)
            factories.make_consent(connection, _FEATURES[product], at=NOW)
        return connection

    # What may happen next.

    def actions(self) -> dict[str, list[tuple[object, ...]]]:
        """Return what may happen next, by kind; no kind is empty."""
        workers = range(len(self.workers))
        found: dict[str, list[tuple[object, ...]]] = {
            "end": list(self._ends()),
            "run": [("run", number, burst) for number in workers for burst in BURSTS],
            "kill": [("kill", number) for number in workers if self.kills < MOST_KILLS],
            "sweep": [("sweep",)] if self._unfinished().exists() else [],
        }
        if self.may_end_at_google and not self.has_ended_at_google:
            found["google"] = [("end at Google",)]
        return {kind: actions for kind, actions in found.items() if actions}

    def _ends(self) -> Iterator[tuple[object, ...]]:
        for who, connection in self.connections.items():
            for product in self.live.get(connection.id, ()):
                yield "disconnect", who, product, "hint"
                yield "disconnect", who, product, "no hint"
            if self.live.get(connection.id) and who not in self.gone:
                yield "leave", who
                yield "close", who

    def do(self, action: tuple[object, ...]) -> None:
        name, *values = action
        getattr(self, f"_{name}".replace(" ", "_").lower())(*values)
        self._look()

    def _disconnect(self, who: str, product: str, hint: str) -> None:
        connection = self.connections[who]
        integration = Integration.objects.live().get(connection=connection, product=product)
        with transaction.atomic():
            job = endings.end(integration=integration, trigger=PurgeTrigger.OWNER, at=self.clock())
        self.live = self._read_live()
        if hint == "hint":
            self._start(job)

    def _leave(self, who: str) -> None:
        self.gone.add(who)
        one = self.connections[who]
        departures.leave(user_id=one.user_id, organisation_id=one.organisation_id, at=self.clock())
        self._start_endings()

    def _close(self, who: str) -> None:
        self.gone.add(who)
        departures.close(organisation_id=self.connections[who].organisation_id, at=self.clock())
        self._start_endings()

    def _start_endings(self) -> None:
        self.workers.append(Worker(partial(endings.sweep, at=self.clock()), ignored=()))

    def _run(self, number: int, burst: int) -> None:
        worker = self.workers[number]
        for _ in range(burst):
            if worker.is_over:
                break
            self._step(worker)

    def _kill(self, number: int) -> None:
        self.kills += 1
        worker = self.running = self.workers[number]
        worker.kill()
        self.live = self._read_live()
        self._forget(worker)

    def _sweep(self) -> None:
        """Let the time pass until something is due, and start a worker for each."""
        rows = self._unfinished().values_list("next_try_at", "lease_until")
        due_at = min(max(due, lease or due) for due, lease in rows)
        # Where Google is away, workers are too: fewer requests, and the day is over sooner.
        pause = timedelta(hours=9 if self.is_google_away else 0, milliseconds=1)
        self.clock.at = max(self.clock.at, due_at) + pause
        for job in self._unfinished().filter(id__in=purge.due(at=self.clock())):
            if job not in self.jobs_at_work.values():
                self._start(job)

    def _end_at_google(self) -> None:
        self.has_ended_at_google = True
        self.account.end_grant()

    def finish(self) -> None:
        """Let everything that has begun come to its end: sweeps find what has no worker."""
        for _ in range(3 * ALL_DAY):
            while self.workers:
                self._run(0, 1000)
                self._look()
            if not self._unfinished().exists():
                return
            self._sweep()
        stuck = list(self._unfinished().values("step", "revocation", "next_try_at", "lease_until"))
        raise AssertionError(f"at {self.clock.at} a purge has not ended: {stuck}")

    # Workers.

    def _start(self, job: PurgeJob) -> None:
        work = partial(purge.run, job_id=job.id, now=self.clock)
        worker = Worker(work, ignored=(purge.NotClaimed, purge.LeaseLost))
        self.workers.append(worker)
        self.jobs_at_work[worker] = job

    def _step(self, worker: Worker) -> None:
        self.running = worker
        worker.step()
        if worker not in self.jobs_at_work:
            self.live = self._read_live()
        if worker.is_over:
            self._forget(worker)

    def _forget(self, worker: Worker) -> None:
        self.workers.remove(worker)
        self.jobs_at_work.pop(worker, None)
        if worker.raised is not None:
            raise worker.raised

    def _in_request(self) -> None:
        assert self.running is not None
        self.running.stop()

    # What is seen.

    def _jobs(self):
        ours = [one.id for one in self.connections.values()]
        return PurgeJob.objects.filter(integration__connection__in=ours).order_by("fenced_at")

    def _unfinished(self):
        return self._jobs().exclude(step=PurgeStep.DONE)

    def _read_live(self) -> dict[object, list[str]]:
        """Return the live products of each connection whose grant stands."""
        ours = [one.id for one in self.connections.values()]
        live = Integration.objects.live().filter(
            connection__in=ours, connection__status=ConnectionStatus.ACTIVE
        )
        found: dict[object, list[str]] = {}
        for connection_id, product in live.order_by("product").values_list(
            "connection_id", "product"
        ):
            found.setdefault(connection_id, []).append(product)
        return found

    def _look(self) -> None:
        """Check what was written by the last action, while nothing else has happened."""
        ended = Connection.objects.filter(id__in=self.tokens, ended_at__isnull=False)
        for connection in ended.exclude(id__in=self.live_at_the_end):
            self.live_at_the_end[connection.id] = self.live
        done = self._jobs().filter(step=PurgeStep.DONE).exclude(id__in=self.receipts)
        for job in done.select_related("integration__connection"):
            self.receipts[job.id] = self.check_receipt(job)

    def check_receipt(self, job: PurgeJob) -> dict[str, object]:
        connection = job.integration.connection
        body = body_of(job.integration)
        said = body["provider_revocation"]
        about = [
            done for token, done in self.account.requests if token == self.tokens[connection.id]
        ]
        match said["outcome"]:
            case "confirmed":
                assert about.count("revoked") == 1
            case "already_gone":
                assert about == ["unknown"]
            case "gone_after_asking":
                assert about[-1] == "unknown"
                assert len(about) <= said["tries"]
            case "needed_elsewhere":
                assert said["needed_by"] == self.needs_of(connection)
                assert said["needed_by"]
                if connection.ended_at is None:
                    assert all(NEEDS[need] in said["says"] for need in said["needed_by"])
            case outcome:
                assert outcome == "unconfirmed"
                assert said["pages"]
                assert "TOK-REVOKE" not in body["clauses"]
        assert (said["tries"] == 0) == (said["tried_at"] is None)
        assert said["tries"] >= len(about) or said["outcome"] == "needed_elsewhere"
        if said["outcome"] not in {"needed_elsewhere", "unconfirmed"}:
            assert not self.account.has_grant
        has_token = DataKey.objects.filter(holder=connection.grant_id).exists()
        assert has_token == ("credential" in body["remains"])
        assert "Your tokens are destroyed" not in said["says"] or not has_token
        return said

    def needs_of(self, connection: Connection) -> list[str]:
        live = self.live
        if connection.ended_at is not None:
            live = self.live_at_the_end[connection.id]
        others = [one for one in live if one != connection.id]
        return [*live.get(connection.id, ()), *(["other_connection"] if others else [])]

    def check_end(self) -> str:
        """Check what is promised, and return in a few words how it ended."""
        self._look()
        assert self._jobs().count() == len(self.receipts)
        over = Connection.objects.filter(id__in=self.tokens).exclude(id__in=self.live)
        assert {one.status for one in over} <= {ConnectionStatus.ENDED}
        assert not DataKey.objects.filter(holder__in=[one.grant_id for one in over]).exists()
        outcomes = sorted(str(one["outcome"]) for one in self.receipts.values())
        if self.live:
            assert self.account.has_grant or self.has_ended_at_google, "a live grant was revoked"
            how = "a live integration needs the grant"
        elif self.account.has_grant:
            assert "unconfirmed" in outcomes, "nobody revoked the grant"
            how = "the receipt says unconfirmed"
        else:
            how = "the grant is gone"
        return f"{how}: {', '.join(outcomes) or 'nothing was disconnected'}"


_FEATURES = {"mail": "inbox", "calendar": "calendar"}


def _is_sequencer_locked() -> bool:
    held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
    with database.cursor() as cursor:
        cursor.execute(held, [sequencer.LOCK_CLASS, sequencer.LOCK])
        return cursor.fetchone() is not None


@pytest.fixture
def provider(settings, monkeypatch, transactional_db):
    household.provided(monkeypatch, FakeMailbox(), FakeWatches())
    # A worker that stops inside a request has not lost it, however busy the machine is.
    monkeypatch.setattr(transport, "SHORT", Timeout(connect=PATIENCE, read=PATIENCE))
    monkeypatch.setattr(grants, "LONGEST_CALL", timedelta(seconds=PATIENCE))
    with GoogleGrants.running() as google:
        settings.GOOGLE_REVOKE_URL = google.url
        yield google


class GivenUp(Exception):
    """Raised in a world as Hypothesis does when an example becomes too long."""


class TestWorld:
    def test_stops_its_workers_when_an_example_is_given_up(self, provider):
        """A worker may have stopped inside the sequencer, whose lock is its session's."""
        with suppress(GivenUp), World(provider, SHAPES["two products"]) as world:
            world.do(("disconnect", "alice", "mail", "hint"))
            while not _is_sequencer_locked():
                world.do(("run", 0, 1))
            raise GivenUp

        assert not _is_sequencer_locked()
        with World(provider, SHAPES["two products"]) as other:
            other.do(("disconnect", "alice", "mail", "hint"))
            other.finish()
            assert other.check_end().endswith(": needed_elsewhere")


@pytest.mark.invariant(6)
@pytest.mark.scenario("X6", "X8")
@pytest.mark.clause("TOK-REVOKE", "TOK-DELETE")
class TestDisconnectsAtOnce:
    @pytest.mark.parametrize("first", ["mail", "calendar"])
    def test_one_inside_the_other(self, provider, request, record_property, first):
        """One disconnect at each commit of the other's purge; every eighth in `make test`."""
        second = {"mail": "calendar", "calendar": "mail"}[first]
        ends = Counter()
        for commits in range(0, 200, 1 if is_thorough(request.config) else 8):
            with World(provider, SHAPES["two products"]) as world:
                world.do(("disconnect", "alice", first, "hint"))
                world.do(("run", 0, commits))
                is_last = not world.workers
                world.do(("disconnect", "alice", second, "no hint"))
                world.finish()
                ends[world.check_end()] += 1
            if is_last:
                break

        record_property("interleavings", dict(ends))
        assert set(ends) == {
            "the grant is gone: confirmed, confirmed",
            "the grant is gone: confirmed, needed_elsewhere",
        }

    # No shrinking: what an example drew is its history, and a shorter one is another history.
    @pytest.mark.claim("receipt.other-organisation", "receipt.credential-until-revoked")
    @hypothesis.settings(
        max_examples=14,
        phases=[Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(data=st.data())
    def test_leave_no_grant_behind_and_no_false_receipt(self, provider, data):
        shape = data.draw(st.sampled_from(["two products", "two products", *SHAPES]), "shape")
        with World(provider, SHAPES[shape]) as world:
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

            hypothesis.event(world.check_end())
