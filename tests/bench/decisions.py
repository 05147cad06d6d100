"""
The policy's decision and the guard's permit, against two policy engines with the same rules.

Both are given their best case: policies parsed beforehand, one rule per row, requests ready made.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from limited_use.access_request import AccessRequest, Fence, FenceKind
from limited_use.guard import guard
from limited_use.ledger import entries, ledger_key_lifecycle, pseudonyms
from limited_use.models import Leaf
from limited_use.policy import policy_evaluation
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from tests import unrecorded
from tests.bench import engines, figures, measure, sizes
from tests.bench.engines import Case
from tests.bench.figures import Figure

# A page by its owner, a page by a feature, and what must be refused, each a usual question.
READING = frozenset(
    {
        Fact.INTEGRATION_LIVE,
        Fact.GRANT_LIVE,
        Fact.ACTOR_OWNS,
        Fact.CONSENT_CURRENT,
        Fact.FEATURE_REGISTERED,
    }
)
CASES = (
    Case(Use(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.OWNER), READING),
    Case(
        Use(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.PLATFORM_FEATURE),
        READING | {Fact.DELEGATION_LIVE},
    ),
    Case(Use(DataClass.MAIL_METADATA, Purpose.SYNC_STORE, Recipient.VAULT), READING),
    Case(Use(DataClass.MAIL_METADATA, Purpose.MARKETING, Recipient.PLATFORM_FEATURE), READING),
    Case(Use(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.THIRD_PARTY), READING),
)
ROUNDS = sizes.choose_size(40, tiny=2)
WRITES = sizes.choose_size(400, tiny=3)


def run_benchmark() -> list[Figure]:
    cedar, casbin = engines.Cedar(), engines.Casbin()
    same = engines.agreement(cedar, casbin, also=CASES)
    samples: dict[str, list[float]] = {"ours": [], "cedar": [], "casbin": []}
    cedar_cases = [cedar.request(case) for case in CASES]
    casbin_cases = [casbin.request(case) for case in CASES]
    for _ in range(ROUNDS):
        samples["ours"].append(
            measure.looped(
                lambda case: policy_evaluation.decide_data_use(case.use, case.facts),
                CASES,
                loops=2000,
            )
        )
        samples["cedar"].append(measure.looped(cedar.allows, cedar_cases, loops=40))
        samples["casbin"].append(measure.looped(casbin.allows, casbin_cases, loops=10))
    decision, by_cedar, by_casbin = (
        measure.median(samples[name]) * 1e6 for name in ("ours", "cedar", "casbin")
    )
    counted = f"processor time, median of {ROUNDS} rounds; all three agree on {same:,} questions"
    return [
        figures.make_limit_figure(
            "decision", decision, "µs", most=1, note=f"{len(CASES)} uses; {counted}"
        ),
        figures.make_times_figure(
            "… and by Cedar", decision, "µs", baseline=by_cedar, against="cedarpy, policies parsed"
        ),
        figures.make_times_figure(
            "… and by Casbin", decision, "µs", baseline=by_casbin, against="casbin, policy loaded"
        ),
        *_permits(),
    ]


def _permits() -> list[Figure]:
    asked, at = [_make_access_request()], datetime(2026, 1, 1, tzinfo=UTC)
    granted, refused, _ = unrecorded.decide_unrecorded(asked, at=at)
    if refused is not None or len(granted) != 1:
        raise AssertionError("the permit that is measured is not granted")
    alone = [
        measure.looped(lambda asks: unrecorded.decide_unrecorded(asks, at=at), [asked], loops=2000)
        for _ in range(ROUNDS)
    ]
    before = Leaf.objects.count()
    samples = measure.interleaved(
        {"permit": lambda: guard.permits(asked, at=timezone.now()), "insert": _bare_insert(asked)},
        runs=WRITES,
        warm_up=20,
    )
    written = Leaf.objects.count() - before
    if written != 2 * (WRITES + 20):
        raise AssertionError(f"{written} ledger entries were written")
    return [
        figures.make_limit_figure(
            "permit, without its ledger entry",
            measure.median(alone) * 1e6,
            "µs",
            most=10,
            note="processor time: facts and registry checked, decided, its entry made",
        ),
        figures.make_ratio_figure(
            "permit, its ledger entry on disk",
            measure.median(samples.clock["permit"]) * 1e6,
            "µs",
            baseline=measure.median(samples.clock["insert"]) * 1e6,
            against="one bare INSERT + COMMIT of the same bytes",
            note=f"median of {WRITES} in turn",
        ),
    ]


def _make_access_request() -> AccessRequest:
    user, holder, account = uuid7(), uuid7(), uuid7()
    membership = uuid7()
    # The ledger has names of each account's own, as in the service.
    ledger_key_lifecycle.create_ledger_key(holder=account, at=timezone.now())
    actor = Actor(ActorKind.PERSON, user, user, uuid7(), membership, 1)
    return AccessRequest(
        use=CASES[0].use,
        holder=holder,
        epoch=1,
        actor=actor,
        on_behalf_of=user,
        facts=CASES[0].facts,
        fences=(Fence(FenceKind.MEMBERSHIP, membership, 1),),
        count=50,
        names=pseudonyms.get_pseudonym_naming(account),
    )


def _bare_insert(asked: list[AccessRequest]) -> Callable[[], object]:
    _, _, records = unrecorded.decide_unrecorded(asked, at=timezone.now())
    payload = entries.encode_ledger_entry({**records[0][1], "id": str(records[0][0]), "v": 1})
    statement = "INSERT INTO limited_use_leaf (id, payload) VALUES (%s, %s)"
    cursor = connection.cursor()
    return lambda: cursor.execute(statement, [uuid7(), payload])
