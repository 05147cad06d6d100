"""
Accounts disconnected in bulk, half at Google and half at Microsoft, against single disconnects.

The baseline disconnects as many other accounts by `disconnect_account`, in a loop. The purges of
both sides run one after another in this process, as the tasks would; the sandbox answers them.
`BENCH_CONNECTIONS` sets another number of accounts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from accounts.actors import Actor, ActorKind
from accounts.models import Organisation, User
from accounts.roles import Role
from integrations import connections, purge
from integrations.models import (
    BulkRevocation,
    BulkState,
    Connection,
    Integration,
    PurgeJob,
    PurgeStep,
    SupportReason,
)
from integrations.support import bulk_revocation, bulk_runner
from integrations.support.bulk_revocation import BulkProposal
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Receipt, VerifierKeyPeriod
from limited_use.verify import verifier
from tests.bench import connecting, figures, google, sizes
from tests.bench.figures import Figure
from tests.factories import make_organisation, make_user
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.sandbox import Sandbox

CONNECTIONS: Final = int(os.environ.get("BENCH_CONNECTIONS") or sizes.choose_size(1000, tiny=50))
Disconnect = Callable[[Organisation], None]
LOOP: Final = "single disconnect_account calls in a loop"


@dataclass(frozen=True)
class Side:
    """
    :param fenced: seconds until the last account was fenced
    :param receipts: seconds until the last receipt was signed
    :param revocations: requests to revoke a grant, at the sandbox
    :param requests: all requests to it
    """

    fenced: float
    receipts: float
    revocations: int
    requests: int


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    google.remove_limits(sandbox)
    in_bulk, in_loop = make_organisation("Bulk"), make_organisation("Loop")
    for organisation in (in_bulk, in_loop):
        _connect(sandbox, organisation)
    _propose(in_bulk)
    ours = _measure(sandbox, in_bulk, _revoke_in_bulk)
    baseline = _measure(sandbox, in_loop, _disconnect_each)
    return _build_figures(ours, baseline, verified=_verify_receipts(in_bulk))


def _connect(sandbox: Sandbox, organisation: Organisation) -> None:
    microsoft = MicrosoftSandbox(sandbox)
    for number in range(CONNECTIONS):
        user = make_user(f"person{number}", organisation=organisation)
        if number % 2:
            email = f"{organisation.platform_id}-{number}@contoso.example"
            microsoft.seed(email, size=0, seed=7)
            connecting.outlook_of(sandbox, user, organisation, email=email)
        else:
            email = f"{organisation.platform_id}-{number}@gmail.example"
            sandbox.seed(email, size=0, seed=7)
            connecting.mailbox_of(sandbox, user, organisation, email=email)


def _measure(sandbox: Sandbox, organisation: Organisation, disconnect: Disconnect) -> Side:
    # Clears the counts, too.
    sandbox.clear_journal()
    began = time.perf_counter()
    disconnect(organisation)
    fenced = time.perf_counter() - began
    live = Integration.objects.live().filter(connection__organisation=organisation)
    if live.exists():
        raise AssertionError(f"{live.count()} integrations are live")
    jobs = PurgeJob.objects.filter(organisation_id=organisation.id)
    for job_id in jobs.order_by("id").values_list("id", flat=True):
        step = purge.run_purge(job_id=job_id)
        if step is not PurgeStep.DONE:
            raise AssertionError(f"the purge stands at {step}")
    return Side(
        fenced,
        time.perf_counter() - began,
        sandbox.calls("/revoke"),
        len(sandbox.requests()),
    )


def _revoke_in_bulk(organisation: Organisation) -> None:
    """From the approval; the proposal and its dry run come before."""
    bulk = BulkRevocation.objects.get(organisation=organisation)
    second = make_user("otto", role=Role.OPERATOR)
    bulk_revocation.approve_bulk(bulk.id, actor=_actor_of(second), at=timezone.now())
    while bulk_runner.run_bulk(bulk_id=bulk.id):
        pass
    bulk.refresh_from_db()
    if bulk.state != BulkState.DONE or bulk.counts["progress"]["done"] != CONNECTIONS:
        raise AssertionError(f"it stands at {bulk.state}: {bulk.counts}")


def _propose(organisation: Organisation) -> None:
    agent = make_user("sam", role=Role.SUPPORT)
    proposal = BulkProposal(
        organisation_id=organisation.id,
        reason=SupportReason.INCIDENT,
        text="The provider reported stolen tokens.",
        ticket="INC-1",
    )
    bulk = bulk_revocation.propose_bulk(proposal, actor=_actor_of(agent), at=timezone.now())
    bulk_runner.run_bulk(bulk_id=bulk.id)


def _disconnect_each(organisation: Organisation) -> None:
    rows = Connection.objects.live().filter(organisation=organisation).order_by("id")
    for connection_id, user_id in rows.values_list("id", "user_id"):
        connections.disconnect_account(
            connection_id=connection_id,
            user_id=user_id,
            organisation_id=organisation.id,
            at=timezone.now(),
        )


def _actor_of(user: User) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=user.id, user_id=user.id)


def _verify_receipts(organisation: Organisation) -> int:
    """Return how many receipts the offline verifier accepts; it raises for one that it does not."""
    keys = [VerifierKey.parse(period.verifier_key) for period in VerifierKeyPeriod.objects.all()]
    jobs = PurgeJob.objects.filter(organisation_id=organisation.id)
    receipts = Receipt.objects.filter(id__in=jobs.values("receipt_id"))
    for receipt in receipts:
        if not verifier.check_signed_document(bytes(receipt.document), keys):
            raise AssertionError(f"receipt {receipt.id} proves nothing")
    if receipts.count() != CONNECTIONS:
        raise AssertionError(f"{receipts.count()} receipts of {CONNECTIONS}")
    return receipts.count()


def _build_figures(ours: Side, baseline: Side, *, verified: int) -> list[Figure]:
    accounts = f"{CONNECTIONS:,} accounts, half at Google and half at Microsoft"
    return [
        figures.make_ratio_figure(
            "approval until the last account is fenced",
            ours.fenced,
            "s",
            baseline=baseline.fenced,
            against=LOOP,
            most=1.5,
            note=f"{accounts}; ours also stores an act for each, and settles it",
        ),
        figures.make_ratio_figure(
            "approval until the last receipt",
            ours.receipts,
            "s",
            baseline=baseline.receipts,
            against=f"{LOOP}, and their purges",
            most=1.1,
            note="one purge after another; a deployment runs as many at once as it has workers",
        ),
        figures.make_ratio_figure(
            "requests to revoke, per account",
            ours.revocations / CONNECTIONS,
            "",
            baseline=baseline.revocations / CONNECTIONS,
            against=LOOP,
            most=1,
            note="one at Google; Microsoft offers applications no revocation",
        ),
        figures.make_ratio_figure(
            "requests to providers, per account",
            ours.requests / CONNECTIONS,
            "",
            baseline=baseline.requests / CONNECTIONS,
            against=LOOP,
            most=1,
        ),
        figures.plain("receipts that verify", verified, "", note=f"of {CONNECTIONS:,}, all"),
    ]
