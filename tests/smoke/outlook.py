"""The steps of Microsoft: connect mail and calendar, be told, read beside Gmail, lose, end."""

from __future__ import annotations

import html
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.smoke.person import SmokePerson
from tests.smoke.receipts import Receipts
from tests.smoke.walk import Failed, Walk, eventually, must
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.sandbox import Sandbox

SIZE: Final = 40
DELIVERIES: Final = 10
# Letters that came in turn, by the hour, to Outlook and to Gmail.
LETTERS: Final = 6
_CONSENT_PAGE: Final = "https://myapps.microsoft.com"


@dataclass
class SmokeOutlook:
    """
    :param owner: of an account at Microsoft, and of another one at Google
    :param mark: stands in every text of theirs there
    """

    walk: Walk
    sandbox: Sandbox
    owner: SmokePerson
    receipts: Receipts
    mark: str
    connection_id: str = ""
    kept: int = 0

    def __post_init__(self) -> None:
        self.microsoft = MicrosoftSandbox(self.sandbox)
        self.account = f"{self.mark}@contoso.example"
        self.gmail = f"{self.mark}.d@gmail.example"

    def run(self) -> None:
        step = self.walk.step
        step("Microsoft: mail and calendar seeded at the sandbox", self.seed)
        step("Microsoft: connect mail; first messages readable", self.connect)
        step(f"Microsoft: push to readable, {DELIVERIES} deliveries", self.push_to_readable)
        step("Microsoft: calendars added; an event in the view", self.calendar)
        step("one inbox: Gmail and Outlook in one order", self.one_inbox)

    def end(self) -> None:
        step = self.walk.step
        step("Microsoft: consent removed there: reconnect asked", self.revoked)
        step("Microsoft: reconnected: nothing lost", self.reconnected)
        step("Microsoft: calendars disconnected and removed", self.end_calendars)
        step("Microsoft: disconnected, removed; the receipt says what is left there", self.end_mail)

    def seed(self) -> str:
        self.sandbox.dial(graph_requests_per_ten_minutes=0)
        start = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
        event = {
            "summary": f"{self.mark} planning",
            "start": {"dateTime": start.isoformat(), "timeZone": "Europe/Berlin"},
            "end": {"dateTime": (start + timedelta(hours=1)).isoformat(), "timeZone": "UTC"},
        }
        self.microsoft.seed(
            self.account,
            size=SIZE,
            seed=9,
            days=80,
            canary=self.mark,
            name=self.mark,
            calendar_fields={"time_zone": "Europe/Berlin", "events": [event]},
        )
        letters = [self._letter(number) for number in range(1, LETTERS, 2)]
        self.sandbox.seed(self.gmail, size=0, name=self.mark, messages=letters)
        return f"{SIZE} messages and an event"

    def connect(self) -> str:
        self.owner.sign_in()
        self.owner.connect(self.account, provider="microsoft")
        began = time.monotonic()
        self.connection_id = str(self._row()["id"])
        eventually(self.owner.messages, within=30, says="a first message")
        first = time.monotonic() - began
        self._in_step()
        return f"{first:.2f} s after consent; {len(self._messages())} messages here"

    def calendar(self) -> str:
        self._connect(product="calendar")
        began = time.monotonic()
        eventually(lambda: self._shows_event("/calendar/?view=week"), within=30, says="its event")
        return f"{time.monotonic() - began:.2f} s after consent"

    def push_to_readable(self) -> str:
        """From a message at Microsoft to the same in the API, because Microsoft told."""
        # One that cannot be opened at first is opened half a minute later.
        eventually(self._is_told, within=60, says="Microsoft's first word")
        waits = sorted(self._readable_after(number) for number in range(DELIVERIES))
        p50, p95 = (waits[round(share * (len(waits) - 1))] for share in (0.5, 0.95))
        told = [one for one in self.sandbox.pushes()["sent"] if one["about"].startswith("graph")]
        must(len(told) >= DELIVERIES, f"{len(told)} notifications were sent")
        must({one["status"] for one in told} == {202}, "a notification was refused")
        return f"p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms over {len(waits)} deliveries"

    def one_inbox(self) -> str:
        for number in range(0, LETTERS, 2):
            self.microsoft.deliver(self.account, **self._letter(number))
        self.owner.connect(self.gmail)
        wanted = [self._letter(number)["subject"] for number in range(LETTERS)]
        eventually(lambda: self._letters() == wanted, within=30, says="all letters, in their order")
        page = self.owner.browser.get("/inbox/").text
        places = [page.find(subject) for subject in wanted]
        must(-1 not in places and places == sorted(places), "the page has another order")
        connections = {one["connection_id"] for one in self.owner.messages(limit=200)}
        return f"{LETTERS} letters in turn, {len(connections)} accounts, by page and API"

    def revoked(self) -> str:
        self.kept = len(self._messages())
        self.microsoft.control("microsoft/consents/forget", email=self.account)
        self.microsoft.control("microsoft/tokens/expire", email=self.account)
        began = time.monotonic()
        # What it is told of cannot be fetched any more.
        self.microsoft.deliver(self.account, subject=f"{self.mark} unread")
        eventually(
            lambda: "Reconnect before" in self.owner.settings().text,
            within=30,
            says="that it asks to reconnect",
        )
        must(len(self._messages()) == self.kept, "its owner can no longer read")
        return f"said after {time.monotonic() - began:.1f} s; the owner reads on"

    def reconnected(self) -> str:
        self._connect(product="mail")
        self._in_step()
        eventually(
            lambda: len(self._messages()) == self.kept + 1, within=30, says="what came meanwhile"
        )
        return f"{self.kept} messages are here, and the one that came meanwhile"

    def end_calendars(self) -> str:
        began = time.monotonic()
        self.owner.disconnect(self._integration("calendar")["id"])
        must(not self._shows_event("/calendar/?view=week"), "the event is still shown")
        revocation = self._receipt()["provider_revocation"]
        must(revocation["outcome"] == "needed_elsewhere", revocation["outcome"])
        return f"{time.monotonic() - began:.1f} s to the receipt; the grant stays for the mail"

    def end_mail(self) -> str:
        page, milliseconds = self.owner.disconnect(self._integration("mail")["id"])
        must("can no longer read" in page.text, "the page does not say so")
        must(not self._messages(), "messages still open")
        began = time.monotonic()
        body = self._receipt()
        revocation = body["provider_revocation"]
        must(revocation["outcome"] == "not_offered", revocation["outcome"])
        must(_CONSENT_PAGE in revocation["pages"], "it does not say where the consent is removed")
        shown = html.unescape(self.owner.browser.get(page.url).text)
        must(_CONSENT_PAGE in shown, "the page does not say where the consent is removed")
        left = self.microsoft.look("microsoft/subscriptions", email=self.account)["subscriptions"]
        watches = body["provider_watches"]["outcome"]
        must(not left or watches != "stopped", f"{len(left)} subscriptions are left there")
        return (
            f"{milliseconds:.0f} ms to the page; {time.monotonic() - began:.1f} s to a receipt that"
            f" verifies; revocation {revocation['outcome']}, subscriptions {watches}"
        )

    def _receipt(self) -> dict[str, Any]:
        """Return the body of the next receipt, which verifies."""
        found = eventually(
            lambda: self.receipts.next(self.owner), within=60, says="a receipt", every=0.2
        )
        status, said = self.receipts.verify(found)
        must(status == 0, said)
        return dict(json.loads(found)["body"])

    def _letter(self, number: int) -> dict[str, Any]:
        at = datetime.now(UTC) - timedelta(hours=number + 1)
        return {
            "subject": f"{self.mark} letter {number}",
            "date": int(at.timestamp() * 1000),
            "sender": self.mark,
        }

    def _letters(self) -> list[str]:
        subjects = [str(one["subject"]) for one in self.owner.messages(limit=200)]
        return [one for one in subjects if one.startswith(f"{self.mark} letter")]

    def _connect(self, *, product: str) -> None:
        """Connect once more what is connected."""
        self.owner.connect(
            self.account, provider="microsoft", product=product, connection=self.connection_id
        )

    def _row(self) -> dict[str, Any]:
        rows = self.owner.api("/connections")["data"]
        found = [one for one in rows if one["provider"] == "microsoft"]
        if not found:
            raise Failed("there is no connection to Microsoft")
        return dict(found[0])

    def _integration(self, product: str) -> dict[str, Any]:
        every = self._row()["integrations"]
        return next(dict(one) for one in every if one["product"] == product)

    def _messages(self) -> list[dict[str, Any]]:
        every = self.owner.messages(limit=200)
        return [one for one in every if one["connection_id"] == self.connection_id]

    def _in_step(self) -> None:
        eventually(
            lambda: self._integration("mail")["status"] == "active", within=60, says="in step"
        )

    def _is_told(self) -> bool:
        return bool(self._integration("mail")["sync"]["last_event_at"])

    def _shows_event(self, view: str) -> bool:
        return f"{self.mark} planning" in self.owner.browser.get(view).text

    def _readable_after(self, number: int) -> float:
        # Apart from each other: what is told of during a run is found by the next.
        time.sleep(0.2)
        subject = f"{self.mark} told {number}"
        began = time.monotonic()
        self.microsoft.deliver(self.account, subject=subject, text="told", sender=self.mark)

        def is_readable() -> bool:
            return any(one["subject"] == subject for one in self.owner.messages(limit=5))

        eventually(is_readable, within=30, says=subject, every=0.01)
        return time.monotonic() - began
