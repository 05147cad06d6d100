"""Files that go into a person's own Drive: which facts open each use, and what no fact opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_evaluation import TABLE, decide_data_use
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import CALENDAR, MAIL

ALL_FACTS = frozenset(Fact)
FILES = {DataClass.FILE_CONTENT}
UPLOAD = Purpose.DRIVE_UPLOAD
LIVE_AND_AGREED = frozenset(
    {
        Fact.INTEGRATION_LIVE,
        Fact.GRANT_LIVE,
        Fact.CONSENT_CURRENT,
        Fact.FEATURE_REGISTERED,
    }
)
STORED = LIVE_AND_AGREED - {Fact.GRANT_LIVE} | {Fact.ACTOR_OWNS}
# By rule: recipient, data classes, and each fact without which the rule opens nothing.
OPENED = [
    pytest.param(
        Recipient.OWN_PROVIDER,
        FILES,
        LIVE_AND_AGREED | {Fact.ACTOR_OWNS},
        id="owner-uploads-file",
        marks=pytest.mark.clause("LU-1", "W-LU1", "AN-7"),
    ),
    pytest.param(
        Recipient.OWN_PROVIDER,
        FILES,
        LIVE_AND_AGREED | {Fact.UPLOAD_ORDERED},
        id="upload-what-owner-ordered",
        marks=pytest.mark.clause("LU-1", "W-LU1", "AN-7"),
    ),
    pytest.param(
        Recipient.OWN_PROVIDER,
        FILES,
        LIVE_AND_AGREED | {Fact.STANDING_CONSENT_COVERS, Fact.DELEGATION_LIVE},
        id="save-under-standing-consent",
        marks=pytest.mark.clause("LU-1", "LU-2.1", "W-LU1", "AN-7"),
    ),
    pytest.param(
        Recipient.VAULT,
        FILES,
        STORED,
        id="keep-own-uploads",
        marks=pytest.mark.clause("LU-1", "W-LU1", "AN-7"),
    ),
    pytest.param(
        Recipient.OWNER,
        FILES,
        STORED - {Fact.CONSENT_CURRENT},
        id="owner-lists-own-uploads",
        marks=pytest.mark.clause("LU-1", "W-LU1", "AN-7"),
    ),
    pytest.param(
        Recipient.PLATFORM_FEATURE,
        FILES,
        LIVE_AND_AGREED | {Fact.ACTOR_OWNS, Fact.DELEGATION_LIVE},
        id="feature-proposes-file",
        marks=pytest.mark.clause("LU-1", "LU-2.1", "W-LU1", "AN-7"),
    ),
    pytest.param(
        Recipient.OWN_PROVIDER,
        MAIL,
        LIVE_AND_AGREED | {Fact.UPLOAD_ORDERED},
        id="save-in-own-account",
        marks=pytest.mark.clause("LU-1", "W-LU1", "AN-7"),
    ),
    pytest.param(
        Recipient.OTHER_OWN_ACCOUNT,
        MAIL | CALENDAR,
        LIVE_AND_AGREED | {Fact.UPLOAD_ORDERED, Fact.CROSSING_ORDERED},
        id="save-in-other-account",
        marks=pytest.mark.clause("LU-1", "LU-2.1", "W-LU1", "W-LU2", "AN-7"),
    ),
]


def list_open_uses(*, purpose=None, recipient=None):
    return {
        use
        for use, cell in TABLE.items()
        if cell.options and purpose in {None, use.purpose} and recipient in {None, use.recipient}
    }


@pytest.mark.invariant(1)
class TestAnUpload:
    @pytest.mark.parametrize(("recipient", "classes", "needs"), OPENED)
    def test_is_permitted_with_all_facts_of_a_rule_and_without_none(
        self, request, recipient, classes, needs
    ):
        rule_id = request.node.callspec.id
        for data_class in classes:
            use = Use(data_class, UPLOAD, recipient)

            decision = decide_data_use(use, needs)

            assert (decision.allowed, decision.rule_id) == (True, rule_id)
            assert not any(decide_data_use(use, needs - {lost}).allowed for lost in needs)

    def test_is_permitted_by_these_rules_and_by_no_other(self):
        named = {
            Use(data_class, UPLOAD, recipient)
            for recipient, classes, _ in (param.values for param in OPENED)
            for data_class in classes
        }

        assert list_open_uses(purpose=UPLOAD) == named

    @pytest.mark.clause("AN-7", "LU-1", "W-LU1")
    @pytest.mark.claim("feature.drive")
    def test_needs_a_decision_of_the_owner_each_time_or_a_standing_consent(self):
        decisions = {Fact.ACTOR_OWNS, Fact.UPLOAD_ORDERED, Fact.STANDING_CONSENT_COVERS}

        for use in list_open_uses(purpose=UPLOAD, recipient=Recipient.OWN_PROVIDER):
            assert not decide_data_use(use, ALL_FACTS - decisions).allowed

    @pytest.mark.clause("AN-7", "LU-1", "W-LU1")
    @pytest.mark.parametrize("recipient", Recipient)
    @pytest.mark.parametrize(
        "data_class",
        sorted(set(DataClass) - FILES - MAIL - CALENDAR),
    )
    def test_is_of_nothing_but_files_mail_and_events(self, data_class, recipient):
        use = Use(data_class, UPLOAD, recipient)

        assert not decide_data_use(use, ALL_FACTS).allowed
        assert not TABLE[use].options

    @pytest.mark.clause("AN-7")
    def test_of_another_kind_of_data_names_the_rule(self):
        use = Use(DataClass.PROFILE, UPLOAD, Recipient.OWN_PROVIDER)

        assert decide_data_use(use, ALL_FACTS).rule_id == "uploads-are-of-files"


@pytest.mark.invariant(1)
class TestTheOtherAccount:
    @pytest.mark.clause("LU-2", "W-LU2", "AN-7")
    @pytest.mark.parametrize("purpose", sorted(set(Purpose) - {UPLOAD}))
    @pytest.mark.parametrize("data_class", DataClass)
    def test_gets_data_for_no_other_purpose(self, purpose, data_class):
        use = Use(data_class, purpose, Recipient.OTHER_OWN_ACCOUNT)

        assert not decide_data_use(use, ALL_FACTS).allowed
        assert not TABLE[use].options

    @pytest.mark.clause("LU-2", "W-LU2")
    def test_is_refused_by_the_rule_that_says_so(self):
        use = Use(DataClass.MAIL_CONTENT, Purpose.SYNC_STORE, Recipient.OTHER_OWN_ACCOUNT)

        decision = decide_data_use(use, ALL_FACTS)

        assert decision.rule_id == "only-saving-crosses-accounts"
        assert {"LU-2", "W-LU2", "AN-7"} <= set(decision.clauses)

    @pytest.mark.clause("LU-2.1", "W-LU2")
    def test_gets_no_file_by_an_order_to_save_it_in_the_own_account(self):
        use = Use(DataClass.MAIL_CONTENT, UPLOAD, Recipient.OTHER_OWN_ACCOUNT)

        decision = decide_data_use(use, ALL_FACTS - {Fact.CROSSING_ORDERED})

        assert (decision.allowed, decision.missing) == (False, {Fact.CROSSING_ORDERED})


@pytest.mark.invariant(1)
class TestAFeature:
    @pytest.mark.clause("LU-1", "LU-4", "W-LU1", "AN-7")
    @pytest.mark.parametrize("data_class", sorted(set(DataClass) - FILES))
    def test_saves_no_mail_and_no_event(self, data_class):
        use = Use(data_class, UPLOAD, Recipient.PLATFORM_FEATURE)

        decision = decide_data_use(use, ALL_FACTS)

        assert not decision.allowed
        assert not TABLE[use].options
        if data_class in MAIL | {DataClass.CALENDAR_EVENT}:
            assert decision.rule_id == "features-save-own-files-only"
            assert {"LU-1", "LU-4", "AN-7"} <= set(decision.clauses)

    @pytest.mark.clause("LU-2.1")
    def test_saves_nothing_once_it_is_switched_off(self):
        use = Use(DataClass.FILE_CONTENT, UPLOAD, Recipient.OWN_PROVIDER)
        owner_decisions = {Fact.ACTOR_OWNS, Fact.UPLOAD_ORDERED}

        assert decide_data_use(use, ALL_FACTS - owner_decisions).allowed
        assert not decide_data_use(
            use, ALL_FACTS - owner_decisions - {Fact.DELEGATION_LIVE}
        ).allowed

    @pytest.mark.clause("LU-1", "LU-4", "W-LU1", "AN-7")
    @pytest.mark.parametrize(
        "data_class", [DataClass.MAIL_CONTENT, DataClass.MAIL_METADATA, DataClass.CALENDAR_EVENT]
    )
    def test_that_saves_files_cannot_be_registered_to_read_mail_or_events(self, data_class):
        recordings = FEATURES["recordings"]

        with pytest.raises(ValueError, match="may read no provider data"):
            replace(recordings, data_classes=recordings.data_classes | {data_class})

    def test_that_reads_mail_cannot_be_registered_to_save_files(self):
        widget = FEATURES["inbox-widget"]

        with pytest.raises(ValueError, match="may read no provider data"):
            replace(widget, purposes=widget.purposes | {UPLOAD})


@pytest.mark.invariant(1)
class TestAFile:
    @pytest.mark.clause("LU-2", "W-LU2", "AN-12")
    @pytest.mark.parametrize("data_class", DataClass)
    def test_is_shared_with_nobody(self, data_class):
        use = Use(data_class, UPLOAD, Recipient.REGISTERED_USER)

        decision = decide_data_use(use, ALL_FACTS)

        assert not decision.allowed
        assert not TABLE[use].options
        if data_class == DataClass.FILE_CONTENT:
            assert decision.rule_id == "no-shared-files"
            assert {"LU-2", "W-LU2", "AN-12"} <= set(decision.clauses)

    @pytest.mark.clause("LU-1", "W-LU1")
    def test_serves_no_other_purpose(self):
        used = {use.purpose for use in list_open_uses() if use.data_class == DataClass.FILE_CONTENT}

        # The owner may have the list as a file. Sealing under another key shows nothing to anybody.
        assert used == {UPLOAD, Purpose.USER_EXPORT, Purpose.VAULT_REKEY}

    @pytest.mark.clause("LU-1", "W-LU1", "AN-7")
    def test_is_exported_to_its_owner_alone(self):
        to = {
            use.recipient
            for use in list_open_uses()
            if (use.data_class, use.purpose) == (DataClass.FILE_CONTENT, Purpose.USER_EXPORT)
        }

        assert to == {Recipient.OWNER}

    @pytest.mark.clause("LU-4.1", "LU-4.2", "AN-11")
    @pytest.mark.parametrize("recipient", Recipient)
    @pytest.mark.parametrize(
        "purpose", [Purpose.MARKETING, Purpose.ADVERTISING, Purpose.MODEL_TRAINING]
    )
    def test_serves_no_marketing_and_no_training(self, purpose, recipient):
        use = Use(DataClass.FILE_CONTENT, purpose, recipient)

        assert not decide_data_use(use, ALL_FACTS).allowed
        assert not TABLE[use].options
