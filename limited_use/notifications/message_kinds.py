"""
The closed list of messages that the platform may send, with a reason for each.

The policy has to allow a kind's purpose, so there is none for marketing (`find_problems`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from limited_use.policy import policy_evaluation
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

# An enum member of ours, a time, a number or a boolean. No text.
MessageValue = Enum | datetime | int | bool | None

MIN_REASON_WORDS: Final = 4
# Purposes that the service must notify of. All others are the user's choice.
OWED_PURPOSES: Final = frozenset({Purpose.CONNECTION_MAINTAIN, Purpose.CONNECTION_END})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformMessageKind:
    """
    :param why: the reason, for reviewers
    :param template: `notices/….txt` and `notices/….subject.txt`
    :param value_names: its words, all required
    :param links_receipt: leads to the subject's receipt, by a link that needs no account
    :param data_classes: its provider data; none in the platform's own mail
    """

    key: str
    why: str
    purpose: Purpose
    template: str
    value_names: frozenset[str]
    route_name: str
    links_receipt: bool = False
    data_classes: frozenset[DataClass] = field(default_factory=frozenset)

    @property
    def is_owed(self) -> bool:
        """Owed messages cannot be switched off; all others have a link that stops them."""
        return self.purpose in OWED_PURPOSES


_SETTINGS: Final = "settings-integrations"
_SUPPORT: Final = "settings-support"
_SUPPORT_VALUES: Final = frozenset({"product", "reason"})
_PRODUCT_VALUES: Final = frozenset({"product"})
_RECONNECT_VALUES: Final = frozenset({"provider", "until", "permission_only"})

KINDS: Final[dict[str, PlatformMessageKind]] = {
    kind.key: kind
    for kind in (
        PlatformMessageKind(
            key="reconnect",
            why="The data of a connected account is removed unless its owner reconnects.",
            purpose=Purpose.CONNECTION_MAINTAIN,
            template="reconnect",
            value_names=_RECONNECT_VALUES,
            route_name=_SETTINGS,
        ),
        PlatformMessageKind(
            key="reconnect_again",
            why="Half of the time to reconnect the account is over.",
            purpose=Purpose.CONNECTION_MAINTAIN,
            template="reconnect_again",
            value_names=_RECONNECT_VALUES,
            route_name=_SETTINGS,
        ),
        PlatformMessageKind(
            key="reconnect_last",
            why="The last notice before the data of a connected account is removed.",
            purpose=Purpose.CONNECTION_MAINTAIN,
            template="reconnect_last",
            value_names=_RECONNECT_VALUES,
            route_name=_SETTINGS,
        ),
        PlatformMessageKind(
            key="purged",
            why="The data of an account is being removed, not at the request of its owner.",
            purpose=Purpose.CONNECTION_END,
            template="purged",
            value_names=frozenset({"provider", "product", "others", "trigger"}),
            route_name=_SETTINGS,
        ),
        PlatformMessageKind(
            key="receipt_ready",
            why="The owner gets the proof of the removal, with or without an account.",
            purpose=Purpose.CONNECTION_END,
            template="receipt_ready",
            value_names=frozenset(
                {
                    *("product", "removed", "others", "access", "tokens", "advice", "pages"),
                    *("messages", "threads", "calendars", "events", "uploads"),
                    *("unreadable_at", "backups_until", "keys_until"),
                }
            ),
            route_name="receipt-link",
            links_receipt=True,
        ),
        PlatformMessageKind(
            key="administrator_approved",
            why="The person waited for their administrator and can connect the account now.",
            purpose=Purpose.NOTIFY_OWNER,
            template="administrator_approved",
            value_names=_PRODUCT_VALUES,
            route_name=_SETTINGS,
        ),
        PlatformMessageKind(
            key="administrator_refused",
            why="The person waited for their administrator, who did not approve.",
            purpose=Purpose.NOTIFY_OWNER,
            template="administrator_refused",
            value_names=_PRODUCT_VALUES,
            route_name=_SETTINGS,
        ),
        PlatformMessageKind(
            key="calendar_shared",
            why="A colleague shared a calendar, which appears in the person's calendar.",
            purpose=Purpose.NOTIFY_OWNER,
            template="calendar_shared",
            value_names=frozenset(),
            route_name="settings-access",
        ),
        PlatformMessageKind(
            key="calendar_share_ended",
            why="A shared calendar is no longer in the person's calendar.",
            purpose=Purpose.NOTIFY_OWNER,
            template="calendar_share_ended",
            value_names=frozenset(),
            route_name="settings-access",
        ),
        PlatformMessageKind(
            key="send_failed",
            why="A message that the person sent has not left the mailbox.",
            purpose=Purpose.NOTIFY_OWNER,
            template="send_failed",
            value_names=_PRODUCT_VALUES,
            route_name="inbox-outbox",
        ),
        PlatformMessageKind(
            key="send_unknown",
            why="Only the person can decide about a message with an unknown outcome.",
            purpose=Purpose.NOTIFY_OWNER,
            template="send_unknown",
            value_names=_PRODUCT_VALUES,
            route_name="inbox-outbox",
        ),
        PlatformMessageKind(
            key="message_returned",
            why="A message that the person sent did not reach a recipient.",
            purpose=Purpose.NOTIFY_OWNER,
            template="message_returned",
            value_names=_PRODUCT_VALUES,
            route_name="inbox-outbox",
        ),
        PlatformMessageKind(
            key="support_looked_up",
            why="A support agent saw the state of the person's connections.",
            purpose=Purpose.NOTIFY_OWNER,
            template="support_looked_up",
            value_names=frozenset({"reason"}),
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_disconnected",
            why="A support agent disconnected a product, not at the click of its owner.",
            purpose=Purpose.CONNECTION_END,
            template="support_disconnected",
            value_names=_SUPPORT_VALUES,
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_disconnected_all",
            why="A support agent disconnected a whole account, not at the click of its owner.",
            purpose=Purpose.CONNECTION_END,
            template="support_disconnected_all",
            value_names=frozenset({"provider", "reason"}),
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_disconnected_empty",
            why="A support agent disconnected an account of which no product was connected.",
            purpose=Purpose.CONNECTION_END,
            template="support_disconnected_empty",
            value_names=frozenset({"provider", "reason"}),
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_synced",
            why="A support agent had Antares fetch the person's data, which they did not ask for.",
            purpose=Purpose.NOTIFY_OWNER,
            template="support_synced",
            value_names=_SUPPORT_VALUES,
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_retried",
            why="A support agent had Antares fetch skipped messages again.",
            purpose=Purpose.NOTIFY_OWNER,
            template="support_retried",
            value_names=_SUPPORT_VALUES,
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_push_renewed",
            why="A support agent had Antares renew the provider's notifications of changes.",
            purpose=Purpose.NOTIFY_OWNER,
            template="support_push_renewed",
            value_names=_SUPPORT_VALUES,
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_receipt_sent",
            why="A support agent had Antares send a link to the person's receipt again.",
            purpose=Purpose.NOTIFY_OWNER,
            template="support_receipt_sent",
            value_names=_SUPPORT_VALUES,
            route_name=_SUPPORT,
        ),
        PlatformMessageKind(
            key="support_question",
            why="A support agent waits for the person to open one item, or to decline.",
            purpose=Purpose.NOTIFY_OWNER,
            template="support_question",
            value_names=frozenset(),
            route_name="settings-support",
        ),
        PlatformMessageKind(
            key="mailbox_notice",
            why="Carries another message of this list to a mailbox that the person chose.",
            purpose=Purpose.NOTIFY_OWNER,
            template="mailbox_notice",
            value_names=frozenset({"message", "url", "choices_url", "stop_url"}),
            route_name="settings-notice-choices",
            data_classes=frozenset({DataClass.PROFILE}),
        ),
    )
}


def find_problems(
    kinds: Mapping[str, PlatformMessageKind],
    table: policy_evaluation.DecisionTable = policy_evaluation.TABLE,
) -> Iterator[str]:
    for key, kind in kinds.items():
        if key != kind.key:
            yield f"{kind.key} stands under {key}"
        if len(kind.why.split()) < MIN_REASON_WORDS:
            yield f"{key} says nothing about why it may be sent"
        if not any(
            policy_evaluation.can_use_be_allowed(kind.purpose, recipient, table)
            for recipient in Recipient
        ):
            yield f"{key} is sent for {kind.purpose}, which the policy never allows"
        elif kind.purpose not in OWED_PURPOSES and kind.purpose != Purpose.NOTIFY_OWNER:
            yield f"{key} is sent for {kind.purpose}, which is no reason to write to somebody"
        if kind.data_classes and kind.purpose != Purpose.NOTIFY_OWNER:
            yield f"{key} carries provider data without having been chosen"
        for data_class in sorted(kind.data_classes):
            if not table[Use(data_class, Purpose.NOTIFY_OWNER, Recipient.OWNER)].options:
                yield f"{key} carries {data_class}, which the policy allows in no notification"


def format_message_kinds(kinds: Mapping[str, PlatformMessageKind] = KINDS) -> str:
    lines = []
    for kind in kinds.values():
        data_class_names = ", ".join(sorted(kind.data_classes)) or "none"
        lines += [
            kind.key,
            f"  why       {kind.why}",
            f"  purpose   {kind.purpose}",
            f"  template  notices/{kind.template}.txt",
            f"  made of   {', '.join(sorted(kind.value_names))}",
            f"  leads to  {kind.route_name}",
            f"  provider data  {data_class_names}",
        ]
    return "\n".join(lines) + "\n"
