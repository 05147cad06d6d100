"""One Google account, what may happen to it and to its purges, and in which order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Self

from django.db import transaction

from integrations import purge
from integrations.connections import automatic_disconnect
from integrations.coordination.leases import LeaseLost, NotClaimable
from integrations.grants import shared_grants
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
)
from limited_use.agreements import offboarding
from tests import factories
from tests.integrations.purge.account_checks import check_receipt
from tests.integrations.purge.conftest import NOW, PurgeClock
from tests.integrations.purge.google_grants import GoogleGrants
from tests.integrations.purge.interleaving import Worker
from tests.integrations.purge.reconnecting import Reconnect, start_reconnect

_FEATURES = {"mail": "inbox", "calendar": "calendar"}
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
MOST_KILLS = MOST_RECONNECTS = 2
# By how often they are drawn.
KINDS = ("end", "end", "reconnect", "run", "run", "run", "run", "run", "sweep", "kill", "google")
# More than a purge asks in a day.
ALL_DAY = 100


class GoogleAccountWorld:
    """One Google account, connected by one or two people, and the workers that purge it."""

    def __init__(self, google: GoogleGrants, shape: dict[str, tuple[str, ...]]) -> None:
        self.google, self.clock = google, PurgeClock(NOW)
        self.number = next(_numbers)
        self.shape = shape
        # The latest connection of each person, and the refresh tokens that each connection had.
        self.connections = {who: self._connect(who, products) for who, products in shape.items()}
        self.tokens = {one.id: [self._token(who)] for who, one in self.connections.items()}
        self.owners = {one.id: who for who, one in self.connections.items()}
        # How many requests had been sent when Google issued the token of a reconnect.
        self.requests_before_token: dict[str, int] = {}
        # Tokens that something else than the person's own purges revoked before they were stored.
        self.dead_on_arrival: set[str] = set()
        self.account = google.open_account(*(token for (token,) in self.tokens.values()))
        self.workers: list[Worker] = []
        self.jobs_at_work: dict[Worker, PurgeJob] = {}
        self.reconnects: dict[Worker, Reconnect] = {}
        self.kills = 0
        # How connects ended: stored, or by what they were refused.
        self.connects: list[str] = []
        self.gone: set[str] = set()
        self.is_google_away = self.may_end_at_google = self.has_ended_at_google = False
        self.ended_at_google: set[str] = set()
        self.receipts: dict[object, dict[str, object]] = {}
        # How many requests had been sent when a purge began.
        self.requests_before: dict[object, int] = {}
        # What was live just before a connection ended.
        self.live_at_the_end: dict[object, dict[object, list[str]]] = {}
        self.running: Worker | None = None
        # When the request began that a worker has stopped in, until it has arrived.
        self.requests_under_way: dict[Worker, datetime] = {}
        google.clock = self.clock
        google.before_each, google.after_each = self._before_request, self._after_request
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
        # Otherwise the next example's sweep would find what this one had yet to end.
        automatic_disconnect.disconnect_due_integrations(at=self.clock())

    @property
    def subject(self) -> str:
        return f"sub-{self.number}"

    def _token(self, who: str) -> str:
        return f"1//{who}-{self.number}"

    def _connect(self, who: str, products: tuple[str, ...]) -> Connection:
        organisation = factories.make_organisation()
        connection = factories.make_connection(
            factories.make_user(who, organisation=organisation, last_seen_at=NOW),
            organisation,
            subject=self.subject,
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
            "reconnect": list(self._reconnects()),
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

    def _reconnects(self) -> Iterator[tuple[object, ...]]:
        if len(self.connects) + len(self.reconnects) < MOST_RECONNECTS:
            for who, products in self.shape.items():
                if who not in self.gone:
                    yield from (("reconnect", who, product) for product in products)

    def do(self, action: tuple[object, ...]) -> None:
        name, *values = action
        getattr(self, f"_{name}".replace(" ", "_").lower())(*values)
        self.look()

    def _disconnect(self, who: str, product: str, hint: str) -> None:
        connection = self.connections[who]
        integration = Integration.objects.live().get(connection=connection, product=product)
        with transaction.atomic():
            job = automatic_disconnect.disconnect_in_transaction(
                integration=integration, trigger=PurgeTrigger.OWNER, at=self.clock()
            )
        self.live = self._read_live()
        if hint == "hint":
            self._start(job)

    def _reconnect(self, who: str, product: str) -> None:
        token = f"{self._token(who)}-{len(self.connects) + len(self.reconnects)}"
        self.google.issue(token, self.account)
        self.requests_before_token[token] = len(self.account.requests)
        begun = start_reconnect(
            self.connections[who], product, subject=self.subject, token=token, at=self.clock()
        )
        self.workers.append(begun.worker)
        self.reconnects[begun.worker] = begun

    def _leave(self, who: str) -> None:
        self.gone.add(who)
        one = self.connections[who]
        offboarding.leave_organisation(
            user_id=one.user_id, organisation_id=one.organisation_id, at=self.clock()
        )
        self._start_endings()

    def _close(self, who: str) -> None:
        self.gone.add(who)
        offboarding.close_organisation(
            organisation_id=self.connections[who].organisation_id, at=self.clock()
        )
        self._start_endings()

    def _start_endings(self) -> None:
        self.workers.append(
            Worker(
                partial(automatic_disconnect.disconnect_due_integrations, at=self.clock()),
                ignored=(),
            )
        )

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
        self._forget(worker)
        self.live = self._read_live()

    def _sweep(self) -> None:
        """Let the time pass until something is due, and start a worker for each."""
        rows = self._unfinished().values_list("next_try_at", "lease_until")
        due_at = min(max(due, lease or due) for due, lease in rows)
        # Where Google is away, workers are too: fewer requests, and the day is over sooner.
        pause = timedelta(hours=9 if self.is_google_away else 0, milliseconds=1)
        self._pass_time(max(self.clock.at, due_at) + pause)
        for job in self._unfinished().filter(id__in=purge.list_due_jobs(at=self.clock())):
            if job not in self.jobs_at_work.values():
                self._start(job)

    def _pass_time(self, until: datetime) -> None:
        # No request is under way for longer than the service allows for.
        for worker, since in list(self.requests_under_way.items()):
            if until >= since + shared_grants.IN_FLIGHT:
                self._step(worker)
        self.clock.at = until
        shared_grants.delete_expired_discards(at=until)

    def _end_at_google(self) -> None:
        self.has_ended_at_google = True
        self.ended_at_google = set(self.account.tokens)
        self.account.end_grant()

    def finish(self) -> None:
        """Let everything that has begun come to its end: sweeps find what has no worker."""
        for _ in range(3 * ALL_DAY):
            while self.workers:
                self._run(0, 1000)
                self.look()
            if not self._unfinished().exists():
                return
            self._sweep()
        stuck = list(self._unfinished().values("step", "revocation", "next_try_at", "lease_until"))
        raise AssertionError(f"at {self.clock.at} a purge has not ended: {stuck}")

    # Workers.

    def _start(self, job: PurgeJob) -> None:
        work = partial(purge.run_purge, job_id=job.id, now=self.clock)
        worker = Worker(work, ignored=(NotClaimable, LeaseLost))
        self.workers.append(worker)
        self.jobs_at_work[worker] = job

    def _step(self, worker: Worker) -> None:
        self.running = worker
        worker.step()
        is_purge = worker in self.jobs_at_work
        if worker.is_over:
            self._forget(worker)
        if not is_purge:
            self.live = self._read_live()

    def _forget(self, worker: Worker) -> None:
        self.workers.remove(worker)
        self.jobs_at_work.pop(worker, None)
        self.requests_under_way.pop(worker, None)
        if worker.raised is not None:
            raise worker.raised
        if worker in self.reconnects:
            self._end_reconnect(self.reconnects.pop(worker))

    def _end_reconnect(self, reconnect: Reconnect) -> None:
        connection = reconnect.read_connection()
        if connection is None:
            self.connects.append(reconnect.refusal)
            return
        self.connects.append("stored")
        user_ids = {one.user_id: who for who, one in self.connections.items()}
        who = user_ids[connection.user_id]
        self.connections[who], self.owners[connection.id] = connection, who
        if reconnect.token not in self.account.tokens | self.ended_at_google:
            self._check_revoked_by_others(who, reconnect.token)
        self.tokens.setdefault(connection.id, []).append(reconnect.token)

    def _check_revoked_by_others(self, who: str, token: str) -> None:
        """
        Check that none of the person's own purges revoked a token before it was stored.

        A purge in another organisation, or a connect that was refused, may have: its next sync
        finds out.
        """
        since = self.account.requests[self.requests_before_token[token] :]
        owned = [self.tokens.get(one, []) for one, owner in self.owners.items() if owner == who]
        own = {former for tokens in owned for former in tokens}
        assert not [one for one, done in since if done == "revoked" and one in own], token
        self.connects[-1] = "stored, though something else had revoked it"
        self.dead_on_arrival.add(token)

    def _before_request(self) -> None:
        worker = self.running
        assert worker is not None
        self.requests_under_way[worker] = self.clock.at
        worker.stop()
        self.requests_under_way.pop(worker, None)

    def _after_request(self) -> None:
        assert self.running is not None
        self.running.stop()

    # What is seen.

    def jobs(self):
        return PurgeJob.objects.filter(integration__connection__in=self.tokens).order_by(
            "fenced_at"
        )

    def _unfinished(self):
        return self.jobs().exclude(step=PurgeStep.DONE)

    def _read_live(self) -> dict[object, list[str]]:
        """Return the live products of each connection whose grant stands."""
        live = Integration.objects.live().filter(
            connection__in=self.tokens, connection__status=ConnectionStatus.ACTIVE
        )
        found: dict[object, list[str]] = {}
        for connection_id, product in live.order_by("product").values_list(
            "connection_id", "product"
        ):
            found.setdefault(connection_id, []).append(product)
        return found

    def look(self) -> None:
        """Check what was written by the last action, while nothing else has happened."""
        ended = Connection.objects.filter(id__in=self.tokens, ended_at__isnull=False)
        for connection in ended.exclude(id__in=self.live_at_the_end):
            self.live_at_the_end[connection.id] = self.live
        for job in self.jobs().exclude(id__in=self.requests_before):
            self.requests_before[job.id] = len(self.account.requests)
        done = self.jobs().filter(step=PurgeStep.DONE).exclude(id__in=self.receipts)
        for job in done.select_related("integration__connection"):
            self.receipts[job.id] = check_receipt(self, job)
