"""A refusal says why, in plain words, and tells nobody what they have nothing to do with."""

from __future__ import annotations

import re

import pytest
from authlib.oauth2.rfc6749 import AccessDeniedError
from hypothesis import given
from hypothesis import strategies as st

from limited_use.policy import refusal_text
from limited_use.policy.clauses import CLAUSES
from limited_use.policy.policy_evaluation import (
    ALL_ELSE,
    ALL_ELSE_TEXT,
    RULE_TEXTS,
    TABLE,
    can_use_be_allowed,
    decide_data_use,
    list_reading_purposes,
)
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

    @pytest.mark.parametrize(
        "text", [*RULE_TEXTS.values(), *refusal_text.MISSING_FACT_TEXTS.values()]
    )
    def test_can_be_an_error_description(self, text):
        """`/oauth/authorize` sends them to the client: ASCII without quotes (RFC 6749 §4.1.2.1)."""
        assert AccessDeniedError(description=text).description == text

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

        said = refusal_text.explain_refusal(decision, Use(*use))

        is_wrong_purpose = use[2] == Recipient.PLATFORM_FEATURE and decision == ALL_ELSE
        assert is_wrong_purpose or RULE_TEXTS[decision.rule_id] in said
        assert bool(decision.missing) is ("What is missing" in said)


class TestWhatIsTold:
    def test_is_what_is_missing_and_nothing_else(self):
        decision = decide_data_use(SHOWN, ALL_FACTS - {Fact.CONSENT_CURRENT})

        said = refusal_text.explain_refusal(decision, SHOWN)

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
        said = refusal_text.explain_refusal(decision, SHOWN)
        assert said.endswith("Nothing with this id is yours.")

    @given(use=st.sampled_from(sorted(TABLE)), facts=FACTS)
    def test_is_never_more_than_is_missing(self, use, facts):
        decision = decide_data_use(Use(*use), facts)

        assert refusal_text.get_disclosed_facts(decision) <= decision.missing
        assert bool(refusal_text.get_disclosed_facts(decision)) is bool(decision.missing)
        assert not decision.missing & GATES or refusal_text.get_disclosed_facts(decision) <= GATES

    def test_of_a_rule_that_forbids_is_the_rule(self):
        use = SHOWN._replace(purpose=Purpose.MARKETING)
        decision = decide_data_use(use, ALL_FACTS)

        assert refusal_text.explain_refusal(decision, use) == RULE_TEXTS["never-market"]


FEATURE = Recipient.PLATFORM_FEATURE
# Words of the vocabulary have a dot, or are the two that have none.
NAMED = re.compile(r"[a-z]+\.[a-z]+|\bprofile\b|\bcredential\b")
TOKEN_PURPOSES = st.sampled_from([*Purpose, "", "no.such.purpose", "<b>"])


def explain(
    data_class: DataClass, purpose: str, *, facts: frozenset[Fact] = ALL_FACTS, token=None
) -> str:
    use = Use(data_class, purpose, FEATURE)  # type: ignore[arg-type]  # unknown purposes too
    return refusal_text.explain_refusal(decide_data_use(use, facts), use, token_purpose=token)


