"""Files to send, with a word in each name and throughout the bytes: one whole, one broken off."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

import httpx

from tests.canaries.journey import Journey
from tests.canaries.marks import ALICE
from tests.smoke.walk import must

#: Bytes: more than one chunk.
_SIZE: Final = 700_000


@dataclass
class CanaryUploads:
    journey: Journey

    def send(self) -> str:
        """Send a whole file and half of another; neither belongs to a message yet."""
        # This needs Django set up.
        from integrations.models import Connection
        from tests.api import cast

        connection = self.journey.connection(ALICE)
        cast.allow_sending(Connection.objects.get(id=connection))
        mailbox = str(self.journey.integration(ALICE)["id"])
        for name, share in (("whole", 1), ("half", 2)):
            self._send(mailbox, name, share)
        return f"two files of {_SIZE} bytes, one of them half"

    def _send(self, mailbox: str, name: str, share: int) -> None:
        typed = self.journey.marks.typed
        word = f"{typed}-upload{name} ".encode()
        data = (word * (_SIZE // len(word) + 1))[:_SIZE]
        filename = b64encode(f"{typed}-upload{name}.txt".encode()).decode()
        begun = self._request(
            "POST",
            f"/uploads/?mailbox={mailbox}",
            **{"Upload-Length": str(_SIZE), "Upload-Metadata": f"filename {filename}"},
        )
        must(begun.status_code == 201, f"a file was answered {begun.status_code}")
        sent = self._request(
            "PATCH",
            begun.headers["Location"],
            data[: _SIZE // share],
            **{"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
        )
        must(sent.status_code == 204, f"its bytes were answered {sent.status_code}")

    def _request(self, method: str, path: str, data: bytes = b"", **headers: str) -> httpx.Response:
        browser = self.journey.cast[ALICE].browser
        return browser.http.request(
            method,
            f"{browser.base_url}{path}",
            content=data,
            headers={
                "Tus-Resumable": "1.0.0",
                "X-CSRFToken": browser.http.cookies["csrf"],
                "Origin": browser.base_url,
                "Referer": f"{browser.base_url}/",
                **headers,
            },
        )
