"""The steps of Drive: files from a client, a message and a feature, each once and byte-equal."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.raw_feature import RawFeature
from tests.smoke.client import forms
from tests.smoke.person import SmokePerson
from tests.smoke.receipts import Receipts
from tests.smoke.walk import Walk, eventually, must
from tests.worlds.sandbox import Sandbox

FEATURE: Final = "recordings"
_PIECE: Final = 4 * 256 * 1024
_SIZE: Final = 3 * _PIECE + 5
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_BODY: Final = "application/offset+octet-stream"
_WAIT: Final = 40.0


class _BrokeOff(Exception):
    """The client breaks off in the middle of a request."""


@dataclass
class SmokeFiles:
    """:param mark: stands in every name and in the bytes"""

    walk: Walk
    sandbox: Sandbox
    owner: SmokePerson
    recordings: RawFeature
    receipts: Receipts
    account: str
    mark: str
    drive: str = ""
    saved: list[str] = field(default_factory=list)

    def run(self) -> None:
        step = self.walk.step
        step("a Drive connected beside the mail", self.connect)
        step("a file in pieces, broken off and continued: byte-equal", self.upload)
        step("a folder chosen at the provider", self.choose_folder)
        step("an attachment saved in the Drive", self.save_attachment)
        step("a feature proposes, its owner accepts, and it sends", self.propose)
        step("feature switched off: its next file is refused", self.switch_off)
        step("the Drive disconnected: the receipt names what stays", self.disconnect)

    def connect(self) -> str:
        row = next(one for one in self.owner.api("/connections")["data"])
        self.owner.connect(self.account, product="drive", connection=row["id"])
        row = next(one for one in self.owner.api("/connections")["data"])
        products = {one["product"]: one["id"] for one in row["integrations"]}
        self.drive = str(products["drive"])
        must(not self.sandbox.drive_files(self.account), "something is in the Drive already")
        return "nothing is in it yet"

    def upload(self) -> str:
        """Send one piece, break off in the second, ask, and send the rest."""
        data = self._make_data(_SIZE)
        address = self._begin("report.bin", len(data))
        self._send(address, data[:_PIECE])
        with suppress(_BrokeOff, httpx.HTTPError):
            self._request("PATCH", address, _break_off(data[_PIECE:]), **_describe(_PIECE, _SIZE))
        offset = self._ask(address)
        must(_PIECE <= offset < _SIZE, f"{offset} bytes arrived")
        self._send(address, data[offset:], offset=offset)
        began = time.monotonic()
        self._wait(address)
        self._check("report.bin", data)
        return f"{offset:,} of {_SIZE:,} bytes before; compared in {time.monotonic() - began:.1f} s"

    def choose_folder(self) -> str:
        folder_id = self.sandbox.add_folder(self.account, f"{self.mark} contracts")
        page = self.owner.browser.get("/files/")
        form = next(one for one in forms(page.text) if ("action", "choose") in one.fields)
        base = self.owner.browser.base_url
        answer = self.owner.browser.http.post(
            f"{base}{form.action}", data=dict(form.data()), headers={"origin": base}
        )
        way_back = self.sandbox.pick(answer.headers["location"], folder_id, email=self.account)
        page = self.owner.browser.get(way_back)
        must("picked_file_ids" not in page.url, "the address still holds the folder")
        must(f"{self.mark} contracts" in page.text, "the folder is not named")
        data = self._make_data(1000)
        address = self._begin("contract.pdf", len(data))
        self._send(address, data)
        self._wait(address)
        remote = self._check("contract.pdf", data)
        must(remote["parents"] == [folder_id], "it went to another folder")
        return "and a file is in it"

    def save_attachment(self) -> str:
        path, size = self._find_attachment()
        page = self.owner.browser.get(path)
        form = page.own_form()
        began = time.monotonic()
        self.owner.browser.submit(page, form, form.data())
        row = self.owner.api("/files", limit=1)["data"][0]
        must(row["origin"] == "attachment", "nothing was ordered")
        self._wait(row["id"])
        row = self.owner.api(f"/files/{row['id']}")
        (remote,) = self._find(row["filename"])
        self.saved.append(row["filename"])
        return f"{remote['size']:,} bytes of {size:,}, {time.monotonic() - began:.1f} s"

    def propose(self) -> str:
        delegation = self.owner.switch_on(FEATURE)
        token = self.recordings.request_token(delegation).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        data = self._make_data(1000)
        with httpx.Client(base_url=self.recordings.base_url, headers=headers, timeout=30) as http:
            address = self._begin("call.wav", len(data), http, content_type="audio/wav")
            early = self._request("PATCH", address, data, http, **_describe(0))
            must(early.status_code == 409, f"before it was accepted: {early.status_code}")
            self._press(address, "accept")
            self._send(address, data, http=http)
            self._wait(address)
            self._check("call.wav", data)
            (row,) = http.get("/v1/users/me/files").json()["data"]
            must(row["link"] is None, "the feature sees where the file is")
        self.headers = headers
        return "409 before, 204 after"

    def switch_off(self) -> str:
        """By its owner; its token opens nothing any more."""
        self.owner.switch_off(FEATURE)
        url = f"{self.recordings.base_url}/v1/users/me/files"
        answer = httpx.get(url, headers=self.headers, timeout=30)
        must(answer.status_code in {401, 403}, f"it was answered {answer.status_code}")
        return str(answer.status_code)

    def disconnect(self) -> str:
        """The files stay in the Drive, and the receipt says how many."""
        self.owner.disconnect(self.drive)
        must(not self.owner.api("/files")["data"], "files are still listed")
        receipt = eventually(lambda: self.receipts.next(self.owner), within=120, says="a receipt")
        status, said = self.receipts.verify(receipt)
        must(status == 0, said)
        self.receipts.check_features(receipt)
        uploads = json.loads(receipt)["body"]["uploads"]
        must(uploads["saved"] == len(self.saved), f"it names {uploads['saved']} files")
        for name in self.saved:
            must(self._find(name), f"{name} is not in the Drive")
        return f"{uploads['saved']} files stay; {said.strip().splitlines()[0].strip()}"

    def _make_data(self, size: int) -> bytes:
        text = f"{self.mark} {secrets.token_hex(8)} ".encode()
        return (text * (size // len(text) + 1))[:size]

    def _find_attachment(self) -> tuple[str, int]:
        for row in self.owner.messages(has_attachments="true", limit=20):
            for file in self.owner.api(f"/messages/{row['id']}")["attachments"]:
                if not file["is_inline"]:
                    return f"/files/save/attachments/{row['id']}/{file['id']}/", file["size"]
        raise LookupError("no message has an attachment")

    def _press(self, address: str, action: str) -> None:
        page = self.owner.browser.get("/files/")
        place = f"/files/{address.rpartition('/')[2]}/"
        form = next(
            one
            for one in forms(page.text)
            if one.action == place and ("action", action) in one.fields
        )
        self.owner.browser.submit(page, form, form.data())

    def _begin(
        self,
        name: str,
        size: int,
        http: httpx.Client | None = None,
        *,
        content_type: str = "application/octet-stream",
    ) -> str:
        pairs = {"filename": f"{self.mark} {name}", "filetype": content_type}
        metadata = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in pairs.items())
        headers = {"Upload-Length": str(size), "Upload-Metadata": metadata}
        answer = self._request("POST", "/v1/users/me/files", b"", http, **headers)
        must(answer.status_code == 201, f"{name} was answered {answer.status_code}")
        return str(answer.headers["Location"])

    def _send(
        self,
        address: str,
        data: bytes,
        *,
        offset: int = 0,
        http: httpx.Client | None = None,
    ) -> None:
        def send() -> bool:
            answer = self._request("PATCH", address, data, http, **_describe(offset))
            # The request that broke off may not have ended yet.
            must(answer.status_code in {204, 423}, f"bytes were answered {answer.status_code}")
            return bool(answer.status_code == 204)

        eventually(send, within=_WAIT, says="bytes taken", every=0.5)

    def _ask(self, address: str) -> int:
        def ask() -> str:
            answer = self._request("HEAD", address)
            return str(answer.headers["Upload-Offset"]) if answer.status_code == 200 else ""

        return int(eventually(ask, within=_WAIT, says="how many bytes arrived", every=0.5))

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | Iterator[bytes] = b"",
        http: httpx.Client | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Send a request as the owner's browser does, or as a feature."""
        if http is not None:
            return http.request(method, path, content=content, headers={**_TUS, **headers})
        browser = self.owner.browser
        own = {"X-CSRFToken": browser.http.cookies["csrf"], "Origin": browser.base_url}
        url = f"{browser.base_url}{path}"
        return browser.http.request(
            method, url, content=content, headers={**_TUS, **own, **headers}
        )

    def _wait(self, address: str) -> None:
        path = f"/files/{address.rpartition('/')[2]}"
        settled = {"done", "failed", "cancelled"}
        eventually(
            lambda: self.owner.api(path)["state"] in settled, within=_WAIT, says="a settled file"
        )
        row = self.owner.api(path)
        must(row["state"] == "done", f"it is {row['state']}: {row['problem']}")

    def _check(self, name: str, data: bytes) -> dict[str, Any]:
        """Return the file in the Drive, which has exactly these bytes, and was created once."""
        name = f"{self.mark} {name}"
        found = self._find(name)
        must(len(found) == 1, f"{len(found)} files have this name")
        must(found[0]["sha256"] == hashlib.sha256(data).hexdigest(), "other bytes are there")
        must(found[0]["creations"] == 1, "it was created more than once")
        self.saved.append(name)
        return found[0]

    def _find(self, name: str) -> list[dict[str, Any]]:
        files = self.sandbox.drive_files(self.account)
        return [one for one in files if one["name"] == name and not one["deleted"]]


def _describe(offset: int, end: int = 0) -> dict[str, str]:
    """:param end: of a body that says how long it would be; 0: it is there"""
    length = {"Content-Length": str(end - offset)} if end else {}
    return {"Upload-Offset": str(offset), "Content-Type": _BODY, **length}


def _break_off(data: bytes) -> Iterator[bytes]:
    yield data[: len(data) // 2]
    raise _BrokeOff
