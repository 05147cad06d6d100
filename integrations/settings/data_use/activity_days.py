"""The person's activity folded to a few lines a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from accounts import display_times
from limited_use.ledger import subject_activity
from limited_use.ledger.subject_activity import SubjectActivity

from . import activity_groups, activity_log
from .activity_filters import ActivityQuery, get_day_start
from .activity_groups import ActivityDay
from .activity_log import LedgerSubjects

DAYS_PER_PAGE: Final = 7
SUMMARY_DAYS: Final = 30
# A page counts at most about so many entries, and shortens its period for a person with more.
MAX_COUNTED: Final = 25_000


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
            activity_groups.make_day(
                day, [line for line in activity if days[line.day] == day], query
            )
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
