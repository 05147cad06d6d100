"""An event that moves to another calendar at Graph, which has no such thing: step by step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.formats.event_content import Attendee, EventContent, When
from integrations.providers import errors
from integrations.providers.calendars import RemoteEvent
from integrations.providers.microsoft import graph_http
from tests.contract.calendar_worlds import ALICE, BOB, GraphWorld
from tests.integrations.providers.microsoft.kills import KilledDuringGraphCall, Kills

pytestmark = [pytest.mark.scenario("C3"), pytest.mark.scenario("C6"), pytest.mark.invariant(9)]

#: The first of a series in Berlin, before clocks are put back.
FIRST = datetime(2026, 10, 6, 7, tzinfo=UTC)
WEEK, HOUR = timedelta(weeks=1), timedelta(hours=1)
BERLIN = "Europe/Berlin"
#: What somebody sees of each event and occurrence.
_SEEN = (
    "subject", "start", "end", "isAllDay", "location", "body", "showAs", "categories", "type",
    "originalStart", "attendees", "isReminderOn", "reminderMinutesBeforeStart", "importance",
)  # fmt: skip
YEAR = {"startDateTime": "2026-09-01T00:00:00", "endDateTime": "2027-09-01T00:00:00"}


class GraphMoveWorld(GraphWorld):
    """Alice's calendars at Graph, as the sandbox keeps them."""

    def __init__(self, sandbox) -> None:
        super().__init__(sandbox)
        self.other = self.add_calendar("Other")

    def state(self, *, in_other: bool) -> list[dict]:
        """Return what somebody sees in a calendar: events, and each occurrence of a series."""
        path = f"/me/calendars/{graph_http.quote_segment(self.other if in_other else self.primary)}"
        request = graph_http.GraphApiRequest(f"{path}/calendarView", {**YEAR, "$top": "200"})
        found = graph_http.send_graph_read(request, self.adapter.access)["value"]
        return [{name: one[name] for name in _SEEN if one.get(name)} for one in found]

    def move(self, event_id: str, *, etag: str = "*", notify: str = "all") -> RemoteEvent:
        return self.adapter.move_event(
            self.primary, event_id, target_calendar_id=self.other, etag=etag, notify=notify
        )

    def except_one(self, series: str, week: int, at: datetime | None, **words) -> None:
        """Change an occurrence of a series in the store; without anything to change, cancel it."""
        original = FIRST + week * WEEK + HOUR * (week > 2)
        stored = self.stored(series)
        start = at or original
        clocks = [
            {"dateTime": one.isoformat(), "timeZone": BERLIN}
            for one in (original, start, start + HOUR)
        ]
        status = "confirmed" if at or words else "cancelled"
        text = {"summary": "Weekly", "location": "Room 5", **words}
        self.write(
            id=f"{stored}_{original:%Y%m%dT%H%M%SZ}", recurringEventId=stored, status=status,
            originalStartTime=clocks[0], start=clocks[1], end=clocks[2], **text,
        )  # fmt: skip


def content(**more) -> EventContent:
    start, end = (When(at=at, zone=BERLIN) for at in (FIRST, FIRST + HOUR))
    return EventContent(**{"title": "Weekly", "start": start, "end": end} | more)


def times(at: datetime) -> dict[str, When]:
    return {"start": When(at=at, zone=BERLIN), "end": When(at=at + HOUR, zone=BERLIN)}


@pytest.fixture
def world(sandbox):
    made = GraphMoveWorld(sandbox)
    yield made
    made.check()


def put_series(world: GraphMoveWorld, **more) -> str:
    """Write a series of eight weeks: two occurrences cancelled, two moved, one renamed."""
    rule = ("RRULE:FREQ=WEEKLY;COUNT=8",)
    series = world.put(content(recurrence=rule, location="Room 5", **more))
    # Past where the cancelled one was, and the other past where the moved one was.
    moved = {2: FIRST + WEEK - 24 * HOUR, 3: FIRST + 2 * WEEK}
    words = {3: {"summary": "Early"}, 5: {"summary": "Renamed", "description": "<p>Cake</p>"}}
    for week in (1, 2, 3, 5, 7):
        world.except_one(series, week, moved.get(week), **words.get(week, {}))
    return series


