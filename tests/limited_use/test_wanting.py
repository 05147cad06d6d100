"""A refusal says why, in plain words, and tells nobody what they have nothing to do with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.policy import refusal_text
from limited_use.policy.clauses import CLAUSES
from limited_use.policy.policy_evaluation import RULE_TEXTS, TABLE, decide_data_use
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import RULES

SHOWN = Use(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.OWNER)
ALL_FACTS = frozenset(Fact)
FACTS = st.frozensets(st.sampled_from(Fact))
GATES = {Fact.ACTOR_OWNS, Fact.SHARE_LIVE, Fact.ITEM_CONSENTED}


class TestRefusalTexts:
    def test_are_there_for_every_fact(self):
        assert set(refusal_text.MISSING_FACT_TEXTS) == set(Fact)
        assert all(said.endswith(".") for said in refusal_text.MISSING_FACT_TEXTS.values())

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
    def test_of_a_rule_are_plain_and_its_clauses_are_known(self, rule):
        assert rule.says.endswith(".")
        assert len(rule.says) <= 160
        # No word of ours that a user would have to look up.
        assert not {"permit", "vault", "epoch", "fence"} & set(rule.says.lower().split())
        assert all(clause in CLAUSES for clause in rule.clauses)

    @given(use=st.sampled_from(sorted(TABLE)), facts=FACTS)
    def test_explain_whatever_is_refused(self, use, facts):
        decision = decide_data_use(Use(*use), facts)

        said = refusal_text.explain_refusal(decision)

        assert RULE_TEXTS[decision.rule_id] in said
        assert bool(decision.missing) is ("What is missing" in said)


class TestWhatIsTold:
    def test_is_what_is_missing_and_nothing_else(self):
        decision = decide_data_use(SHOWN, ALL_FACTS - {Fact.CONSENT_CURRENT})

        said = refusal_text.explain_refusal(decision)

        assert said == (
            "What is allowed: You read your own mail in your inbox. What is missing:"
            " The owner of the data has not agreed to the current text in Settings."
        )

    @pytest.mark.control("3.1.4")
    @given(facts=FACTS)
    def test_is_the_same_to_a_stranger_however_it_stands(self, facts):
        # Whether it exists, is connected, or was agreed to is nothing of theirs.
        decision = decide_data_use(SHOWN, facts - {Fact.ACTOR_OWNS})

        assert refusal_text.get_disclosed_facts(decision) == {Fact.ACTOR_OWNS}
        assert refusal_text.explain_refusal(decision).endswith("Nothing with this id is yours.")

    @given(use=st.sampled_from(sorted(TABLE)), facts=FACTS)
    def test_is_never_more_than_is_missing(self, use, facts):
        decision = decide_data_use(Use(*use), facts)

        assert refusal_text.get_disclosed_facts(decision) <= decision.missing
        assert bool(refusal_text.get_disclosed_facts(decision)) is bool(decision.missing)
        assert not decision.missing & GATES or refusal_text.get_disclosed_facts(decision) <= GATES

    def test_of_a_rule_that_forbids_is_the_rule(self):
        decision = decide_data_use(SHOWN._replace(purpose=Purpose.MARKETING), ALL_FACTS)

        assert refusal_text.explain_refusal(decision) == RULE_TEXTS["never-market"]
