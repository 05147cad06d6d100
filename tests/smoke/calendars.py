"""The steps of calendars: connect, see, be told, share, delete the copy, end."""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.smoke import planning
from tests.smoke.person import SmokePerson, find_on_page
from tests.smoke.walk import Walk, eventually, must
from tests.worlds.sandbox import Sandbox

CHANGES: Final = 10
WEEKS: Final = 4
# Counted from the step that asks: what is shown is around now.
_SPAN: Final = timedelta(days=7)


@dataclass
class Calendars:
    """
    :param owner: whose account at the provider has calendars
    :param viewer: their colleague
    :param mark: stands in every text of theirs at the provider
    """

    walk: Walk
    sandbox: Sandbox
    owner: SmokePerson
    viewer: SmokePerson
    account: str
    mark: str
    consented: float = 0.0
    ids: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        step = self.walk.step
        step("calendars seeded at the sandbox", self.seed)
        step("connect calendars; events readable", self.connect)
        step("the page shows the month", self.page)
        step(f"calendars: push to readable, {CHANGES} changes", self.push_to_readable)
        step("an event that is deleted there disappears", self.deleted)
        step("shared with a colleague: shown, private ones as busy", self.share)
        step("free and busy, and a time to meet, by the share", self.free_busy)
        step("taken back: gone in the next answer", self.take_back)
        step("delete cached calendar data now: unreadable", self.erase)
        step("asked for again: back", self.again)

    def seed(self) -> str:
        zone = "Europe/Berlin"
        fields = {
            "time_zone": zone,
            "events": [
                self._event("standup", 0, recurrence=[f"RRULE:FREQ=DAILY;COUNT={7 * WEEKS}"]),
                self._event("review", 1, location=f"{self.mark} room"),
                self._event("doctor", 2, visibility="private"),
            ],
            "calendars": [
                {
                    "summary": f"{self.mark} team",
                    "time_zone": zone,
                    "events": [self._event("lunch", 1)],
                }
            ],
        }
        self.sandbox.seed(self.account, size=0, name=self.mark, calendar_fields=fields)
        return "2 calendars; a series, a private event, a place"

    def connect(self) -> str:
        self.owner.sign_in()
        self.owner.connect(self.account, product="calendar")
        self.consented = time.monotonic()
        eventually(lambda: self._titles() >= self._all, within=60, says="its events")
        seconds = time.monotonic() - self.consented
        listed = self.owner.api("/calendars")["data"]
        self.ids = {str(one["name"]): str(one["id"]) for one in listed}
        must(set(self.ids) == {self.account, f"{self.mark} team"}, "other calendars are listed")
        return f"{seconds:.2f} s after consent; {len(self._events(self.owner))} occurrences"

    def page(self) -> str:
        began = time.monotonic()
        page = self.owner.browser.get("/calendar/?view=month")
        milliseconds = (time.monotonic() - began) * 1000
        must(f"{self.mark} review" in page.text, "the page does not show the event")
        must("no-store" in page.response.headers["cache-control"], "the page may be kept")
        return f"{milliseconds:.0f} ms"

    def push_to_readable(self) -> str:
        """From a change at the provider to the same in the API, because the provider told."""
        eventually(self._is_watched, within=60, says="a channel for each calendar")
        waits = sorted(self._readable_after(number) for number in range(CHANGES))
        p50, p95 = (waits[round(share * (len(waits) - 1))] for share in (0.5, 0.95))
        told = [one for one in self.sandbox.pushes()["sent"] if one["about"].startswith("channel")]
        must(len(told) >= CHANGES, f"{len(told)} notifications were sent")
        return f"p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms over {len(waits)} changes"

    def deleted(self) -> str:
        gone = f"{self.mark} told 0"
        event = next(one for one in self._at_the_provider() if one.get("summary") == gone)
        self.sandbox.cancel_event(self.account, event["id"])
        began = time.monotonic()
        eventually(lambda: gone not in self._titles(), within=30, says="the deletion", every=0.01)
        return f"{time.monotonic() - began:.2f} s"

    def share(self) -> str:
        page = planning.share_calendar(
            self.owner, self.ids[self.account], self.viewer.seeded["email"]
        )
        said = "they can see the calendar now" in html.unescape(page.text)
        must(said, "the page does not say so")
        seen = self._events(self.viewer)
        titles = {one["title"] for one in seen}
        must(f"{self.mark} review" in titles, "the colleague does not see it")
        private = [one for one in seen if one["visibility"] == "private"]
        must(len(private) == 1 and private[0]["title"] is None, "a private event is shown")
        must(f"{self.mark} lunch" not in titles, "a calendar that is not shared is shown")
        shown = self.viewer.browser.get("/calendar/?view=month").text
        must(f"{self.mark} review" in shown, "the colleague's page does not show it")
        return f"{len(seen)} occurrences, 1 of them as busy only"

    def free_busy(self) -> str:
        """When the owner has time, and when both could meet; of whom nothing is shared, nothing."""
        told = self._free_busy()
        must(told["status"] == "known", "a colleague's calendar is unknown")
        must(self.mark not in str(told), "it says what it is")
        now = datetime.now(UTC)
        wanted = {
            "start": now.isoformat(),
            "end": (now + _SPAN).isoformat(),
            "duration_minutes": 30,
            "participants": [{"user_id": self.owner.seeded["id"]}],
        }
        answer = self.viewer.send("POST", "/availability", json=wanted)
        must(answer.status_code == 200, f"availability answered {answer.status_code}")
        slots = answer.json()["data"]
        must(slots, "there is no time to meet")
        return f"{len(told['time_slots'])} times taken; {len(slots)} slots of 30 minutes"

    def _free_busy(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        wanted = {
            "start": now.isoformat(),
            "end": (now + _SPAN).isoformat(),
            "people": [self.owner.seeded["id"]],
        }
        answer = self.viewer.send("POST", "/free-busy", json=wanted)
        must(answer.status_code == 200, f"free and busy answered {answer.status_code}")
        found: dict[str, Any] = answer.json()["data"][0]
        return found

    def take_back(self) -> str:
        began = time.monotonic()
        planning.take_back(self.owner, self.ids[self.account])
        seen = self._events(self.viewer)
        milliseconds = (time.monotonic() - began) * 1000
        must(not seen, f"{len(seen)} are still shown")
        must(self._free_busy()["status"] == "unknown", "when they are busy is still told")
        return f"{milliseconds:.0f} ms from the page with the button to the answer without it"

    def erase(self) -> str:
        place = self._place()
        began = time.monotonic()
        page = planning.erase(self.owner, place)
        milliseconds = (time.monotonic() - began) * 1000
        said = re.search(r"Copy deleted: (\d+) events?\.", page.text)
        must(said, "the page does not say what was deleted")
        must(not self._events(self.owner), "events still open")
        must(self.mark not in self.owner.browser.get("/calendar/?view=month").text, "still shown")
        return f"{milliseconds:.0f} ms; {said[1] if said else 0} rows and their keys"

    def again(self) -> str:
        place = self._place()
        began = time.monotonic()
        planning.ask_again(self.owner, place)
        eventually(lambda: self._titles() >= self._all, within=60, says="its events")
        return f"{time.monotonic() - began:.2f} s"

    def _place(self) -> str:
        return find_on_page(
            r'href="(/settings/integrations/[^"]+/calendars/)"', self.owner.settings()
        )

    @property
    def _all(self) -> set[str]:
        return {f"{self.mark} {name}" for name in ("standup", "review", "doctor", "lunch")}

    def _titles(self) -> set[str]:
        return {str(one["title"]) for one in self._events(self.owner)}

    def _events(self, person: SmokePerson) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        span = {"start": (now - _SPAN).isoformat(), "end": (now + _SPAN).isoformat()}
        return list(person.api("/events", **span, limit=200)["data"])

    def _is_watched(self) -> bool:
        channels = self.sandbox.pushes().get("channels", ())
        return len(channels) > len(self.ids)

    def _readable_after(self, number: int) -> float:
        # Apart from each other: what is told of during a run is found by the next.
        time.sleep(0.2)
        title = f"{self.mark} told {number}"
        began = time.monotonic()
        self.sandbox.put_event(self.account, **self._event(f"told {number}", 1))
        eventually(lambda: title in self._titles(), within=30, says=title, every=0.01)
        return time.monotonic() - began

    def _at_the_provider(self) -> list[dict[str, Any]]:
        return list(self.sandbox.calendar(self.account)["events"])

    def _event(self, name: str, day: int, **more: Any) -> dict[str, Any]:
        start = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
        start += timedelta(days=day)
        return {
            "summary": f"{self.mark} {name}",
            "start": {"dateTime": start.isoformat(), "timeZone": "Europe/Berlin"},
            "end": {"dateTime": (start + timedelta(hours=1)).isoformat(), "timeZone": "UTC"},
            **more,
        }
