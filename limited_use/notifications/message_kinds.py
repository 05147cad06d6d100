"""
Every kind of message that the platform itself may send: a closed list, with why it may.

A kind takes words of ours, times and numbers, and leads to one page. It says for which
purpose of the policy it is sent; what the policy never allows to anybody is no reason to
write to somebody. So there is no kind for marketing, and none can be added: see `problems`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from limited_use.policy import evaluation
from limited_use.policy.vocabulary import DataClass, Purpose, Recipient, Use

# One of a closed list of ours, a time, a number, a yes or no. No text.
Word = Enum | datetime | int | bool | None

LEAST_WORDS: Final = 4
# What the service owes its users to be told about. Everything else they have to choose.
OWED: Final = frozenset({Purpose.CONNECTION_MAINTAIN, Purpose.CONNECTION_END})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    One kind of message.

    :param why: the reason for which it may be sent, for whoever reviews
    :param template: `notices/….txt` and `notices/….subject.txt`
    :param takes: the words that it is made of; all are given
    :param leads_to: the name of the page that it leads to
    :param about_receipt: leads to the receipt of what it is about, by a link that needs no account
    :param carries: which provider data may stand in it; none, where it is the platform's own mail
    """

    key: str
    why: str
    purpose: Purpose
    template: str
    takes: frozenset[str]
    leads_to: str
    about_receipt: bool = False
    carries: frozenset[DataClass] = field(default_factory=frozenset)


_SETTINGS: Final = "settings-integrations"
_WAITING: Final = frozenset({"provider", "until", "permission_only"})

KINDS: Final[dict[str, Kind]] = {
    kind.key: kind
    for kind in (
        Kind(
            key="reconnect",
            why="What came from a connected account is removed unless its owner reconnects.",
            purpose=Purpose.CONNECTION_MAINTAIN,
            template="reconnect",
            takes=_WAITING,
            leads_to=_SETTINGS,
        ),
        Kind(
            key="reconnect_again",
            why="Half of the time in which they can reconnect is over.",
            purpose=Purpose.CONNECTION_MAINTAIN,
            template="reconnect_again",
            takes=_WAITING,
            leads_to=_SETTINGS,
        ),
        Kind(
            key="reconnect_last",
            why="The last notice before what came from a connected account is removed.",
            purpose=Purpose.CONNECTION_MAINTAIN,
            template="reconnect_last",
            takes=_WAITING,
            leads_to=_SETTINGS,
        ),
        Kind(
            key="purged",
            why="What came from a connected account is being removed, and they did not do it.",
            purpose=Purpose.CONNECTION_END,
            template="purged",
            takes=frozenset({"provider", "product", "others", "trigger"}),
            leads_to=_SETTINGS,
        ),
        Kind(
            key="receipt_ready",
            why="The proof of a removal belongs to whose data was removed, account or not.",
            purpose=Purpose.CONNECTION_END,
            template="receipt_ready",
            takes=frozenset(
                {"product", "removed", "others", "access", "tokens", "advice", "pages"}
            ),
            leads_to="receipt-link",
            about_receipt=True,
        ),
    )
}


def problems(
    kinds: Mapping[str, Kind], table: evaluation.Table = evaluation.TABLE
) -> Iterator[str]:
    """Yield what is wrong with `kinds`: each is a sentence for a developer."""
    for key, kind in kinds.items():
        if key != kind.key:
            yield f"{kind.key} stands under {key}"
        if len(kind.why.split()) < LEAST_WORDS:
            yield f"{key} says nothing about why it may be sent"
        if not any(evaluation.ever(kind.purpose, one, table) for one in Recipient):
            yield f"{key} is sent for {kind.purpose}, which the policy never allows"
        elif kind.purpose not in OWED and kind.purpose != Purpose.NOTIFY_OWNER:
            yield f"{key} is sent for {kind.purpose}, which is no reason to write to somebody"
        if kind.carries and kind.purpose != Purpose.NOTIFY_OWNER:
            yield f"{key} carries provider data without having been chosen"
        for data_class in sorted(kind.carries):
            if not table[Use(data_class, Purpose.NOTIFY_OWNER, Recipient.OWNER)].options:
                yield f"{key} carries {data_class}, which the policy allows in no notification"


def listing(kinds: Mapping[str, Kind] = KINDS) -> str:
    """Return the list for a reviewer: what may be sent, why, and made of what."""
    lines = []
    for kind in kinds.values():
        carried = ", ".join(sorted(kind.carries)) or "none"
        lines += [
            kind.key,
            f"  why       {kind.why}",
            f"  purpose   {kind.purpose}",
            f"  template  notices/{kind.template}.txt",
            f"  made of   {', '.join(sorted(kind.takes))}",
            f"  leads to  {kind.leads_to}",
            f"  provider data  {carried}",
        ]
    return "\n".join(lines) + "\n"
