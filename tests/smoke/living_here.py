"""The steps of a calendar that lives here: begun, filled from a file, given as one, removed."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.smoke import planning
from tests.smoke.person import SmokePerson
from tests.smoke.walk import Walk, must

SIZE: Final = 500
#: As some programs name a zone that others call Europe/Berlin.
_ZONE: Final = "W. Europe Standard Time"


@dataclass
class LivingHere:
    """:param mark: stands in every text of it"""

    walk: Walk
    owner: SmokePerson
    mark: str
    place: str = ""
    calendar_id: str = ""

    def run(self) -> None:
        step = self.walk.step
        step("a calendar that lives here is begun", self.begin)
        step("a file with bad lines: they are named, and nothing is taken", self.refused)
        step(f"an .ics file of {SIZE} events is taken in", self.fill)
        step("given as an .ics file, and taken in again: nothing is doubled", self.again)
        step("free and busy of it", self.free_busy)
        step("it is removed: nothing of it opens", self.remove)

    def begin(self) -> str:
        began = time.monotonic()
        self.calendar_id = planning.create_local_calendar(self.owner, f"{self.mark} home")
        milliseconds = (time.monotonic() - began) * 1000
        self.place = f"/calendars/{self.calendar_id}"
        listed = [str(one["name"]) for one in self.owner.api("/calendars")["data"]]
        must(f"{self.mark} home" in listed, "it is not listed")
        return f"{milliseconds:.0f} ms"

    def refused(self) -> str:
        broken = self._file(SIZE).replace("FREQ=DAILY", "FREQ=OFTEN")
        answer = planning.import_file(self.owner, self.calendar_id, broken.encode())
        must(answer.status_code == 422, f"a broken file was answered {answer.status_code}")
        must(not self._events(), "something of a broken file was taken")
        lines = [int(number) for number in re.findall(r"\d+", str(answer.json()["errors"]))]
        must(lines, "no line is named")
        return f"422 {answer.json()['code']}; {len(answer.json()['errors'])} lines named"

    def fill(self) -> str:
        file = self._file(SIZE).encode()
        began = time.monotonic()
        answer = planning.import_file(self.owner, self.calendar_id, file)
        seconds = time.monotonic() - began
        must(answer.status_code == 200, f"a file was answered {answer.status_code}")
        must(answer.json()["added"] == SIZE, f"{answer.json()} of {SIZE}")
        must(self._events(), "no event of it is shown")
        return f"{seconds:.2f} s; {SIZE / seconds:,.0f} events/s"

    def again(self) -> str:
        address = f"/settings/calendars/{self.calendar_id}/calendar.ics"
        began = time.monotonic()
        page = self.owner.browser.get(address)
        seconds = time.monotonic() - began
        kind = page.response.headers["content-type"]
        must(kind.startswith("text/calendar"), f"the file is {kind}")
        count = page.text.count("BEGIN:VEVENT")
        must(count == SIZE, f"{count} of {SIZE} events are in the file")
        must(page.text.rstrip().endswith("END:VCALENDAR"), "the file has no end")
        answer = planning.import_file(self.owner, self.calendar_id, page.response.content).json()
        must(answer["added"] == 0, f"taken in again, {answer['added']} were new")
        return f"{len(page.text):,} bytes in {seconds:.2f} s; {answer['replaced']} were here"

    def free_busy(self) -> str:
        wanted = {**self._span(), "people": [], "calendars": [self.calendar_id]}
        began = time.monotonic()
        answer = self.owner.send("POST", "/free-busy", json=wanted)
        milliseconds = (time.monotonic() - began) * 1000
        must(answer.status_code == 200, f"free and busy answered {answer.status_code}")
        [told] = answer.json()["calendars"]
        must(told["status"] == "known", "a calendar of one's own is unknown")
        must(self.mark not in answer.text, "it says what it is")
        must(told["time_slots"], "nobody is busy")
        return f"{len(told['time_slots'])} times taken, in {milliseconds:.0f} ms"

    def remove(self) -> str:
        seen = self.owner.send("GET", self.place).headers["ETag"]
        began = time.monotonic()
        answer = self.owner.send("DELETE", self.place, if_match=seen)
        milliseconds = (time.monotonic() - began) * 1000
        must(answer.status_code == 204, f"the removal was answered {answer.status_code}")
        must(not self._events(), "its events still open")
        gone = self.owner.send("GET", self.place)
        must(gone.status_code == 404, f"it is still there: {gone.status_code}")
        return f"{milliseconds:.0f} ms, with its key"

    def _events(self) -> list[dict[str, Any]]:
        return list(self.owner.api("/events", **self._span(), limit=200)["data"])

    def _span(self) -> dict[str, str]:
        now = datetime.now(UTC)
        return {"start": now.isoformat(), "end": (now + timedelta(days=7)).isoformat()}

    def _file(self, count: int) -> str:
        """Return a calendar file; every hundredth of its events repeats."""
        first = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//{self.mark}//EN"]
        for number in range(count):
            start = first + timedelta(hours=number)
            lines += [
                "BEGIN:VEVENT",
                f"UID:{number}@{self.mark}.example",
                f"DTSTAMP:{first:%Y%m%dT%H%M%SZ}",
                f"DTSTART;TZID={_ZONE}:{start:%Y%m%dT%H%M%S}",
                "DURATION:PT30M",
                f"SUMMARY:{self.mark} entry {number}",
                f"DESCRIPTION:{self.mark} said of {number}",
                *(["RRULE:FREQ=DAILY;COUNT=5"] if number % 100 == 0 else []),
                "END:VEVENT",
            ]
        return "\r\n".join([*lines, "END:VCALENDAR", ""])
