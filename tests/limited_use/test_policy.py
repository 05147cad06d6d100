from __future__ import annotations

from itertools import chain, combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.policy import policy_evaluation
from limited_use.policy.policy_evaluation import (
    ALL_ELSE,
    RULES,
    TABLE,
    compile_policy_rules,
    decide_data_use,
)
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import PERMISSION_RULES, PROHIBITION_RULES, PolicyRule

ALL_FACTS = frozenset(Fact)
USES = st.builds(
    Use, st.sampled_from(DataClass), st.sampled_from(Purpose), st.sampled_from(Recipient)
)
FACTS = st.frozensets(st.sampled_from(Fact))
FORBIDDING_RULES = st.builds(
    PolicyRule,
    id=st.just("planted"),
    says=st.just("Planted by a test, and nothing else."),
    clauses=st.just(("LU-4",)),
    purposes=st.frozensets(st.sampled_from(Purpose)),
    recipients=st.frozensets(st.sampled_from(Recipient)),
    data_classes=st.frozensets(st.sampled_from(DataClass)),
)
ONLY_REFUSED = [
    Purpose.SENTIMENT_OWNER,
    Purpose.MARKETING,
    Purpose.ADVERTISING,
    Purpose.PROFILING,
    Purpose.DATA_SALE,
    Purpose.CREDIT_SCORING,
    Purpose.MODEL_TRAINING,
    Purpose.OUTSIDE_SHARING,
    Purpose.SECURITY_INVESTIGATION,
    Purpose.LEGAL_OBLIGATION,
    Purpose.MERGER_TRANSFER,
]
OWNER_NEEDS = {
    Fact.ACTOR_OWNS,
    Fact.INTEGRATION_LIVE,
    Fact.CONSENT_CURRENT,
    Fact.FEATURE_REGISTERED,
}


def allowed(data_class, purpose, recipient, facts=ALL_FACTS):
    return decide_data_use(Use(data_class, purpose, recipient), frozenset(facts)).allowed


def subsets(of):
    for size in range(len(of) + 1):
        yield from map(frozenset, combinations(sorted(of), size))


def open_uses(purpose=None, recipient=None):
    return {
        use
        for use, cell in TABLE.items()
        if cell.options and purpose in {None, use.purpose} and recipient in {None, use.recipient}
    }


@pytest.mark.invariant(1)
class TestTheWholeSpace:
    def test_holds_every_use_once(self):
        assert set(TABLE) == set(product(DataClass, Purpose, Recipient))

    def test_agrees_with_the_rules_read_one_by_one(self):
        # Each subset of what the rules that cover a use need is tried on it.
        covering = {
            use: [
                rule
                for rule in RULES
                if use.data_class in rule.data_classes
                and use.purpose in rule.purposes
                and use.recipient in rule.recipients
            ]
            for use in TABLE
        }
        for use, rules in covering.items():
            forbidden = any(not rule.allow and not rule.is_limit for rule in rules)
            needed = set(chain.from_iterable(rule.needs | rule.unless for rule in rules))
            for facts in (*subsets(needed), ALL_FACTS):
                limited = any(rule.is_limit and not rule.unless <= facts for rule in rules)
                permitted = (
                    not forbidden
                    and not limited
                    and any(rule.allow and rule.needs <= facts for rule in rules)
                )
                assert decide_data_use(use, facts).allowed is permitted


LIMITED_SEND = Use(DataClass.MAIL_CONTENT, Purpose.MAIL_SEND, Recipient.OWN_PROVIDER)
LIMITED_PROPOSAL = Use(DataClass.MAIL_CONTENT, Purpose.DRAFT_PROPOSE, Recipient.PLATFORM_FEATURE)
LIMITED_INVITATION = Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_INVITE, Recipient.OWN_PROVIDER)