class TestMoveOfGraphSeries:
    def test_moves_with_all_that_differs_from_it(self, world):
        series = put_series(world)
        world.write(id=world.stored(series), graph={"showAs": "oof", "categories": ["Blue"]})
        before = world.state(in_other=False)

        moved = world.move(series)

        assert len(before) == 6
        assert world.state(in_other=True) == before
        assert world.state(in_other=False) == []
        assert world.adapter.find_moved_event(world.other, series).event_id == moved.event_id
        differing = world.adapter.list_exceptions(world.other, moved.ical_uid)
        assert len(differing) == 5

    def test_of_days_moves_with_all_that_differs_from_it(self, world):
        days = [When(day=date(2026, 10, 5) + timedelta(days=each)) for each in range(4)]
        wanted = EventContent(
            title="Duty", start=days[0], end=days[1], recurrence=("RRULE:FREQ=DAILY;COUNT=9",)
        )
        series = world.adapter.create_event(world.primary, wanted, event_id="0" * 16, notify="all")
        first, second = (
            world.adapter.get_instance_id(series.event_id, day) for day in (days[1], days[2])
        )
        world.adapter.delete_event(world.primary, first, etag="*", notify="all")
        there = world.adapter.get_event(world.primary, second)
        world.adapter.update_event(
            world.primary, second, replace(there.content, title="Swapped"),
            etag=there.etag, notify="all", before=there.content,
        )  # fmt: skip
        before = world.state(in_other=False)

        world.move(series.event_id)

        assert (len(before), world.state(in_other=False)) == (8, [])
        assert world.state(in_other=True) == before

    def test_is_there_once_wherever_its_move_was_killed(self, world, monkeypatch):
        kills = Kills(monkeypatch)
        series = put_series(world)
        before = world.state(in_other=False)
        moved = world.move(series)
        # The copy, two cancelled, three changed, and the original; one of them may need two tries.
        assert kills.count in {7, 8}

        for at in range(1, kills.count + 1):
            world.adapter.delete_event(world.other, moved.event_id, etag="*", notify="all")
            series = put_series(world)
            kills.arm(at)
            with pytest.raises(KilledDuringGraphCall):
                world.move(series)
            kills.arm()
            # As `writing.move` does: what is not there any more was moved before.
            try:
                world.adapter.get_event(world.primary, series)
            except errors.Gone:
                moved = world.adapter.find_moved_event(world.other, series)
            else:
                moved = world.move(series)

            assert world.state(in_other=True) == before, at
            assert world.state(in_other=False) == [], at

    @pytest.mark.parametrize("what", ["series", "occurrence"])
    @pytest.mark.parametrize("at", [1, 6])
    def test_that_changes_while_it_is_copied_stays_where_it_is(self, world, monkeypatch, what, at):
        kills = Kills(monkeypatch)
        series = put_series(world)

        def change():
            if what == "series":
                world.retitle(series, "Theirs")
            else:
                world.except_one(series, 5, None, summary="Theirs")

        kills.arm(at, act=change)
        with pytest.raises(errors.ChangedMeanwhile):
            world.move(series)

        assert world.state(in_other=True) == []
        assert "Theirs" in {one["subject"] for one in world.state(in_other=False)}
        kills.arm()
        world.move(series)
        assert "Theirs" in {one["subject"] for one in world.state(in_other=True)}

    def test_whose_first_move_was_killed_moves_as_it_is_by_then(self, world, monkeypatch):
        kills = Kills(monkeypatch)
        series = put_series(world)
        kills.arm(3)
        with pytest.raises(KilledDuringGraphCall):
            world.move(series)
        assert world.state(in_other=True)
        kills.arm()
        world.retitle(series, "Later")

        world.move(series)

        titles = [one["subject"] for one in world.state(in_other=True)]
        assert titles.count("Later") == 3
        assert len(titles) == 6

    def test_with_more_differences_than_a_move_copies_stays(self, world):
        wanted = content(recurrence=("RRULE:FREQ=DAILY;COUNT=60",))
        series = world.adapter.create_event(world.primary, wanted, event_id="0" * 16, notify="all")
        stored = world.stored(series.event_id)
        for day in range(51):
            at = (FIRST + timedelta(days=day)).replace(tzinfo=None).isoformat()
            start = {"dateTime": f"{at}+00:00", "timeZone": "UTC"}
            world.write(
                id=f"{stored}_{day}", recurringEventId=stored, status="cancelled",
                originalStartTime=start, start=start, end=start,
            )  # fmt: skip

        with pytest.raises(errors.Rejected) as caught:
            world.move(series.event_id)

        assert caught.value.reason == "move-too-many"
        assert world.state(in_other=True) == []

    def test_whose_copy_is_not_found_yet_is_not_copied_again(self, world):
        event_id = world.put(content())
        used = {"code": "ErrorDuplicateTransactionId", "message": "used before"}
        world.sandbox.fail_next(
            method="POST", path_prefix="/v1.0/me/calendars", status=409, body={"error": used}
        )

        with pytest.raises(errors.OutcomeUnknown):
            world.move(event_id)

        assert len(world.state(in_other=False)) == 1


