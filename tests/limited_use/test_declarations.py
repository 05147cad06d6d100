"""
What users agreed to does not change under them: another declaration is another version.

`declarations.golden` keeps a digest of each version of each feature's declaration, in the
order in which they came. A line is added, and none is ever changed or taken away.
"""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from limited_use.policy.feature_registry import FEATURES, Feature, Keeps, compute_feature_digest
from limited_use.policy.policy_vocabulary import DataClass, Purpose

KEPT = Path(__file__).with_name("declarations.golden")
INBOX = FEATURES["inbox"]
# One change of each thing that is declared.
CHANGES = {
    "key": "inbox2",
    "title": "Everything",
    "where": "Somewhere else",
    "says": "Shows your mail.",
    "purposes": INBOX.purposes | {Purpose.NOTIFY_OWNER},
    "data_classes": INBOX.data_classes | {DataClass.FILE_CONTENT},
    "capabilities": INBOX.capabilities | {"mail.send"},
    "disclosure": f"{INBOX.disclosure} And more.",
    "retention_days": 365,
    "cache_hours": 24,
    "kept_until_removed": True,
    "asked_in_context": True,
    "platform_client": True,
    "keeps": Keeps.UNTIL_PURGE,
}


def kept(text: str) -> dict[str, dict[int, str]]:
    """Return what a page of digests says: by feature, by version."""
    found: dict[str, dict[int, str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        key, version, said = line.split()
        theirs = found.setdefault(key, {})
        assert int(version) == len(theirs) + 1, f"{key}: versions come one after another"
        theirs[int(version)] = said
    return found


def wrong(feature: Feature, versions: dict[int, str]) -> str:
    """Return what is wrong with a feature's version, for whoever changed the feature; or ""."""
    now = compute_feature_digest(feature)
    if versions.get(feature.version) == now:
        return "" if feature.version == max(versions) else f"{feature.key} went back a version"
    raised = max(versions, default=0) + 1
    return (
        f"{feature.key} says something else than what users agreed to as version"
        f" {feature.version}: raise it to {raised} and add the line `{feature.key} {raised} {now}`"
    )


@pytest.mark.clause("GUDP-change")
class TestDeclarations:
    @pytest.mark.parametrize("key", FEATURES)
    def test_say_what_was_agreed_to_under_their_version(self, key):
        versions = kept(KEPT.read_text(encoding="utf-8")).get(key, {})

        assert wrong(FEATURES[key], versions) == ""

    def test_are_forgotten_of_no_feature(self):
        # A feature that is taken out keeps its lines: its key means what it meant.
        assert set(FEATURES) <= set(kept(KEPT.read_text(encoding="utf-8")))

    @pytest.mark.parametrize("part", CHANGES)
    def test_cannot_change_in_any_part_without_a_new_version(self, part):
        changed = replace(INBOX, **{part: CHANGES[part]})

        assert "raise it to 2" in wrong(
            replace(changed, version=1), {1: compute_feature_digest(INBOX)}
        )

    @pytest.mark.clause("AN-5", "MS-COPY")
    def test_let_nothing_be_kept_of_calendars_for_longer_than_a_week(self):
        with pytest.raises(ValueError, match="longer than a week"):
            replace(FEATURES["calendar"], cache_hours=7 * 24 + 1)

    def test_change_in_no_part_that_was_not_tried_here(self):
        assert {field.name for field in fields(Feature)} == {*CHANGES, "version"}

    def test_may_change_with_a_new_version(self):
        changed = replace(INBOX, says="Shows your mail.", version=2)

        assert (
            wrong(changed, {1: compute_feature_digest(INBOX), 2: compute_feature_digest(changed)})
            == ""
        )

    def test_never_go_back(self):
        first = replace(INBOX, version=1)

        assert "went back" in wrong(first, {1: compute_feature_digest(first), 2: "another"})

    def test_are_told_apart_by_their_content_and_not_by_their_order(self):
        same = replace(INBOX, purposes=frozenset(sorted(INBOX.purposes, reverse=True)))

        assert (
            compute_feature_digest(same)
            == compute_feature_digest(replace(same, version=9))
            == compute_feature_digest(INBOX)
        )
