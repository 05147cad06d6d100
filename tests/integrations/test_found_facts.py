"""Each fact is found in one known place, and one that nothing finds opens nothing."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from limited_use.policy.policy_evaluation import TABLE
from limited_use.policy.policy_vocabulary import Fact, Recipient
from limited_use.policy.rules import CALENDAR

ROOT = Path(__file__).parents[2]
PACKAGES = ("accounts", "limited_use", "integrations", "config")
# Where facts are words of the policy, and nothing is found true.
WORDS = {
    "limited_use/policy/policy_vocabulary.py",
    "limited_use/policy/rules/permissions.py",
    "limited_use/policy/rules/calendar_permissions.py",
    "limited_use/policy/rules/sending_rules.py",
    "limited_use/policy/rules/drive_rules.py",
    "limited_use/policy/refusal_text.py",
    "integrations/review/review_labels.py",
    "integrations/review/messages/labels.py",
    "integrations/settings/data_use/feature_status.py",
    "integrations/settings/data_use/messages.py",
}
FACTS = {
    "integrations/access/facts/connection_facts.py",
    "integrations/access/facts/integration_facts.py",
}
BOUNDS = {"integrations/access/sending_bounds.py"}
# Where each is found. The guard finds one itself, and takes others away.
FOUND_IN = {
    Fact.INTEGRATION_LIVE: {"integrations/access/facts/integration_facts.py"},
    Fact.CONNECTION_LIVE: {"integrations/access/facts/connection_facts.py"},
    Fact.GRANT_LIVE: FACTS,
    Fact.GRANT_ENDED: {"integrations/access/facts/connection_facts.py"},
    Fact.ACTOR_OWNS: FACTS,
    Fact.DELEGATION_LIVE: {
        "integrations/access/facts/integration_facts.py",
        "integrations/access/drive_permits.py",
    },
    Fact.CONSENT_CURRENT: {"integrations/access/facts/integration_facts.py"},
    Fact.PURGE_RUNNING: {"integrations/access/facts/connection_facts.py"},
    Fact.ITEM_CONSENTED: {"integrations/access/support_permits.py"},
    Fact.EXPORT_ASKED: {"integrations/access/export_permits.py"},
    Fact.AGENT_IS_SUPPORT: {"integrations/access/support_permits.py"},
    Fact.LOOKUPS_WITHIN_BOUND: {"integrations/access/support_permits.py"},
    # By the guard alone.
    Fact.FEATURE_REGISTERED: set(),
    Fact.KEY_LIVE: {"integrations/access/permits.py"},
    Fact.CACHE_CURRENT: {
        "integrations/access/calendar_permits/owner_permits.py",
        "integrations/access/calendar_permits/viewer_permits.py",
        "integrations/access/support_permits.py",
    },
    Fact.SHARE_LIVE: {"integrations/access/calendar_permits/viewer_permits.py"},
    Fact.PROVIDER_SAID: {"integrations/access/permits.py"},
    Fact.SEND_ORDERED: {"integrations/access/sending_permits.py"},
    Fact.RECIPIENTS_WITHIN_BOUND: BOUNDS | {"integrations/access/sending_permits.py"},
    Fact.HOUR_WITHIN_BOUND: BOUNDS,
    Fact.DAY_WITHIN_BOUND: BOUNDS,
    Fact.RECIPIENTS_KNOWN: {"integrations/access/sending_permits.py"},
    Fact.TEMPLATE_WITHIN_BOUND: {"integrations/access/sending_permits.py"},
    Fact.UPLOAD_ORDERED: {"integrations/access/drive_permits.py"},
    Fact.CROSSING_ORDERED: {"integrations/access/drive_permits.py"},
    Fact.STANDING_CONSENT_COVERS: {"integrations/access/drive_permits.py"},
    Fact.NOTIFICATION_CHOSEN: {"integrations/access/facts/notice_facts.py"},
}


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name in WORDS or {"sandbox", "migrations", "clauses"} & set(Path(name).parts):
                continue
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def named(tree):
    """Yield each fact that `tree` names, and `*` where it might mean any of them."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or node.id != "Fact" or _annotates(node, parents):
            continue
        parent = parents[node]
        is_one = isinstance(parent, ast.Attribute) and parent.attr.isupper()
        yield Fact[parent.attr] if is_one else "*"


def _annotates(node, parents):
    while node in parents:
        node, child = parents[node], node
        if isinstance(node, ast.AnnAssign) and node.annotation is child:
            return True
        if isinstance(node, ast.arg) or getattr(node, "returns", None) is child:
            return True
    return False


class TestEachFact:
    def test_is_found_where_it_says_here_and_nowhere_else(self):
        found = defaultdict(set)
        for name, tree in modules():
            # Asked of all facts, of whichever: what decides, what is written of it, and the
            # reviewers' run, which claims every fact to show that the policy refuses all the same.
            if name in {
                "limited_use/guard/guard.py",
                "limited_use/guard/decision_entries.py",
                "limited_use/evidence/forbidden_uses.py",
                "limited_use/evidence/forbidden_use_run.py",
            }:
                continue
            for fact in named(tree):
                found[fact].add(name)

        assert found.pop("*", set()) == set(), "any fact might be found there"
        assert dict(found) == {fact: where for fact, where in FOUND_IN.items() if where}

    def test_is_listed_here(self):
        assert set(FOUND_IN) == set(Fact)

    def test_is_read_as_it_is_written(self):
        source = """
def of(x: frozenset[Fact]) -> set[Fact]:
    found: set[Fact] = {Fact.SHARE_LIVE}
    return found | {Fact("key_live")} | set(Fact)
"""

        assert list(named(ast.parse(source))) == [Fact.SHARE_LIVE, "*", "*"]


@pytest.mark.invariant(1)
@pytest.mark.clause("AN-8", "LU-2", "W-LU2")
class TestWhatIsShared:
    def test_is_of_calendars_and_nothing_else(self):
        shared = {
            use.data_class
            for use, cell in TABLE.items()
            if cell.options and use.recipient == Recipient.REGISTERED_USER
        }

        assert shared == CALENDAR
