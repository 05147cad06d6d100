"""A tus client of the API's files over Django's test client, and what the sandbox got."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from django.http import HttpResponse
from django.test import Client

from tests.integrations.google import ALICE_BOX
from tests.integrations.uploads.tus import BODY_TYPE, encode_metadata, make_file
from tests.worlds.sandbox import Sandbox

UNIT = 256 * 1024
FILES = "/v1/users/me/files"
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class FileClient:
    http: Client
    sandbox: Sandbox

    def create(
        self,
        size: int | str,
        *,
        filename: str = "report.bin",
        content_type: str = "application/x-report",
        query: str = "",
        **more: str,
    ) -> HttpResponse:
        metadata = encode_metadata(filename=filename, filetype=content_type)
        headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata, **more}
        return self.http.post(f"{FILES}{query}", b"", content_type="text/plain", headers=headers)

    def begin(self, size: int, **more: str) -> str:
        """Return the address of a new upload."""
        answer = self.create(size, **more)
        assert answer.status_code == 201, answer.content
        return answer["Location"]

    def send(self, address: str, data: bytes, *, offset: int | str = 0, **more) -> HttpResponse:
        headers = {**TUS, "Upload-Offset": str(offset), **more}
        return self.http.patch(address, data, BODY_TYPE, headers=headers, CONTENT_TYPE=BODY_TYPE)

    def ask(self, address: str) -> int:
        """Return the offset; a tus client asks again after a 503."""
        for _ in range(4):
            answer = self.http.head(address, headers=TUS)
            if answer.status_code != 503:
                break
        assert answer.status_code == 200, answer
        return int(answer["Upload-Offset"])

    def upload(self, data: bytes, **more: str) -> str:
        address = self.begin(len(data), **more)
        answer = self.send(address, data)
        assert answer.status_code == 204, answer.content
        return address

    def finish(self, address: str, data: bytes) -> None:
        """Send what is missing, as a client does after an interruption."""
        offset = self.ask(address)
        if offset < len(data):
            answer = self.send(address, data[offset:], offset=offset)
            assert answer.status_code == 204, answer.content

    def read(self, address: str) -> dict:
        answer = self.http.get(address)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def list(self) -> list[dict]:
        answer = self.http.get(FILES)
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]

    def list_remote(self) -> list[dict]:
        """Return files in the Drive, without folders."""
        return [file for file in self.list_everything() if "folder" not in file["mime_type"]]

    def list_everything(self) -> list[dict]:
        files = self.sandbox.drive_files(ALICE_BOX)
        return [file for file in files if not file["deleted"]]

    def check_remote(self, data: bytes) -> dict:
        """Return the only file in the Drive, which has exactly these bytes, created once."""
        (remote,) = self.list_remote()
        assert remote["size"] == len(data)
        assert remote["sha256"] == hashlib.sha256(data).hexdigest()
        assert remote["creations"] == 1
        return remote


def make_checksum(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, data).digest()).decode()}"


__all__ = ["FILES", "TUS", "UNIT", "FileClient", "make_checksum", "make_file"]
