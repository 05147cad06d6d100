"""What the walk does with calendars: connect, read, be told, share, delete the copy, end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from limited_use.policy.feature_registry import FEATURES
from tests.canaries import appointment
from tests.canaries.journey import Journey
from tests.canaries.marks import ALICE, BOB, MALLORY
from tests.smoke import planning
from tests.smoke.walk import eventually, must

#: Whose accounts have calendars here; the last one's are broken on purpose.
OWNERS: Final = (ALICE, MALLORY)
_VIEWS: Final = ("month", "week", "day", "agenda")


@dataclass
class Scheduling:
    journey: Journey
    ids: dict[str, str] = field(default_factory=dict)

    def connect(self) -> str:
        """Add calendars to accounts whose mail is connected."""
        cast, marks = self.journey.cast, self.journey.marks
        for name in OWNERS:
            connection = self.journey.connection(name)
            cast[name].connect(marks.account(name), product="calendar", connection=connection)
        for name in OWNERS:
            eventually(lambda name=name: self._said(name), within=45, says=f"{name}'s events")
        listed = cast[ALICE].api("/calendars")["data"]
        self.ids = {str(bool(one["is_primary"])): str(one["id"]) for one in listed}
        must(len(self.ids) == 2, f"{len(listed)} calendars are listed")
        return f"{len(self._events(ALICE))} and {len(self._events(MALLORY))} occurrences"

    def read(self) -> str:
        """Everything of their owners', by pages and by API."""
        for name in OWNERS:
            self._read(name)
        return f"{len(_VIEWS)} views, {len(self.ids)} calendars"

    def _read(self, name: str) -> None:
        person = self.journey.cast[name]
        for view in _VIEWS:
            person.browser.get(f"/calendar/?view={view}")
        person.browser.get("/calendar/coming/")
        for one in person.api("/calendars")["data"]:
            person.api(f"/calendars/{one['id']}")
            person.browser.get(f"/settings/calendars/{one['id']}/sharing/")
            person.browser.get(f"/v1/users/me/calendars/{one['id']}/shares")
        for one in self._events(name):
            person.browser.get(f"/v1/users/me/events/{one['id']}")
            person.browser.get(f"/v1/users/me/events/{one['master_event_id'] or one['id']}")
            person.browser.get(f"/calendar/events/{one['id']}/")
            person.browser.get(f"/calendar/events/{one['id']}/description/")
        person.browser.get("/v1/users/me/shares")
        integration = self.journey.integration(name, product="calendar")["id"]
        person.browser.get(f"/settings/integrations/{integration}/calendars/")
        person.settings()

    def strange(self) -> str:
        """Answers in which every other text is a canary, down to ids and versions."""
        mark, boxes = self.journey.marks.of(ALICE), self.journey.boxes
        there = appointment.team(mark)
        place = f"/calendar/v3/calendars/{there}/events"
        words = ("etag", "kind", "summary", "timeZone", "description", "accessRole")
        events = {word: f"{mark}-events{word.lower()}" for word in words}
        events |= {
            "items": [appointment.make_event_with_canary_ids(mark, 1)],
            "nextSyncToken": self._asked_with(place),
        }
        boxes.misbehave(
            f"{mark}-eventsetag",
            method="GET",
            # As the sandbox compares it: up to the sign in the id.
            path_contains=place.partition("@")[0],
            status=200,
            body=events,
        )
        # A list is told whole: what is not in it is gone.
        main = appointment.make_calendar_list_entry(mark, self.journey.marks.account(ALICE)) | {
            "primary": True
        }
        lists = {"etag": f"{mark}-listetag", "kind": f"{mark}-listkind"}
        boxes.misbehave(
            f"{mark}-listetag",
            method="GET",
            path_prefix="/calendar/v3/users/me/calendarList",
            status=200,
            body={**lists, "items": [main, appointment.make_calendar_list_entry(mark, there)]},
        )
        return "every text of lists, calendars and events"

    def misbehaviour(self) -> str:
        """Every kind of refusal where calendars are asked for, in the provider's own words."""
        mark, boxes = self.journey.marks.of(ALICE), self.journey.boxes
        for status in (400, 403, 410, 429, 500, 503):
            body = boxes.error(ALICE, status)
            body["error"]["message"] += f"cal{status}"
            text = f"{mark}-errormessagecal{status}"
            boxes.misbehave(text, path_prefix="/calendar/v3/calendars", status=status, body=body)
        boxes.nudge()
        eventually(lambda: self._said(ALICE), within=30, says="events after refusals")
        return "400, 403, 410, 429, 500, 503"

    def told(self) -> str:
        """A change that the provider tells of, by a channel of the calendar."""
        sandbox, mark = self.journey.world.sandbox, self.journey.marks.of(ALICE)
        eventually(lambda: sandbox.pushes()["channels"], within=45, says="a channel", every=0.2)
        title = f"{mark}-evtold"
        event = appointment.event(mark, 1, summary=title)
        put = sandbox.put_event(self.journey.marks.account(ALICE), **event)
        eventually(lambda: title in self._titles(ALICE), within=30, says="what was told", every=0.1)
        sandbox.cancel_event(self.journey.marks.account(ALICE), put["id"])
        eventually(lambda: title not in self._titles(ALICE), within=30, says="its end", every=0.1)
        sent = [one for one in sandbox.pushes()["sent"] if one["about"].startswith("channel")]
        return f"{len(sent)} notifications"

    def share(self) -> str:
        """Share with a colleague and with nobody, by page and by API; look; take it back."""
        cast, typed, mark = (
            self.journey.cast,
            self.journey.marks.typed,
            self.journey.marks.of(ALICE),
        )
        for email in (f"{typed}-share@x.example", str(cast[BOB].seeded["email"])):
            planning.share_calendar(cast[ALICE], self.ids["True"], email)
        shares = f"/calendars/{self.ids['False']}/shares"
        by_api = {
            "email": f"{typed}-shareapi@x.example",
            "level": "freebusy",
            "version": FEATURES["calendar-sharing"].version,
        }
        for status, body in (
            (202, by_api),
            (400, {"email": f"{typed}-sharenoaddress", "level": f"{typed}-level"}),
            (400, {f"{typed}-shareunknown": f"{typed}-sharevalue"}),
        ):
            answer = cast[ALICE].send("POST", shares, json=body)
            must(answer.status_code == status, f"a share was answered {answer.status_code}")
        must(f"{mark}-evsummary" in self._titles(BOB), "the colleague does not see it")
        for view in _VIEWS:
            cast[BOB].browser.get(f"/calendar/?view={view}")
        for one in self._events(BOB):
            cast[BOB].browser.get(f"/v1/users/me/events/{one['id']}")
            cast[BOB].browser.get(f"/calendar/events/{one['id']}/")
            cast[BOB].browser.get(f"/calendar/events/{one['id']}/description/")
        self._free_busy()
        must(f"{mark}-evprivate" not in self._titles(BOB), "a private event is shown")
        shown = {one["name"] for one in cast[BOB].api("/calendars")["data"]}
        planning.take_back(cast[ALICE], self.ids["True"])
        must(not self._events(BOB), "what was taken back is shown")
        return f"{len(shown)} calendar seen by a colleague, and taken back"

    def _free_busy(self) -> None:
        """When people have time, by whom it is shared with; asked with words in every place."""
        cast, typed = self.journey.cast, self.journey.marks.typed
        span = {
            "start": appointment.get_day_start(0).isoformat(),
            "end": appointment.get_day_start(5).isoformat(),
        }
        people = [cast.id(ALICE), cast.id(MALLORY), "me"]
        meeting = {
            **span,
            "duration_minutes": 30,
            "participants": [{"user_id": cast.id(ALICE)}, {"user_id": "me", "required": False}],
        }
        for status, place, body in (
            (200, "/free-busy", {**span, "people": people, "calendars": [self.ids["True"]]}),
            (200, "/availability", meeting),
            # A name that nobody has on the platform: the answer tells nothing of a person.
            (200, "/free-busy", {**span, "people": [f"{typed}-person"]}),
            (400, "/free-busy", {**span, "people": people, "timezone": f"{typed}-busyzone"}),
            (400, "/availability", {**meeting, f"{typed}-field": f"{typed}-busyvalue"}),
        ):
            answer = cast[BOB].send("POST", place, json=body)
            must(answer.status_code == status, f"{place} was answered {answer.status_code}")

    def erase(self) -> str:
        """Delete the copy now; nothing is shown; ask for it again."""
        person, mark = self.journey.cast[ALICE], self.journey.marks.of(ALICE)
        integration = self.journey.integration(ALICE, product="calendar")["id"]
        place = f"/settings/integrations/{integration}/calendars/"
        planning.erase(person, place)
        must(f"{mark}-ev" not in person.browser.get("/calendar/?view=month").text, "still shown")
        must(not self._events(ALICE), "events still open")
        planning.ask_again(person, place)
        eventually(lambda: self._said(ALICE), within=45, says="its events")
        return "unreadable at once; back when asked for"

    def _said(self, name: str) -> bool:
        self.journey.boxes.nudge()
        mark = self.journey.marks.of(name)
        return {f"{mark}-evsummary", f"{mark}-evmoved"} <= self._titles(name)

    def _titles(self, name: str) -> set[str]:
        return {str(one["title"]) for one in self._events(name)}

    def _events(self, name: str) -> list[dict[str, Any]]:
        span = {
            "start": (appointment.get_day_start(-3)).isoformat(),
            "end": (appointment.get_day_start(0) + timedelta(days=20)).isoformat(),
        }
        return list(self.journey.cast[name].api("/events", **span, limit=200)["data"])

    def _asked_with(self, path: str) -> str:
        """Return the sync token that the provider was asked with last, there."""

        def find_query() -> str:
            self.journey.boxes.nudge()
            found = ""
            for one in self.journey.world.relay.sent():
                if unquote(one.path) == path and one.method == "GET":
                    query = parse_qs(urlsplit(one.target).query)
                    found = query.get("syncToken", [found])[0]
            return found

        return eventually(find_query, within=30, says="a delta", every=0.2)
