"""The summary of the last days on top of the page Activity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from limited_use.ledger.entry_filters import EntryActor
from limited_use.ledger.subject_activity import SubjectActivity
from limited_use.policy.policy_vocabulary import Purpose, Recipient

from . import activity_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSummary:
    """What a feature, or a kind of person, read. `counts`: such as `3 times, 40 messages`."""

    who: str
    action: str
    counts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySummary:
    mail_days: int
    calendar_days: int
    sync_days: int
    readers: tuple[ReaderSummary, ...]
    refused_requests: int


def summarise_activity(activity: Sequence[SubjectActivity]) -> ActivitySummary:
    """:param activity: of one period, each line of one day"""
    allowed = [line for line in activity if line.outcome == "permitted"]
    own = [line for line in allowed if line.actor is EntryActor.OWNER]
    return ActivitySummary(
        mail_days=_count_days(line for line in own if line.purpose == Purpose.INBOX_DISPLAY),
        calendar_days=_count_days(
            line
            for line in own
            if line.purpose == Purpose.CALENDAR_SCHEDULE and line.recipient == Recipient.OWNER
        ),
        sync_days=_count_days(line for line in allowed if line.purpose == Purpose.SYNC_STORE),
        readers=tuple(_summarise_readers(allowed)),
        refused_requests=sum(line.request_count for line in activity if line.outcome == "refused"),
    )


def _count_days(lines: Iterable[SubjectActivity]) -> int:
    return len({line.day for line in lines})


def _summarise_readers(allowed: Sequence[SubjectActivity]) -> list[ReaderSummary]:
    """Return features and other persons, each with their action."""
    groups: dict[tuple[str, str], list[SubjectActivity]] = {}
    for line in allowed:
        if line.actor not in {EntryActor.FEATURE, EntryActor.OTHER_PERSON}:
            continue
        who = activity_labels.describe_actor(
            line.actor, event=line.event, recipient=line.recipient, feature=line.feature
        )
        action = activity_labels.describe_action(line)
        groups.setdefault((who, str(action)), []).append(line)
    return [
        ReaderSummary(who=who, action=action, counts=activity_labels.count_activity(lines))
        for (who, action), lines in groups.items()
    ]
