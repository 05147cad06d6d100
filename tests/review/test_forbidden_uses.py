"""A reviewer's run of the forbidden uses: really decided, recorded, and gone without a trace."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from psycopg import sql

from accounts.ids import uuid7
from accounts.models import Alarm
from accounts.rate_limit_counters import Rate
from integrations.purge import orphaned_keys
from integrations.review import forbidden_use_views
from integrations.tasks import evidence as evidence_tasks
from limited_use.access_request import CANARY_ID
from limited_use.evidence import forbidden_use_results, forbidden_use_run, forbidden_uses
from limited_use.evidence.forbidden_uses import CaseGroup
from limited_use.guard import guard
from limited_use.ledger import entries, entry_proofs, signing_keys, tile_store
from limited_use.models import Leaf
from limited_use.models.usage import Refusal
from limited_use.policy.policy_evaluation import TABLE
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import PERMISSION_RULES, PROHIBITION_RULES
from limited_use.usage import rule_usage
from limited_use.vault import data_keys
from limited_use.vault.keyring.keyring_port import SigningKey
from tests.api import cast
from tests.review.conftest import as_worker, run_sequencer_and_tally
from tests.review.test_pages import links, text

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1)]

CASES = forbidden_uses.list_forbidden_uses(forbidden_use_run.list_canary_columns())


def of_group(group):
    return [case for case in CASES if case.group == group]


@pytest.fixture
def run(keyring):
    """Return the summary of a run by a worker."""
    with as_worker():
        return forbidden_use_run.run_forbidden_uses(uuid7(), at=timezone.now())


class TestTheCases:
    def test_have_every_purpose_and_recipient_that_the_policy_closes(self):
        closed = {
            (use.purpose, use.recipient)
            for values, cell in TABLE.items()
            if not cell.options
            for use in [Use(*values)]
        }

        asked = of_group(CaseGroup.NEVER)
        assert {(case.use.purpose, case.use.recipient) for case in asked} == closed
        assert {case.rule_id for case in asked} == {
            *(rule.id for rule in PROHIBITION_RULES), "all-else",
        }  # fmt: skip
        assert {case.use.data_class for case in asked} >= set(
            forbidden_use_run.list_canary_columns()
        )

    def test_have_every_feature_with_every_purpose_that_nobody_may_have(self):
        asked = Counter(case.feature for case in of_group(CaseGroup.FEATURE))

        assert set(asked) == set(forbidden_uses.FEATURES)
        purposes = {case.use.purpose for case in of_group(CaseGroup.FEATURE)}
        assert set(asked.values()) == {len(purposes)}
        assert purposes >= {
            Purpose.ADVERTISING, Purpose.MARKETING, Purpose.CREDIT_SCORING, Purpose.MODEL_TRAINING,
            Purpose.DATA_SALE, Purpose.PROFILING, Purpose.OUTSIDE_SHARING, Purpose.SENTIMENT_OWNER,
        }  # fmt: skip

    def test_have_every_rule_that_permits_with_each_condition_unmet(self):
        asked = {(case.rule_id, case.missing) for case in of_group(CaseGroup.CONDITION)}

        # Its only condition is an alternative to that of `end-while-purging`.
        assert {rule.id for rule in PERMISSION_RULES} - {rule_id for rule_id, _ in asked} == {
            "end-after-grant-ended"
        }
        assert ("support-reads-one-item", Fact.ITEM_CONSENTED) in asked
        assert ("share-with-whom-you-chose", Fact.SHARE_LIVE) in asked
        assert ("owner-reads-own-inbox", Fact.CONSENT_CURRENT) in asked

    def test_of_people_at_support_have_none_that_reads_without_agreement(self):
        human = [case for case in CASES if case.use.recipient == Recipient.SUPPORT_AGENT]

        assert {case.use.purpose for case in human} == set(Purpose)


@pytest.mark.clause("LU-3", "LU-4.1", "LU-4.2", "LU-4.3", "WLU-4.4", "LU-4")
class TestARun:
    @pytest.mark.claim("review.canary-run")
    def test_is_refused_everything_and_opens_its_canaries_under_the_permitted_use(self, run):
        assert run.is_passed
        assert (run.asked_count, run.refused_count) == (len(CASES), len(CASES))

    def test_records_each_refusal_with_the_rule_and_the_one_unmet_condition(self, run):
        recorded = forbidden_use_results.list_run_entries(run.id)

        refused = [entry for entry in recorded if entry.is_refused]
        assert [(entry.use, entry.rule_id, entry.feature, entry.missing) for entry in refused] == [
            (case.use, case.rule_id, case.feature or "", (case.missing,) if case.missing else ())
            for case in CASES
        ]
        assert {entry.use.data_class for entry in recorded if entry.is_control} == set(
            forbidden_use_run.list_canary_columns()
        )
        assert len(recorded) == len(CASES) + len(forbidden_use_run.list_canary_columns())

    def test_comes_with_a_proof_of_each_entry(self, run):
        run_sequencer_and_tally()
        [first, *_] = forbidden_use_results.list_run_entries(run.id)
        [proven] = tile_store.prove_entries([first.id])

        checked = entry_proofs.verify_entry_proof(
            proven.proof, [signing_keys.get_current_signing_key(SigningKey.LEDGER)]
        )
        assert json.loads(checked.payload)["event"] == "use.refused"

    @pytest.mark.claim("review.canary-leaves-nothing", "review.canary-run")
    def test_leaves_no_key_and_no_canary(self, run):
        assert not data_keys.has_data_key(run.id)
        assert orphaned_keys.count_keys_without_owner() == {}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND data_type IN ('bytea', 'text', 'jsonb')"
            )
            for table, column in cursor.fetchall():
                cursor.execute(
                    sql.SQL("SELECT count(*) FROM {table} WHERE {value} LIKE %s OR {value} LIKE %s")
                    .format(
                        table=sql.Identifier(table),
                        value=sql.SQL("{}::text").format(sql.Identifier(column)),
                    )
                    .as_string(),
                    ["%canary %", f"%{b'canary '.hex()}%"],
                )
                assert cursor.fetchone() == (0,), (table, column)

    def test_is_of_nobody_and_no_use_of_anybody(self, keyring):
        run_sequencer_and_tally()
        before = rule_usage.get_rule_usage_totals()
        with as_worker():
            run = forbidden_use_run.run_forbidden_uses(uuid7(), at=timezone.now())
        run_sequencer_and_tally()

        after = rule_usage.get_rule_usage_totals()
        assert after.pop("forbidden_uses.tried").all == 1
        assert after == before
        assert not Refusal.objects.exists()
        assert not Alarm.objects.exists()
        named = Leaf.objects.filter(subject=bytes.fromhex(entries.get_ledger_pseudonym(CANARY_ID)))
        assert named.count() == len(forbidden_use_results.list_run_entries(run.id))

    def test_delivered_twice_runs_once(self, run):
        count = Leaf.objects.count()

        with as_worker():
            again = forbidden_use_run.run_forbidden_uses(run.id, at=timezone.now())

        assert Leaf.objects.count() == count
        assert (again.id, again.asked_count, again.is_passed) == (run.id, run.asked_count, True)

    def test_beside_another_keeps_its_entries_apart(self, run):
        with as_worker():
            other = forbidden_use_run.run_forbidden_uses(uuid7(), at=timezone.now())

        mine, theirs = map(forbidden_use_results.list_run_entries, (run.id, other.id))
        assert {entry.id for entry in mine}.isdisjoint(entry.id for entry in theirs)
        assert len(mine) == len(theirs)
        newest = forbidden_use_results.list_run_summaries(limit=5)
        assert [summary.id for summary in newest] == [other.id, run.id]


class TestARunThatIsPermittedSomething:
    @pytest.fixture
    def run(self, keyring, monkeypatch):
        """Return the summary of a run by a guard that permits one use that it must not."""
        decide = guard.policy_evaluation.decide_data_use

        def decide_wrongly(use, facts):
            answer = decide(use, facts)
            if use == Use(DataClass.MAIL_CONTENT, Purpose.ADVERTISING, Recipient.THIRD_PARTY):
                return type(answer)(allowed=True, rule_id=answer.rule_id, clauses=answer.clauses)
            return answer

        wrong = [
            case
            for case in CASES
            if (case.use.purpose, case.use.recipient)
            == (Purpose.ADVERTISING, Recipient.THIRD_PARTY)
        ]
        monkeypatch.setattr(
            forbidden_uses,
            "list_forbidden_uses",
            lambda _: [
                forbidden_uses.ForbiddenUse(
                    CaseGroup.NEVER,
                    Use(DataClass.MAIL_CONTENT, Purpose.ADVERTISING, Recipient.THIRD_PARTY),
                    None,
                    frozenset(Fact),
                    None,
                    "never-advertise",
                    is_client=False,
                ),
                *wrong,
            ],
        )
        monkeypatch.setattr(guard.policy_evaluation, "decide_data_use", decide_wrongly)
        with as_worker():
            return forbidden_use_run.run_forbidden_uses(uuid7(), at=timezone.now())

    def test_fails_and_raises_an_alarm(self, run):
        assert not run.is_passed
        assert run.refused_count < run.asked_count
        alarm = Alarm.objects.get(kind="forbidden_use.permitted")
        assert alarm.about == run.id

    def test_leaves_no_key(self, run):
        assert not data_keys.has_data_key(run.id)


@pytest.fixture
def queue(monkeypatch):
    """Return what is enqueued; the worker runs it when the test says so."""
    sent = []
    monkeypatch.setattr(
        "integrations.review.forbidden_use_views.enqueue",
        lambda task, **ids: sent.append((task, ids)) or True,
    )
    return sent


def run_queued(queue):
    [(task, ids)] = queue
    assert task == "integrations.run_forbidden_uses"
    with as_worker():
        evidence_tasks.run_forbidden_uses(**{name: str(value) for name, value in ids.items()})


@pytest.mark.control("3.1.1")
class TestTheButton:
    def test_starts_a_run_and_leads_to_its_page(self, rita, queue):
        answer = rita.post("/review/refusals/run")

        [(_, ids)] = queue
        assert answer.headers["Location"] == f"/review/refusals/runs/{ids['run_id']}/"
        waiting = rita.get(answer.headers["Location"])
        assert "A worker is running" in text(waiting)
        assert waiting.headers["Refresh"].startswith("2; url=/review/refusals/runs/")

    def test_shows_rule_clause_and_proof_of_each_refusal(self, rita, queue):
        page = rita.post("/review/refusals/run").headers["Location"]
        run_queued(queue)
        run_sequencer_and_tally()

        shown = rita.get(page)

        said = text(shown)
        assert f"{len(CASES)} of {len(CASES)} forbidden uses were refused." in said
        assert "all refused" in said
        assert "failed" not in said
        for rule in PROHIBITION_RULES:
            assert str(rule.says) in said
            for clause in rule.clauses:
                assert f"/review/clauses/{clause}/" in links(shown, "/review/clauses/")
        proofs = [path for path in links(shown, "/review/entries/") if path.endswith("/proof")]
        assert len(proofs) == len(CASES) + len(forbidden_use_run.list_canary_columns())
        assert rita.get(proofs[0]).status_code == 200
        listed = rita.get("/review/refusals/")
        assert page in links(listed, "/review/refusals/runs/")
        assert "No refusals" in text(listed)

    def test_is_loud_if_a_use_was_permitted(self, rita, queue, monkeypatch):
        decide = guard.policy_evaluation.decide_data_use
        wrong = Use(DataClass.MAIL_CONTENT, Purpose.ADVERTISING, Recipient.OWNER)

        def decide_wrongly(use, facts):
            answer = decide(use, facts)
            if (use.purpose, use.recipient) == (wrong.purpose, wrong.recipient):
                return replace(answer, allowed=True)
            return answer

        page = rita.post("/review/refusals/run").headers["Location"]
        with monkeypatch.context() as patch:
            patch.setattr(guard.policy_evaluation, "decide_data_use", decide_wrongly)
            run_queued(queue)

        shown = rita.get(page)
        assert 'class="alert bad" role="alert"' in shown.text
        assert "This run failed." in text(shown)
        assert "that it must refuse" in text(shown)
        assert "Permitted, and must not be" in text(shown)
        assert "failed" in text(rita.get("/review/refusals/"))

    def test_is_for_reviewers_alone_and_needs_a_token_of_the_form(self, alice, otto, rita, queue):
        for other in (cast.browser(alice.user), otto):
            assert other.post("/review/refusals/run").status_code == 403
        assert Client().post("/review/refusals/run").headers["Location"].startswith("/accounts/")
        rita.handler.enforce_csrf_checks = True
        assert rita.post("/review/refusals/run").status_code == 403
        assert queue == []

    def test_is_limited_per_reviewer_and_for_all(self, rita, queue, monkeypatch):
        for _ in range(forbidden_use_views.PERSON_RATE.limit):
            assert "/runs/" in rita.post("/review/refusals/run").headers["Location"]

        answer = rita.post("/review/refusals/run")

        assert answer.headers["Location"] == "/review/refusals/"
        assert "That was many runs" in text(rita.get("/review/refusals/"))
        assert len(queue) == forbidden_use_views.PERSON_RATE.limit
        monkeypatch.setattr(
            forbidden_use_views, "PERSON_RATE", Rate("forbidden-uses-more", 100, 3600)
        )
        for _ in range(forbidden_use_views.SERVICE_RATE.limit):
            rita.post("/review/refusals/run")
        assert len(queue) == forbidden_use_views.SERVICE_RATE.limit

    def test_says_so_if_no_worker_can_be_reached(self, rita, monkeypatch):
        monkeypatch.setattr(
            "integrations.review.forbidden_use_views.enqueue", lambda *_, **__: False
        )

        assert rita.post("/review/refusals/run").headers["Location"] == "/review/refusals/"
        assert "No worker can be reached" in text(rita.get("/review/refusals/"))

    def test_shows_no_run_that_there_is_not(self, rita):
        for unknown in (UUID(int=1 << 80), UUID(int=2**128 - 1)):
            assert rita.get(f"/review/refusals/runs/{unknown}/").status_code == 404
