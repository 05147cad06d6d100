"""What only Graph's calendars do: skeletons, zones of Windows, meetings online, ids of its own."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from integrations.providers import errors
from integrations.providers import provider_http as transport
from integrations.providers.microsoft import event_reader as reading
from integrations.providers.microsoft import event_writer as writing
from integrations.providers.microsoft import graph_batch, graph_http
from integrations.providers.microsoft.event_times import MailboxOwner
from tests.contract.calendar_worlds import BOB, GraphWorld

WHOSE = MailboxOwner("alice@example.com", "Europe/Berlin")
NINE = datetime(2026, 11, 3, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = (NINE - timedelta(days=60), NINE + timedelta(days=60))


def resource(**more):
    return {
        "@odata.etag": 'W/"one"',
        "id": "AAkALgEone=",
        "type": "singleInstance",
        "subject": "Review",
        "isAllDay": False,
        "start": {"dateTime": "2026-11-03T08:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-03T09:00:00.0000000", "timeZone": "UTC"},
        "originalStartTimeZone": "W. Europe Standard Time",
        "originalEndTimeZone": "W. Europe Standard Time",
        "isOrganizer": True,
        "showAs": "busy",
    } | more


def days(first: str, last: str, **more):
    said = {
        "start": {"dateTime": f"{first}T00:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"{last}T00:00:00.0000000", "timeZone": "UTC"},
    }
    return resource(isAllDay=True, **said | more)


def content(**more) -> EventContent:
    start, end = (When(at=at, zone="Europe/Berlin") for at in (NINE, NINE + HOUR))
    return EventContent(**{"title": "Review", "start": start, "end": end} | more)


@pytest.mark.scenario("C4")
class TestZones:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("Nepal Standard Time", "Asia/Kathmandu"),
            ("Lord Howe Standard Time", "Australia/Lord_Howe"),
            ("Europe/Vienna", "Europe/Vienna"),
            # Rules of its own, and no name: the mailbox's clock.
            ("tzone://Microsoft/Custom", "Europe/Berlin"),
        ],
    )
    def test_are_known_by_their_iana_names(self, written, read):
        found = reading.map_event(resource(originalStartTimeZone=written), WHOSE)

        assert found.content.start == When(at=NINE, zone=read)

    def test_are_told_by_windows_names(self):
        said = writing.build_graph_event(
            content(recurrence=("RRULE:FREQ=WEEKLY",), start=When(at=NINE, zone="Asia/Kathmandu"))
        )

        assert said["start"] == {
            "dateTime": "2026-11-03T13:45:00",
            "timeZone": "Nepal Standard Time",
        }
        assert said["recurrence"]["range"]["recurrenceTimeZone"] == "Nepal Standard Time"

    @pytest.mark.parametrize("original", ["2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z"])
    def test_make_no_other_day_of_an_occurrence_of_days(self, original):
        found = reading.map_event(
            days(
                "2026-10-26", "2026-10-27", type="exception", seriesMasterId="AAkALgEall=",
                originalStart=original,
            ),
            WHOSE,
        )  # fmt: skip

        assert found.original_start == When(day=date(2026, 10, 25))
        assert found.content.end == When(day=date(2026, 10, 27))


class TestGraphSeries:
    def test_tells_what_was_cancelled_by_the_day_on_its_clock(self):
        rule = {
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "noEnd", "startDate": "2026-10-20"},
        }
        whole = reading.map_series(
            resource(
                type="seriesMaster",
                recurrence=rule,
                start={"dateTime": "2026-10-20T07:00:00.0000000", "timeZone": "UTC"},
                end={"dateTime": "2026-10-20T08:00:00.0000000", "timeZone": "UTC"},
                cancelledOccurrences=["OID.AAkALgEone=.2026-10-23", "OID.AAkALgEone=.2026-10-27"],
            ),
            WHOSE,
        )

        # Nine o'clock in Berlin, before and after the clocks are put back.
        assert [one.original_start.at for one in whole.cancelled] == [
            datetime(2026, 10, 23, 7, tzinfo=UTC),
            datetime(2026, 10, 27, 8, tzinfo=UTC),
        ]

    def test_that_was_called_off_is_gone(self):
        with pytest.raises(errors.Gone):
            reading.map_series(resource(type="seriesMaster", isCancelled=True), WHOSE)


class TestGraphEvent:
    def test_that_was_called_off_takes_place_no_more(self):
        assert reading.map_event(resource(isCancelled=True), WHOSE) is None

    @pytest.mark.parametrize(
        ("shown", "is_busy", "is_tentative"),
        [
            ("free", False, False),
            ("workingElsewhere", False, False),
            ("tentative", True, True),
            ("oof", True, False),
            ("unknown", True, False),
        ],
    )
    def test_takes_time_unless_it_says_that_it_does_not(self, shown, is_busy, is_tentative):
        found = reading.map_event(resource(showAs=shown), WHOSE).content

        assert (found.is_busy, found.is_tentative) == (is_busy, is_tentative)

    def test_keeps_what_it_is_shown_as_if_something_else_is_changed(self):
        away = reading.map_event(resource(showAs="oof"), WHOSE).content

        assert writing.build_graph_event_patch(away, replace(away, title="Out")) == {
            "subject": "Out"
        }

    def test_to_which_a_group_was_invited_has_its_own_person_among_the_guests(self):
        found = reading.map_event(
            resource(
                isOrganizer=False,
                responseStatus={"response": "tentativelyAccepted"},
                organizer={"emailAddress": {"address": BOB}},
                attendees=[{"type": "required", "emailAddress": {"address": "all@example.com"}}],
            ),
            WHOSE,
        )

        [mine] = [one for one in found.content.attendees if one.is_self]
        assert (mine.email, mine.response) == (WHOSE.address, "tentative")

    @pytest.mark.parametrize(
        "broken",
        [
            {"start": {}},
            {"start": {"dateTime": "soon", "timeZone": "UTC"}},
            {"recurrence": {"a": 1}},
        ],
    )
    def test_that_cannot_be_read_says_so_and_nothing_of_it(self, broken):
        with pytest.raises(errors.Rejected) as caught:
            reading.map_event(resource(**broken), WHOSE)

        assert (caught.value.reason, caught.value.__context__) == ("unreadable", None)

    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            ({"reminders": (Reminder(5), Reminder(10))}, "reminders"),
            ({"reminders": (Reminder(5, "email"),)}, "reminders"),
            ({"recurrence": ("RDATE:20261110",)}, "recurrence"),
        ],
    )
    def test_for_which_graph_has_no_words_is_not_written_as_something_else(self, said, reason):
        with pytest.raises(errors.Rejected) as caught:
            writing.build_graph_event(content(**said))

        assert caught.value.reason == reason


@pytest.fixture
def world(sandbox):
    made = GraphWorld(sandbox)
    yield made
    made.check()


def read_rounds(world, cursor=None):
    """(events by id, cancelled, deleted, cursor) of all pages."""
    events, cancelled, deleted, page = {}, [], [], None
    while True:
        found = world.adapter.list_events(world.primary, cursor=cursor, page=page, window=WINDOW)
        events |= {one.event_id: one for one in found.events}
        cancelled += found.cancelled
        deleted += found.deleted
        page = found.next_page
        if page is None:
            return events, cancelled, deleted, found.cursor


def switch_on(world, event_id: str) -> None:
    """Make an event an online meeting."""
    path = f"/me/events/{graph_http.quote_segment(event_id)}"
    request = graph_http.GraphApiRequest(path, method="PATCH", body={"isOnlineMeeting": True})
    graph_http.send_graph_write(request, world.adapter.access)


class TestRequests:
    """How many requests to Graph a round takes: each is a round trip."""

    @pytest.fixture
    def sent(self, monkeypatch):
        """Return the requests that are sent, as a list that grows."""
        opened, found = graph_http.get_graph_client, []

        class Counted:
            def send(self, given, **more):
                found.extend(given)
                return opened().send(given, **more)

        monkeypatch.setattr(graph_http, "get_graph_client", Counted)
        return found

    def test_of_a_first_round_are_pages_and_twenty_series_at_a_time(self, world, sent):
        for number in range(45):
            world.put(content(title=str(number), recurrence=("RRULE:FREQ=WEEKLY;COUNT=2",)))
        assert world.adapter.owner
        sent.clear()

        events, _, _, _ = read_rounds(world)

        # 45 series with 90 occurrences. There were 48 requests when each series took one.
        assert len(events) == 45
        assert [one.method for one in sent] == ["GET", "POST", "POST", "GET", "POST"]

    def test_of_what_is_gone_are_twenty_events_at_a_time(self, world, sent):
        ids = [world.put(content(title=str(number))) for number in range(41)]
        cursor = read_rounds(world)[-1]
        for one in ids[:40]:
            world.delete(one)
        moved = world.adapter.get_event(world.primary, ids[40])
        later = NINE + timedelta(days=90)
        out = content(start=When(at=later), end=When(at=later + HOUR))
        world.adapter.update_event(world.primary, ids[40], out, etag=moved.etag, notify="none")
        sent.clear()

        events, _, deleted, _ = read_rounds(world, cursor)

        assert (sorted(deleted), list(events)) == (sorted(ids[:40]), [ids[40]])
        # There were 42.
        assert len(sent) == 4

    def test_that_a_batch_refuses_are_refused_for_all_of_the_page(self, world):
        for number in range(3):
            world.put(content(title=str(number), recurrence=("RRULE:FREQ=DAILY;COUNT=2",)))
        assert world.adapter.owner
        said = {"error": {"code": "TooManyRequests", "message": "slow down"}}
        headers = {"Retry-After": "2.128"}
        world.sandbox.fail_next(
            path_prefix="/v1.0/me/events/", status=429, body=said, headers=headers
        )

        with pytest.raises(errors.RateLimited) as caught:
            read_rounds(world)

        assert 2 < caught.value.retry_after < 4
        assert len(read_rounds(world)[0]) == 3

    def test_that_are_too_large_together_are_sent_in_halves(self, world, monkeypatch):
        ids = [world.put(content(description="x" * 2_000)) for _ in range(4)]
        requests = [
            graph_http.GraphApiRequest(f"/me/events/{graph_http.quote_segment(one)}") for one in ids
        ]
        # More than one event, and less than four.
        monkeypatch.setattr(transport, "MAX_ANSWER", 8_000)

        found = graph_batch.send_in_batches(requests, world.adapter.access)

        assert [one["id"] for one in found] == ids


@pytest.mark.scenario("C5")
class TestRounds:
    def test_follow_empty_pages_and_tell_of_each_series_once(self, world):
        world.sandbox.dial(graph_empty_pages=True)
        series = world.put(content(recurrence=("RRULE:FREQ=DAILY;COUNT=120",)))
        single = world.put(content(title="Alone"))

        events, _, deleted, _ = read_rounds(world)

        assert events.keys() == {series, single}
        assert events[series].content.recurrence == ("RRULE:FREQ=DAILY;COUNT=120",)
        assert deleted == []

    def test_tell_of_what_was_moved_out_of_the_window(self, world):
        series = world.put(content(recurrence=("RRULE:FREQ=WEEKLY;COUNT=3",)))
        second = world.adapter.get_instance_id(
            series, When(at=NINE + timedelta(weeks=1), zone="UTC")
        )
        _, _, _, cursor = read_rounds(world)
        there = world.adapter.get_event(world.primary, second)
        # Beyond all others, or it would cross one of them.
        last = world.adapter.get_instance_id(series, When(at=NINE + timedelta(weeks=2), zone="UTC"))
        world.adapter.delete_event(world.primary, last, etag="*", notify="none")
        later = NINE + timedelta(days=90)
        moved = replace(
            there.content,
            start=When(at=later, zone="Europe/Berlin"),
            end=When(at=later + HOUR, zone="Europe/Berlin"),
        )
        world.adapter.update_event(
            world.primary, second, moved, etag=there.etag, notify="none", before=there.content
        )

        since, cancelled, _, _ = read_rounds(world, cursor)
        whole, _, _, _ = read_rounds(world)

        for events in (since, whole):
            assert events[second].content.start.at == later
            assert events[second].original_start.at == NINE + timedelta(weeks=1)
        assert [one.original_start.at for one in cancelled] == [NINE + timedelta(weeks=2)]

    @pytest.mark.scenario("D6")
    def test_delete_nothing_that_only_left_the_window(self, world):
        event_id = world.put(content())
        _, _, _, cursor = read_rounds(world)
        known = world.adapter.get_event(world.primary, event_id)
        later = NINE + timedelta(days=90)
        moved = content(start=When(at=later), end=When(at=later + HOUR))
        world.adapter.update_event(world.primary, event_id, moved, etag=known.etag, notify="none")

        events, _, deleted, _ = read_rounds(world, cursor)

        assert events[event_id].content.start.at == later
        assert deleted == []

    @pytest.mark.parametrize(
        "place", ["", "[]", '["https://elsewhere.example/x",false,[],[],false]']
    )
    def test_go_on_from_no_place_that_is_not_theirs(self, world, place):
        with pytest.raises(errors.CursorExpired):
            world.adapter.list_events(world.primary, cursor=place or "x")


@pytest.mark.scenario("C3")
class TestGraphWrites:
    def test_the_same_twice_under_one_id_makes_one_event(self, world):
        for _ in range(2):
            made = world.adapter.create_event(
                world.primary, content(), event_id="0123456789abcdef", notify="none"
            )

        assert world.adapter.get_event(world.primary, "0123456789abcdef").event_id == made.event_id
        assert read_rounds(world)[0].keys() == {made.event_id}

    def test_leaves_a_meeting_online(self, world):
        made = world.adapter.create_event(
            world.primary, content(), event_id="0123456789abcdef", notify="none"
        )
        switch_on(world, made.event_id)
        known = world.adapter.get_event(world.primary, made.event_id)

        for text in ("Other <agenda>", f"By hand: {known.conference.uri}"):
            before = world.adapter.get_event(world.primary, made.event_id)
            written = world.adapter.update_event(
                world.primary, made.event_id, replace(before.content, description=text),
                etag=before.etag, notify="none", before=before.content,
            )  # fmt: skip

            assert written.conference == known.conference
            assert written.content.description.count(known.conference.uri) == 1
            assert text in html.unescape(written.content.description)

    def test_switches_no_meeting_off_whose_address_stands_elsewhere(self, world):
        event_id = world.put(content(description="Agenda"))
        world.write(
            id=world.stored(event_id), graph={"isOnlineMeeting": True}, description="Agenda"
        )
        known = world.adapter.get_event(world.primary, event_id)

        with pytest.raises(errors.Rejected):
            world.adapter.update_event(
                world.primary, event_id, replace(known.content, description="Other agenda"),
                etag=known.etag, notify="none", before=known.content,
            )  # fmt: skip

    def test_declines_what_leaves_the_calendar_then(self, world):
        guests = (Attendee(BOB), Attendee("alice@example.com", is_self=True))
        event_id = world.put(content(attendees=guests), organizer=BOB)
        known = world.adapter.get_event(world.primary, event_id)

        found = world.adapter.respond_to_invitation(
            world.primary, event_id, "declined", etag=known.etag, notify="all"
        )

        assert [one.response for one in found.content.attendees if one.is_self] == ["declined"]
        with pytest.raises(errors.Gone):
            world.adapter.get_event(world.primary, event_id)

    def test_answers_nothing_that_changed_meanwhile(self, world):
        event_id = world.put(content(attendees=(Attendee("alice@example.com"),)), organizer=BOB)
        etag = world.adapter.get_event(world.primary, event_id).etag
        world.retitle(event_id, "theirs")

        with pytest.raises(errors.ChangedMeanwhile):
            world.adapter.respond_to_invitation(
                world.primary, event_id, "accepted", etag=etag, notify="all"
            )
