"""Google Calendar as the sandbox plays it, through Google's own client."""

import pytest
from googleapiclient.errors import HttpError

from tests.sandbox.conftest import AUTH, CALENDARS, calendar

ME, BOB = "alice@example.com", "bob@example.com"
BERLIN = "Europe/Berlin"


def at(clock, zone=BERLIN):
    return {"dateTime": clock, "timeZone": zone}


def event(summary="Review", start="2026-11-03T10:00:00", end="2026-11-03T11:00:00", **more):
    return {"summary": summary, "start": at(start), "end": at(end), **more}


def weekly(**more):
    return event("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=6"], **more)


def get_refusal(request):
    with pytest.raises(HttpError) as error:
        request.execute()
    reasons = error.value.error_details
    return error.value.status_code, reasons[0]["reason"]


@pytest.fixture
def service(sandbox):
    sandbox.seed(ME, calendar_fields={"time_zone": BERLIN})
    sandbox.seed(BOB)
    return calendar(sandbox, sandbox.authorize(ME, CALENDARS)["access_token"])


@pytest.fixture
def events(service):
    return service.events()


def read_list(events, token=None, **query):
    """Everything that a list brings, and the token for what comes after."""
    found, page = [], None
    while True:
        answer = events.list(
            calendarId="primary", syncToken=token, pageToken=page, **query
        ).execute()
        found += answer["items"]
        page = answer.get("nextPageToken")
        if page is None:
            return found, answer["nextSyncToken"]
        assert "nextSyncToken" not in answer


class TestCalendarList:
    def test_has_the_primary_calendar_under_two_names(self, service):
        [mine] = service.calendarList().list().execute()["items"]

        assert (mine["id"], mine["primary"], mine["accessRole"]) == (ME, True, "owner")
        assert mine["timeZone"] == BERLIN
        assert service.calendarList().get(calendarId="primary").execute()["id"] == ME

    def test_tells_what_came_and_went_since_a_token(self, service, sandbox):
        token = service.calendarList().list().execute()["nextSyncToken"]
        theirs = sandbox.share_calendar(BOB, ME, role="reader")

        came = service.calendarList().list(syncToken=token).execute()
        sandbox.share_calendar(BOB, ME, role="")
        went = service.calendarList().list(syncToken=came["nextSyncToken"]).execute()

        assert [(one["id"], one["accessRole"]) for one in came["items"]] == [(theirs, "reader")]
        assert [(one["id"], one["deleted"]) for one in went["items"]] == [(theirs, True)]

    @pytest.mark.parametrize(
        ("scope", "allowed"),
        [("calendar.calendarlist.readonly", True), ("calendar.events", False)],
    )
    def test_takes_a_scope_of_its_own(self, service, sandbox, scope, allowed):
        token = sandbox.authorize(ME, f"openid email {AUTH}{scope}")["access_token"]
        request = calendar(sandbox, token).calendarList().list()

        if allowed:
            assert request.execute()["items"]
        else:
            with pytest.raises(HttpError, match="insufficient authentication scopes"):
                request.execute()


