"""A reviewer points at a sentence, and is shown rule, tests and entries; and at nobody."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.ids import uuid7
from integrations.review import clause_pages, policy_table, review_labels
from integrations.review.messages import labels
from limited_use.evidence import clause_evidence
from limited_use.ledger import entry_proofs, signing_keys
from limited_use.models.usage import PolicyUse, Refusal
from limited_use.policy.clauses import CLAUSES, ClauseConfidence, get_rules
from limited_use.policy.policy_evaluation import TABLE
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient
from limited_use.policy.rules import RULES
from limited_use.usage import rule_usage
from limited_use.vault.keyring.keyring_port import SigningKey
from tests import bound_tests
from tests.api import cast
from tests.bound_tests import Bound

pytestmark = [pytest.mark.django_db, pytest.mark.control("3.1.1")]

#: Every page of a reviewer that is about no single thing.
OVERVIEWS = (
    "/review/", "/review/domains/", "/review/privacy/", "/review/scopes/", "/review/consent-flow/",
    "/review/deletion/", "/review/human-access/", "/review/assessment/", "/review/clauses/",
    "/review/policy/", "/review/refusals/", "/review/evidence/",
)  # fmt: skip


def text(answer):
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def links(answer, prefix):
    return re.findall(rf'href="({re.escape(prefix)}[^"]*)"', answer.content.decode())


def expected(clause, tests):
    """Yield everything that a clause's page has to show."""
    yield from (clause.says, clause.source.title, clause.quote, *clause.code)
    for rule in (*get_rules(clause.id), *clause_evidence.get_fact_rules(clause)):
        yield from (rule.id, str(rule.says))
    for name in tests.get(Bound("clause", clause.id), ()):
        yield from review_labels.describe_test(name)
    if clause.duty:
        yield from (clause.duty.owner, clause.duty.does)


class TestEveryClause:
    def test_is_listed_and_leads_to_its_page(self, rita):
        page = rita.get("/review/clauses/")

        listed = [path.split("/")[3] for path in links(page, "/review/clauses/") if path[16:]]
        assert sorted(listed) == sorted(CLAUSES)

    def test_shows_source_rules_tests_and_duty(self, rita, used, with_results):
        with_results()
        tests = bound_tests.find_bound_tests()

        for clause in CLAUSES.values():
            shown = text(rita.get(f"/review/clauses/{clause.id}/"))

            missing = [one for one in expected(clause, tests) if " ".join(one.split()) not in shown]
            assert missing == [], clause.id

    def test_shows_the_entries_in_which_its_rules_were_applied(self, rita, used):
        newest = PolicyUse.objects.get(rule="never-market").latest[0]

        for clause_id in next(rule.clauses for rule in RULES if rule.id == "never-market"):
            answer = rita.get(f"/review/clauses/{clause_id}/")
            assert f"/review/entries/{newest}/" in links(answer, "/review/entries/"), clause_id

    @pytest.mark.parametrize("clause_id", ["LU-1", "LU-4.1", "AN-10", "WDEL"])
    def test_counts_what_the_ledger_holds(self, rita, used, clause_id):
        applying = clause_evidence.list_rules_applying_clause(CLAUSES[clause_id])
        counts = [
            rule_usage.get_rule_usage_totals().get(one, rule_usage.RuleUsageCount()).all
            for one in applying
        ]

        [day] = (
            rule_usage.list_rule_usage_days(applying, at=timezone.now()) if sum(counts) else [None]
        )

        assert (day.count.all if day else 0) == sum(counts)

    def test_is_a_404_where_there_is_none(self, rita):
        assert rita.get("/review/clauses/LU-99/").status_code == 404


class TestTheSearch:
    def search(self, rita, **query):
        page = rita.get("/review/clauses/", query)
        return {path.split("/")[3] for path in links(page, "/review/clauses/") if path[16:]}, page

    def test_finds_clauses_by_words_id_and_rule(self, rita):
        assert self.search(rita, q="lu-4.1")[0] == {"LU-4.1"}
        assert "MS-ADS" in self.search(rita, q="never-advertise")[0]
        some = "  ".join(CLAUSES["LU-3"].says.upper().split()[1:4])
        assert "LU-3" in self.search(rita, q=some)[0] < set(CLAUSES)

    def test_filters_by_document_and_by_who_enforces(self, rita):
        title = CLAUSES["MS-ADS"].source.title

        found, _ = self.search(rita, source=title)
        assert found == {key for key, each in CLAUSES.items() if each.source.title == title}
        found, _ = self.search(rita, **{"kept-by": "people"})
        assert found == {key for key, each in CLAUSES.items() if each.duty}

    def test_keeps_what_was_typed_and_says_how_many_match(self, rita):
        found, page = self.search(rita, q="tokens", source=CLAUSES["TOK-SEC"].source.title)

        assert 'value="tokens"' in page.text
        assert f"{len(found)} of {len(CLAUSES)} clauses match." in text(page)

    def test_says_so_if_no_clause_matches(self, rita):
        found, page = self.search(rita, q="<no such clause>")

        assert found == set()
        assert "No clause matches" in text(page)
        assert "<no such clause>" not in page.text

    @pytest.mark.parametrize("query", [{"source": "Nobody's"}, {"kept-by": "magic"}])
    def test_takes_another_filter_for_none(self, rita, query):
        assert self.search(rita, **query)[0] == set(CLAUSES)

    def test_has_each_document_once(self, rita):
        page = rita.get("/review/clauses/").text

        titles = re.findall(r'<h2 id="source-\d+">([^<]+)</h2>', page)
        assert len(titles) == len(set(titles))
        assert set(map(unescape, titles)) == {each.source.title for each in CLAUSES.values()}
        groups = clause_pages.group_by_source(clause_pages.list_policy_clauses())
        assert sum(len(lines) for _, lines in groups) == len(CLAUSES)


