"""What the platform may write to people: a closed list, and nothing of a provider in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest
from django.core import checks as django_checks
from django.template import Context
from django.template.loader import get_template
from django.urls import reverse

from limited_use import checks
from limited_use.notifications import message_kinds
from limited_use.notifications.message_kinds import KINDS, PlatformMessageKind
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from tests.proof.source import ROOT

GOLDEN = Path(__file__).with_name("notifications.golden")
AT = datetime(2026, 12, 9, tzinfo=UTC)
STOP = "https://antares.example/stop"
# Kinds of the platform's own mail. The other carries one of them to a mailbox.
OWN_KINDS = {key: kind for key, kind in KINDS.items() if not kind.data_classes}
# A seller's words. Whoever has one to write writes it elsewhere.
SELLING = re.compile(
    r"\b(offers?|discounts?|upgrade|newsletter|sale|promo\w*|subscribe|trial|buy|deals?|free"
    r"|new features?|try|recommend\w*|invite)\b",
    re.IGNORECASE,
)


class NamedNotification(Enum):
    GOOGLE = "Google"
    ENDED = "grant_ended"


NOTHING_TO_BUY = PlatformMessageKind(
    key="autumn_offer",
    why="People like to hear about what we sell in autumn.",
    purpose=Purpose.MARKETING,
    template="reconnect",
    value_names=frozenset({"provider"}),
    route_name="home",
)


def words(kind):
    whole = {
        **dict.fromkeys(("product", "removed", "others", "access"), NamedNotification.GOOGLE),
        **dict.fromkeys(("tokens", "advice", "pages"), NamedNotification.GOOGLE),
        **dict.fromkeys(("messages", "threads", "calendars", "events", "uploads"), 2),
        **dict.fromkeys(("unreadable_at", "backups_until", "keys_until"), AT),
        "provider": NamedNotification.GOOGLE,
        "reason": NamedNotification.GOOGLE,
        "until": AT,
        "permission_only": False,
        "trigger": NamedNotification.ENDED,
    }
    return {name: whole[name] for name in kind.value_names}


def texts(kind):
    """Return subject and text of a kind as it is sent."""
    given = {name: getattr(word, "value", word) for name, word in words(kind).items()}
    context = {**given, "url": "https://antares.example/x", "stop_url": STOP}
    names = (f"notices/{kind.template}.subject.txt", f"notices/{kind.template}.txt")
    return [get_template(name).template.render(Context(context)) for name in names]


class TestTheList:
    @pytest.mark.clause("AN-13")
    def test_is_the_one_that_was_reviewed(self):
        assert message_kinds.format_message_kinds() == GOLDEN.read_text()

    @pytest.mark.invariant(1)
    @pytest.mark.clause("LU-4")
    def test_has_nothing_that_the_policy_objects_to(self):
        assert list(message_kinds.find_problems(KINDS)) == []
        assert checks.check_notifications() == []

    @pytest.mark.clause("AN-13")
    @pytest.mark.clause("LU-2.1")
    def test_carries_provider_data_to_a_chosen_mailbox_alone(self):
        carrying = {kind.key: kind.data_classes for kind in KINDS.values() if kind.data_classes}

        # The address of the mailbox itself.
        assert carrying == {"mailbox_notice": {DataClass.PROFILE}}

    @pytest.mark.clause("AN-11")
    @pytest.mark.parametrize("kind", OWN_KINDS.values(), ids=OWN_KINDS)
    def test_sells_nothing(self, kind):
        assert not [text for text in texts(kind) if SELLING.search(text)]

    @pytest.mark.parametrize("kind", OWN_KINDS.values(), ids=OWN_KINDS)
    def test_says_everything_in_words_that_are_given(self, kind):
        subject, text = texts(kind)

        assert "https://antares.example/x" in text
        assert not kind.value_names or "Google" in subject + text
        assert (STOP in text) is not kind.is_owed
        assert "{" not in subject + text
        assert subject.strip()

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
    def test_leads_to_pages_of_ours(self, kind):
        assert reverse(kind.route_name, args=["token"] if kind.links_receipt else [])

    def test_has_a_template_for_every_kind_and_no_other(self):
        found = {path.name for path in (ROOT / "templates" / "notices").iterdir()}

        assert found == {
            *(f"{kind.template}.txt" for kind in KINDS.values()),
            # The mailbox's notice has the subject of the message that it carries.
            *(f"{kind.template}.subject.txt" for kind in OWN_KINDS.values()),
        }


@pytest.mark.invariant(1)
class TestAKind:
    @pytest.mark.clause("AN-11")
    @pytest.mark.clause("AN-17")
    @pytest.mark.clause("LU-4.2")
    @pytest.mark.clause("MS-ADS")
    def test_for_marketing_cannot_be_added(self, monkeypatch):
        monkeypatch.setitem(KINDS, NOTHING_TO_BUY.key, NOTHING_TO_BUY)

        found = list(message_kinds.find_problems(KINDS))
        assert found == ["autumn_offer is sent for marketing, which the policy never allows"]
        # The service does not start with it, and the reviewed list differs.
        (error,) = checks.check_notifications()
        assert error.level == django_checks.ERROR
        assert message_kinds.format_message_kinds() != GOLDEN.read_text()

    @pytest.mark.parametrize(
        "purpose",
        [
            Purpose.MARKETING, Purpose.ADVERTISING, Purpose.PROFILING, Purpose.DATA_SALE,
            Purpose.MODEL_TRAINING, Purpose.OUTSIDE_SHARING, Purpose.SENTIMENT_OWNER,
            Purpose.CREDIT_SCORING,
        ],
    )  # fmt: skip
    def test_for_what_the_policy_never_allows_cannot_be_added(self, purpose):
        kind = replace(NOTHING_TO_BUY, purpose=purpose)

        assert list(message_kinds.find_problems({kind.key: kind}))

    @pytest.mark.parametrize(
        "purpose", set(Purpose) - message_kinds.OWED_PURPOSES - {Purpose.NOTIFY_OWNER}
    )
    def test_is_sent_for_what_is_owed_or_chosen_alone(self, purpose):
        kind = replace(NOTHING_TO_BUY, purpose=purpose)

        assert list(message_kinds.find_problems({kind.key: kind}))

    @pytest.mark.clause("AN-13")
    def test_carries_provider_data_only_where_it_was_chosen(self):
        carrying = replace(KINDS["reconnect"], data_classes=frozenset({DataClass.PROFILE}))

        assert list(message_kinds.find_problems({"reconnect": carrying})) == [
            "reconnect carries provider data without having been chosen"
        ]

    @pytest.mark.clause("AN-13")
    def test_carries_what_the_policy_lets_a_notification_say(self):
        def chosen(data_class):
            return replace(
                KINDS["reconnect"],
                purpose=Purpose.NOTIFY_OWNER,
                data_classes=frozenset({data_class}),
            )

        assert list(message_kinds.find_problems({"reconnect": chosen(DataClass.PROFILE)})) == []
        assert list(message_kinds.find_problems({"reconnect": chosen(DataClass.MAIL_CONTENT)}))
        assert list(message_kinds.find_problems({"reconnect": chosen(DataClass.CREDENTIAL)}))

    def test_says_why_and_stands_under_its_own_name(self):
        silent = replace(KINDS["purged"], why="Because.")

        assert len(list(message_kinds.find_problems({"other": silent}))) == 2

    def test_is_noticed_by_its_words_if_it_lies_about_its_purpose(self):
        for text in ("A new offer for you", "Try our calls for free", "Upgrade today"):
            assert SELLING.search(text)

    def test_is_for_somebody_at_least(self):
        # The check looks at all recipients, so it has to find those that there are.
        assert len(Recipient) > 1