class TestSync:
    def test_tells_changes_since_the_token_and_only_those(self, events, sandbox):
        kept = sandbox.put_event(ME, **event("kept"))
        gone = sandbox.put_event(ME, **event("gone"))
        first, token = read_list(events)
        added = events.insert(calendarId="primary", body=event("added")).execute()
        sandbox.cancel_event(ME, gone["id"])

        changed, later = read_list(events, token)

        assert {one["id"] for one in first} == {kept["id"], gone["id"]}
        assert {one["id"]: one["status"] for one in changed} == {
            added["id"]: "confirmed",
            gone["id"]: "cancelled",
        }
        assert read_list(events, later)[0] == []

    def test_promises_no_more_than_an_id_of_what_is_gone(self, events, sandbox):
        _, token = read_list(events)
        made = sandbox.put_event(ME, **event())
        sandbox.cancel_event(ME, made["id"])

        [found], _ = read_list(events, token)

        assert found.keys() == {"kind", "etag", "id", "status"}

    def test_loses_nothing_that_changes_between_pages(self, events, sandbox):
        for number in range(5):
            sandbox.put_event(ME, **event(str(number)))
        page = events.list(calendarId="primary", maxResults=2).execute()
        changed = sandbox.put_event(ME, **event("meanwhile"))
        while "nextPageToken" in page:
            page = events.list(
                calendarId="primary", maxResults=2, pageToken=page["nextPageToken"]
            ).execute()

        found, _ = read_list(events, page["nextSyncToken"])

        assert changed["id"] in {one["id"] for one in found}

    def test_may_give_short_and_empty_pages(self, events, sandbox):
        sandbox.dial(event_page=2, empty_event_pages=True)
        made = {sandbox.put_event(ME, **event(str(number)))["id"] for number in range(5)}
        sizes, page = [], None
        while True:
            answer = events.list(calendarId="primary", pageToken=page).execute()
            sizes.append(len(answer["items"]))
            made -= {one["id"] for one in answer["items"]}
            page = answer.get("nextPageToken")
            if page is None:
                break

        assert (sizes, made) == ([2, 0, 2, 0, 1], set())

    def test_ends_a_forgotten_token_and_an_old_one(self, events, sandbox):
        _, token = read_list(events)
        sandbox.forget_sync_tokens(ME)
        forgotten = get_refusal(events.list(calendarId="primary", syncToken=token))
        _, token = read_list(events)
        sandbox.dial(sync_token_days=0.0)

        old = get_refusal(events.list(calendarId="primary", syncToken=token))

        assert forgotten == old == (410, "fullSyncRequired")

    def test_looks_no_further_back_than_it_can(self, events):
        asked = events.list(calendarId="primary", updatedMin="2026-01-01T00:00:00Z")

        assert get_refusal(asked) == (410, "updatedMinTooLongAgo")

    @pytest.mark.parametrize("name", ["timeMin", "q", "orderBy", "iCalUID"])
    def test_takes_no_filter_beside_a_token(self, events, name):
        _, token = read_list(events)
        value = {"timeMin": "2026-11-01T00:00:00Z", "orderBy": "updated"}.get(name, "x")

        assert (
            get_refusal(events.list(calendarId="primary", syncToken=token, **{name: value}))[0]
            == 400
        )

    def test_refuses_a_token_of_another_question(self, events):
        _, token = read_list(events)

        request = events.list(calendarId="primary", syncToken=token, singleEvents=True)

        assert get_refusal(request)[0] == 400


class TestGoogleSeries:
    def test_keeps_its_time_on_the_clock_when_the_clocks_change(self, events):
        made = events.insert(
            calendarId="primary",
            body=weekly(start="2026-10-20T10:00:00", end="2026-10-20T11:00:00"),
        ).execute()

        found = events.instances(calendarId="primary", eventId=made["id"]).execute()["items"]

        starts = [one["start"]["dateTime"] for one in found]
        assert starts[0] == "2026-10-20T10:00:00+02:00"
        assert starts[1] == "2026-10-27T10:00:00+01:00"
        assert len(starts) == 6
        assert found[0]["id"] == f"{made['id']}_20261020T080000Z"

    @pytest.mark.scenario("C6")
    def test_keeps_what_was_moved_and_what_was_cancelled(self, events):
        made = events.insert(calendarId="primary", body=weekly()).execute()
        _, token = read_list(events)
        second, third = (
            events.instances(calendarId="primary", eventId=made["id"]).execute()["items"][place]
            for place in (1, 2)
        )
        events.patch(
            calendarId="primary",
            eventId=second["id"],
            body={"start": at("2026-11-11T15:00:00"), "end": at("2026-11-11T16:00:00")},
        ).execute()
        events.delete(calendarId="primary", eventId=third["id"]).execute()

        changed, _ = read_list(events, token)
        whole, _ = read_list(events)

        moved, cancelled = changed
        assert moved["recurringEventId"] == made["id"]
        assert moved["originalStartTime"]["dateTime"] == "2026-11-10T10:00:00+01:00"
        assert moved["start"]["dateTime"].startswith("2026-11-11T15:00")
        assert cancelled.keys() == {
            "kind", "etag", "id", "status", "recurringEventId", "originalStartTime",
        }  # fmt: skip
        # A list without a token tells them as well: without them the series would show them.
        assert {one["id"] for one in whole} == {made["id"], moved["id"], cancelled["id"]}
        shown = events.list(calendarId="primary", singleEvents=True).execute()["items"]
        assert len(shown) == 5

    def test_takes_its_exceptions_along(self, events):
        made = events.insert(calendarId="primary", body=weekly()).execute()
        one = events.instances(calendarId="primary", eventId=made["id"]).execute()["items"][1]
        events.patch(calendarId="primary", eventId=one["id"], body={"summary": "other"}).execute()
        _, token = read_list(events)

        events.delete(calendarId="primary", eventId=made["id"]).execute()

        found, _ = read_list(events, token)
        assert {(one["id"], one["status"]) for one in found} == {
            (made["id"], "cancelled"),
            (one["id"], "cancelled"),
        }

    def test_needs_a_zone(self, events):
        body = weekly() | {"start": {"dateTime": "2026-11-03T10:00:00+01:00"}}

        assert get_refusal(events.insert(calendarId="primary", body=body)) == (400, "required")


