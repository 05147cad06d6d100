"""The steps of sending: allowed in context, sent once, answered in its conversation, taken back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.smoke.client import Page
from tests.smoke.person import SmokePerson
from tests.smoke.walk import Walk, eventually, must
from tests.worlds.sandbox import Sandbox

UNDO_SECONDS: int = 5
BOB: str = "bob@mail.example"
_WAIT: float = 40.0


@dataclass
class SmokeSending:
    """:param mark: stands in every subject and text that is sent"""

    walk: Walk
    sandbox: Sandbox
    owner: SmokePerson
    account: str
    mark: str

    def run(self) -> None:
        step = self.walk.step
        step("sending allowed in context, and back to the message", self.allow)
        step("a message sent: the provider accepted it once", self.send)
        step("a reply in its conversation", self.reply)
        step("undone: its text is back, and nothing leaves", self.undo)

    def allow(self) -> str:
        self.owner.allow_sending(self.account, undo_seconds=UNDO_SECONDS)
        return f"time to undo {UNDO_SECONDS} s"

    def send(self) -> str:
        subject, began = f"{self.mark} sent", time.monotonic()
        page = self._write(self._open_form(), to=BOB, subject=subject, text=f"{self.mark} text")
        accepted = (time.monotonic() - began) * 1000
        must("data-outbox" in page.text, "the inbox does not show the message")
        self._wait_until_sent(subject)
        return f"{accepted:.0f} ms to accept it, {time.monotonic() - began:.1f} s until sent"

    def reply(self) -> str:
        newest = self.owner.api("/messages")["data"][0]
        form_page = self._open_form(f"?answer={newest['id']}&mode=reply")
        page = self._write(form_page, text=f"{self.mark} replied")
        must("/inbox/threads/" in page.url, f"the reply led to {page.url}")
        base = str(newest["subject"]).removeprefix("Re: ")
        self._wait_until_sent(f"Re: {base}")
        return "sent, and back in the conversation"

    def undo(self) -> str:
        subject, text = f"{self.mark} undone", f"{self.mark} not yet"
        page = self._write(self._open_form(), to=BOB, subject=subject, text=text)
        form = page.form("/inbox/outbox/")
        page = self.owner.browser.submit(page, form, form.data())
        must(text in page.text, "the text is not back")
        time.sleep(UNDO_SECONDS + 1)
        must(not self._list_accepted(subject), "it left although it was undone")
        return f"nothing after {UNDO_SECONDS + 1} s"

    def _open_form(self, query: str = "") -> Page:
        page = self.owner.browser.get(f"/inbox/compose/{query}")
        must(page.status == 200, f"the form was answered {page.status}")
        return page

    def _write(self, page: Page, **values: str) -> Page:
        form = page.form("/inbox/compose/")
        return self.owner.browser.submit(page, form, form.data(**values))

    def _wait_until_sent(self, subject: str) -> None:
        accepted = eventually(
            lambda: self._list_accepted(subject), within=_WAIT, says=f"accepted: {subject}"
        )
        must(len(accepted) == 1, f"accepted {len(accepted)} times")
        eventually(
            lambda: "Sending…" not in self.owner.browser.get("/inbox/outbox/").text,
            within=_WAIT,
            says="settled",
        )

    def _list_accepted(self, subject: str) -> list[dict[str, Any]]:
        return [mail for mail in self.sandbox.sent() if mail["subject"] == subject]
