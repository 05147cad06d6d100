"""
Versions of events that tell which fields changed. Pure.

A version is the value of `If-Match`: a digest of the provider's version, then one of each field.
A change of the title succeeds though the location has changed since. Only people who may see an
event receive its version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Final

from integrations.formats.event_content import EventContent, Reminder, When

FIELDS: Final = (
    "title", "description", "location", "when", "recurrence", "attendees", "is_busy",
    "is_private", "reminders",
)  # fmt: skip
_WHEN: Final = FIELDS.index("when")
_TIMES: Final = frozenset({"start", "end"})
# The fields of an invitation: without the other guests and the invitee's own settings.
_INVITATION: Final = frozenset({"title", "description", "location", "when", "recurrence"})
_HEAD: Final = 16
_EACH: Final = 8
_VERSION: Final = re.compile(rf"[0-9a-f]{{{_HEAD + _EACH * len(FIELDS)}}}", re.ASCII)


class VersionRequired(Exception):
    """The request does not name the version that it changes."""


class VersionMalformed(Exception):
    """The text is not a version of an event."""


class EventStale(Exception):
    """
    The event was changed or deleted after the version that the actor saw.

    `fields` are those of `FIELDS` that both changes touch.
    """

    def __init__(self, fields: Iterable[str] = ()) -> None:
        super().__init__("changed meanwhile")
        self.fields = tuple(sorted(fields))


def compute_etag(event_id: str, etag: str, content: EventContent) -> str:
    return make_occurrence_etag(event_id, etag, content)(content.start, content.end)


def make_occurrence_etag(
    event_id: str, etag: str, content: EventContent
) -> Callable[[When, When], str]:
    """Digest fields other than the times once."""
    parts = digest_fields(content)
    before = _hash_text(f"{event_id}\0{etag}")[:_HEAD] + "".join(parts[:_WHEN])
    after = "".join(parts[_WHEN + 1 :])
    return lambda start, end: f"{before}{_hash_text(_format_span(start, end))[:_EACH]}{after}"


def digest_fields(content: EventContent) -> tuple[str, ...]:
    return tuple(_hash_text(text)[:_EACH] for text in _format_fields(content))


def get_changed_fields(etag: str, content: EventContent) -> frozenset[str]:
    """:raises VersionMalformed:"""
    if not _VERSION.fullmatch(etag):
        raise VersionMalformed
    parts = [etag[at : at + _EACH] for at in range(_HEAD, len(etag), _EACH)]
    digest_pairs = zip(FIELDS, parts, digest_fields(content), strict=True)
    return frozenset(
        name for name, digest_before, digest_now in digest_pairs if digest_before != digest_now
    )


def require_no_conflict(
    etag: str, live: EventContent, edited_content: EventContent, edited_fields: Iterable[str]
) -> None:
    """
    Check that no other change gave an edited field another value.

    :param edited_fields: names of fields of `EventContent`
    :raises EventStale, VersionMalformed:
    """
    touched_fields = {"when" if name in _TIMES else name for name in edited_fields}
    digest_pairs = zip(FIELDS, digest_fields(live), digest_fields(edited_content), strict=True)
    equal_fields = {
        name for name, digest_now, digest_edited in digest_pairs if digest_now == digest_edited
    }
    conflicts = (get_changed_fields(etag, live) & touched_fields) - equal_fields
    if conflicts:
        raise EventStale(conflicts)


def require_unchanged(etag: str, live: EventContent) -> None:
    """:raises EventStale:"""
    changed = get_changed_fields(etag, live)
    if changed:
        raise EventStale(changed)


def require_same_invitation(etag: str, live: EventContent) -> None:
    """:raises EventStale:"""
    changed = get_changed_fields(etag, live) & _INVITATION
    if changed:
        raise EventStale(changed)


def _format_fields(content: EventContent) -> tuple[str, ...]:
    return (
        content.title,
        content.description,
        content.location,
        _format_span(content.start, content.end),
        "\n".join(content.recurrence),
        # Without the answers, which change often and are not edited in Antares.
        "\n".join(
            sorted(
                f"{attendee.email.lower()} {attendee.is_optional}" for attendee in content.attendees
            )
        ),
        str(content.is_busy),
        str(content.is_private),
        _format_reminders(content.reminders),
    )


def _format_reminders(reminders: tuple[Reminder, ...] | None) -> str:
    if reminders is None:
        return ""
    texts = (
        f"{reminder.minutes}{'' if reminder.method == 'popup' else reminder.method}"
        for reminder in sorted(reminders)
    )
    return ",".join(("set", *texts))


def _format_span(start: When, end: When) -> str:
    return f"{_format_when(start)}/{_format_when(end)}"


def _format_when(value: When) -> str:
    return str(value.day if value.day is not None else value.at)


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