@pytest.mark.invariant(15)
@pytest.mark.clause("AN-11")
class TestALimit:
    @pytest.mark.parametrize(
        ("use", "fact", "rule"),
        [
            (LIMITED_SEND, Fact.RECIPIENTS_WITHIN_BOUND, "few-recipients"),
            (LIMITED_SEND, Fact.HOUR_WITHIN_BOUND, "few-messages-an-hour"),
            (LIMITED_SEND, Fact.DAY_WITHIN_BOUND, "few-messages-a-day"),
            (LIMITED_INVITATION, Fact.RECIPIENTS_WITHIN_BOUND, "few-recipients"),
            (LIMITED_INVITATION, Fact.HOUR_WITHIN_BOUND, "few-messages-an-hour"),
            (LIMITED_INVITATION, Fact.DAY_WITHIN_BOUND, "few-messages-a-day"),
            (LIMITED_PROPOSAL, Fact.RECIPIENTS_WITHIN_BOUND, "few-recipients"),
            (LIMITED_PROPOSAL, Fact.RECIPIENTS_KNOWN, "propose-to-correspondents"),
            (LIMITED_PROPOSAL, Fact.TEMPLATE_WITHIN_BOUND, "propose-no-campaign"),
        ],
    )
    def test_refuses_what_a_rule_permits_and_names_itself(self, use, fact, rule):
        assert decide_data_use(use, ALL_FACTS).allowed

        refused = decide_data_use(use, ALL_FACTS - {fact})

        assert (refused.allowed, refused.rule_id, refused.missing) == (False, rule, frozenset())
        assert {"AN-11", "LU-4"} <= set(refused.clauses)

    def test_is_named_only_once_nothing_else_is_missing(self):
        facts = ALL_FACTS - {Fact.CONSENT_CURRENT, Fact.HOUR_WITHIN_BOUND}

        refused = decide_data_use(LIMITED_SEND, facts)

        assert refused.missing == {Fact.CONSENT_CURRENT}

    @pytest.mark.claim("feature.sending", "feature.reply-assistant")
    @pytest.mark.parametrize("purpose", [Purpose.MAIL_SEND, Purpose.CALENDAR_INVITE])
    @pytest.mark.parametrize("data_class", DataClass)
    def test_or_fact_lets_no_feature_send_or_invite(self, data_class, purpose):
        use = Use(data_class, purpose, Recipient.PLATFORM_FEATURE)

        assert not decide_data_use(use, ALL_FACTS).allowed
        assert not TABLE[use].options

    def test_does_not_stop_the_owner_from_reading_the_outbox(self):
        facts = {Fact.ACTOR_OWNS, Fact.INTEGRATION_LIVE, Fact.FEATURE_REGISTERED}

        assert allowed(DataClass.MAIL_CONTENT, Purpose.MAIL_SEND, Recipient.OWNER, facts)


@pytest.mark.invariant(1)
class TestDecide:
    @pytest.mark.clause("LU-4")
    @pytest.mark.clause("W-LU4")
    def test_refuses_what_no_rule_permits_and_says_by_which_clause(self):
        use = Use(DataClass.CALENDAR_EVENT, Purpose.INBOX_DISPLAY, Recipient.REGISTERED_USER)

        assert decide_data_use(use, ALL_FACTS) == ALL_ELSE
        assert "LU-4" in ALL_ELSE.clauses

    @given(use=st.tuples(st.text(), st.text(), st.text()), facts=FACTS)
    def test_refuses_words_that_the_vocabulary_does_not_have(self, use, facts):
        if use not in TABLE:
            assert decide_data_use(Use(*use), facts) == ALL_ELSE

    @given(use=USES, facts=FACTS, planted=FORBIDDING_RULES)
    def test_opens_nothing_when_a_forbidding_rule_is_added(self, use, facts, planted):
        table = compile_policy_rules((*RULES, planted))

        assert decide_data_use(use, facts, table).allowed <= decide_data_use(use, facts).allowed

    @given(use=USES, facts=FACTS, lost=st.sampled_from(Fact))
    def test_opens_nothing_when_a_fact_is_lost(self, use, facts, lost):
        assert decide_data_use(use, facts - {lost}).allowed <= decide_data_use(use, facts).allowed

    @given(use=USES, facts=FACTS, order=st.permutations(RULES))
    def test_does_not_depend_on_the_order_of_the_rules(self, use, facts, order):
        assert (
            decide_data_use(use, facts, compile_policy_rules(order)).allowed
            is decide_data_use(use, facts).allowed
        )

    @given(use=USES)
    def test_forbids_even_what_a_rule_permits_for_everybody(self, use):
        everything = PolicyRule(
            id="all", says="Permits all of it, planted.", clauses=("X",), allow=True
        )
        table = compile_policy_rules((everything, *PROHIBITION_RULES))

        forbidden = compile_policy_rules(PROHIBITION_RULES)[use].refused != ALL_ELSE
        assert decide_data_use(use, frozenset(), table).allowed is not forbidden

    def test_names_the_facts_that_are_missing(self):
        use = Use(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.OWNER)

        decision = decide_data_use(use, frozenset({Fact.ACTOR_OWNS}))

        assert decision.rule_id == "owner-reads-own-inbox"
        assert decision.missing == OWNER_NEEDS - {Fact.ACTOR_OWNS}

    def test_names_the_nearest_way_where_there_are_several(self):
        ways = [
            PolicyRule(id="far", says="", clauses=("X",), needs=frozenset(Fact), allow=True),
            PolicyRule(
                id="near", says="", clauses=("Y",), needs=frozenset({Fact.KEY_LIVE}), allow=True
            ),
        ]
        use = Use(DataClass.PROFILE, Purpose.USER_EXPORT, Recipient.OWNER)

        decision = decide_data_use(use, frozenset(), compile_policy_rules(ways))

        assert (decision.rule_id, decision.missing) == ("near", {Fact.KEY_LIVE})