class TestAnEntry:
    def test_says_what_was_decided_under_which_rule(self, rita, used):
        refusal = Refusal.objects.get()

        shown = text(rita.get(f"/review/entries/{refusal.entry_id}/"))

        assert "never-market" in shown
        assert "refused" in shown
        assert "marketing" in shown

    def test_comes_with_a_proof_that_holds(self, rita, used):
        refusal = Refusal.objects.get()

        answer = rita.get(f"/review/entries/{refusal.entry_id}/proof")

        proven = entry_proofs.verify_entry_proof(
            answer.content.decode(), [signing_keys.get_current_signing_key(SigningKey.LEDGER)]
        )
        assert str(refusal.entry_id).encode() in proven.payload
        assert b'"rule":"never-market"' in proven.payload

    def test_without_a_place_has_no_proof_yet(self, rita, campaigns):
        campaigns.get("/v1/users/me/messages")
        entry = rule_usage.Leaf.objects.order_by("-id").first()

        assert "Proof not ready yet" in text(rita.get(f"/review/entries/{entry.id}/"))
        assert rita.get(f"/review/entries/{entry.id}/proof").status_code == 404


class TestThePolicy:
    def test_shows_every_use_once(self, rita):
        blocks = policy_table.list_policy_purposes()
        shown = [
            (data_class.id, block.purpose.id, recipient.id)
            for block in blocks
            for row in block.rows
            for recipient in row.recipients
            for data_class in row.data_classes
        ]

        assert len(shown) == len(set(shown)) == len(TABLE)
        page = text(rita.get("/review/policy/"))
        for purpose in Purpose:
            assert f"{labels.PURPOSES[purpose]} {purpose}" in page

    def test_shows_every_rule_with_its_clauses(self, rita, used):
        answer = rita.get("/review/policy/")

        shown = text(answer)
        for rule in RULES:
            assert rule.says in shown
            assert f'id="rule-{rule.id}"' in answer.content.decode()

    def test_has_words_for_every_fact_and_source(self):
        assert set(labels.FACTS) == set(Fact)
        assert set(labels.KNOWN_BY) == set(ClauseConfidence)
        assert set(labels.DATA_CLASSES) == set(DataClass)
        assert set(labels.PURPOSES) == set(Purpose)
        assert set(labels.RECIPIENTS) == set(Recipient)


class TestRefusals:
    def test_are_listed_newest_first_by_feature_and_rule(self, rita, used):
        shown = text(rita.get("/review/refusals/"))

        assert "Campaigns campaigns" in shown
        assert "never-market" in shown
        assert (
            "senders, recipients and subjects of mail mail.metadata for marketing marketing to a"
            " feature of the platform platform_feature" in shown
        )

    def test_lead_to_their_entries(self, rita, used):
        [to] = links(rita.get("/review/refusals/"), "/review/entries/")

        assert rita.get(to).status_code == 200

    def test_are_paged(self, rita, used, monkeypatch):
        refusal = Refusal.objects.get()
        monkeypatch.setattr("integrations.review.views.PAGE", 1)
        Refusal.objects.create(
            entry_id=uuid7(), at=refusal.at - (timezone.now() - refusal.at),
            rule=refusal.rule, purpose=refusal.purpose, data_class=refusal.data_class,
            recipient=refusal.recipient,
        )  # fmt: skip

        first = rita.get("/review/refusals/")
        [older] = re.findall(r'href="(\?before=[^"]+)"', first.content.decode())
        second = rita.get(f"/review/refusals/{unescape(older)}")

        assert links(first, "/review/entries/") != links(second, "/review/entries/")

    @pytest.mark.parametrize("before", ["yesterday", "2026-13-45T00:00", "2026-11-25", ""])
    def test_take_any_beginning_that_is_none(self, rita, used, before):
        assert rita.get("/review/refusals/", {"before": before}).status_code == 200

    def test_say_so_where_there_are_none(self, rita):
        assert "No refusals" in text(rita.get("/review/refusals/"))


@pytest.mark.invariant(4)
@pytest.mark.clause("LU-3", "AN-18")
class TestAReviewer:
    def pages(self, rita):
        entries = [one.latest[0] for one in PolicyUse.objects.all()]
        yield from OVERVIEWS
        yield from (f"/review/clauses/{one}/" for one in CLAUSES)
        yield from (f"/review/entries/{one}/" for one in entries)
        yield from (f"/review/entries/{one}/proof" for one in entries)

    def test_sees_neither_content_nor_persons(self, rita, used, alice, mine):
        ids = [*vars(mine).values(), alice.organisation.id, alice.membership.id]
        secrets = [cast.MARKER, "gmail.example", "example.test", alice.user.email, *map(str, ids)]
        looked = 0

        for path in self.pages(rita):
            shown = rita.get(path).content.decode()
            looked += 1
            assert not [one for one in secrets if one in shown], path

        assert looked > len(CLAUSES)

    @pytest.mark.control("3.3.1")
    @pytest.mark.parametrize("path", OVERVIEWS)
    def test_is_nobody_else(self, alice, otto, path):
        assert cast.browser(alice.user).get(path).status_code == 403
        assert otto.get(path).status_code == 403
        assert Client().get(path).headers["Location"].startswith("/accounts/login/")
