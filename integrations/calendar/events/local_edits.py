"""
Edits of an event in a local calendar: the event as read, to the writes that replace it. Pure.

Called inside sinks only. A series and its exceptions are one event, so that an edit of a series is
one write and cannot be half done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from integrations.calendar import etags
from integrations.calendar.local_event_types import Kept, Write
from integrations.formats.event import EventContent
from integrations.formats.recurrence import series_edits
from integrations.formats.recurrence.series import Start
from integrations.formats.recurrence.series_edits import Whole

from . import drafts, series_arithmetic
from .drafts import Edit
from .local_event_reader import LocalEvent
from .results import Scope
from .validation import ONE_MOVES, ONE_REPEATS, BadDraft

NO_GUESTS = "Nobody can be invited from a calendar that is kept here: choose another calendar."


@dataclass(frozen=True, slots=True)
class LocalEdit:
    """
    The write to a calendar.

    :param shown: the uid of the event to show afterwards; None: the event that was asked for
    """

    write: Write
    shown: str | None = None


def change_event(
    event: LocalEvent, edit: Edit, *, etag: str, scope: Scope, new_uid: str
) -> LocalEdit:
    """
    Change an event, an occurrence or a series.

    :param new_uid: for the part that follows, if it becomes a series of its own
    :raises NoSuchOccurrence, Stale, BadDraft, NoVersion: see `service.change`
    """
    live = event.get_content()
    wanted = drafts.apply_edit(live, edit)
    refuse_new_guests(live, wanted)
    etags.require_no_conflict(etag, live, wanted, edit)
    if event.original is None:
        whole = series_arithmetic.map_series_errors(
            lambda: series_edits.change_series(event.whole, wanted)
        )
        return _replace_event(event, whole)
    if scope == "this":
        if "recurrence" in edit:
            raise BadDraft({"recurrence": ONE_REPEATS})
        return _replace_event(event, _set_exception(event.whole, event.original, wanted))
    if scope == "all":
        whole = _change_all(event.whole, event.original, wanted, edit)
        return _replace_event(event, whole, shows_all=True)
    return _change_following(event, event.original, wanted, edit, new_uid=new_uid)


def delete_event(event: LocalEvent, *, etag: str, scope: Scope) -> LocalEdit:
    """
    Delete an event or an occurrence, or end a series.

    :raises NoSuchOccurrence: if it is deleted already
    :raises Stale, NoVersion: see `service.delete`
    """
    etags.require_unchanged(etag, event.get_content())
    original = event.original
    if original is None or scope == "all":
        return drop_event(event)
    if scope == "this":
        return _replace_event(event, _set_exception(event.whole, original, None))
    rest = series_arithmetic.map_series_errors(
        lambda: series_edits.cancel_following(event.whole, original)
    )
    return drop_event(event) if rest is None else _replace_event(event, rest)


def drop_event(event: LocalEvent) -> LocalEdit:
    return LocalEdit(Write(drop=[event.kept.uid], expected=_expect_unchanged(event)))


def add_event(event: LocalEvent, *, etag: str) -> LocalEdit:
    """
    Add a moved event to its new calendar.

    :raises BadDraft: if the request names one occurrence alone
    :raises Stale, NoVersion: see `service.move`
    """
    if event.original is not None:
        raise BadDraft({"calendar_id": ONE_MOVES})
    etags.require_unchanged(etag, event.get_content())
    uid = event.kept.uid
    return LocalEdit(Write(put=[event.kept], expected={uid: None}), shown=uid)


def refuse_new_guests(before: EventContent | None, wanted: EventContent) -> None:
    """
    Check that nobody is invited: Antares sends no mail for its own calendars.

    :param before: the event whose guests, from a file, may stay
    :raises BadDraft: with a message for the attendees
    """
    known = set() if before is None else {guest.email.lower() for guest in before.attendees}
    if any(guest.email.lower() not in known for guest in wanted.attendees):
        raise BadDraft({"attendees": NO_GUESTS})


def _change_all(whole: Whole, original: Start, wanted: EventContent, edit: Edit) -> Whole:
    if series_arithmetic.changes_times(edit):
        return series_arithmetic.move_all(whole, original, wanted, edit)
    content = drafts.apply_edit(whole.content, edit)
    exception = whole.exceptions.get(original)
    if exception is not None:
        # The edited occurrence follows the edit; other exceptions stay as they are.
        edited = drafts.apply_edit(exception, series_arithmetic.without_times(edit))
        whole = _set_exception(whole, original, edited)
    return series_arithmetic.map_series_errors(lambda: series_edits.change_series(whole, content))


def _change_following(
    event: LocalEvent, original: Start, wanted: EventContent, edit: Edit, *, new_uid: str
) -> LocalEdit:
    parts = series_arithmetic.map_series_errors(
        lambda: series_edits.change_following(
            event.whole, original, wanted, lines=edit.get("recurrence")
        )
    )
    if len(parts) == 1:
        whole = _change_all(event.whole, original, wanted, edit)
        return _replace_event(event, whole, shows_all=True)
    rest, following = parts
    new = Kept(uid=new_uid, whole=following, organizer=event.kept.organizer)
    expected = {**_expect_unchanged(event), new_uid: None}
    return LocalEdit(Write(put=[_next_version(event, rest), new], expected=expected), shown=new_uid)


def _set_exception(whole: Whole, original: Start, content: EventContent | None) -> Whole:
    if content is None:
        return series_arithmetic.map_series_errors(lambda: series_edits.cancel_one(whole, original))
    return series_arithmetic.map_series_errors(
        lambda: series_edits.change_one(whole, original, content)
    )


def _replace_event(event: LocalEvent, whole: Whole, *, shows_all: bool = False) -> LocalEdit:
    write = Write(put=[_next_version(event, whole)], expected=_expect_unchanged(event))
    return LocalEdit(write, shown=event.kept.uid if shows_all else None)


def _next_version(event: LocalEvent, whole: Whole) -> Kept:
    return replace(event.kept, whole=whole, sequence=event.kept.sequence + 1)


def _expect_unchanged(event: LocalEvent) -> dict[str, str | None]:
    return {event.kept.uid: event.etag}
