"""Versions of occurrences: made once for all that an event says, and for each from when it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.calendar import etags
from integrations.formats.event_content import Attendee, EventContent, Reminder, When

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def moment(hours: float) -> When:
    return When(at=AT + timedelta(hours=hours), zone="Europe/Berlin")


EVENT = EventContent(
    title="Review",
    description="<p>What we did</p>",
    location="Room 1",
    start=moment(0),
    end=moment(1),
    attendees=(Attendee("bob@firma.example"),),
    reminders=(Reminder(10),),
)


class TestTheVersionOfAnOccurrence:
    def test_is_that_of_an_event_which_is_then(self):
        made = etags.make_occurrence_etag("one", '"7"', EVENT)

        for hours in (0, 24, 48):
            start, end = moment(hours), moment(hours + 1)
            alone = etags.compute_etag("one", '"7"', replace(EVENT, start=start, end=end))
            assert made(start, end) == alone

    def test_differs_from_another_in_when_it_is_alone(self):
        made = etags.make_occurrence_etag("one", '"7"', EVENT)

        assert etags.get_changed_fields(made(moment(24), moment(25)), EVENT) == {"when"}