class TestTheOwner:
    @pytest.mark.clause("LU-1")
    @pytest.mark.clause("W-LU1")
    @pytest.mark.clause("AN-10")
    def test_reads_their_own_mail_in_the_inbox(self):
        assert allowed(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.OWNER, OWNER_NEEDS)

    @pytest.mark.parametrize("lost", sorted(OWNER_NEEDS))
    def test_reads_nothing_without_each_of_the_facts(self, lost):
        facts = OWNER_NEEDS - {lost}

        assert not allowed(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.OWNER, facts)

    @pytest.mark.invariant(6)
    def test_still_reads_after_the_grant_ended_and_no_feature_does(self):
        facts = ALL_FACTS - {Fact.GRANT_LIVE}

        assert allowed(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.OWNER, facts)
        assert not allowed(
            DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.PLATFORM_FEATURE, facts
        )

    @pytest.mark.clause("AN-23")
    def test_sees_which_account_is_connected(self):
        assert allowed(
            DataClass.PROFILE,
            Purpose.INBOX_DISPLAY,
            Recipient.OWNER,
            {Fact.ACTOR_OWNS, Fact.CONNECTION_LIVE},
        )


class TestRegisteredFeature:
    @pytest.mark.clause("LU-2.1")
    def test_shows_mail_under_a_live_delegation(self):
        assert allowed(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.PLATFORM_FEATURE)

    @pytest.mark.clause("LU-2.1")
    def test_shows_nothing_once_it_is_switched_off(self):
        assert not allowed(
            DataClass.MAIL_METADATA,
            Purpose.INBOX_DISPLAY,
            Recipient.PLATFORM_FEATURE,
            ALL_FACTS - {Fact.DELEGATION_LIVE},
        )

    @pytest.mark.clause("LU-1")
    def test_gets_mail_for_the_inbox_and_calendars_for_scheduling_alone(self):
        found = open_uses(recipient=Recipient.PLATFORM_FEATURE)

        assert {(use.data_class, use.purpose) for use in found} == {
            (DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY),
            (DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY),
            (DataClass.CALENDAR_EVENT, Purpose.CALENDAR_SCHEDULE),
            (DataClass.CALENDAR_FREEBUSY, Purpose.CALENDAR_SCHEDULE),
            # It proposes, and no sink opens anything for it.
            (DataClass.MAIL_METADATA, Purpose.DRAFT_PROPOSE),
            (DataClass.MAIL_CONTENT, Purpose.DRAFT_PROPOSE),
            # It proposes files that Antares made: see `test_policy_of_files`.
            (DataClass.FILE_CONTENT, Purpose.DRIVE_UPLOAD),
        }