class TestRefusedFeature:
    """A service client learns what its token is for, and what the data needs."""

    @pytest.mark.parametrize(
        ("data_class", "purpose", "says"),
        [
            (
                DataClass.CALENDAR_EVENT,
                Purpose.INBOX_DISPLAY,
                "This token is for inbox.display; calendar.event needs calendar.schedule.",
            ),
            (
                DataClass.FILE_CONTENT,
                Purpose.INBOX_DISPLAY,
                "This token is for inbox.display; file.content needs drive.upload.",
            ),
            (
                DataClass.PROFILE,
                Purpose.INBOX_DISPLAY,
                "This token is for inbox.display; no feature receives profile.",
            ),
            (
                DataClass.MAIL_METADATA,
                Purpose.CALENDAR_SCHEDULE,
                (
                    "Showing and changing your calendars uses only your calendars. This token is"
                    " for calendar.schedule; mail.metadata needs inbox.display."
                ),
            ),
            (
                DataClass.CALENDAR_EVENT,
                Purpose.DRIVE_UPLOAD,
                (
                    "A feature can propose or save only files that Antares made, never your mail or"
                    " events. This token is for drive.upload; calendar.event needs"
                    " calendar.schedule."
                ),
            ),
            (
                DataClass.CALENDAR_FREEBUSY,
                Purpose.CALENDAR_SHARE,
                "No feature receives calendar.freebusy for calendar.share.",
            ),
            (
                DataClass.MAIL_METADATA,
                "no.such.purpose",
                "This token is for no purpose that Antares knows.",
            ),
        ],
    )
    def test_is_told_the_purpose_that_the_data_needs(self, data_class, purpose, says):
        assert explain(data_class, purpose) == says

    @pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.MAIL_SEND])
    def test_of_a_prohibition_is_told_the_rule_alone(self, purpose):
        decision = decide_data_use(Use(DataClass.MAIL_CONTENT, purpose, FEATURE), ALL_FACTS)

        assert explain(DataClass.MAIL_CONTENT, purpose) == RULE_TEXTS[decision.rule_id]

    @pytest.mark.parametrize(
        ("needed", "token", "says"),
        [
            (
                Purpose.INBOX_DISPLAY,
                Purpose.DRAFT_PROPOSE,
                "This token is for draft.propose; mail.content needs inbox.display.",
            ),
            (
                Purpose.DRAFT_PROPOSE,
                Purpose.INBOX_DISPLAY,
                "This token is for inbox.display; this request needs draft.propose.",
            ),
            (
                Purpose.DRAFT_PROPOSE,
                "<b>",
                (
                    "This token is for no purpose that Antares knows; this request needs"
                    " draft.propose."
                ),
            ),
        ],
    )
    def test_is_told_what_the_request_needs(self, needed, token, says):
        facts = ALL_FACTS - {Fact.FEATURE_REGISTERED}

        assert explain(DataClass.MAIL_CONTENT, needed, facts=facts, token=token) == says

    def test_with_the_right_purpose_is_told_what_is_missing(self):
        facts = ALL_FACTS - {Fact.CONSENT_CURRENT}

        token = Purpose.INBOX_DISPLAY
        said = explain(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, facts=facts, token=token)

        assert said.endswith("has not agreed to the current text in Settings.")
        assert "This token" not in said

    @pytest.mark.parametrize("recipient", [Recipient.OWN_PROVIDER, Recipient.OWNER])
    def test_that_does_what_its_owner_does_is_told_so(self, recipient):
        use = Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_SCHEDULE, recipient)
        decision = decide_data_use(use, ALL_FACTS - {Fact.ACTOR_OWNS})

        said = refusal_text.explain_refusal(decision, use, token_purpose=use.purpose)

        assert said.endswith("The person does this, and no feature can.")
        assert refusal_text.explain_refusal(decision, use).endswith("id is yours.")

    @given(
        use=st.sampled_from(sorted(TABLE)),
        facts=FACTS,
        token=st.none() | TOKEN_PURPOSES,
    )
    def test_is_never_told_nothing_and_only_words_of_the_policy(self, use, facts, token):
        use = Use(*use)
        decision = decide_data_use(use, facts)

        said = refusal_text.explain_refusal(decision, use, token_purpose=token)

        assert said.endswith(".")
        known_words = {*Purpose, *DataClass}
        rule_text = RULE_TEXTS[decision.rule_id]
        assert {*NAMED.findall(said.replace(rule_text, ""))} <= known_words
        assert "<" not in said
        if token is not None or use.recipient == FEATURE:
            # The catch-all's text says nothing that helps a client.
            assert ALL_ELSE_TEXT not in said

    @given(data_class=st.sampled_from(DataClass), purpose=st.sampled_from(Purpose))
    def test_is_never_sent_to_a_purpose_that_is_refused_too(self, data_class, purpose):
        said = explain(data_class, purpose)

        for needed in Purpose:
            if f"{data_class} needs" in said and said.endswith(f" {needed}."):
                use = Use(data_class, needed, FEATURE)
                assert decide_data_use(use, ALL_FACTS).allowed
                assert needed in list_reading_purposes(data_class)

    @pytest.mark.parametrize("data_class", DataClass)
    def test_reads_for_purposes_that_a_client_may_have(self, data_class):
        for purpose in list_reading_purposes(data_class):
            assert can_use_be_allowed(purpose, FEATURE)
            assert purpose != Purpose.DRAFT_PROPOSE
