"""
Edits of an event in a local calendar. Pure; called inside sinks only.

A series and its exceptions are one event, so an edit is one write and cannot be half done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from integrations.calendar import etags
from integrations.calendar.local_event_types import CalendarWrite, LocalEventInput
from integrations.calendar.messages import event_fields as messages
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence import series_edits
from integrations.formats.recurrence.series import StartKey
from integrations.formats.recurrence.series_edits import SeriesWithExceptions

from . import event_drafts, series_arithmetic
from .event_drafts import EventEdit
from .event_validation import BadEventDraft
from .local_event_reader import LocalEvent
from .write_results import SeriesScope


@dataclass(frozen=True, slots=True)
class LocalEventEdit:
    """:param shown_uid: the event to show afterwards; None: the requested event"""

    write: CalendarWrite
    shown_uid: str | None = None


def build_local_event_change(
    event: LocalEvent, edit: EventEdit, *, etag: str, scope: SeriesScope, new_uid: str
) -> LocalEventEdit:
    """
    :param new_uid: for the part that follows, if it becomes a series
    :raises NoSuchOccurrence, EventStale, BadEventDraft, VersionMalformed: see
        `event_service.change`
    """
    live = event.get_content()
    edited = event_drafts.apply_event_edit(live, edit)
    refuse_new_guests(live, edited)
    etags.require_no_conflict(etag, live, edited, edit)
    if event.original_start is None:
        series = series_arithmetic.map_series_errors(
            lambda: series_edits.change_series(event.series, edited)
        )
        return _replace_event(event, series)
    if scope == "this":
        if "recurrence" in edit:
            raise BadEventDraft({"recurrence": messages.ONE_OCCURRENCE_REPEATS})
        return _replace_event(event, _set_exception(event.series, event.original_start, edited))
    if scope == "all":
        series = _change_all(event.series, event.original_start, edited, edit)
        return _replace_event(event, series, shows_all=True)
    return _change_following(event, event.original_start, edited, edit, new_uid=new_uid)


def build_local_event_deletion(
    event: LocalEvent, *, etag: str, scope: SeriesScope
) -> LocalEventEdit:
    """
    Delete an event or an occurrence, or end a series.

    :raises NoSuchOccurrence, EventStale, VersionMalformed:
    """
    etags.require_unchanged(etag, event.get_content())
    original_start = event.original_start
    if original_start is None or scope == "all":
        return build_moved_event_removal(event)
    if scope == "this":
        return _replace_event(event, _set_exception(event.series, original_start, None))
    remaining = series_arithmetic.map_series_errors(
        lambda: series_edits.cancel_following(event.series, original_start)
    )
    return (
        build_moved_event_removal(event) if remaining is None else _replace_event(event, remaining)
    )


def build_moved_event_removal(event: LocalEvent) -> LocalEventEdit:
    return LocalEventEdit(
        CalendarWrite(drop=[event.event_input.uid], expected_etags=_expect_unchanged(event))
    )


def build_moved_event_addition(event: LocalEvent, *, etag: str) -> LocalEventEdit:
    """
    Add a moved event to its new calendar.

    :raises BadEventDraft: if the request names a single occurrence
    :raises EventStale, VersionMalformed:
    """
    if event.original_start is not None:
        raise BadEventDraft({"calendar_id": messages.ONE_OCCURRENCE_MOVES})
    etags.require_unchanged(etag, event.get_content())
    uid = event.event_input.uid
    return LocalEventEdit(
        CalendarWrite(put=[event.event_input], expected_etags={uid: None}), shown_uid=uid
    )


def refuse_new_guests(before: EventContent | None, edited: EventContent) -> None:
    """
    Refuse an edit that adds a guest: Antares sends no mail for local calendars.

    :param before: its guests, from a file, may stay
    :raises BadEventDraft:
    """
    known_addresses = (
        set() if before is None else {guest.email.lower() for guest in before.attendees}
    )
    if any(guest.email.lower() not in known_addresses for guest in edited.attendees):
        raise BadEventDraft({"attendees": messages.NO_ATTENDEES})


def _change_all(
    series: SeriesWithExceptions, original_start: StartKey, edited: EventContent, edit: EventEdit
) -> SeriesWithExceptions:
    if series_arithmetic.changes_times(edit):
        return series_arithmetic.move_occurrences(series, original_start, edited, edit)
    content = event_drafts.apply_event_edit(series.content, edit)
    exception = series.exceptions.get(original_start)
    if exception is not None:
        # The edited occurrence follows the edit; other exceptions stay as they are.
        edited_exception = event_drafts.apply_event_edit(
            exception, series_arithmetic.without_times(edit)
        )
        series = _set_exception(series, original_start, edited_exception)
    return series_arithmetic.map_series_errors(lambda: series_edits.change_series(series, content))


def _change_following(
    event: LocalEvent,
    original_start: StartKey,
    edited: EventContent,
    edit: EventEdit,
    *,
    new_uid: str,
) -> LocalEventEdit:
    parts = series_arithmetic.map_series_errors(
        lambda: series_edits.change_following(
            event.series, original_start, edited, lines=edit.get("recurrence")
        )
    )
    if len(parts) == 1:
        series = _change_all(event.series, original_start, edited, edit)
        return _replace_event(event, series, shows_all=True)
    remaining, following = parts
    new_event = LocalEventInput(
        uid=new_uid, series=following, organizer=event.event_input.organizer
    )
    expected = {**_expect_unchanged(event), new_uid: None}
    return LocalEventEdit(
        CalendarWrite(put=[_next_version(event, remaining), new_event], expected_etags=expected),
        shown_uid=new_uid,
    )


def _set_exception(
    series: SeriesWithExceptions, original_start: StartKey, content: EventContent | None
) -> SeriesWithExceptions:
    if content is None:
        return series_arithmetic.map_series_errors(
            lambda: series_edits.cancel_one_occurrence(series, original_start)
        )
    return series_arithmetic.map_series_errors(
        lambda: series_edits.change_one_occurrence(series, original_start, content)
    )


def _replace_event(
    event: LocalEvent, series: SeriesWithExceptions, *, shows_all: bool = False
) -> LocalEventEdit:
    write = CalendarWrite(
        put=[_next_version(event, series)], expected_etags=_expect_unchanged(event)
    )
    return LocalEventEdit(write, shown_uid=event.event_input.uid if shows_all else None)


def _next_version(event: LocalEvent, series: SeriesWithExceptions) -> LocalEventInput:
    return replace(event.event_input, series=series, sequence=event.event_input.sequence + 1)


def _expect_unchanged(event: LocalEvent) -> dict[str, str | None]:
    return {event.event_input.uid: event.etag}
