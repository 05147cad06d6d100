"""
Which version of an event somebody saw, said so that what changed since can be told by field. Pure.

A version is what `If-Match` takes: a digest of the provider's own version, then one of each field.
So a change of the title goes through though the place was changed meanwhile, and two changes of
the title do not. Only who may see an event is given its version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Final

from integrations.formats.event import EventContent, Reminder, When

FIELDS: Final = (
    "title", "description", "location", "when", "recurrence", "attendees", "is_busy",
    "is_private", "reminders",
)  # fmt: skip
_WHEN: Final = FIELDS.index("when")
_TIMES: Final = frozenset({"start", "end"})
# The fields that an invitation is about: not the other guests, nor the invitee's own settings.
_INVITATION: Final = frozenset({"title", "description", "location", "when", "recurrence"})
_HEAD: Final = 16
_EACH: Final = 8
_VERSION: Final = re.compile(rf"[0-9a-f]{{{_HEAD + _EACH * len(FIELDS)}}}", re.ASCII)


class VersionRequired(Exception):
    """A change does not name the version that it is about. Nothing was changed."""


class NoVersion(Exception):
    """The text is no version of an event. Read the event, and send its version."""


class Stale(Exception):
    """
    The event was changed or deleted since the version that the actor saw. Nothing was written.

    `fields` are those of `FIELDS` that both changed. The current event can be read.
    """

    def __init__(self, fields: Iterable[str] = ()) -> None:
        super().__init__("changed meanwhile")
        self.fields = tuple(sorted(fields))


def version(event_id: str, etag: str, content: EventContent) -> str:
    """Return the version of an event, or of one occurrence, as `content` shows it."""
    return of_occurrences(event_id, etag, content)(content.start, content.end)


def of_occurrences(event_id: str, etag: str, content: EventContent) -> Callable[[When, When], str]:
    """
    Return what makes the version of an occurrence from its start and end.

    All else of `content` counts for each of them, and is digested once.
    """
    parts = digests(content)
    before = _digest(f"{event_id}\0{etag}")[:_HEAD] + "".join(parts[:_WHEN])
    after = "".join(parts[_WHEN + 1 :])
    return lambda start, end: f"{before}{_digest(_span(start, end))[:_EACH]}{after}"


def digests(content: EventContent) -> tuple[str, ...]:
    """Return a digest of each of `FIELDS`."""
    return tuple(_digest(one)[:_EACH] for one in _fields(content))


def changed_since(seen: str, content: EventContent) -> frozenset[str]:
    """
    Return which of `FIELDS` are not as in the version that somebody saw.

    :raises NoVersion: if `seen` is none
    """
    if not _VERSION.fullmatch(seen):
        raise NoVersion
    parts = [seen[at : at + _EACH] for at in range(_HEAD, len(seen), _EACH)]
    both = zip(FIELDS, parts, digests(content), strict=True)
    return frozenset(name for name, was, is_now in both if was != is_now)


def require_no_conflict(
    seen: str, live: EventContent, wanted: EventContent, edited: Iterable[str]
) -> None:
    """
    Check that nobody else changed an edited field to another value; other changes of theirs stay.

    :param edited: names of fields of `EventContent`
    :raises Stale: if somebody did
    :raises NoVersion: if `seen` is no version
    """
    touched = {"when" if name in _TIMES else name for name in edited}
    pairs = zip(FIELDS, digests(live), digests(wanted), strict=True)
    same = {name for name, is_now, is_wanted in pairs if is_now == is_wanted}
    conflicts = (changed_since(seen, live) & touched) - same
    if conflicts:
        raise Stale(conflicts)


def require_unchanged(seen: str, live: EventContent) -> None:
    """:raises Stale: if any field changed since the version `seen`"""
    changed = changed_since(seen, live)
    if changed:
        raise Stale(changed)


def require_same_invitation(seen: str, live: EventContent) -> None:
    """:raises Stale: if the invitation changed since the version `seen`"""
    changed = changed_since(seen, live) & _INVITATION
    if changed:
        raise Stale(changed)


def _fields(content: EventContent) -> tuple[str, ...]:
    """What is digested of each field, in the order of `FIELDS`."""
    return (
        content.title,
        content.description,
        content.location,
        _span(content.start, content.end),
        "\n".join(content.recurrence),
        # Not what they answered: that changes all the time, and nobody overwrites it here.
        "\n".join(sorted(f"{one.email.lower()} {one.is_optional}" for one in content.attendees)),
        str(content.is_busy),
        str(content.is_private),
        _reminders(content.reminders),
    )


def _reminders(found: tuple[Reminder, ...] | None) -> str:
    if found is None:
        return ""
    said = (f"{one.minutes}{'' if one.method == 'popup' else one.method}" for one in sorted(found))
    return ",".join(("set", *said))


def _span(start: When, end: When) -> str:
    return f"{_when(start)}/{_when(end)}"


def _when(value: When) -> str:
    return str(value.day if value.day is not None else value.at)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
