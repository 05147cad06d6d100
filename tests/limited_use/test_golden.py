"""The page of the whole decision space: complete, readable, and quick to compare."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.policy import decision_table
from limited_use.policy.policy_evaluation import RULES, TABLE, compile_policy_rules, decide_data_use
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.policy.rules import PolicyRule

REVIEWED = Path(__file__).with_name("policy.golden")
FACTS = frozenset(Fact)


def rule(*, allow, purpose=Purpose.MARKETING, recipient=Recipient.OWNER, of=DataClass.MAIL_CONTENT):
    return PolicyRule(
        id="planted",
        says="Planted by a test, and nothing else.",
        clauses=("LU-4",),
        purposes=frozenset({purpose}),
        recipients=frozenset({recipient}),
        data_classes=frozenset({of}),
        needs=frozenset({Fact.KEY_LIVE}) if allow else frozenset(),
        allow=allow,
    )


@pytest.mark.invariant(1)
class TestDecisionTablePage:
    @pytest.mark.claim("home.nothing-else", "feature.inbox", "feature.calendar")
    def test_is_what_was_reviewed(self):
        reviewed = REVIEWED.read_text(encoding="utf-8")
        changed = "\n".join(
            decision_table.describe_changes(
                decision_table.parse_decision_table(reviewed), decision_table.list_policy_answers()
            )
        )

        assert decision_table.render_decision_table() == reviewed, (
            "the policy has changed: write the page again with"
            f" `python -m limited_use.policy.decision_table`, and have it reviewed\n{changed}"
        )

    def test_holds_every_use_there_is_once(self):
        found = decision_table.parse_decision_table(decision_table.render_decision_table())

        assert set(found) == set(TABLE)
        assert found == decision_table.list_policy_answers()

    def test_says_of_each_use_what_the_policy_decides(self):
        for use, answer in decision_table.parse_decision_table(
            REVIEWED.read_text(encoding="utf-8")
        ).items():
            assert answer.startswith(decision_table.PERMIT) is decide_data_use(use, FACTS).allowed
            assert decide_data_use(use, FACTS).rule_id in answer

    def test_is_not_read_where_it_says_two_things_of_one_use(self):
        twice = "[marketing]\n  owner\n    refuse  profile: a\n    refuse  everything: b\n"

        with pytest.raises(ValueError, match="two lines"):
            decision_table.parse_decision_table(twice)

    def test_is_not_read_where_it_names_what_is_no_word(self):
        with pytest.raises(ValueError, match="gossip"):
            decision_table.parse_decision_table("[marketing]\n  owner\n    refuse  gossip: a\n")

    def test_puts_what_can_be_permitted_first_and_identical_answers_together(self):
        lines = decision_table.render_decision_table().splitlines()
        block = lines[lines.index("[notify.owner]") :]

        assert block[2].split()[0] == decision_table.PERMIT
        assert "    refuse  everything: never-score-credit" in lines


class TestChanges:
    def test_are_none_between_a_page_and_itself(self):
        assert (
            list(
                decision_table.describe_changes(
                    decision_table.list_policy_answers(), decision_table.list_policy_answers()
                )
            )
            == []
        )

    def test_name_each_use_that_is_opened_and_closed(self):
        # The rule against marketing is taken out, and somebody permits it.
        others = [one for one in RULES if one.id != "never-market"]
        opened = decision_table.list_policy_answers(
            compile_policy_rules([*others, rule(allow=True)])
        )

        lines = list(decision_table.describe_changes(decision_table.list_policy_answers(), opened))

        assert [line for line in lines if line.startswith("OPENS")] == [
            "OPENS   mail.content for marketing to owner: PERMIT planted if key_live"
        ]
        assert "CLOSES  mail.content for marketing to owner: refuse never-market" in list(
            decision_table.describe_changes(opened, decision_table.list_policy_answers())
        )

    def test_name_a_use_that_is_refused_for_another_reason(self):
        planted = rule(allow=False, purpose=Purpose.INBOX_DISPLAY, of=DataClass.FILE_CONTENT)
        lines = list(
            decision_table.describe_changes(
                decision_table.list_policy_answers(),
                decision_table.list_policy_answers(compile_policy_rules([*RULES, planted])),
            )
        )

        assert lines == [
            "CHANGES file.content for inbox.display to owner: refuse all-else -> refuse planted"
        ]

    @given(
        planted=st.builds(
            PolicyRule,
            id=st.just("planted"),
            says=st.just("Planted by a test, and nothing else."),
            clauses=st.just(("LU-4",)),
            purposes=st.frozensets(st.sampled_from(Purpose)),
            recipients=st.frozensets(st.sampled_from(Recipient)),
            data_classes=st.frozensets(st.sampled_from(DataClass)),
        )
    )
    def test_of_a_rule_that_forbids_open_nothing(self, planted):
        after = decision_table.list_policy_answers(compile_policy_rules([*RULES, planted]))

        assert not [
            line
            for line in decision_table.describe_changes(decision_table.list_policy_answers(), after)
            if line.startswith("OPENS")
        ]

    def test_are_told_on_the_command_line(self, tmp_path):
        page = REVIEWED.read_text(encoding="utf-8")
        old = tmp_path / "old.golden"
        old.write_text(page.replace("profile: owner-sees-own-account if", "profile: another if", 1))

        told = subprocess.run(
            [sys.executable, "-m", "limited_use.policy.decision_table", str(old)],
            capture_output=True,
            text=True,
            check=True,
        )

        (line,) = told.stdout.splitlines()
        assert line.startswith("CHANGES profile for inbox.display to owner")


def test_a_use_that_nobody_answered_counts_as_refused():
    use = Use(DataClass.PROFILE, Purpose.INBOX_DISPLAY, Recipient.OWNER)

    (line,) = decision_table.describe_changes({}, {use: decision_table.list_policy_answers()[use]})

    assert line.startswith("OPENS")