class TestACredential:
    @pytest.mark.clause("TOK-SEC")
    @pytest.mark.clause("WSEC-TOK")
    @pytest.mark.clause("AN-3")
    @pytest.mark.control("6.7.1")
    def test_goes_to_the_own_provider_or_stays_sealed(self):
        credentials = {use for use in open_uses() if use.data_class == DataClass.CREDENTIAL}

        assert {use.recipient for use in credentials} == {Recipient.OWN_PROVIDER, Recipient.VAULT}

    @pytest.mark.clause("AN-16")
    def test_is_not_used_once_the_grant_ended(self):
        facts = ALL_FACTS - {Fact.GRANT_LIVE}

        assert not allowed(
            DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER, facts
        )

    @pytest.mark.clause("TOK-REVOKE")
    @pytest.mark.clause("TOK-DELETE")
    @pytest.mark.clause("AN-2")
    @pytest.mark.clause("AN-14")
    @pytest.mark.parametrize("fact", [Fact.PURGE_RUNNING, Fact.GRANT_ENDED])
    def test_ends_the_grant_only_while_purging_or_after_it_ended(self, fact):
        use = (DataClass.CREDENTIAL, Purpose.CONNECTION_END, Recipient.OWN_PROVIDER)

        assert allowed(*use, {fact})
        assert not allowed(*use, ALL_FACTS - {Fact.PURGE_RUNNING, Fact.GRANT_ENDED})


class TestForbidding:
    @pytest.mark.claim(
        "data-use.no-training", "home.nothing-else", "connect.nothing-else", "data-use.refused"
    )
    @pytest.mark.clause("LU-4.1")
    @pytest.mark.clause("LU-4.2")
    @pytest.mark.clause("LU-4.3")
    @pytest.mark.clause("LU-2.2")
    @pytest.mark.clause("LU-2.3")
    @pytest.mark.clause("LU-2.4")
    @pytest.mark.clause("LU-3.2")
    @pytest.mark.clause("LU-3.3")
    @pytest.mark.clause("WLU-4.4")
    @pytest.mark.clause("GFAQ-models")
    @pytest.mark.clause("MS-ADS")
    @pytest.mark.clause("AN-11")
    @pytest.mark.clause("AN-17")
    @pytest.mark.clause("AN-25")
    @pytest.mark.clause("AN-27")
    @pytest.mark.clause("SIG-LIMIT")
    @pytest.mark.parametrize("purpose", ONLY_REFUSED)
    def test_never_serves_this_purpose_whatever_the_facts(self, purpose):
        assert open_uses(purpose=purpose) == set()

    @pytest.mark.claim("home.nothing-else")
    def test_serves_others_only_after_an_act_of_the_owner(self):
        acts = {
            Recipient.PLATFORM_FEATURE: {Fact.DELEGATION_LIVE},
            Recipient.REGISTERED_USER: {Fact.SHARE_LIVE},
            Recipient.SUPPORT_AGENT: {Fact.ITEM_CONSENTED},
            Recipient.OTHER_OWN_ACCOUNT: {Fact.CROSSING_ORDERED},
        }
        # The owner acts, or ordered it before.
        ordered = {
            Purpose.MAIL_SEND: {Fact.ACTOR_OWNS, Fact.SEND_ORDERED},
            Purpose.CALENDAR_INVITE: {Fact.ACTOR_OWNS},
            Purpose.DRIVE_UPLOAD: {
                Fact.ACTOR_OWNS,
                Fact.UPLOAD_ORDERED,
                Fact.STANDING_CONSENT_COVERS,
            },
            Purpose.NOTIFY_OWNER: {Fact.NOTIFICATION_CHOSEN},
        }
        # Support compares an address that it typed, and sees no data.
        found = {use for use in open_uses() if use.purpose != Purpose.SUPPORT_FIND}
        opened = {
            use
            for use in found
            if (use.recipient in acts and allowed(*use, ALL_FACTS - acts[use.recipient]))
            or (
                use.recipient == Recipient.OWN_PROVIDER
                and use.purpose in ordered
                and allowed(*use, ALL_FACTS - ordered[use.purpose])
            )
        }

        assert opened == set()
        assert {use.recipient for use in found} == {
            Recipient.OWNER, Recipient.OWN_PROVIDER, Recipient.VAULT, *acts,
        }  # fmt: skip

    @pytest.mark.claim("data-use.no-training", "data-use.refused")
    @pytest.mark.clause("LU-2")
    @pytest.mark.clause("LU-5")
    @pytest.mark.clause("AN-12")
    @pytest.mark.clause("AN-28")
    @pytest.mark.clause("AN-29")
    @pytest.mark.parametrize(
        "recipient",
        [
            Recipient.THIRD_PARTY,
            Recipient.PUBLIC,
            Recipient.ACQUIRER,
            Recipient.PROCESSOR,
            Recipient.AUTHORITY,
        ],
    )
    def test_never_serves_this_recipient_whatever_the_facts(self, recipient):
        assert open_uses(recipient=recipient) == set()

    @pytest.mark.claim("data-use.refused")
    @pytest.mark.parametrize("rule", PROHIBITION_RULES, ids=lambda rule: rule.id)
    def test_refuses_all_that_a_rule_on_the_page_covers(self, rule):
        covered = set(product(rule.data_classes, rule.purposes, rule.recipients))

        assert covered & set(TABLE)
        assert covered & open_uses() == set()

    @pytest.mark.clause("LU-4.2")
    def test_names_the_clause_of_what_it_refuses(self):
        use = Use(DataClass.MAIL_METADATA, Purpose.MARKETING, Recipient.PLATFORM_FEATURE)

        decision = decide_data_use(use, ALL_FACTS)

        assert (decision.allowed, decision.rule_id) == (False, "never-market")
        assert {"LU-4.1", "MS-ADS", "AN-11"} <= set(decision.clauses)


