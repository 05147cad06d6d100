"""What the walk writes: events at a provider, and calendars that live here, with words in all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.canaries import appointment, ics
from tests.canaries.journey import Journey
from tests.canaries.marks import BOB
from tests.smoke import planning
from tests.smoke.person import SmokePerson
from tests.smoke.walk import eventually, must

_WORDS: Final = ("title", "description", "location")


@dataclass
class CanaryWrites:
    """
    :param error: what their provider refuses with, by status
    """

    journey: Journey
    name: str
    error: Callable[[int], dict[str, Any]]

    @property
    def person(self) -> SmokePerson:
        return self.journey.cast[self.name]

    def there(self) -> str:
        """Write, change, move and delete at the provider; be refused by it and by us."""
        listed = self.person.api("/calendars")["data"]
        [primary] = [one for one in listed if one["is_primary"]]
        [other] = [one for one in listed if not one["is_primary"]]
        guest = {"email": f"{self.journey.marks.typed}-guest@x.example", "name": ""}
        # Some providers tell guests in any case, and whoever writes has to know.
        made = self._made(str(primary["id"]), "there", participants=[guest], notify="all")
        changed = self._changed(made)
        self._by_page(str(primary["id"]))
        statuses = self._refused(str(primary["id"]), changed)
        refused = self._refused_there(str(primary["id"]))
        self._delete(changed)
        self._delete(self._moved(self._made(str(primary["id"]), "moved"), str(other["id"])))
        return f"by page and API; one moved; refused by us {statuses}, by the provider {refused}"

    def here(self) -> str:
        """The same in a calendar that lives here; from files and as one; then it goes."""
        person, typed = self.person, self.journey.marks.typed
        calendar_id = planning.create_local_calendar(person, f"{typed}-localname")
        made = self._changed(self._made(calendar_id, "here"))
        self._by_page(calendar_id)
        statuses = self._refused(calendar_id, made)
        self._files(calendar_id)
        about = {"name": f"{typed}-localrenamed", "timezone": appointment.ZONE}
        place = f"/calendars/{calendar_id}"
        wrong = {**about, "timezone": f"{typed}-localzone", "colour": f"{typed}-colour"}
        for status, body in ((200, about), (400, wrong)):
            seen = person.send("GET", place).headers["ETag"]
            answer = person.send("PUT", place, json=body, if_match=seen)
            must(answer.status_code == status, f"a name was answered {answer.status_code}")
        planning.share_calendar(person, calendar_id, str(self.journey.cast[BOB].seeded["email"]))
        self.journey.cast[BOB].browser.get("/calendar/?view=agenda")
        planning.take_back(person, calendar_id)
        self._delete(made)
        for rest in ("", "sharing/", "remove/"):
            person.browser.get(f"/settings/calendars/{calendar_id}/{rest}")
        page = person.browser.get(f"/settings/calendars/{calendar_id}/remove/")
        person.browser.submit(page, page.own_form(), page.own_form().data())
        must(person.send("GET", place).status_code == 404, "what was removed is there")
        return f"by page, API and file; refused {statuses}; removed"

    def _made(self, calendar_id: str, where: str, **more: Any) -> dict[str, Any]:
        """Make an event whose answer is lost once, then send the same again."""
        wanted = {**self._event(calendar_id, where), **more}
        self.journey.world.sandbox.fail_next(
            1, method="POST", path_contains="/events", drop="after"
        )
        key = f"{self.journey.marks.typed}-key{where}"
        made = [self._send("POST", "/events", wanted, idempotency_key=key) for _ in range(2)]
        self.journey.world.sandbox.clear_faults()
        must([one.status_code for one in made] == [201, 201], f"{[o.status_code for o in made]}")
        must(made[0].json()["id"] == made[1].json()["id"], "sent twice, it is two events")
        return dict(made[1].json())

    def _changed(self, made: Mapping[str, Any]) -> dict[str, Any]:
        words = {name: f"{self.journey.marks.typed}-changed{name}" for name in _WORDS}
        words["notify"] = _notify(made)
        answer = self._send("PATCH", f"/events/{made['id']}", words, if_match=f'"{made["etag"]}"')
        must(answer.status_code == 200, f"a change was answered {answer.status_code}")
        browser = self.person.browser
        for rest in ("", "edit/", "delete/", "description/"):
            browser.get(f"/calendar/events/{made['id']}/{rest}")
        return dict(answer.json())

    def _moved(self, made: Mapping[str, Any], calendar_id: str) -> dict[str, Any]:
        to, seen = {"calendar_id": calendar_id}, f'"{made["etag"]}"'
        answer = self._send("POST", f"/events/{made['id']}/move", to, if_match=seen)
        must(answer.status_code == 200, f"a move was answered {answer.status_code}")
        return dict(answer.json())

    def _by_page(self, calendar_id: str) -> None:
        """The form, as it is and filled in with what nobody would type."""
        browser, typed = self.person.browser, self.journey.marks.typed
        page = browser.get("/calendar/new/")
        form = page.form("calendar/new")
        words = {name: f"{typed}-form{name}" for name in _WORDS}
        places = {"zone": appointment.ZONE, "calendar": calendar_id}
        browser.submit(page, form, form.data(**places, **words, guests=f"{typed}-notanaddress"))
        wrong = {name: f"{typed}-wrong{name}" for name, _ in form.fields if "csrf" not in name}
        browser.submit(page, form, form.data(**wrong))
        made = browser.submit(page, form, form.data(**places, **words))
        must(f"{typed}-formtitle" in made.text, "the page made no event")
        edit = browser.get(f"{made.url}edit/")
        form = edit.own_form()
        browser.submit(edit, form, form.data(title=f"{typed}-edited", zone=f"{typed}-zone"))
        page = browser.get(f"{made.url}delete/")
        browser.submit(page, page.own_form(), page.own_form().data())

    def _refused(self, calendar_id: str, made: Mapping[str, Any]) -> str:
        """What we refuse: each with words in it."""
        typed, place = self.journey.marks.typed, f"/events/{made['id']}"
        body = self._event(calendar_id, "refused")
        when = {**body["when"], "timezone": f"{typed}-whenzone"}
        stale, seen = {"if_match": f'"{"0" * 40}"'}, {"if_match": f'"{made["etag"]}"'}
        calls: tuple[tuple[str, str, Any, dict[str, str]], ...] = (
            ("POST", "/events", {**body, "when": when}, {"idempotency_key": f"{typed}-keyzone"}),
            (
                "POST",
                "/events",
                {
                    **body,
                    "recurrence": [f"RRULE:FREQ={typed}-freq"],
                    "participants": [{"email": f"{typed}-nobody", "name": f"{typed}-noname"}],
                    f"{typed}-unknown": f"{typed}-value",
                },
                {"idempotency_key": f"{typed}-keywrong"},
            ),
            ("PATCH", place, {"title": f"{typed}-nomatch"}, {}),
            ("PATCH", place, {"title": f"{typed}-stale"}, stale),
            ("PATCH", place, {"title": f"{typed}-badmatch"}, {"if_match": f"{typed}-match"}),
            ("DELETE", place, None, stale),
            ("POST", f"{place}/response", {"status": f"{typed}-answer"}, stale),
            ("POST", f"{place}/response", {"status": "declined"}, seen),
            ("POST", f"{place}/response", {"status": "declined"}, {}),
        )
        found = [
            self._send(method, path, sent, **headers).status_code
            for method, path, sent, headers in calls
        ]
        must(all(400 <= one < 500 for one in found), f"not all were refused: {found}")
        return ", ".join(str(one) for one in sorted(set(found)))

    def _refused_there(self, calendar_id: str) -> str:
        """What the provider refuses, in words of its own."""
        typed, boxes = self.journey.marks.typed, self.journey.boxes
        found = []
        for status in (400, 403, 500):
            fault = {"method": "POST", "path_contains": "/events", "status": status}
            boxes.world.sandbox.fail_next(3, **fault, body=self.error(status))
            body = self._event(calendar_id, f"there{status}")
            key = f"{typed}-keythere{status}"
            found.append(self._send("POST", "/events", body, idempotency_key=key).status_code)
            boxes.world.sandbox.clear_faults()
        must(all(one >= 400 for one in found), f"not all were refused: {found}")
        return ", ".join(str(one) for one in found)

    def _files(self, calendar_id: str) -> None:
        """A file with a word in every property, one with words where none may be, and one out."""
        person, typed = self.person, self.journey.marks.typed
        broken = ics.file(typed).replace("FREQ=WEEKLY", f"FREQ={typed}-icsfreq")
        for status, text in ((200, ics.file(typed)), (422, broken), (422, f"{typed}-nofile")):
            answer = planning.import_file(person, calendar_id, text.encode())
            must(answer.status_code == status, f"a file was answered {answer.status_code}")
        page = person.browser.get(f"/settings/calendars/{calendar_id}/")
        for text in (ics.file(typed), broken):
            upload = {"file": (f"{typed}-upload.ics", text.encode(), "text/calendar")}
            token = dict(page.form("/fill/").fields)["csrfmiddlewaretoken"]
            _post_form(person, f"/settings/calendars/{calendar_id}/fill/", token, upload)
        for address in (
            f"/settings/calendars/{calendar_id}/calendar.ics",
            f"/v1/users/me/calendars/{calendar_id}/export",
        ):
            must(f"{typed}-icssummary" in person.browser.get(address).text, "the file is empty")

    def _delete(self, made: Mapping[str, Any]) -> None:
        place = f"/events/{made['id']}"

        def deleted() -> bool:
            # Read again: what came in meanwhile may be from before the change.
            match = f'"{self.person.api(place)["etag"]}"'
            path = f"{place}?notify={_notify(made)}"
            return self._send("DELETE", path, if_match=match).status_code == 204

        eventually(deleted, within=20, says="the deletion", every=0.5)

    def _send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        answer: httpx.Response = self.person.send(method, path, json=body, **headers)
        return answer

    def _event(self, calendar_id: str, where: str) -> dict[str, Any]:
        typed = self.journey.marks.typed
        return {
            "calendar_id": calendar_id,
            **{name: f"{typed}-{where}{name}" for name in _WORDS},
            "when": {
                "object": "timespan",
                "start": appointment.get_day_start(4).isoformat(),
                "end": appointment.get_day_start(5).isoformat(),
                "timezone": appointment.ZONE,
            },
        }


def _notify(event: Mapping[str, Any]) -> str:
    return "all" if event["participants"] else "none"


def _post_form(person: SmokePerson, path: str, token: str, upload: Any) -> httpx.Response:
    base = person.browser.base_url
    headers = {"origin": base, "referer": f"{base}{path}"}
    data = {"csrfmiddlewaretoken": token}
    return person.browser.http.post(f"{base}{path}", data=data, files=upload, headers=headers)