class TestGoogleEventLists:
    def test_is_bounded_by_end_and_start(self, events, sandbox):
        sandbox.put_event(ME, **event("before", "2026-11-02T10:00:00", "2026-11-02T11:00:00"))
        within = sandbox.put_event(ME, **event("within"))
        series = events.insert(
            calendarId="primary",
            body=weekly(start="2026-10-20T10:30:00", end="2026-10-20T10:45:00"),
        ).execute()
        window = {"timeMin": "2026-11-03T09:30:00Z", "timeMax": "2026-11-03T10:00:00Z"}

        found = events.list(calendarId="primary", **window).execute()["items"]

        assert {one["id"] for one in found} == {within["id"], series["id"]}

    def test_shows_a_guest_of_free_and_busy_only_when(self, events, sandbox):
        sandbox.put_event(BOB, **event("secret", attendees=[{"email": "c@example.com"}]))
        theirs = sandbox.share_calendar(BOB, ME, role="freeBusyReader")

        [found] = events.list(calendarId=theirs).execute()["items"]

        assert "secret" not in str(found)
        assert found["start"]["dateTime"]

    def test_hides_what_is_private_from_readers(self, events, sandbox):
        sandbox.put_event(BOB, **event("secret", visibility="private"))
        theirs = sandbox.share_calendar(BOB, ME, role="reader")

        [found] = events.list(calendarId=theirs).execute()["items"]

        assert "summary" not in found


class TestGoogleEventWrites:
    @pytest.mark.scenario("C3")
    def test_an_id_of_ones_own_makes_a_retry_harmless(self, events):
        body = event(id="0123456789abcdef")
        events.insert(calendarId="primary", body=body).execute()

        assert get_refusal(events.insert(calendarId="primary", body=body)) == (409, "duplicate")

    def test_changes_what_one_knows_and_nothing_newer(self, events, sandbox):
        made = events.insert(calendarId="primary", body=event()).execute()
        sandbox.put_event(ME, id=made["id"], summary="by another")
        late = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "late"})
        late.headers["If-Match"] = made["etag"]
        current = events.get(calendarId="primary", eventId=made["id"]).execute()
        timely = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "mine"})
        timely.headers["If-Match"] = current["etag"]

        assert get_refusal(late) == (412, "conditionNotMet")
        assert timely.execute()["summary"] == "mine"

    def test_a_second_deletion_is_told_apart(self, events):
        made = events.insert(calendarId="primary", body=event()).execute()
        gone = events.delete(calendarId="primary", eventId=made["id"])

        assert gone.execute() == ""
        assert get_refusal(gone) == (410, "deleted")
        assert get_refusal(events.delete(calendarId="primary", eventId="nothing0")) == (
            404,
            "notFound",
        )

    @pytest.mark.parametrize(
        "body",
        [
            event(end="2026-11-03T09:00:00"),
            event() | {"end": {"date": "2026-11-04"}},
            {"summary": "all day", "start": {"date": "2026-11-03"}, "end": {"date": "2026-11-03"}},
            event(recurrence=["RRULE:FREQ=SOMETIMES"]),
            event() | {"start": at("2026-11-03T10:00:00", "Mars/Olympus")},
            event(id="NOT-BASE32"),
            {"summary": "never"},
        ],
        ids=["backwards", "mixed", "empty day", "rule", "zone", "id", "no time"],
    )
    def test_refuses_nonsense(self, events, body):
        assert get_refusal(events.insert(calendarId="primary", body=body))[0] == 400
        assert read_list(events)[0] == []

    def test_needs_a_writer(self, events, sandbox):
        theirs = sandbox.share_calendar(BOB, ME, role="reader")

        found = get_refusal(events.insert(calendarId=theirs, body=event()))

        assert found == (403, "requiredAccessLevel")
        assert get_refusal(events.list(calendarId="nobody@example.com")) == (404, "notFound")

    def test_a_guest_answers_and_changes_nothing_else(self, events, sandbox):
        invited = sandbox.put_event(
            ME,
            **event(organizer={"email": BOB}),
            attendees=[
                {"email": BOB},
                {"email": ME, "responseStatus": "needsAction", "self": True},
            ],
        )
        answer = [{"email": BOB}, {"email": ME, "responseStatus": "accepted"}]

        answered = events.patch(
            calendarId="primary", eventId=invited["id"], body={"attendees": answer}
        ).execute()
        rewritten = events.patch(
            calendarId="primary", eventId=invited["id"], body={"summary": "mine now"}
        )

        assert answered["attendees"][1]["responseStatus"] == "accepted"
        assert get_refusal(rewritten) == (403, "forbiddenForNonOrganizer")

    def test_moves_between_calendars(self, service, events, sandbox):
        other = sandbox.add_calendar(ME, "Other")
        made = events.insert(calendarId="primary", body=event()).execute()

        events.move(calendarId="primary", eventId=made["id"], destination=other).execute()

        [moved] = events.list(calendarId=other).execute()["items"]
        assert moved["id"] == made["id"]
        assert read_list(events)[0] == []

    def test_tells_guests_only_if_asked_to(self, events, sandbox):
        body = event(attendees=[{"email": BOB}])

        events.insert(calendarId="primary", body=body).execute()
        quiet = sandbox.counters()["invitations"]
        events.insert(calendarId="primary", body=body, sendUpdates="all").execute()

        assert (quiet, sandbox.counters()["invitations"]) == ({}, {ME: 1})

    def test_makes_a_conference_later(self, events):
        request = {"createRequest": {"requestId": "one"}}
        body = event(conferenceData=request)

        made = events.insert(calendarId="primary", body=body, conferenceDataVersion=1).execute()
        later = events.get(calendarId="primary", eventId=made["id"]).execute()
        without = events.insert(calendarId="primary", body=body).execute()

        assert made["conferenceData"]["createRequest"]["status"]["statusCode"] == "pending"
        assert later["conferenceData"]["createRequest"]["status"]["statusCode"] == "success"
        assert later["hangoutLink"]
        assert "conferenceData" not in without

    def test_shares_a_conference_that_is_copied_and_keeps_it_from_whoever_knows_of_none(
        self, events
    ):
        request = {"createRequest": {"requestId": "one"}}
        made = events.insert(
            calendarId="primary", body=event(conferenceData=request), conferenceDataVersion=1
        ).execute()
        data = events.get(calendarId="primary", eventId=made["id"]).execute()["conferenceData"]
        del data["createRequest"]

        copied = events.insert(
            calendarId="primary", body=event(conferenceData=data), conferenceDataVersion=1
        ).execute()
        old = {"summary": "Retro", "conferenceData": {"notes": "x"}}
        kept = events.patch(calendarId="primary", eventId=copied["id"], body=old).execute()

        assert kept["conferenceData"] == data
        assert copied["hangoutLink"]
        with pytest.raises(HttpError):
            events.insert(
                calendarId="primary",
                body=event(conferenceData={"notes": "x"}),
                conferenceDataVersion=1,
            ).execute()