class TestKeeping:
    @pytest.mark.claim("stored.no-copy", "feature.scheduler", "feature.widget")
    @pytest.mark.clause("MS-COPY")
    @pytest.mark.clause("AN-21")
    @pytest.mark.clause("AN-5")
    def test_keeps_mail_and_calendars_and_nothing_else(self):
        assert {use.data_class for use in open_uses(purpose=Purpose.SYNC_STORE)} == {
            DataClass.MAIL_METADATA,
            DataClass.MAIL_CONTENT,
            DataClass.CALENDAR_EVENT,
            DataClass.CALENDAR_FREEBUSY,
        }

    @pytest.mark.clause("AN-6")
    def test_writes_to_a_calendar_for_its_owner_alone_and_by_permission(self):
        needs = ALL_FACTS - {Fact.CONSENT_CURRENT}, ALL_FACTS - {Fact.ACTOR_OWNS}
        written = open_uses(purpose=Purpose.CALENDAR_SCHEDULE, recipient=Recipient.OWN_PROVIDER)

        assert {use.data_class for use in written} == {DataClass.CALENDAR_EVENT}
        assert not any(allowed(*use, facts) for use in written for facts in needs)

    @pytest.mark.clause("AN-5")
    @pytest.mark.clause("AN-9")
    def test_shows_no_calendar_from_a_copy_that_is_too_old(self):
        shown = {
            use
            for use in open_uses()
            if use.data_class in {DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY}
            # A calendar that is saved in a Drive is stored only in Antares, so it is no copy.
            and use.recipient
            not in {Recipient.OWN_PROVIDER, Recipient.OTHER_OWN_ACCOUNT, Recipient.VAULT}
        }

        assert {use.recipient for use in shown} == {
            Recipient.OWNER,
            Recipient.PLATFORM_FEATURE,
            Recipient.REGISTERED_USER,
            Recipient.SUPPORT_AGENT,
        }
        assert not any(allowed(*use, ALL_FACTS - {Fact.CACHE_CURRENT}) for use in shown)

    @pytest.mark.clause("WSEC-KEY")
    @pytest.mark.clause("AN-19")
    def test_seals_again_only_into_the_vault(self):
        assert {use.recipient for use in open_uses(purpose=Purpose.VAULT_REKEY)} == {
            Recipient.VAULT
        }


class TestVersion:
    def test_is_of_the_rules_and_stands_in_every_entry(self):
        assert len(policy_evaluation.VERSION) == 16
        assert {rule.id for rule in PERMISSION_RULES} <= set(policy_evaluation.RULE_TEXTS)
