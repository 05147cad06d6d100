"""
Files that go into a Drive, with a word in each name, type and throughout the bytes.

They come from the owner's browser, a message, a calendar, a copy of the mail, and from a feature.
What arrived is in the Drive afterwards, and nowhere in the service.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.canaries import drive_fields, ics
from tests.canaries.journey import Journey
from tests.canaries.marks import ALICE, BOB, MALLORY
from tests.smoke import planning
from tests.smoke.client import forms
from tests.smoke.person import SmokePerson
from tests.smoke.walk import eventually, must

#: Whose accounts get a Drive; the last one's rows are broken on purpose.
OWNERS: Final = (ALICE, BOB, MALLORY)
FEATURE: Final = "recordings"
_UNIT: Final = 256 * 1024
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_BODY: Final = "application/offset+octet-stream"
_SETTLED: Final = frozenset({"done", "failed", "cancelled"})
# A search for namesakes that is refused with 404 has found none.
_NO_NAMESAKE: Final = ("/drive/v3/files", 404)
_FOLDER_TYPE: Final = "application/vnd.google-apps.folder"


@dataclass
class CanaryFiles:
    """:ivar kept: ids of files and of a standing consent, by the names in routes"""

    journey: Journey
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def typed(self) -> str:
        return self.journey.marks.typed

    @property
    def mark(self) -> str:
        return self.journey.marks.of(ALICE)

    @property
    def alice(self) -> SmokePerson:
        return self.journey.cast[ALICE]

    @property
    def account(self) -> str:
        return self.journey.marks.account(ALICE)

    @property
    def sandbox(self) -> Any:
        return self.journey.world.sandbox

    def connect(self, *names: str) -> str:
        """Add a Drive to accounts whose mail is connected."""
        for name in names or OWNERS:
            connection = self.journey.connection(name)
            self.journey.cast[name].connect(
                self.journey.marks.account(name), product="drive", connection=connection
            )
            self.journey.integration(name, product="drive")
        self.kept["drive_id"] = self._drive(ALICE)
        return f"{len(names or OWNERS)} Drives"

    def _drive(self, name: str) -> str:
        return str(self.journey.integration(name, product="drive")["id"])

    # --- From a browser ---------------------------------------------------------------------------

    def upload(self) -> str:
        """Whole, in pieces, broken off, refused, cancelled, damaged, and into a full Drive."""
        address, data = self._begin("whole", 300_000)
        self._send(address, data)
        self._wait(address, "done")
        self.kept["file_id"] = address.rpartition("/")[2]
        self._check_content(data)
        again = self._request("POST", "/v1/users/me/files", **self._describe("whole", 300_000))
        must(again.status_code == 409, f"the same file was answered {again.status_code}")
        self._upload_pieces()
        self._break_off()
        self._cancel()
        self._damage()
        self._fill_the_drive()
        empty, _ = self._begin("empty", 0)
        self._wait(empty, "done")
        return "two whole, one in pieces, one continued; one cancelled, two failed, five refused"

    def _upload_pieces(self) -> None:
        """Three pieces with checksums; one was damaged on its way, one has a wrong place."""
        address, data = self._begin("pieces", 2 * _UNIT + 99)
        wrong = {"Upload-Checksum": _checksum(b"something else")}
        self._send(address, data[:_UNIT], status=460, **wrong)
        self._send(address, data[:_UNIT], offset=_UNIT, status=409)
        for start in range(0, len(data), _UNIT):
            piece = data[start : start + _UNIT]
            self._send(address, piece, offset=start, **{"Upload-Checksum": _checksum(piece)})
        self._wait(address, "done")
        self._check_content(data)

    def _break_off(self) -> None:
        """The Drive breaks off; the client asks how much arrived, pauses, and sends the rest."""
        address, data = self._begin("broken", 3 * _UNIT)
        self.sandbox.fail_upload("cut", 2 * _UNIT)
        self._send(address, data, status=503)
        offset = self._ask(address)
        # What has no digest yet is sent again, though the Drive has it.
        must(offset < len(data), f"{offset} bytes arrived")
        for action, expected in (("pause", "paused"), ("resume", "uploading")):
            state = self._request("POST", f"{address}/{action}").json()["state"]
            must(state == expected, f"after {action} it is {state}")
        offset = self._ask(address)
        self._send(address, data[offset:], offset=offset)
        self._wait(address, "done")
        self._check_content(data)

    def _cancel(self) -> None:
        address, data = self._begin("cancelled", 3 * _UNIT)
        self._send(address, data[:_UNIT])
        self._request("POST", f"{address}/cancel")
        self._send(address, data[_UNIT:], offset=_UNIT, status=409)
        self._wait_for_no_session()

    def _damage(self) -> None:
        address, data = self._begin("damaged", 1000)
        self.sandbox.fail_upload("damage")
        self._request("PATCH", address, data, **_describe_bytes(0))
        self._wait(address, "failed")

    def _fill_the_drive(self) -> None:
        self.sandbox.limit_drive(self.account, 5_000_000, other_usage=4_900_000)
        try:
            address, data = self._begin("full", 400_000)
            self._send(address, data, status=422)
            self._wait(address, "failed")
        finally:
            self.sandbox.limit_drive(self.account, 0)

    # --- Answers ----------------------------------------------------------------------------------

    def strange(self) -> str:
        """Answers of nothing but canaries, and refusals in the provider's own words."""
        for place, body in (
            ("/drive/v3/files/generateIds", drive_fields.fill_ids(self.mark)),
            ("/drive/v3/files", drive_fields.fill_list(self.mark)),
        ):
            self.sandbox.fail_next(
                1, method="GET", path_prefix=place, path_suffix=place, status=200, body=body
            )
            address, data = self._begin(f"strange{place.rpartition('/')[2].lower()}", 1000)
            self._request("PATCH", address, data, **_describe_bytes(0))
            self.sandbox.clear_faults()
        statuses = (400, 403, 404, 429, 500, 503)
        for place in ("/drive/v3/files/generateIds", "/drive/v3/files", "/upload/drive/v3/files"):
            for status in statuses:
                self._refuse(place, status)
        page = f"<html>{self.mark}-errorpage</html>"
        self._refuse("/upload/drive/v3/files", 200, body=page)
        return f"every text of Drive's answers; {', '.join(map(str, statuses))} at three places"

    def _refuse(self, place: str, status: int, **fault: Any) -> None:
        """Have a request fail once, in words of the provider's."""
        name = f"refused{place.rpartition('/')[2].lower()}{place.count('/')}{status}"
        body = self.journey.boxes.error(ALICE, status)
        header = {"www-authenticate": f"{self.mark}-errorheader", "x-more": "x"}
        fault = {"body": body, "headers": header, **fault}
        self.sandbox.fail_next(1, path_prefix=place, path_suffix=place, status=status, **fault)
        address, data = self._begin(name, 1000)
        answer = self._request("PATCH", address, data, **_describe_bytes(0))
        is_refused = answer.status_code >= 400
        must(
            is_refused is ((place, status) != _NO_NAMESAKE),
            f"{place} {status}: answered {answer.status_code}",
        )
        self.sandbox.clear_faults()
        self.journey.boxes.nudge()
        self._request("DELETE", address)

    def choose_folder(self) -> str:
        """Choose a folder whose name, link and everything else is a canary."""
        folder_id = self.sandbox.add_folder(self.account, f"{self.mark}-drivefoldername")
        for chosen in ((), (folder_id,)):
            body = drive_fields.fill_file(self.mark, id=folder_id, mimeType=_FOLDER_TYPE)
            if chosen:
                place = f"/drive/v3/files/{folder_id}"
                self.sandbox.fail_next(1, path_suffix=place, status=200, body=body)
            page = self.alice.browser.get("/files/")
            form = next(one for one in forms(page.text) if ("action", "choose") in one.fields)
            url = f"{self.alice.browser.base_url}{form.action}"
            headers = {"origin": self.alice.browser.base_url, "referer": page.url}
            answer = self.alice.browser.http.post(url, data=dict(form.data()), headers=headers)
            way_back = self.sandbox.pick(answer.headers["location"], *chosen, email=self.account)
            page = self.alice.browser.get(way_back)
            must("picked_file_ids" not in page.url, "the address still holds the folder")
        must(f"{self.mark}-{drive_fields.word('File.name')}" in page.text, "it is not named")
        address, data = self._begin("infolder", 1000)
        self._send(address, data)
        self._wait(address, "done")
        [remote] = [
            one
            for one in self.sandbox.drive_files(self.account)
            if one["name"] == f"{self.typed}-driveinfolder.bin"
        ]
        must(remote["parents"] == [folder_id], "it went to another folder")
        typed = self.typed
        for query in (f"state={typed}-state&code={typed}-code&picked_file_ids={typed}-file", "x=1"):
            self.alice.browser.get(f"/drive/google/folder?{query}")
        return "not chosen, chosen; a file is in it; made-up ways back are refused"

    # --- Other sources ----------------------------------------------------------------------------

    def save(self) -> str:
        """An attachment, a calendar of Antares and a copy of the mail, by their pages."""
        message = next(one for one in self.alice.messages(limit=200) if one["has_attachments"])
        files = self.alice.api(f"/messages/{message['id']}")["attachments"]
        for file in files:
            self._save(self.alice, f"/files/save/attachments/{message['id']}/{file['id']}/")
        calendar_id = planning.create_local_calendar(self.alice, f"{self.typed}-drivecalendar")
        planning.import_file(self.alice, calendar_id, ics.file(self.typed).encode())
        self._save(self.alice, f"/files/save/calendars/{calendar_id}/", agree="yes")
        self._save_export()
        self._wait_for_all(self.alice)
        page = self.alice.browser.get(f"/settings/calendars/{calendar_id}/remove/")
        form = page.own_form()
        self.alice.confirm(self.alice.browser.submit(page, form, form.data()))
        states = [one["state"] for one in self.alice.api("/files", limit=100)["data"]]
        return f"{len(files)} attachments, a calendar, a copy: {states.count('done')} in the Drive"

    def _save(self, person: SmokePerson, path: str, **values: str) -> None:
        before = self._count(person)
        page = person.browser.get(path)
        form = page.own_form()
        data = form.data(**values)
        person.browser.submit(page, form, data)
        must(self._count(person) == before + 1, f"{path} ordered no file")

    def _save_export(self) -> None:
        mailbox = self.journey.integration(ALICE)["id"]
        before = self._count(self.alice)
        for _ in range(2):
            page = self.alice.browser.get(f"/settings/integrations/{mailbox}/export/")
            form = page.form("/files/save/")
            answer = self.alice.browser.submit(page, form, form.data())
            if "reauthenticate" not in answer.url:
                break
            self.alice.confirm(answer)
        must(self._count(self.alice) == before + 1, f"no copy was ordered on {answer.url}")

    def cross(self, deliver: Callable[[], object]) -> str:
        """
        Save an attachment of Outlook in the Drive of another account, after its page.

        :param deliver: has a message with files arrive in Outlook
        """
        bob, mark = self.journey.cast[BOB], self.journey.marks.of(BOB)
        deliver()

        def find_path() -> str:
            self.journey.boxes.nudge()
            return next(self._list_outlook_files(bob), "")

        path = eventually(find_path, within=30, says="a file in Outlook", every=0.5)
        page = bob.browser.get(path)
        must(mark in page.text, "the page names no account")
        form = page.own_form()
        bob.browser.submit(page, form, form.data())
        must(not self._count(bob), "it was sent without the owner's word")
        self._save(bob, path, agree="yes")
        self._wait_for_all(bob)
        [saved] = bob.api("/files")["data"]
        must(saved["state"] == "done", f"it is {saved['state']}: {saved['problem']}")
        return "asked, agreed, in the Drive of the other account"

    def _list_outlook_files(self, bob: SmokePerson) -> Iterator[str]:
        """Yield the pages that save files of Outlook which are there: some answers were strange."""
        outlook = self.journey.connection(BOB, provider="microsoft")
        for message in bob.messages(limit=20):
            if message["connection_id"] != outlook or not message["has_attachments"]:
                continue
            for file in bob.api(f"/messages/{message['id']}")["attachments"]:
                path = f"/v1/users/me/messages/{message['id']}/attachments/{file['id']}"
                if bob.browser.get(path).status == 200:
                    yield f"/files/save/attachments/{message['id']}/{file['id']}/"

    # --- A feature --------------------------------------------------------------------------------

    def propose(self) -> str:
        """A feature proposes; the owner accepts and declines; a standing consent, withdrawn."""
        delegation = self.alice.switch_on(FEATURE)
        with self.journey.cast.client(FEATURE, delegation, of=ALICE) as http:
            accepted, data = self._begin("accepted", 1000, http, content_type="audio/wav")
            declined, _ = self._begin("declined", 1000, http)
            self._send(accepted, data, http=http, status=409)
            self._press(accepted, "accept")
            self._press(declined, "decline")
            self._send(accepted, data, http=http)
            self._wait(accepted, "done")
            self._give_standing_consent()
            saved, data = self._begin("saved", 1000, http, content_type="audio/wav")
            self._send(saved, data, http=http)
            self._wait(saved, "done")
            halted, data = self._begin("halted", 2 * _UNIT, http, content_type="audio/wav")
            self._send(halted, data[:_UNIT], http=http)
            for path in ("/v1/users/me/files", saved):
                http.get(path)
            self._withdraw_standing_consent()
            answer = self._request("PATCH", halted, data[_UNIT:], http, **_describe_bytes(_UNIT))
            must(answer.status_code >= 400, f"after its end: answered {answer.status_code}")
            self._wait(halted, "cancelled")
        self._wait_for_no_session()
        return "one accepted, one declined; one within a standing consent, one stopped by its end"

    def _press(self, address: str, action: str) -> None:
        """Press a button of the list."""
        page = self.alice.browser.get("/files/")
        place = f"/files/{address.rpartition('/')[2]}/"
        form = next(
            one
            for one in forms(page.text)
            if one.action == place and ("action", action) in one.fields
        )
        self.alice.browser.submit(page, form, form.data())

    def _give_standing_consent(self) -> None:
        path = f"/files/standing-consents/new/{FEATURE}/"
        for kind in (f"{self.typed}-kind", "audio"):
            page = self.alice.browser.get(path)
            form = page.own_form()
            data = [*form.data(agree="yes", max_count="5"), ("kinds", kind)]
            page = self.alice.browser.submit(page, form, data)
        found = re.search(r"/files/standing-consents/([0-9a-f-]{36})/withdraw/", page.text)
        must(found, f"no standing consent on {page.url}")
        self.kept["standing_consent_id"] = found[1] if found else ""

    def _withdraw_standing_consent(self) -> None:
        page = self.alice.browser.get("/files/standing-consents/")
        form = page.form("/withdraw/")
        self.alice.browser.submit(page, form, form.data())

    # --- The list ---------------------------------------------------------------------------------

    def read(self) -> str:
        """Pages and API of the list; then one entry is removed, and one file trashed by each."""
        rows = self.alice.api("/files", limit=100)["data"]
        self.alice.api("/files", limit=2, cursor=self.alice.api("/files", limit=2)["next_cursor"])
        for place in (
            "/files/",
            "/files/states/",
            "/files/standing-consents/",
            "/settings/integrations/",
        ):
            must(self.alice.browser.get(place).status == 200, f"no {place}")
        for row in rows:
            self.alice.api(f"/files/{row['id']}")
            self.alice.browser.get(f"/files/{row['id']}/row/")
        done = [row["id"] for row in rows if row["state"] == "done"]
        removed, trashed, trashed_by_page, *_ = [one for one in done if one != self.kept["file_id"]]
        for path in (removed, f"{trashed}?trash=true"):
            answer = self._request("DELETE", f"/v1/users/me/files/{path}")
            must(answer.status_code == 204, f"removing was answered {answer.status_code}")
        page = self.alice.browser.get(f"/files/{trashed_by_page}/trash/")
        form = page.own_form()
        self.alice.browser.submit(page, form, form.data())
        trash = [one for one in self.sandbox.drive_files(self.account) if one["trashed"]]
        must(len(trash) >= 2, f"{len(trash)} files are in the trash")
        return f"{len(rows)} rows, {len(trash)} in the trash"

    # --- Requests ---------------------------------------------------------------------------------

    def _describe(self, word: str, size: int, content_type: str = "") -> dict[str, str]:
        name = f"{self.typed}-drive{word}.bin"
        kind = content_type or f"application/x-{self.typed}-drivetype{word}"
        pairs = {"filename": name, "filetype": kind}
        metadata = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in pairs.items())
        return {"Upload-Length": str(size), "Upload-Metadata": metadata}

    def _begin(
        self,
        word: str,
        size: int,
        http: httpx.Client | None = None,
        *,
        content_type: str = "",
    ) -> tuple[str, bytes]:
        """Return the address and the bytes of a new file."""
        text = f"{self.typed}-drivebytes{word} ".encode()
        data = (text * (size // len(text) + 1))[:size]
        described = self._describe(word, size, content_type)
        answer = self._request("POST", "/v1/users/me/files", b"", http, **described)
        must(answer.status_code == 201, f"the file {word} was answered {answer.status_code}")
        return answer.headers["Location"], data

    def _send(
        self,
        address: str,
        data: bytes,
        *,
        offset: int = 0,
        status: int = 204,
        http: httpx.Client | None = None,
        **headers: str,
    ) -> None:
        headers = {**_describe_bytes(offset), **headers}
        answer = self._request("PATCH", address, data, http, **headers)
        must(
            answer.status_code == status, f"bytes were answered {answer.status_code}, not {status}"
        )

    def _ask(self, address: str) -> int:
        def find_offset() -> httpx.Response | None:
            answer = self._request("HEAD", address)
            return answer if answer.status_code == 200 else None

        answer = eventually(find_offset, within=20, says="how many bytes arrived", every=0.3)
        return int(answer.headers["Upload-Offset"])

    def _request(
        self,
        method: str,
        path: str,
        data: bytes = b"",
        http: httpx.Client | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Send a request as Alice's browser does, or as a feature."""
        if http is not None:
            return http.request(method, path, content=data, headers={**_TUS, **headers})
        browser = self.alice.browser
        return browser.http.request(
            method,
            f"{browser.base_url}{path}",
            content=data,
            headers={
                **_TUS,
                "X-CSRFToken": browser.http.cookies["csrf"],
                "Origin": browser.base_url,
                "Referer": f"{browser.base_url}/",
                **headers,
            },
        )

    # --- Waiting ----------------------------------------------------------------------------------

    def _wait(self, address: str, state: str) -> None:
        path = f"/files/{address.rpartition('/')[2]}"

        def get_state() -> str:
            return str(self.alice.api(path)["state"])

        self._settled(lambda: get_state() in _SETTLED)
        must(get_state() == state, f"a file is {self.alice.api(path)}")

    def _wait_for_all(self, person: SmokePerson) -> None:
        """Wait until workers have no file left."""
        waiting = {"waiting", "uploading", "checking"}
        self._settled(
            lambda: (
                not [
                    one
                    for one in person.api("/files", limit=100)["data"]
                    if one["state"] in waiting and one["origin"] != "client"
                ]
            )
        )

    def _wait_for_no_session(self) -> None:
        """Wait until no upload session is open at the provider."""

        def has_none() -> bool:
            sessions = self.sandbox.uploads(self.account)
            return all(one["complete"] or one["cancelled"] for one in sessions)

        self._settled(has_none)

    def _settled(self, is_settled: Callable[[], bool]) -> None:
        def look() -> bool:
            self.journey.boxes.nudge()
            return is_settled()

        eventually(look, within=45, says="a file to be settled", every=0.3)

    def _count(self, person: SmokePerson) -> int:
        return len(person.api("/files", limit=100)["data"])

    def _check_content(self, data: bytes) -> None:
        """See that the Drive has a file with exactly these bytes."""
        digest = hashlib.sha256(data).hexdigest()
        found = [one for one in self.sandbox.drive_files(self.account) if one["sha256"] == digest]
        must(len(found) == 1, f"{len(found)} files with these bytes are in the Drive")


def _describe_bytes(offset: int) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Content-Type": _BODY}


def _checksum(data: bytes) -> str:
    return f"sha256 {b64encode(hashlib.sha256(data).digest()).decode()}"
