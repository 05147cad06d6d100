"""The lines of one day of activity: refusals, and all else folded by who acted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from accounts import display_times
from limited_use.ledger.entry_filters import EntryActor
from limited_use.ledger.subject_activity import SubjectActivity
from limited_use.policy.policy_vocabulary import Purpose

from . import activity_labels, messages
from .activity_filters import ActivityQuery

#: The order of lines of a day, after refusals.
_ORDER: Final = (
    EntryActor.OTHER_PERSON,
    EntryActor.FEATURE,
    EntryActor.OWNER,
    EntryActor.NONE,
    EntryActor.SERVICE,
)
_ACTIONS_IN_TITLE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """:param counts: such as `3 times, 40 messages`"""

    text: str
    counts: str
    # The time of day, or the first and the last.
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityGroup:
    """
    One line of a day, with rows to unfold.

    :param query: of the list of these entries
    """

    actor: EntryActor
    title: str
    rows: tuple[ActivityRow, ...]
    entry_count: int
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequest:
    """
    Equal requests of one day that were refused.

    :param query: of the list of refusals of the day
    """

    sentence: str
    purpose: str
    reason: str
    counts: str
    last_at: datetime
    newest_entry_id: UUID
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityDay:
    day: date
    refusals: tuple[RefusedRequest, ...]
    groups: tuple[ActivityGroup, ...]


def make_day(day: date, activity: list[SubjectActivity], query: ActivityQuery) -> ActivityDay:
    of_day = _describe_query(query, day)
    refused = [line for line in activity if line.outcome == "refused"]
    allowed = [line for line in activity if line.outcome != "refused"]
    groups: dict[tuple[EntryActor, str, str], list[SubjectActivity]] = {}
    for actor in _ORDER:
        for line in allowed:
            if line.actor is actor:
                feature = line.feature if actor is EntryActor.FEATURE else None
                # A support agent and a colleague are two groups.
                who = _describe_actor(line) if actor is EntryActor.OTHER_PERSON else ""
                groups.setdefault((actor, feature or "", who), []).append(line)
    return ActivityDay(
        day=day,
        refusals=tuple(_make_refusal(line, {**of_day, "outcome": "refused"}) for line in refused),
        groups=tuple(
            _make_group(
                actor, lines, {**of_day, "by": actor, **({"feature": feature} if feature else {})}
            )
            for (actor, feature, _), lines in groups.items()
        ),
    )


def _make_group(
    actor: EntryActor, lines: list[SubjectActivity], query: Mapping[str, str]
) -> ActivityGroup:
    rows = tuple(_make_rows(lines))
    if actor is EntryActor.NONE:
        title = gettext("Changes: %(changes)s") % {"changes": "; ".join(row.text for row in rows)}
    else:
        title = gettext("%(who)s %(actions)s") % {
            "who": _describe_actor(lines[0]),
            "actions": activity_labels.join_words(_list_some(_list_actions(lines))),
        }
    return ActivityGroup(
        actor=actor,
        title=title,
        rows=rows,
        entry_count=sum(line.entry_count for line in lines),
        query=urlencode({name: value for name, value in query.items() if value}),
    )


def _make_rows(lines: Iterable[SubjectActivity]) -> Iterator[ActivityRow]:
    """Yield a row for each text; requests that differ in their data alone are added up."""
    lines_by_text: dict[str, list[SubjectActivity]] = {}
    for line in lines:
        lines_by_text.setdefault(_describe_line(line), []).append(line)
    for text, equal_lines in lines_by_text.items():
        first = display_times.format_clock(min(line.first_at for line in equal_lines))
        last = display_times.format_clock(max(line.last_at for line in equal_lines))
        period = first if first == last else gettext("%(first)s to %(last)s")
        yield ActivityRow(
            text=text,
            counts=activity_labels.count_activity(equal_lines),
            period=period % {"first": first, "last": last},
        )


def _describe_line(line: SubjectActivity) -> str:
    if line.outcome is None:
        return activity_labels.describe_event(line.event, line.feature)
    action = activity_labels.describe_action(line)
    return capfirst(str(action)) or ""


def _list_actions(lines: Iterable[SubjectActivity]) -> list[str]:
    """Return the actions, in the order of the purposes' declaration; upkeep comes last."""
    order = {str(purpose): place for place, purpose in enumerate(Purpose)}
    order[Purpose.CONNECTION_MAINTAIN] = len(order)
    actions = [
        activity_labels.describe_action(line)
        for line in sorted(lines, key=lambda line: order.get(line.purpose or "", len(order)))
    ]
    for first, second, joint in messages.JOINT_ACTIONS:
        if first in actions and second in actions:
            actions = [joint if action == first else action for action in actions]
            actions = [action for action in actions if action != second]
    return [str(action) for action in actions]


def _make_refusal(line: SubjectActivity, query: Mapping[str, str]) -> RefusedRequest:
    sentence = gettext("%(who)s asked for %(data)s.") % {
        "who": _describe_actor(line),
        "data": activity_labels.describe_data(line.data_classes),
    }
    return RefusedRequest(
        sentence=sentence,
        purpose=activity_labels.describe_purpose(line.purpose),
        reason=activity_labels.explain_refusal(line.rule, line.missing),
        counts=activity_labels.count_requests(line.request_count),
        last_at=line.last_at,
        newest_entry_id=line.newest_entry_id,
        query=urlencode({name: value for name, value in query.items() if value}),
    )


def _describe_actor(line: SubjectActivity) -> str:
    return activity_labels.describe_actor(
        line.actor, event=line.event, recipient=line.recipient, feature=line.feature
    )


def _describe_query(query: ActivityQuery, day: date) -> dict[str, str]:
    """Return the filters of the list of entries of one day."""
    return {
        "since": day.isoformat(),
        "until": day.isoformat(),
        "feature": query.feature or "",
        "purpose": query.purpose or "",
        "outcome": query.outcome or "",
        "connection": str(query.connection) if query.connection else "",
    }


def _list_some(words: Iterable[str]) -> list[str]:
    """Return the words once each, and how many more there are."""
    unique_words = list(dict.fromkeys(words))
    hidden = len(unique_words) - _ACTIONS_IN_TITLE
    if hidden < 2:  # noqa: PLR2004 - one word takes no more room than the number
        return unique_words
    more = ngettext("%(count)d more action", "%(count)d more actions", hidden)
    return [*unique_words[:_ACTIONS_IN_TITLE], more % {"count": hidden}]
