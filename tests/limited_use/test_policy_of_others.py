"""Who else may see something: whom it was shown to, support, the owner's own copy, and nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.policy import policy_evaluation
from limited_use.policy.policy_evaluation import (
    SOURCE_CLASSES,
    TABLE,
    add_source_classes,
    compile_policy_rules,
    decide_data_use,
    decide_derived,
)
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import CALENDAR, MAIL, PROHIBITION_RULES, RULES, PolicyRule

ALL_FACTS = frozenset(Fact)
CLASSES = st.sets(st.sampled_from(DataClass), min_size=1, max_size=4)
PURPOSES = st.sampled_from(Purpose)
RECIPIENTS = st.sampled_from(Recipient)
FACTS = st.frozensets(st.sampled_from(Fact))

# Purpose, recipient, what of, and each fact without which it stays closed.
OPENED = [
    pytest.param(
        Purpose.NOTIFY_OWNER,
        Recipient.OWN_PROVIDER,
        {DataClass.PROFILE},
        {
            Fact.NOTIFICATION_CHOSEN,
            Fact.CONNECTION_LIVE,
            Fact.GRANT_LIVE,
            Fact.FEATURE_REGISTERED,
        },
        id="notification-by-own-mailbox",
        marks=[pytest.mark.clause("AN-13", "LU-2.1", "W-LU2")],
    ),
    pytest.param(
        Purpose.NOTIFY_OWNER,
        Recipient.OWNER,
        {DataClass.PROFILE},
        {
            Fact.ACTOR_OWNS,
            Fact.NOTIFICATION_CHOSEN,
            Fact.CONNECTION_LIVE,
            Fact.GRANT_LIVE,
            Fact.FEATURE_REGISTERED,
        },
        id="notification",
        marks=[pytest.mark.clause("AN-13")],
    ),
    pytest.param(
        Purpose.CALENDAR_SHARE,
        Recipient.REGISTERED_USER,
        CALENDAR,
        {
            Fact.SHARE_LIVE,
            Fact.INTEGRATION_LIVE,
            Fact.GRANT_LIVE,
            Fact.CACHE_CURRENT,
            Fact.CONSENT_CURRENT,
            Fact.FEATURE_REGISTERED,
        },
        id="share",
        marks=[pytest.mark.clause("AN-8", "LU-2.1", "W-LU2")],
    ),
    pytest.param(
        Purpose.SUPPORT_ITEM,
        Recipient.SUPPORT_AGENT,
        MAIL,
        {
            Fact.ITEM_CONSENTED,
            Fact.INTEGRATION_LIVE,
            Fact.GRANT_LIVE,
            Fact.FEATURE_REGISTERED,
        },
        id="item-for-support",
        marks=[pytest.mark.clause("LU-3", "LU-3.1", "WLU-3.1", "W-LU3", "AN-18")],
    ),
    pytest.param(
        Purpose.SUPPORT_ITEM,
        Recipient.SUPPORT_AGENT,
        CALENDAR,
        {
            Fact.ITEM_CONSENTED,
            Fact.INTEGRATION_LIVE,
            Fact.GRANT_LIVE,
            Fact.CACHE_CURRENT,
            Fact.FEATURE_REGISTERED,
        },
        id="event-for-support",
        marks=[pytest.mark.clause("LU-3", "LU-3.1", "WLU-3.1", "W-LU3", "AN-18")],
    ),
    pytest.param(
        Purpose.USER_EXPORT,
        Recipient.OWNER,
        {DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY},
        {
            Fact.ACTOR_OWNS,
            Fact.INTEGRATION_LIVE,
            Fact.CACHE_CURRENT,
            Fact.FEATURE_REGISTERED,
        },
        id="file-of-own-calendar",
        marks=[pytest.mark.clause("AN-9", "AN-23", "LU-1", "W-LU1")],
    ),
    pytest.param(
        Purpose.USER_EXPORT,
        Recipient.OWNER,
        {DataClass.FILE_CONTENT},
        {Fact.ACTOR_OWNS, Fact.INTEGRATION_LIVE, Fact.FEATURE_REGISTERED},
        id="list-of-own-uploads",
        marks=[pytest.mark.clause("AN-7", "LU-1", "W-LU1")],
    ),
    pytest.param(
        Purpose.SUPPORT_FIND,
        Recipient.SUPPORT_AGENT,
        {DataClass.PROFILE},
        {Fact.AGENT_IS_SUPPORT, Fact.LOOKUPS_WITHIN_BOUND},
        id="support-finds",
        marks=[pytest.mark.clause("AN-18", "LU-3.1", "W-LU3", "AN-2")],
    ),
    pytest.param(
        Purpose.USER_EXPORT,
        Recipient.OWNER,
        MAIL,
        {
            Fact.ACTOR_OWNS,
            Fact.EXPORT_ASKED,
            Fact.INTEGRATION_LIVE,
            Fact.FEATURE_REGISTERED,
        },
        id="own-copy",
        marks=[pytest.mark.clause("AN-23")],
    ),
    pytest.param(
        Purpose.USER_EXPORT,
        Recipient.OWNER,
        {DataClass.PROFILE},
        {
            Fact.ACTOR_OWNS,
            Fact.EXPORT_ASKED,
            Fact.CONNECTION_LIVE,
            Fact.FEATURE_REGISTERED,
        },
        id="own-copy-of-the-account",
        marks=[pytest.mark.clause("AN-23")],
    ),
]
WAITING = [
    pytest.param(
        Purpose.SENTIMENT_OWNER, "never-read-moods", "AN-25", marks=pytest.mark.clause("AN-25")
    ),
    pytest.param(
        Purpose.SECURITY_INVESTIGATION,
        "no-security-case",
        "LU-2.2",
        marks=pytest.mark.clause("LU-2.2"),
    ),
    pytest.param(
        Purpose.LEGAL_OBLIGATION, "no-legal-case", "LU-2.3", marks=pytest.mark.clause("LU-2.3")
    ),
    pytest.param(
        Purpose.MERGER_TRANSFER, "no-merger-case", "LU-2.4", marks=pytest.mark.clause("LU-2.4")
    ),
]


@pytest.mark.invariant(1)
class TestWhatWasOpenedForOthers:
    @pytest.mark.parametrize(("purpose", "recipient", "classes", "needs"), OPENED)
    def test_is_permitted_with_all_its_facts_and_without_none(
        self, purpose, recipient, classes, needs
    ):
        for data_class in classes:
            use = Use(data_class, purpose, recipient)

            assert decide_data_use(use, frozenset(needs)).allowed
            for lost in needs:
                decision = decide_data_use(use, ALL_FACTS - {lost})
                assert (decision.allowed, decision.missing) == (False, {lost})

    def test_is_this_and_no_more(self):
        named = {
            Use(data_class, purpose, recipient)
            for purpose, recipient, classes, _ in (one.values for one in OPENED)
            for data_class in classes
        }
        purposes = {use.purpose for use in named}

        assert {use for use, cell in TABLE.items() if cell.options and use[1] in purposes} == named

    @pytest.mark.claim("support.purpose", "event-support.purpose")
    @pytest.mark.clause("LU-3", "WLU-3.1")
    def test_lets_support_read_nothing_for_any_other_purpose(self):
        open_to_support = {
            use for use, cell in TABLE.items() if cell.options and use.recipient == "support_agent"
        }

        reading = {use for use in open_to_support if use.purpose != Purpose.SUPPORT_FIND}
        assert {use.purpose for use in reading} == {Purpose.SUPPORT_ITEM}
        assert {use.data_class for use in reading} == MAIL | CALENDAR

    @pytest.mark.parametrize("data_class", sorted(set(DataClass) - MAIL - CALENDAR))
    def test_names_a_clause_of_reading_where_support_wants_more(self, data_class):
        use = Use(data_class, Purpose.SUPPORT_ITEM, Recipient.SUPPORT_AGENT)

        decision = decide_data_use(use, ALL_FACTS)

        assert not decision.allowed
        assert {"LU-3", "WSEC-TOK"} & set(decision.clauses)


@pytest.mark.invariant(1)
class TestWhatHasNoSinkYet:
    @pytest.mark.parametrize(("purpose", "rule", "clause"), WAITING)
    def test_is_refused_by_a_rule_that_names_the_clause(self, purpose, rule, clause):
        use = Use(DataClass.MAIL_CONTENT, purpose, Recipient.OWNER)

        decision = decide_data_use(use, ALL_FACTS)

        assert (decision.allowed, decision.rule_id) == (False, rule)
        assert clause in decision.clauses
        assert not any(TABLE[one].options for one in TABLE if one[1] == purpose)


class TestChannelRecords:
    @pytest.mark.clause("CPNI-222")
    @pytest.mark.parametrize(
        "purpose", [Purpose.MARKETING, Purpose.ADVERTISING, Purpose.PROFILING, Purpose.DATA_SALE]
    )
    def test_never_feed_marketing_and_say_so_by_their_own_law(self, purpose):
        for recipient in Recipient:
            decision = decide_data_use(Use(DataClass.CHANNEL_CPNI, purpose, recipient), ALL_FACTS)

            assert decision.rule_id == "channel-records-never-market"
            assert "CPNI-222" in decision.clauses

    @pytest.mark.clause("CPNI-222")
    def test_are_opened_by_no_rule(self):
        assert not [use for use in TABLE if use[0] == "channel.cpni" and TABLE[use].options]


@pytest.mark.clause("LU-SCOPE")
class TestDerivedData:
    def test_is_the_link_between_a_number_and_an_address_and_is_used_for_nothing(self):
        assert add_source_classes(DataClass.CONTACT_LINK) == {
            DataClass.CONTACT_LINK,
            DataClass.MAIL_METADATA,
        }
        assert not [use for use in TABLE if use[0] == "contact.link" and TABLE[use].options]

    @pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.MODEL_TRAINING])
    def test_serves_what_its_source_serves_not(self, purpose):
        decision = decide_derived({DataClass.CONTACT_LINK}, purpose, Recipient.OWNER, ALL_FACTS)

        assert not decision.allowed
        assert {"LU-4", "WLU-4.4"} & set(decision.clauses)

    @given(classes=CLASSES, more=CLASSES)
    def test_keeps_every_class_of_its_sources(self, classes, more):
        assert classes <= add_source_classes(*classes)
        assert add_source_classes(*classes) | add_source_classes(*more) == add_source_classes(
            *classes, *more
        )
        assert add_source_classes(*add_source_classes(*classes)) == add_source_classes(*classes)

    @given(classes=CLASSES, purpose=PURPOSES, recipient=RECIPIENTS, facts=FACTS)
    def test_is_permitted_only_where_each_source_is(self, classes, purpose, recipient, facts):
        allowed = decide_derived(classes, purpose, recipient, facts).allowed

        assert allowed is all(
            decide_data_use(Use(one, purpose, recipient), facts).allowed
            for one in add_source_classes(*classes)
        )

    @given(
        classes=CLASSES,
        more=st.sampled_from(DataClass),
        purpose=PURPOSES,
        recipient=RECIPIENTS,
        facts=FACTS,
    )
    def test_opens_nothing_by_being_made_of_more(self, classes, more, purpose, recipient, facts):
        with_more = decide_derived({*classes, more}, purpose, recipient, facts)

        assert with_more.allowed <= decide_derived(classes, purpose, recipient, facts).allowed

    def test_of_nothing_is_refused(self):
        assert decide_derived((), Purpose.INBOX_DISPLAY, Recipient.OWNER, ALL_FACTS) == (
            policy_evaluation.ALL_ELSE
        )

    @given(
        purposes=st.frozensets(PURPOSES, min_size=1),
        recipients=st.frozensets(RECIPIENTS, min_size=1),
        needs=st.frozensets(st.sampled_from(Fact), max_size=2),
        use=st.builds(Use, st.sampled_from(sorted(SOURCE_CLASSES)), PURPOSES, RECIPIENTS),
        facts=FACTS,
    )
    def test_is_opened_no_further_than_its_source_whatever_rule_is_added(
        self, purposes, recipients, needs, use, facts
    ):
        # Planted: a rule for the derived kind alone, and none that forbids it by name.
        planted = PolicyRule(
            id="planted",
            says="Planted by a test, and nothing else.",
            clauses=("LU-1",),
            purposes=purposes,
            recipients=recipients,
            data_classes=frozenset(SOURCE_CLASSES),
            needs=needs,
            allow=True,
        )
        table = compile_policy_rules(
            [*(rule for rule in RULES if rule.id != "no-contact-links"), planted]
        )

        decision = decide_data_use(use, facts, table)

        if decision.allowed:
            for source in SOURCE_CLASSES[use.data_class]:
                source_use = use._replace(data_class=source)
                assert decide_data_use(source_use, facts, table).allowed
                assert set(decide_data_use(source_use, facts, table).clauses) <= set(
                    decision.clauses
                )
            # Another rule of the table may allow the use without these facts.
            if decision.rule_id == planted.id:
                assert needs <= facts

    def test_can_be_opened_with_its_source_by_a_rule_for_it(self):
        planted = PolicyRule(
            id="planted",
            says="Planted by a test, and nothing else.",
            clauses=("LU-1",),
            purposes=frozenset({Purpose.INBOX_DISPLAY}),
            recipients=frozenset({Recipient.OWNER}),
            data_classes=frozenset({DataClass.CONTACT_LINK}),
            needs=frozenset({Fact.KEY_LIVE}),
            allow=True,
        )
        allowing = [one for one in (*RULES, planted) if one.id != "no-contact-links"]
        use = Use(DataClass.CONTACT_LINK, Purpose.INBOX_DISPLAY, Recipient.OWNER)
        table = compile_policy_rules(allowing)

        assert decide_data_use(use, ALL_FACTS, table).rule_id == "planted"
        assert decide_data_use(use, frozenset({Fact.KEY_LIVE}), table).missing
        assert not decide_data_use(
            use, ALL_FACTS, compile_policy_rules((*PROHIBITION_RULES, planted))
        ).allowed
