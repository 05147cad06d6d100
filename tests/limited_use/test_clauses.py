"""The catalogue of clauses: nothing in it that nobody keeps, nothing kept that it does not name."""

from __future__ import annotations

import importlib

import pytest

from limited_use.policy import clauses
from limited_use.policy.clauses import CLAUSES, ClauseConfidence
from limited_use.policy.policy_evaluation import ALL_ELSE
from limited_use.policy.rules import RULES
from tests import bound_tests

EACH = [pytest.param(clause, id=clause.id) for clause in CLAUSES.values()]
ENFORCED = [pytest.param(one, id=one.id) for one in CLAUSES.values() if clauses.is_enforced(one)]
# Where no public address is known, or the law itself is meant.
WITHOUT_ADDRESS = {"AN", "OWN", "CPNI"}
# What the documents say in a list or an address, rather than in a phrase.
WITHOUT_PHRASE = {"W-LU3", "GWDP-apptype", "MS-REVLINK"}


def find(name):
    """Return what a dotted name leads to: a module, or something in one."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


@pytest.fixture(scope="module")
def borne():
    """The tests that bear each clause, read from their source: nothing is run, or missed."""
    return {
        one.id: named
        for one, named in bound_tests.find_bound_tests().items()
        if one.marker == "clause"
    }


class TestTheCatalogue:
    def test_holds_every_clause_that_a_rule_names(self):
        named = {one for rule in RULES for one in rule.clauses} | set(ALL_ELSE.clauses)

        assert named - set(CLAUSES) == set()

    def test_holds_every_clause_that_a_test_bears(self, borne):
        assert set(borne) - set(CLAUSES) == set(), "a test bears what is no clause"

    @pytest.mark.parametrize("clause", EACH)
    def test_says_who_says_it_and_how_sure_we_are(self, clause):
        assert len(clause.says.split()) >= 4
        assert clause.says.endswith(".")
        assert clause.source.title
        assert clause.source.url.startswith("https://") or (
            clause.id.partition("-")[0] in WITHOUT_ADDRESS
        )
        if clause.confidence == ClauseConfidence.OURS:
            assert not clause.quote
        else:
            assert clause.source.as_of
            assert clause.quote or clause.id in WITHOUT_PHRASE

    @pytest.mark.parametrize("clause", EACH)
    def test_quotes_a_phrase_and_no_more(self, clause):
        assert len(clause.quote) <= 100

    @pytest.mark.parametrize("clause", EACH)
    def test_gives_each_to_software_or_to_somebody(self, clause):
        assert clauses.is_enforced(clause) or clause.duty, "nobody keeps it"
        if clause.duty:
            assert clause.duty.owner
            assert len(clause.duty.does.split()) >= 4

    @pytest.mark.parametrize("clause", ENFORCED)
    def test_binds_each_that_software_keeps_to_a_test(self, clause, borne):
        assert borne.get(clause.id), f"no test bears {clause.id}"

    def test_leaves_correction_to_a_person(self, borne):
        correction = CLAUSES["AN-23.2"]

        assert not clauses.is_enforced(correction), "say what corrects, and test it"
        assert correction.duty
        assert "correct" not in CLAUSES["AN-23"].says + CLAUSES["AN-23"].quote
        assert "AN-23.2" not in borne

    @pytest.mark.parametrize("clause", ENFORCED)
    def test_names_code_that_is_there(self, clause):
        for name in clause.code:
            assert find(name) is not None

    @pytest.mark.parametrize("clause", ENFORCED)
    def test_names_only_facts_that_a_rule_of_the_policy_needs(self, clause):
        needed = {fact for rule in RULES for fact in rule.needs | rule.unless}

        assert set(clause.facts) <= needed

    def test_claims_no_second_hand_words_as_read(self):
        # What the facts of this project know from others only; a new one is decided here.
        assert {one.id for one in CLAUSES.values() if one.confidence != ClauseConfidence.READ} == {
            "CASA-DEL", "GFAQ-models", "WAGENT", "WSEC-PI", "AN-31",
            "MS-ADS", "MS-COPY", "MS-DEL", "MS-INC", "MS-MIN", "MS-REVLINK",
            "CPNI-222", "OWN-CRASH", "OWN-LOGS", "OWN-PAGES",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("family", "count"),
        [("LU", 17), ("W", 5), ("WLU", 2), ("WSEC", 4), ("SCOPE", 6), ("MS", 6), ("AN", 32)],
    )
    def test_leaves_none_of_a_document_out(self, family, count):
        prefix = {"W": "W-LU", "WLU": "WLU-"}.get(family, f"{family}-")

        assert sum(one.startswith(prefix) for one in CLAUSES) == {"W": 4}.get(family, count)
