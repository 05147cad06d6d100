"""Outlook's calendars over Graph, as the facts describe them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sandbox.microsoft.calendar import recurrence
from tests.worlds.microsoft import CALENDARS, SIGN_IN, MicrosoftSandbox

ADA = "ada@contoso.example"
BOB = "bob@fabrikam.example"
PAT = "pat@outlook.com"
BERLIN = "W. Europe Standard Time"
WINDOW = {"startDateTime": "2026-03-01T00:00:00", "endDateTime": "2026-05-01T00:00:00"}


@pytest.fixture
def microsoft(sandbox):
    found = MicrosoftSandbox(sandbox)
    found.register_client()
    found.seed(ADA, name="Ada Adams", calendar_fields={"time_zone": "Europe/Berlin"})
    return found


@pytest.fixture
def graph(microsoft):
    with microsoft.graph(microsoft.authorize(ADA, CALENDARS)["access_token"]) as client:
        yield client


def event(day="2026-03-02", hour=9, zone=BERLIN, **more):
    return {
        "subject": "Standup",
        "start": {"dateTime": f"{day}T{hour:02}:00:00", "timeZone": zone},
        "end": {"dateTime": f"{day}T{hour + 1:02}:00:00", "timeZone": zone},
    } | more


def weekly(count=8):
    return {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
        "range": {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": count},
    }


def view(graph, **headers):
    params = WINDOW | {"$top": "100"}
    return graph.get("/me/calendarView", params=params, headers=headers).json()["value"]


def delta(graph, link=""):
    """(items, delta link)"""
    items = []
    page = graph.get(link) if link else graph.get("/me/calendarView/delta", params=WINDOW)
    while True:
        body = page.raise_for_status().json()
        items += body["value"]
        if "@odata.deltaLink" in body:
            return items, body["@odata.deltaLink"]
        page = graph.get(body["@odata.nextLink"])


class TestGraphEvents:
    def test_are_made_shown_changed_and_deleted(self, microsoft, graph):
        made = graph.post(
            "/me/events",
            json=event(
                attendees=[{"emailAddress": {"address": BOB}, "type": "optional"}], showAs="oof"
            ),
        )
        url = f"/me/events/{made.json()['id']}"
        changed = graph.patch(url, json={"subject": "Moved"})

        assert made.status_code == 201
        assert made.json()["start"] == {
            "dateTime": "2026-03-02T08:00:00.0000000", "timeZone": "UTC",
        }  # fmt: skip
        assert made.json()["originalStartTimeZone"] == BERLIN
        assert made.json()["attendees"][0]["type"] == "optional"
        assert (made.json()["showAs"], made.json()["isOrganizer"]) == ("oof", True)
        assert changed.json()["subject"] == "Moved"
        assert changed.json()["changeKey"] != made.json()["changeKey"]
        assert microsoft.sandbox.counters()["invitations"] == {ADA: 2}
        assert graph.delete(url).status_code == 204
        assert graph.get(url).status_code == 404

    def test_speak_the_zone_that_is_preferred(self, graph):
        graph.post("/me/events", json=event())

        [shown] = view(graph, Prefer=f'outlook.timezone="{BERLIN}"')

        assert shown["start"] == {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": BERLIN}

    def test_of_a_whole_day_are_midnights(self, graph):
        times = {
            name: {"dateTime": f"2026-03-{day:02}T00:00:00.0000000", "timeZone": BERLIN}
            for name, day in (("start", 28), ("end", 30))
        }
        made = graph.post("/me/events", json={"subject": "Trip", "isAllDay": True} | times)
        crooked = graph.post("/me/events", json=event(isAllDay=True))

        assert made.json()["isAllDay"] is True
        assert made.json()["start"]["dateTime"] == "2026-03-28T00:00:00.0000000"
        assert crooked.status_code == 400

    @pytest.mark.parametrize(
        "change",
        [
            {"start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "Middle Earth Time"}},
            {"start": {"dateTime": "soon", "timeZone": "UTC"}},
            {"start": {"dateTime": "2026-04-02T09:00:00", "timeZone": "UTC"}},
            {"showAs": "BUSY"},
            {"recurrence": {"pattern": {"type": "weekly"}, "range": {"type": "noEnd"}}},
            {"attendees": [{"emailAddress": {}}]},
        ],
    )
    def test_refuse_what_makes_no_sense(self, graph, change):
        assert graph.post("/me/events", json=event(**change)).status_code == 400

    @pytest.mark.parametrize("status", [409, 400])
    def test_are_made_once_by_their_transaction(self, microsoft, graph, status):
        microsoft.sandbox.dial(graph_duplicate_status=status)
        first, again = (graph.post("/me/events", json=event(transactionId="t-1")) for _ in range(2))
        other = graph.post("/me/events", json=event(transactionId="t-1", hour=15))

        assert first.status_code == again.status_code == 201
        assert first.json()["id"] == again.json()["id"]
        assert first.json()["transactionId"] == "t-1"
        assert other.status_code == status
        assert other.json()["error"]["code"] == "ErrorDuplicateTransactionId"

    @pytest.mark.parametrize("status", [412, 409])
    def test_refuse_a_stale_key(self, microsoft, graph, status):
        microsoft.sandbox.dial(graph_conflict_status=status)
        made = graph.post("/me/events", json=event()).json()
        url, stale = f"/me/events/{made['id']}", {"If-Match": made["@odata.etag"]}

        first = graph.patch(url, json={"subject": "a"}, headers=stale)
        second = graph.patch(url, json={"subject": "b"}, headers=stale)

        assert (first.status_code, second.status_code) == (200, status)
        assert second.json()["error"]["code"] == "ErrorIrresolvableConflict"
        assert graph.delete(url, headers=stale).status_code == status

    @pytest.mark.parametrize(
        ("action", "answer"),
        [("accept", "accepted"), ("tentativelyAccept", "tentativelyAccepted")],
    )
    def test_are_answered(self, microsoft, graph, action, answer):
        microsoft.control(
            "events", email=ADA, provider="microsoft",
            event={
                "summary": "Dinner", "organizer": {"email": BOB},
                "start": {"dateTime": "2026-03-02T18:00:00Z"},
                "end": {"dateTime": "2026-03-02T20:00:00Z"},
                "attendees": [{"email": ADA, "responseStatus": "needsAction"}],
            },
        )  # fmt: skip
        [found] = view(graph)

        assert found["responseStatus"]["response"] == "notResponded"
        assert graph.post(f"/me/events/{found['id']}/{action}", json={}).status_code == 202
        assert view(graph)[0]["responseStatus"]["response"] == answer
        assert graph.post(f"/me/events/{found['id']}/decline", json={}).status_code == 202
        assert view(graph) == []

    def test_need_their_scope(self, microsoft):
        token = microsoft.authorize(ADA, f"{SIGN_IN} Calendars.Read")["access_token"]
        with microsoft.graph(token) as graph:
            assert graph.get("/me/events").status_code == 200
            assert graph.post("/me/events", json=event()).status_code == 403


class TestGraphSeries:
    def test_keep_their_hour_over_a_change_of_clocks(self, graph):
        graph.post("/me/events", json=event(recurrence=weekly()))

        found = view(graph)

        assert [one["type"] for one in found] == ["occurrence"] * 8
        # Berlin changed its clocks on 29 March 2026.
        assert {one["start"]["dateTime"][11:13] for one in found[:4]} == {"08"}
        assert {one["start"]["dateTime"][11:13] for one in found[4:]} == {"07"}
        assert found[0]["subject"] == "Standup"

    def test_have_exceptions_and_gaps(self, graph):
        master = graph.post("/me/events", json=event(recurrence=weekly())).json()
        first, second, third, *_ = view(graph)

        changed = graph.patch(f"/me/events/{second['id']}", json={"subject": "Special"}).json()
        graph.delete(f"/me/events/{third['id']}")
        crossing = graph.patch(
            f"/me/events/{first['id']}", json={k: event("2026-03-25")[k] for k in ("start", "end")}
        )

        assert master["type"] == "seriesMaster"
        assert (changed["type"], changed["seriesMasterId"]) == ("exception", master["id"])
        listed = graph.get(
            f"/me/events/{master['id']}/instances", params=WINDOW | {"$top": "50"}
        ).json()["value"]
        assert [one["subject"] for one in listed][:3] == ["Standup", "Special", "Standup"]
        assert len(listed) == 7
        assert crossing.json()["error"]["code"] == "ErrorOccurrenceCrossingBoundary"

    def test_of_other_clients_have_a_pattern(self, microsoft, graph):
        microsoft.control(
            "events", email=ADA, provider="microsoft",
            event={
                "summary": "Rent", "recurrence": ["RRULE:FREQ=MONTHLY;BYDAY=-1FR"],
                "start": {"dateTime": "2026-03-27T10:00:00", "timeZone": "Europe/Berlin"},
                "end": {"dateTime": "2026-03-27T11:00:00", "timeZone": "Europe/Berlin"},
            },
        )  # fmt: skip
        [master] = graph.get("/me/events").json()["value"]

        pattern = master["recurrence"]["pattern"]
        assert (pattern["type"], pattern["index"]) == ("relativeMonthly", "last")
        assert pattern["daysOfWeek"] == ["friday"]
        assert master["recurrence"]["range"]["type"] == "noEnd"

    @given(
        kind=st.sampled_from(sorted(recurrence.FREQUENCIES)),
        interval=st.integers(1, 9),
        days=st.lists(st.sampled_from(sorted(recurrence.CODES)), min_size=1, unique=True),
        index=st.sampled_from(sorted(recurrence.WEEK_INDEXES)),
        month=st.integers(1, 12),
        count=st.integers(1, 99),
    )
    def test_patterns_survive_the_way_there_and_back(
        self, *, kind, interval, days, index, month, count
    ):
        from datetime import date

        pattern = {
            "type": kind, "interval": interval, "daysOfWeek": days, "index": index,
            "month": month, "dayOfMonth": 7,
        }  # fmt: skip
        span = {"type": "numbered", "numberOfOccurrences": count}

        rule = recurrence.make_rule({"pattern": pattern, "range": span})
        back = recurrence.make_recurrence([rule], date(2026, month, 7), BERLIN)

        assert recurrence.make_rule(back) == rule or kind == "weekly"
        assert back["pattern"]["type"] == kind
        assert back["range"]["numberOfOccurrences"] == count


class TestCalendarViewDelta:
    def test_tells_skeletons_beside_their_master(self, graph):
        graph.post("/me/events", json=event(recurrence=weekly()))

        items, _ = delta(graph)

        kinds = [one["type"] for one in items]
        assert kinds.count("seriesMaster") == 1
        assert kinds.count("occurrence") == 8
        skeleton = next(one for one in items if one["type"] == "occurrence")
        assert set(skeleton) == {
            "@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end",
        }  # fmt: skip

    def test_tells_what_changed_and_what_left_the_window(self, graph):
        one, two, three = (
            graph.post("/me/events", json=event(hour=hour)).json()["id"] for hour in (9, 12, 15)
        )
        first, link = delta(graph)
        quiet, link = delta(graph, link)
        graph.patch(f"/me/events/{one}", json={"subject": "Changed"})
        graph.delete(f"/me/events/{two}")
        later = {name: event("2026-09-01")[name] for name in ("start", "end")}
        graph.patch(f"/me/events/{three}", json=later)

        told, link = delta(graph, link)

        assert ({item["id"] for item in first}, quiet) == ({one, two, three}, [])
        assert {item["id"]: "@removed" in item for item in told} == {
            one: False, two: True, three: True,
        }  # fmt: skip
        assert graph.get(f"/me/events/{three}").status_code == 200
        assert delta(graph, link)[0] == []

    def test_is_paged_and_may_show_nothing_on_a_page(self, microsoft, graph):
        microsoft.sandbox.dial(graph_empty_pages=True)
        for hour in range(9, 14):
            graph.post("/me/events", json=event(hour=hour))
        graph.headers["Prefer"] = 'IdType="ImmutableId", odata.maxpagesize=2'

        items, _ = delta(graph)

        assert len({one["id"] for one in items}) == len(items) == 5
        assert microsoft.sandbox.calls("graph.calendarView.delta") == 5

    def test_forgets_in_the_end(self, microsoft, graph):
        _, link = delta(graph)
        microsoft.control("calendars/forget", email=ADA, provider="microsoft")

        assert graph.get(link).status_code == 410
        assert graph.get("/me/calendarView/delta?$deltatoken=x").status_code == 400

    def test_takes_no_other_options(self, graph):
        refused = graph.get("/me/calendarView/delta", params=WINDOW | {"$select": "id"})

        assert refused.status_code == 400
        assert graph.get("/me/calendarView/delta").status_code == 400


class TestGraphCalendars:
    def test_are_listed_and_written_to(self, microsoft, graph):
        microsoft.control("calendars", email=ADA, provider="microsoft", summary="Choir")
        found = graph.get("/me/calendars").json()["value"]
        choir = next(one for one in found if one["name"] == "Choir")

        graph.post(f"/me/calendars/{choir['id']}/events", json=event()).raise_for_status()

        assert [one["isDefaultCalendar"] for one in found] == [True, False]
        assert view(graph) == []
        there = graph.get(f"/me/calendars/{choir['id']}/calendarView", params=WINDOW).json()
        assert len(there["value"]) == 1

    def test_say_when_somebody_is_busy(self, microsoft, graph):
        microsoft.seed(BOB)
        graph.post("/me/events", json=event(hour=9, zone="UTC"))
        graph.post("/me/events", json=event(hour=11, zone="UTC", showAs="free"))
        asked = {
            "Schedules": [ADA, BOB, "nobody@nowhere.example"],
            "StartTime": {"dateTime": "2026-03-02T08:00:00", "timeZone": "UTC"},
            "EndTime": {"dateTime": "2026-03-02T12:00:00", "timeZone": "UTC"},
            "AvailabilityViewInterval": 60,
        }

        ada, bob, nobody = graph.post("/me/calendar/getSchedule", json=asked).json()["value"]

        assert ada["availabilityView"] == "0200"
        assert bob["availabilityView"] == "0000"
        assert nobody["error"]["responseCode"] == "5009"

    def test_of_private_accounts_do_not(self, microsoft):
        microsoft.seed(PAT)
        with microsoft.graph(microsoft.authorize(PAT, CALENDARS)["access_token"]) as graph:
            assert graph.post("/me/calendar/getSchedule", json={}).status_code == 403
