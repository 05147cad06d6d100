"""The walk's features, one step each: connect, sync, read, refuse, end."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.canaries import fields, letter
from tests.canaries.cast import Cast, sign_in_with_code
from tests.canaries.mailboxes import Mailboxes, moods
from tests.canaries.marks import ALICE, BOB, ORIGINS, Marks
from tests.canaries.world import CanaryWorld
from tests.smoke.client import SmokeBrowser
from tests.smoke.person import MAIL_SCOPE
from tests.smoke.walk import eventually, must

_FOLDERS = ("inbox", "sent", "all")
_STAFF = ("sam", "rita", "otto")
_READ = 8
# Beyond the horizon: 2019, in milliseconds, as the sandbox has it.
LONG_AGO = 1_560_000_000_000


@dataclass
class Journey:
    world: CanaryWorld
    marks: Marks
    cast: Cast
    boxes: Mailboxes
    #: What of whom was removed: ids of removals, and where their receipts are.
    removals: dict[str, str] = field(default_factory=dict)
    delegation: str = ""

    def sign_in(self) -> str:
        typed = self.marks.typed
        page = self.cast.anonymous.get("/accounts/login/")
        form = page.form("login")
        self.cast.anonymous.submit(
            page, form, form.data(login=f"{typed}-login@x.example", password=f"{typed}-password")
        )
        for name in ORIGINS:
            self.cast[name].sign_in()
        for name in _STAFF:
            sign_in_with_code(self.cast[name], self.cast.secrets)
        return f"{len(ORIGINS) + len(_STAFF)} people, and one who is none"

    def connect(self) -> str:
        self.decline(ALICE, fields.CALLBACK)
        mark = self.marks.of(ALICE)
        body = {
            key: f"{mark}-token{key.replace('_', '')}"
            for key in ("error", "error_description", "error_uri", "error_subtype")
        }
        self.world.sandbox.fail_next(1, path_prefix="/token", status=400, body=body)
        self.cast[ALICE].connect(self.marks.account(ALICE))
        must(self.boxes.answered(body["error"]), "the code was taken")
        self.cast[ALICE].connect(self.marks.account(ALICE), untick=(MAIL_SCOPE,))
        for name in ORIGINS:
            self.cast[name].connect(self.marks.account(name))
        return "denied, not taken, partly, fully"

    def decline(self, name: str, words: Sequence[str], *, provider: str = "google") -> None:
        """Say no at the provider; then come back with words of one's own."""
        browser, typed = self.cast[name].browser, self.marks.typed
        page = browser.get(f"/settings/connect/{provider}/")
        form = page.form(f"connect/{provider}/begin")
        consent = browser.submit(page, form, form.data(agree="yes"))
        form = consent.form("decision")
        browser.submit(consent, form, form.data(button="cancel"))
        query = {one: f"{typed}-callback{one.replace('_', '')}" for one in words}
        browser.get(f"/connect/{provider}/callback?{urlencode(query)}")

    def synced(self) -> str:
        for name in ORIGINS:
            self.wait_for(name)
        return ", ".join(f"{name} {len(self.messages(name))}" for name in ORIGINS)

    def wait_for(self, name: str, *, provider: str = "google") -> None:
        def is_standing() -> bool:
            self.boxes.nudge()
            found = self.integration(name, provider=provider)
            is_on = found["status"] in {"active", "degraded"}
            return is_on and bool(found["sync"]["last_synced_at"])

        eventually(is_standing, within=45, says=f"{name}'s mailbox in step", every=0.2)

    def integration(
        self, name: str, *, product: str = "mail", provider: str = "google"
    ) -> dict[str, Any]:
        every = [one for row in self._rows(name, provider) for one in row["integrations"]]
        live = [one for one in every if one["product"] == product]
        must(live, f"{name} has no {product} connected")
        found: dict[str, Any] = live[0]
        return found

    def connection(self, name: str, *, provider: str = "google") -> str:
        return str(self._rows(name, provider)[0]["id"])

    def _rows(self, name: str, provider: str) -> list[dict[str, Any]]:
        rows = self.cast[name].api("/connections")["data"]
        return [one for one in rows if one["provider"] == provider]

    def messages(self, name: str) -> list[dict[str, Any]]:
        return self.cast[name].messages(limit=200)

    def changes(self) -> str:
        """News, labels, deletions, a message that cannot be read, a history that is gone."""
        sandbox, account = self.world.sandbox, self.marks.account(ALICE)
        mark = self.marks.of(ALICE)
        before = len(self.messages(ALICE))
        first = self.boxes.deliver(ALICE, raw=letter.raw(mark))
        eventually(self._more_than(before), within=20, says="news", every=0.2)
        sandbox.relabel(account, first["id"], add=("STARRED", "Label_1"), remove=("UNREAD",))
        for kind, crafted in (
            ("odd", {}),
            ("poison", {"payload": {"mimeType": "text/plain", "parts": 7}}),
        ):
            message = self.boxes.deliver(ALICE, text=f"{mark}-{kind}", subject=f"{mark}-{kind}")
            body = self.boxes.crafted(ALICE, message, **crafted)
            sandbox.fail_next(9, path_contains=message["id"], status=200, body=body)
            eventually(self._heard(f"{mark}-classificationlabel"), within=20, says=kind, every=0.2)
        eventually(self._set_aside, within=20, says="something set aside", every=0.2)
        sandbox.clear_faults()
        self._labels_and_history(mark)
        sandbox.delete(account, first["id"])
        sandbox.expire_history(account)
        self.boxes.nudge()
        self.wait_for(ALICE)
        return f"{before} messages and more; one is set aside"

    def _labels_and_history(self, mark: str) -> None:
        sandbox, account = self.world.sandbox, self.marks.account(ALICE)
        box = sandbox.mailbox(account)
        newest = box["messages"][0]
        label = f"{mark}-labelid"
        entry = {
            "message": {"id": newest["id"], "threadId": newest["threadId"], "labelIds": [label]},
            "labelIds": [label],
        }
        history = {
            "history": [{"id": box["historyId"], "labelsAdded": [entry], "labelsRemoved": [entry]}],
            "historyId": box["historyId"],
        }
        colors = {"backgroundColor": f"{mark}-backgroundcolor", "textColor": f"{mark}-textcolor"}
        names = [{"id": label, "name": f"{mark}-label", "type": "user", "color": colors}]
        sandbox.fail_next(1, path_contains="/labels", status=200, body={"labels": names})
        sandbox.fail_next(1, path_contains="/history", status=200, body=history)
        eventually(self._heard(f"{mark}-textcolor"), within=20, says="colours", every=0.2)
        sandbox.clear_faults()

    def _more_than(self, count: int):
        def has_more() -> bool:
            self.boxes.nudge()
            return len(self.messages(ALICE)) > count

        return has_more

    def _heard(self, text: str):
        def is_answered() -> bool:
            self.boxes.nudge()
            return self.boxes.answered(text)

        return is_answered

    def _set_aside(self) -> bool:
        self.boxes.nudge()
        return bool(self.integration(ALICE)["sync"]["set_aside_count"])

    def misbehaviour(self) -> str:
        """Every kind of refusal of the provider, in its own words."""
        names = []
        for name, text, fault in moods(self.boxes, BOB):
            self.boxes.misbehave(text, **fault)
            names.append(name)
        # The access token is refused, and the refresh as well, without ending the grant.
        mark = self.marks.of(BOB)
        self.world.sandbox.expire_access(self.marks.account(BOB))
        self.boxes.misbehave(
            f"{mark}-tokenerror",
            path_prefix="/token",
            status=400,
            body={"error": f"{mark}-tokenerror", "error_subtype": f"{mark}-tokenerrorsubtype"},
        )
        self.wait_for(BOB)
        return ", ".join([*names, "401 and a refused refresh"])

    def read(self) -> str:
        """Everything of everybody's, by pages and by API, as its owner."""
        for name in ORIGINS:
            self.read_all(name)
        marks = {name: self.marks.of(name) for name in ORIGINS}
        for name, mark in marks.items():
            must(self.cast.exchanges.say(mark, name), f"{name} was shown nothing of theirs")
        return f"{len(self.cast.exchanges.all)} answers so far"

    def read_older_texts(self) -> str:
        """Read messages whose text an older version of the code made safe: it is made again."""
        from integrations.models import MessageBody

        MessageBody.objects.update(shown_version=0)
        self.read_all(ALICE)
        again = MessageBody.objects.filter(shown_version__gt=0).count()
        must(again, "no text was made again")
        return f"{again} made again, and stored"

    def read_all(self, name: str) -> None:
        """Read all mail of that person, whoever it is kept by, and what settings say of it."""
        person = self.cast[name]
        for folder in _FOLDERS:
            person.browser.get(f"/inbox/?folder={folder}")
        messages = self.messages(name)
        # Those with the most in them, and some of all the others.
        messages.sort(key=lambda one: not one["has_attachments"])
        for message in messages[:_READ]:
            _read_one(person.browser, message)
        first = person.api("/messages", limit=2)
        if first["next_cursor"]:
            person.api("/messages", limit=2, cursor=first["next_cursor"])
        for thread in person.api("/threads", limit=200)["data"][:_READ]:
            person.api(f"/threads/{thread['id']}")
            person.browser.get(f"/inbox/threads/{thread['id']}/")
        for row in person.api("/connections")["data"]:
            person.api(f"/connections/{row['id']}")
            for one in row["integrations"]:
                person.browser.get(f"/settings/integrations/{one['id']}/details/")
                person.browser.get(f"/settings/integrations/{one['id']}/progress/")
        person.settings()

    def search(self) -> str:
        """Search at the provider, for what is there and what is not; nothing of it is kept."""
        mark = self.marks.of(ALICE)
        old = self.boxes.deliver(ALICE, raw=letter.raw(mark), date=LONG_AGO, labels=["INBOX"])
        before = len(self.messages(ALICE))
        count = self.search_there(ALICE)
        self.boxes.nudge()
        self.wait_for(ALICE)
        must(len(self.messages(ALICE)) == before, "what was found is kept")
        self.world.sandbox.delete(self.marks.account(ALICE), old["id"])
        return f"{count} shown from there"

    def search_there(self, name: str) -> int:
        """Search in every mailbox of that person; return how much was shown of what was found."""
        mark, browser = self.marks.of(name), self.cast[name].browser
        places = []
        for words in (f"{self.marks.typed}-words", mark):
            page = browser.get("/inbox/search/")
            form = page.form("inbox/search")
            found = browser.submit(page, form, form.data(words=words))
            places += re.findall(r'href="(/inbox/elsewhere/[^"]+)"', found.text)
        must(places, "nothing was found at the provider")
        for place in places:
            message = browser.get(place)
            browser.get(f"{place}body/")
            for file in re.findall(r'href="(/inbox/elsewhere/[^"]+/file/)"', message.text):
                browser.get(file)
        return len(places)

    def feature_reads(self) -> str:
        self.delegation = self.cast[ALICE].switch_on("inbox-widget")
        with self.cast.client("inbox-widget", self.delegation, of=ALICE) as http:
            rows = http.get("/v1/users/me/messages", params={"limit": 200}).json()["data"]
            must(rows, "the feature reads nothing")
            for row in rows[:5]:
                found = http.get(f"/v1/users/me/messages/{row['id']}").json()
                for file in found.get("attachments", ()):
                    http.get(f"/v1/users/me/messages/{row['id']}/attachments/{file['id']}")
            threads = http.get("/v1/users/me/threads").json()["data"]
            http.get(f"/v1/users/me/threads/{threads[0]['id']}")
            http.get("/v1/users/me/connections")
            # Somebody else's, whom it has no business with.
            http.get(f"/v1/users/{self.cast.id(BOB)}/messages")
        return f"{len(rows)} messages for a feature that Alice switched on"

    def refused(self) -> str:
        with self.cast.client("campaigns", self.cast.delegation_of_campaigns, of=ALICE) as http:
            answer = http.get("/v1/users/me/messages")
            http.get("/v1/users/me/threads")
        must(answer.status_code == 403, f"a marketing feature was answered {answer.status_code}")
        return str(answer.json()["rule"])

    def ended_elsewhere(self) -> str:
        """The grant ends at the provider; reconnected in time, nothing is lost."""
        self.world.sandbox.revoke_grant(self.marks.account(BOB))
        self.asked_to_reconnect(BOB)
        self.read_all(BOB)
        self.cast[BOB].connect(self.marks.account(BOB), connection=self.connection(BOB))
        self.wait_for(BOB)
        return "said, read meanwhile, reconnected"

    def asked_to_reconnect(self, name: str) -> None:
        def is_asked() -> bool:
            self.boxes.nudge()
            return "Reconnect before" in self.cast[name].settings().text

        eventually(is_asked, within=30, says="to reconnect", every=0.3)

    def disconnect(self, name: str, *, product: str = "mail", provider: str = "google") -> str:
        """Disconnect by the page, and keep what leads to the receipt."""
        person, account = self.cast[name], self.connection(name, provider=provider)
        integration = self.integration(name, product=product, provider=provider)
        page, milliseconds = person.disconnect(integration["id"])
        found = re.search(r"/settings/removals/([0-9a-f-]{36})/", page.url)
        must(found, f"no page of the removal: {page.url}")
        self.removals[name] = found[1] if found else ""
        if product == "mail":
            mine = [one for one in self.messages(name) if one["connection_id"] == account]
            must(not mine, "messages still open")
        elif product == "drive":
            must(not person.api("/files")["data"], "files are still listed")
        else:
            must(not person.api("/calendars")["data"], "calendars are still listed")
        return f"{milliseconds:.0f} ms"

    def receipt(self, name: str) -> str:
        """Wait for the receipt and fetch it, by the account and by a link that needs none."""
        browser = self.cast[name].browser
        place = f"/settings/removals/{self.removals[name]}/"

        def is_receipt_there() -> bool:
            return browser.get(f"{place}receipt.json").status == 200

        began = time.monotonic()
        eventually(is_receipt_there, within=60, says="a receipt", every=0.2)
        page = browser.get(place)
        form = page.form("/link/")
        shown = browser.submit(page, form, form.data())
        found = re.search(r"/receipts/([\w-]+)/", shown.text)
        must(found, "no link to the receipt")
        token = found[1] if found else ""
        self.cast.secrets.add("receipt link", token)
        for rest in ("", "receipt.json", "receipt-part-2.json"):
            self.cast.anonymous.get(f"/receipts/{token}/{rest}")
        return f"{time.monotonic() - began:.1f} s"


def _read_one(browser: SmokeBrowser, message: dict[str, Any]) -> None:
    place = f"{browser.base_url}/v1/users/me/messages/{message['id']}"
    found = browser.http.get(place)
    browser.get(f"/inbox/messages/{message['id']}/body/")
    for file in found.json().get("attachments", ()) if found.is_success else ():
        browser.http.get(f"{place}/attachments/{file['id']}")
        browser.get(f"/inbox/messages/{message['id']}/attachments/{file['id']}/")