class TestFreeBusy:
    @pytest.mark.scenario("C8")
    def test_answers_each_calendar_by_itself(self, service, sandbox):
        sandbox.put_event(ME, **event())
        sandbox.put_event(ME, **event("overlaps", "2026-11-03T10:30:00", "2026-11-03T12:00:00"))
        sandbox.put_event(ME, **event("free", transparency="transparent"))
        failing = sandbox.add_calendar(ME, "Failing")
        sandbox.fail_freebusy(failing)
        body = {
            "timeMin": "2026-11-03T00:00:00Z",
            "timeMax": "2026-11-04T00:00:00Z",
            "items": [{"id": ME}, {"id": failing}, {"id": BOB}],
        }

        found = service.freebusy().query(body=body).execute()["calendars"]

        assert found[ME]["busy"] == [
            {"start": "2026-11-03T09:00:00Z", "end": "2026-11-03T11:00:00Z"}
        ]
        assert found[failing]["errors"][0]["reason"] == "internalError"
        assert found[BOB]["errors"][0]["reason"] == "notFound"


class TestCalendarQuota:
    def test_counts_requests(self, service, sandbox):
        sandbox.dial(calendar_requests_per_minute=3)
        for _ in range(3):
            service.calendarList().list().execute()

        assert get_refusal(service.calendarList().list()) == (403, "rateLimitExceeded")

    def test_batches_follow(self, service, sandbox):
        found = []
        batch = service.new_batch_http_request(callback=lambda _, answer, __: found.append(answer))
        batch._batch_uri = f"{sandbox.url}/batch/calendar/v3"
        batch.add(service.calendarList().list())
        batch.add(service.calendars().get(calendarId="primary"))

        batch.execute()

        assert [one["kind"] for one in found] == ["calendar#calendarList", "calendar#calendar"]
