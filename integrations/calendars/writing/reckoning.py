"""The arithmetic of series for an edit of all of one, its complaints in words of a field. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from integrations import zones
from integrations.almanac import edits
from integrations.almanac.compiling import BadSeries
from integrations.almanac.edits import NoSuchInstance, Whole
from integrations.almanac.retiming import NeedsRule
from integrations.almanac.series import BadEvent, Start
from integrations.almanac.stepping import TooMany
from integrations.event_shapes import EventContent

from . import drafts
from .checking import BadDraft
from .drafts import Edit
from .errors import NoSuchOccurrence

_TIMES: Final = frozenset({"start", "end"})
_NEEDS_RULE: Final = "Say how it repeats from then on: the rule that it has does not tell."
_NO_TIMES: Final = "Moved like that, its other times make no sense: say when and how it repeats."

T = TypeVar("T")


def is_moved(edit: Edit) -> bool:
    """Return whether an edit says when it is to be."""
    return bool(edit.keys() & _TIMES)


def words(edit: Edit) -> Edit:
    """Return what an edit says of anything but when, and how often."""
    left_out = {*_TIMES, "recurrence"}
    return {name: value for name, value in edit.items() if name not in left_out}  # type: ignore[return-value]


def moved(whole: Whole, original: Start, wanted: EventContent, edit: Edit) -> Whole:
    """
    Return a series of which every occurrence is moved by as much as the one at `original`.

    :param wanted: that one as it is to be
    :raises NoSuchOccurrence: if there is none
    :raises BadDraft: if that is no series
    """
    found = reckoned(
        lambda: edits.change_all(whole, original, wanted, lines=edit.get("recurrence"))
    )
    content = replace(
        drafts.edited(whole.content, words(edit)),
        start=found.content.start,
        end=found.content.end,
        recurrence=found.content.recurrence,
    )
    return Whole(content, found.exceptions)


def reckoned(reckon: Callable[[], T]) -> T:
    """
    Return what the arithmetic of series says.

    :raises NoSuchOccurrence: if the series has no such one
    :raises BadDraft: at the field that stands in the way
    """
    try:
        return reckon()
    except NoSuchInstance:
        raise NoSuchOccurrence from None
    except NeedsRule:
        raise BadDraft({"recurrence": _NEEDS_RULE}) from None
    except (BadEvent, BadSeries, TooMany, zones.UnknownZone, OverflowError):
        raise BadDraft({"recurrence": _NO_TIMES}) from None
