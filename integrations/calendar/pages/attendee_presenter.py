"""Convert attendees of an event to template values. Called inside sinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from integrations.calendar.messages import pages as messages
from integrations.formats.event_content import Attendee


def present_attendee(attendee: Attendee, *, is_own: bool) -> dict[str, Any]:
    """:param is_own: whether the account's owner looks at the page"""
    flags = {
        "organises": attendee.is_organizer,
        "you": attendee.is_self and is_own,
        "optional": attendee.is_optional,
        "resource": attendee.is_resource,
    }
    notes = [str(messages.ATTENDEE_NOTES[flag]) for flag, applies in flags.items() if applies]
    return {
        "name": attendee.name or attendee.email,
        "email": attendee.email if attendee.name else "",
        "has_email": bool(attendee.name and attendee.email),
        "answer": str(messages.ANSWERS[attendee.response]),
        "tone": {"accepted": "good", "declined": "bad", "tentative": "warn"}.get(
            attendee.response, ""
        ),
        "notes": ", ".join(notes),
        "has_notes": bool(notes),
    }


def count_answers(attendees: Sequence[Attendee]) -> str:
    """Return `12 attendees · Going: 5 · No answer yet: 7`."""
    counts: Counter[str] = Counter(attendee.response for attendee in attendees)
    parts = [
        messages.ANSWER_COUNT % {"answer": answer, "count": counts[response]}
        for response, answer in messages.ANSWERS.items()
        if counts[response]
    ]
    return " · ".join([messages.ATTENDEE_COUNT % {"count": len(attendees)}, *parts])
