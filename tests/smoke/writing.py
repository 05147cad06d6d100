"""The steps of writing at the provider: once, over nobody's change, and as it is there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.smoke.person import SmokePerson
from tests.smoke.walk import Walk, eventually, must
from tests.worlds.sandbox import Sandbox

SENT: int = 3


@dataclass
class SmokeWrites:
    """
    :param calendar_id: of whoever writes, where they may write
    :param mark: stands in every text that is written
    """

    walk: Walk
    sandbox: Sandbox
    owner: SmokePerson
    account: str
    mark: str
    calendar_id: str = ""
    made: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        step = self.walk.step
        step(f"an event whose answer is lost, sent {SENT} times: one event", self.create)
        step("changed by its version; an older version is refused", self.change)
        step("an invitation declined, and the provider knows", self.decline)
        step("deleted: gone here and at the provider", self.delete)

    def create(self) -> str:
        listed = self.owner.api("/calendars")["data"]
        self.calendar_id = next(str(one["id"]) for one in listed if one["is_primary"])
        title = f"{self.mark} written"
        day = datetime.now(UTC).date() + timedelta(days=1)
        wanted = {
            "calendar_id": self.calendar_id,
            "title": title,
            "description": f"{self.mark} said of it",
            "when": {
                "object": "timespan",
                "start": f"{day}T18:00:00",
                "end": f"{day}T19:00:00",
                "timezone": "Europe/Berlin",
            },
        }
        # Done there, and not told here.
        self.sandbox.fail_next(1, method="POST", path_contains="/events", drop="after")
        waits, ids = [], set()
        for _ in range(SENT):
            began = time.monotonic()
            answer = self.owner.send("POST", "/events", json=wanted, idempotency_key=self.mark)
            waits.append((time.monotonic() - began) * 1000)
            must(answer.status_code == 201, f"writing was answered {answer.status_code}")
            self.made = answer.json()
            ids.add(self.made["id"])
        there = self._there(title)
        must(len(ids) == len(there) == 1, f"{len(ids)} here, {len(there)} there")
        return f"{waits[0]:.0f} ms with the lost answer, {waits[-1]:.0f} ms sent again"

    def change(self) -> str:
        place, old = f"/events/{self.made['id']}", f'"{self.made["etag"]}"'
        title = f"{self.mark} written anew"
        began = time.monotonic()
        answer = self.owner.send("PATCH", place, json={"title": title}, if_match=old)
        milliseconds = (time.monotonic() - began) * 1000
        must(answer.status_code == 200, f"a change was answered {answer.status_code}")
        late = self.owner.send("PATCH", place, json={"title": "not this"}, if_match=old)
        must(late.status_code == 412, f"a change of an older version: {late.status_code}")
        must(len(self._there(title)) == 1, "the provider does not have the change")
        self.made = answer.json()
        return f"{milliseconds:.0f} ms; an older version {late.status_code} {late.json()['code']}"

    def decline(self) -> str:
        title = f"{self.mark} invited"
        at = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0)
        self.sandbox.put_event(
            self.account,
            summary=title,
            start={"dateTime": (at + timedelta(days=1)).isoformat(), "timeZone": "UTC"},
            end={"dateTime": (at + timedelta(days=1, hours=1)).isoformat(), "timeZone": "UTC"},
            organizer={"email": "organiser@mail.example"},
            attendees=[{"email": self.account, "self": True, "responseStatus": "needsAction"}],
        )
        event = eventually(lambda: self._here(title), within=30, says="the invitation")
        place = f"/events/{event['id']}/response"
        began = time.monotonic()
        version = f'"{event["etag"]}"'
        answer = self.owner.send("POST", place, json={"status": "declined"}, if_match=version)
        milliseconds = (time.monotonic() - began) * 1000
        must(answer.status_code == 200, f"an answer was answered {answer.status_code}")
        [there] = self._there(title)
        [mine] = [one for one in there["attendees"] if one["email"] == self.account]
        must(mine["responseStatus"] == "declined", f"there it is {mine['responseStatus']}")
        return f"{milliseconds:.0f} ms"

    def delete(self) -> str:
        place, version = f"/events/{self.made['id']}", f'"{self.made["etag"]}"'
        began = time.monotonic()
        answer = self.owner.send("DELETE", place, if_match=version)
        milliseconds = (time.monotonic() - began) * 1000
        must(answer.status_code == 204, f"a deletion was answered {answer.status_code}")
        must(self._here(self.made["title"]) is None, "it is still here")
        must(not self._there(self.made["title"]), "it is still there")
        return f"{milliseconds:.0f} ms"

    def _here(self, title: str) -> dict[str, Any] | None:
        now = datetime.now(UTC)
        span = {"start": now.isoformat(), "end": (now + timedelta(days=3)).isoformat()}
        rows = self.owner.api("/events", **span, limit=200)["data"]
        return next((one for one in rows if one["title"] == title), None)

    def _there(self, title: str) -> list[dict[str, Any]]:
        events = self.sandbox.calendar(self.account)["events"]
        live = [one for one in events if one.get("status") != "cancelled"]
        return [one for one in live if one.get("summary") == title]