class TestGuests:
    @pytest.mark.parametrize("has_series", [False, True])
    def test_are_told_only_if_somebody_wants_that(self, world, has_series):
        guests = (Attendee(BOB),)
        if has_series:
            event_id = put_series(world)
            guest = {"email": BOB, "displayName": BOB, "responseStatus": "needsAction"}
            world.except_one(event_id, 4, None, summary="Weekly", attendees=[guest])
        else:
            event_id = world.put(content(attendees=guests))
        before = world.state(in_other=False)
        mailed = invitations(world)

        with pytest.raises(errors.Rejected) as caught:
            world.move(event_id, notify="none")
        assert caught.value.reason == "move-guests"
        assert (world.state(in_other=True), invitations(world)) == ([], mailed)

        world.move(event_id)
        assert world.state(in_other=True) == before
        assert invitations(world) > mailed

    def test_that_are_all_the_person_is_leave_it_where_it_is(self, world):
        event_id = world.put(content(attendees=(Attendee(ALICE, is_self=True),)), organizer=BOB)

        with pytest.raises(errors.Rejected) as caught:
            world.move(event_id)

        assert caught.value.reason == "move-invitation"
        assert world.state(in_other=True) == []

    @pytest.mark.parametrize(
        "attached",
        [{"graph": {"hasAttachments": True}}, {"description": '<img src="CID:a@b">'}],
    )
    def test_do_not_get_attachments_that_are_not_copied(self, world, attached):
        event_id = world.put(content(attendees=(Attendee(BOB),)))
        world.write(id=world.stored(event_id), **attached)

        with pytest.raises(errors.Rejected) as caught:
            world.move(event_id)

        assert caught.value.reason == "move-attachments"


class TestAnOnlineMeeting:
    def test_has_one_new_address_where_it_moves_to(self, world):
        online = {"isOnlineMeeting": True, "body": {"contentType": "text", "content": "Agenda"}}
        series = put_series(world)
        made = patch(world, series, online)
        text = f"{made['body']['content']}<p>Fruit</p>"
        online = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}
        world.except_one(series, 4, None, summary="Weekly", description=text, graph=online)
        before = made["onlineMeeting"]["joinUrl"]

        moved = world.move(series)

        after = moved.conference.uri
        assert after not in {"", before}
        for one in (moved, *world.adapter.list_exceptions(world.other, moved.ical_uid)):
            if isinstance(one, RemoteEvent) and one.content.title == "Weekly":
                text = one.content.description
                assert (text.count(after), before in text) == (1, False)
                assert one.conference.uri == after
        texts = [one["body"]["content"] for one in world.state(in_other=True)]
        assert len([text for text in texts if "Fruit" in text]) == 1

    def test_goes_on_at_an_address_of_its_own_when_a_series_is_split(self, world):
        series = put_series(world)
        made = patch(world, series, {"isOnlineMeeting": True})
        before = world.adapter.get_event(world.primary, series)
        wanted = replace(before.content, title="Split")

        new = world.adapter.create_event(
            world.primary, wanted, event_id="f" * 16, notify="all", conference_event_id=series
        )

        address = made["onlineMeeting"]["joinUrl"]
        assert new.conference.state == "ready"
        assert new.conference.uri not in {"", address}
        assert address not in new.content.description
        assert new.content.description.count(new.conference.uri) == 1
        assert world.adapter.get_event(world.primary, series).conference.uri == address


def patch(world: GraphMoveWorld, event_id: str, body: dict) -> dict:
    path = f"/me/events/{graph_http.quote_segment(event_id)}"
    return graph_http.send_graph_write(
        graph_http.GraphApiRequest(path, method="PATCH", body=body), world.adapter.access
    )


def invitations(world: GraphMoveWorld) -> int:
    return sum(world.sandbox.counters()["invitations"].values())
