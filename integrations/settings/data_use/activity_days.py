"""The person's activity folded to a few lines a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.utils.text import capfirst
from django.utils.translation import gettext

from accounts import display_times
from limited_use.ledger import subject_activity
from limited_use.ledger.entry_filters import EntryActor
from limited_use.ledger.subject_activity import SubjectActivity

from . import activity_labels, activity_log
from .activity_filters import ActivityQuery, get_day_start
from .activity_log import LedgerSubjects

DAYS_PER_PAGE: Final = 7
SUMMARY_DAYS: Final = 30
# A page counts at most about so many entries, and shortens its period for a person with more.
MAX_COUNTED: Final = 25_000

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """
    :param activity: of the whole counted period
    :param day_count: the length of that period
    :param is_current: whether the period ends today
    :param next_before: the first day that the next page leaves out
    """

    days: tuple[ActivityDay, ...]
    activity: tuple[SubjectActivity, ...] = ()
    day_count: int = SUMMARY_DAYS
    is_current: bool = False
    next_before: date | None = None


def get_activity_page(
    subjects: LedgerSubjects, query: ActivityQuery, *, before: date | None, today: date
) -> ActivityPage:
    """
    Return the newest days with activity, at most `DAYS_PER_PAGE`.

    :param before: the first day that is left out; None: the newest page, whose period is the last
        `SUMMARY_DAYS` if it has any activity
    """
    newest = _find_newest_day(subjects, query, before)
    if newest is None:
        return ActivityPage(days=())
    is_current = before is None and (today - newest).days < SUMMARY_DAYS
    last_day = max(today, newest) if is_current else newest
    first_day = _choose_first_day(
        subjects, query, last_day, longest=SUMMARY_DAYS if is_current else DAYS_PER_PAGE
    )
    days = [first_day + timedelta(days=index) for index in range((last_day - first_day).days + 1)]
    activity = subject_activity.summarise_subject_entries(
        subjects.list_names(query.connection),
        replace(query.make_entry_filter(subjects.person), since=None, until=None),
        day_starts=[_get_start(day) for day in [*days, last_day + timedelta(days=1)]],
    )
    active_days = sorted({days[line.day] for line in activity}, reverse=True)
    shown_days = active_days[:DAYS_PER_PAGE]
    return ActivityPage(
        days=tuple(
            _make_day(day, [line for line in activity if days[line.day] == day], query)
            for day in shown_days
        ),
        activity=tuple(activity),
        day_count=len(days),
        is_current=is_current,
        next_before=(
            shown_days[-1]
            if len(active_days) > len(shown_days)
            else _find_next_before(subjects, query, first_day)
        ),
    )


def _find_newest_day(
    subjects: LedgerSubjects, query: ActivityQuery, before: date | None
) -> date | None:
    if before == date.min:
        return None
    if before is not None:
        last = before - timedelta(days=1)
        query = replace(query, until=last if query.until is None else min(last, query.until))
    moment = activity_log.get_newest_moment(subjects, query)
    return None if moment is None else display_times.to_reader_time(moment).date()


def _find_next_before(
    subjects: LedgerSubjects, query: ActivityQuery, first_day: date
) -> date | None:
    older = _find_newest_day(subjects, query, first_day)
    return None if older is None else older + timedelta(days=1)


def _choose_first_day(
    subjects: LedgerSubjects, query: ActivityQuery, last_day: date, *, longest: int
) -> date:
    """Return the first day of the longest period whose entries are few enough to count."""
    names = subjects.list_names(query.connection)
    lengths = [length for length in (SUMMARY_DAYS, DAYS_PER_PAGE, 1) if length <= longest]
    first_day = last_day
    for length in lengths:
        first_day = last_day - timedelta(days=length - 1)
        count = subject_activity.count_subject_entries(
            names,
            since=_get_start(first_day),
            until=_get_start(last_day + timedelta(days=1)),
            limit=MAX_COUNTED + 1,
        )
        if count <= MAX_COUNTED:
            break
    return first_day if query.since is None else max(first_day, query.since)


def _get_start(day: date) -> datetime:
    # Days of entries are days on which the service ran.
    return get_day_start(day) or datetime.max.replace(tzinfo=UTC)


def _make_day(day: date, activity: list[SubjectActivity], query: ActivityQuery) -> ActivityDay:
    of_day = _describe_query(query, day)
    refused = [line for line in activity if line.outcome == "refused"]
    allowed = [line for line in activity if line.outcome != "refused"]
    groups: dict[tuple[EntryActor, str], list[SubjectActivity]] = {}
    for actor in _ORDER:
        for line in allowed:
            if line.actor is actor:
                feature = line.feature if actor is EntryActor.FEATURE else None
                groups.setdefault((actor, feature or ""), []).append(line)
    return ActivityDay(
        day=day,
        refusals=tuple(_make_refusal(line, {**of_day, "outcome": "refused"}) for line in refused),
        groups=tuple(
            _make_group(
                actor, lines, {**of_day, "by": actor, **({"feature": feature} if feature else {})}
            )
            for (actor, feature), lines in groups.items()
        ),
    )


def _make_group(
    actor: EntryActor, lines: list[SubjectActivity], query: Mapping[str, str]
) -> ActivityGroup:
    if actor is EntryActor.NONE:
        title = _list_some(
            activity_labels.describe_event(line.event, line.feature) for line in lines
        )
    else:
        # One subject for all actions: the most recent line of another person names their role.
        title = gettext("%(who)s %(actions)s") % {
            "who": _describe_actor(lines[0]),
            "actions": _list_some(
                str(
                    activity_labels.describe_action(line.purpose, line.recipient, line.data_classes)
                )
                for line in lines
            ),
        }
    return ActivityGroup(
        actor=actor,
        title=title,
        rows=tuple(_make_row(line) for line in lines),
        entry_count=sum(line.entry_count for line in lines),
        query=urlencode({name: value for name, value in query.items() if value}),
    )


def _make_row(line: SubjectActivity) -> ActivityRow:
    if line.outcome is None:
        text = activity_labels.describe_event(line.event, line.feature)
    else:
        action = activity_labels.describe_action(line.purpose, line.recipient, line.data_classes)
        text = capfirst(str(action)) or ""
    first, last = (display_times.format_clock(at) for at in (line.first_at, line.last_at))
    period = first if first == last else gettext("%(first)s to %(last)s")
    return ActivityRow(
        text=text, counts=_count(line), period=period % {"first": first, "last": last}
    )


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


def _count(line: SubjectActivity) -> str:
    counts = [activity_labels.count_requests(line.request_count)]
    if line.item_count:
        counts.append(activity_labels.count_items(line.item_count, line.data_classes))
    return ", ".join(counts)


def _list_some(words: Iterable[str]) -> str:
    unique_words = list(dict.fromkeys(words))
    hidden = len(unique_words) - _ACTIONS_IN_TITLE
    if hidden > 1:
        more = gettext("%(count)d more") % {"count": hidden}
        return activity_labels.join_words([*unique_words[:_ACTIONS_IN_TITLE], more])
    return activity_labels.join_words(unique_words)
