"""The registry of notices is closed, and nothing in it can advertise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from accounts.ids import uuid7
from integrations.models import NoticeChannel
from integrations.notifications import notice_details, notice_kinds
from integrations.notifications.notice_details import InvalidNoticeDetails, NoticeDetails
from integrations.notifications.notice_kinds import UnknownNotice
from integrations.operations.notice_registry import NOTICE_KINDS
from limited_use.notifications import message_kinds
from limited_use.notifications.message_kinds import KINDS
from limited_use.policy import policy_evaluation
from limited_use.policy.policy_vocabulary import Purpose, Recipient

BY_KEY = {kind.key: kind for kind in NOTICE_KINDS}
SHARED = BY_KEY["calendar_shared"]
RECONNECT = BY_KEY["reconnect"]


def problems(*kinds, platform_kinds=KINDS):
    return list(notice_kinds.find_problems(kinds, platform_kinds))


class TestRegistry:
    def test_is_what_the_application_registered(self):
        assert notice_kinds.list_notice_kinds() == list(NOTICE_KINDS)
        assert problems(*NOTICE_KINDS) == []

    def test_covers_every_message_of_the_platform_except_the_carrier(self):
        messages = {message.key for kind in NOTICE_KINDS for message in kind.messages}

        assert messages == KINDS.keys() - {"mailbox_notice"}

    def test_refuses_a_message_that_nobody_registered(self):
        with pytest.raises(UnknownNotice):
            notice_kinds.get_kind_of_message("autumn_offer")
        with pytest.raises(UnknownNotice):
            notice_kinds.get_notice_message("autumn_offer")

    @pytest.mark.parametrize("kind", NOTICE_KINDS, ids=BY_KEY)
    def test_leads_to_a_page_where_each_message_is_solved(self, kind):
        for message in kind.messages:
            assert reverse(message.route_name, args=[uuid7()] if message.has_subject else [])

    @pytest.mark.parametrize("kind", NOTICE_KINDS, ids=BY_KEY)
    def test_names_only_words_of_closed_lists(self, kind):
        words = dict.fromkeys(("provider", "product", "until", "reason"), "x")

        for message in kind.messages:
            assert "%" not in str(message.text) % words


@pytest.mark.invariant(15)
class TestKind:
    @pytest.mark.clause("AN-11")
    @pytest.mark.clause("LU-4.2")
    @pytest.mark.claim("notices.no-advertising")
    def test_for_marketing_cannot_exist(self):
        """Its message is refused by the policy, and a kind without a message is refused too."""
        offer = replace(KINDS["calendar_shared"], key="autumn_offer", purpose=Purpose.MARKETING)
        message = replace(SHARED.messages[0], key="autumn_offer")
        kind = replace(SHARED, key="autumn_offer", messages=(message,))

        assert problems(kind) == ["autumn_offer is not a message of the platform's own"]
        assert list(message_kinds.find_problems({"autumn_offer": offer})) == [
            "autumn_offer is sent for marketing, which the policy never allows"
        ]
        assert not any(
            policy_evaluation.can_use_be_allowed(Purpose.MARKETING, recipient)
            for recipient in Recipient
        )

    @pytest.mark.clause("AN-13")
    @pytest.mark.parametrize("channel", [NoticeChannel.PLATFORM_MAIL, NoticeChannel.MAILBOX])
    def test_is_not_mailed_without_a_choice_unless_it_is_owed(self, channel):
        assert problems(replace(SHARED, default_channel=channel)) == [
            f"calendar_shared is sent to {channel} without a choice"
        ]

    def test_that_is_owed_is_mailed_and_cannot_be_switched_off(self):
        assert problems(replace(RECONNECT, default_channel=NoticeChannel.PAGE))
        assert {NoticeChannel.OFF, NoticeChannel.PAGE}.isdisjoint(RECONNECT.channels)
        assert set(SHARED.channels) == set(NoticeChannel)

    def test_is_owed_if_the_policy_says_so(self):
        assert len(problems(replace(SHARED, is_owed=True))) == 3
        assert problems(replace(RECONNECT, is_owed=False, default_channel=NoticeChannel.PAGE))

    def test_says_why_has_a_message_and_is_registered_once(self):
        assert problems(replace(SHARED, why="Because.")) == [
            "calendar_shared says nothing about why it exists"
        ]
        assert problems(replace(SHARED, messages=())) == ["calendar_shared has no message"]
        assert problems(SHARED, SHARED)[0] == "calendar_shared is registered twice"

    def test_carries_no_provider_data(self):
        carrier = replace(SHARED.messages[0], key="mailbox_notice")

        assert problems(replace(SHARED, messages=(carrier,))) == [
            "mailbox_notice is not a message of the platform's own"
        ]

    def test_that_may_not_exist_stops_the_start(self):
        with pytest.raises(ImproperlyConfigured, match="registered twice"):
            notice_kinds.register_notice_kinds([SHARED, SHARED])

        assert notice_kinds.list_notice_kinds() == list(NOTICE_KINDS)


class TestDetails:
    @pytest.mark.parametrize(
        "words",
        [
            {"provider": "Buy now"},
            {"provider": "google", "product": "a subject of a mail"},
            {"product": "mail"},
        ],
    )
    def test_takes_no_free_text(self, words):
        with pytest.raises(InvalidNoticeDetails):
            NoticeDetails(**words)

    def test_is_shown_and_mailed_in_the_same_words(self):
        details = NoticeDetails(provider="google", product="mail")

        (name,) = notice_details.make_mail_values(details, ["product"]).values()
        assert name.value == notice_details.make_page_words(details)["product"] == "Google mail"
