"""
What an edit makes of an event that lives here: all of what there is to be. Pure.

Called inside sinks only. A series is one event with its exceptions, so that an edit of it is one
write, and there is nothing that could be half done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from integrations.almanac import edits
from integrations.almanac.edits import Whole
from integrations.almanac.series import Start
from integrations.calendars.kept import Kept, Write
from integrations.event_shapes import EventContent

from . import drafts, reckoning, targets
from .checking import ONE_MOVES, ONE_REPEATS, BadDraft
from .drafts import Edit
from .opened import Held
from .results import Scope

NO_GUESTS = "Nobody can be invited from a calendar that is kept here: choose another calendar."


@dataclass(frozen=True, slots=True)
class Remade:
    """
    What becomes of the calendar.

    :param shown: the name of what is to be shown afterwards; None: what was asked for
    """

    write: Write
    shown: str | None = None


def changed(held: Held, edit: Edit, *, etag: str, scope: Scope, new_uid: str) -> Remade:
    """
    Return what is there once an event, an occurrence or a series is as `edit` says.

    :param new_uid: what follows is called, if it becomes a series of its own
    :raises NoSuchOccurrence, Stale, BadDraft, NoVersion: see `writing.change`
    """
    live = held.as_it_is()
    wanted = drafts.edited(live, edit)
    nobody_new(live, wanted)
    targets.check(etag, live, wanted, edit)
    if held.original is None:
        whole = reckoning.reckoned(lambda: edits.change_series(held.whole, wanted))
        return _replaced(held, whole)
    if scope == "this":
        if "recurrence" in edit:
            raise BadDraft({"recurrence": ONE_REPEATS})
        return _replaced(held, _with(held.whole, held.original, wanted))
    if scope == "all":
        return _replaced(held, _all(held.whole, held.original, wanted, edit), shows_all=True)
    return _following(held, held.original, wanted, edit, new_uid=new_uid)


def without(held: Held, *, etag: str, scope: Scope) -> Remade:
    """
    Return what is left once an event, an occurrence, or a series from there on is deleted.

    :raises NoSuchOccurrence: if that is so already
    :raises Stale, NoVersion: see `writing.delete`
    """
    targets.unchanged(etag, held.as_it_is())
    original = held.original
    if original is None or scope == "all":
        return gone(held)
    if scope == "this":
        return _replaced(held, _with(held.whole, original, None))
    rest = reckoning.reckoned(lambda: edits.cancel_following(held.whole, original))
    return gone(held) if rest is None else _replaced(held, rest)


def gone(held: Held) -> Remade:
    """Return what is left without all of it."""
    return Remade(Write(drop=[held.kept.uid], expected=_as_read(held)))


def arrived(held: Held, *, etag: str) -> Remade:
    """
    Return what it is in another calendar.

    :raises BadDraft: if one occurrence alone is meant
    :raises Stale, NoVersion: see `writing.move`
    """
    if held.original is not None:
        raise BadDraft({"calendar_id": ONE_MOVES})
    targets.unchanged(etag, held.as_it_is())
    uid = held.kept.uid
    return Remade(Write(put=[held.kept], expected={uid: None}), shown=uid)


def nobody_new(before: EventContent | None, wanted: EventContent) -> None:
    """
    See that nobody is invited: no mail is sent for what is kept here.

    :param before: whose guests, from a file, may stay
    :raises BadDraft: at their field
    """
    there = set() if before is None else {one.email.lower() for one in before.attendees}
    if any(one.email.lower() not in there for one in wanted.attendees):
        raise BadDraft({"attendees": NO_GUESTS})


def _all(whole: Whole, original: Start, wanted: EventContent, edit: Edit) -> Whole:
    if reckoning.is_moved(edit):
        return reckoning.moved(whole, original, wanted, edit)
    content = drafts.edited(whole.content, edit)
    one = whole.exceptions.get(original)
    if one is not None:
        # The one that they edited is to be as they see it; others that were changed stay so.
        whole = _with(whole, original, drafts.edited(one, reckoning.words(edit)))
    return reckoning.reckoned(lambda: edits.change_series(whole, content))


def _following(
    held: Held, original: Start, wanted: EventContent, edit: Edit, *, new_uid: str
) -> Remade:
    parts = reckoning.reckoned(
        lambda: edits.change_following(held.whole, original, wanted, lines=edit.get("recurrence"))
    )
    if len(parts) == 1:
        return _replaced(held, _all(held.whole, original, wanted, edit), shows_all=True)
    rest, following = parts
    new = Kept(uid=new_uid, whole=following, organizer=held.kept.organizer)
    expected = {**_as_read(held), new_uid: None}
    return Remade(Write(put=[_next(held, rest), new], expected=expected), shown=new_uid)


def _with(whole: Whole, original: Start, content: EventContent | None) -> Whole:
    if content is None:
        return reckoning.reckoned(lambda: edits.cancel_one(whole, original))
    return reckoning.reckoned(lambda: edits.change_one(whole, original, content))


def _replaced(held: Held, whole: Whole, *, shows_all: bool = False) -> Remade:
    write = Write(put=[_next(held, whole)], expected=_as_read(held))
    return Remade(write, shown=held.kept.uid if shows_all else None)


def _next(held: Held, whole: Whole) -> Kept:
    return replace(held.kept, whole=whole, sequence=held.kept.sequence + 1)


def _as_read(held: Held) -> dict[str, str | None]:
    return {held.kept.uid: held.etag}
