"""The steps of support: found by a code, an item asked for and taken back, revoked, an alarm."""

from __future__ import annotations

import html
import json
import re
import time
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Final

from tests.browser.factor import code
from tests.smoke.client import Page
from tests.smoke.person import SmokePerson, find_on_page
from tests.smoke.receipts import Receipts
from tests.smoke.walk import Failed, Walk, eventually, must

TICKET: Final = "SMOKE-20"
_REASON: Final = "device_lost"
_REASON_TEXT: Final = "A device is lost or stolen."
_TEXT: Final = "The laptop was left on a train."
_ALARM: Final = "support.unusual"
# An agent may look up as many within an hour; the alarm comes before.
_MAX_LOOKUPS: Final = 60
_NOBODY: Final = "platform-nobody"


@dataclass
class SmokeSupport:
    """
    :param owner: a person with connected mail, of which support disconnects one mailbox
    :param mail: the folder of mail that Antares sent
    """

    walk: Walk
    owner: SmokePerson
    agent: SmokePerson
    operator: SmokePerson
    receipts: Receipts
    mark: str
    mail: Path
    spoken: str = field(default="", repr=False)
    person: str = ""
    connection: Page | None = None
    question: str = ""

    def sign_in(self) -> str:
        """Sign in early: a code serves once, and the disconnect needs another one."""
        for member in (self.agent, self.operator):
            _sign_in_with_code(member)
        return "support agent and operator, each with password and code"

    def run(self) -> None:
        step = self.walk.step
        step("support: a person creates a code", self.create_code)
        step("support: an agent finds the person by the code, once", self.find)
        step("support: the state of the connection, without content", self.see)
        step("support: asked to see a message, and allowed", self.ask)
        step("support: the agent reads it; taken back, it is refused", self.read)
        step("support: a mailbox disconnected, after a second factor", self.revoke)
        step("support: the receipt says support, and verifies offline", self.check_receipt)
        step("support: the person's page and mail say who and why", self.is_told)
        step("operations: too many look-ups raise an alarm, which is settled", self.settle_alarm)

    def create_code(self) -> str:
        browser = self.owner.browser
        page = browser.get("/settings/support/")
        page = browser.submit(page, page.own_form(), page.own_form().data())
        parts = re.findall(r'class="nowrap">([0-9A-HJKMNP-TV-Z]{5})<', page.text)
        must(len(parts) == 2, "no code is shown")
        self.spoken = "-".join(parts)
        again = browser.get("/settings/support/").text
        must(parts[0] not in again, "the code is shown twice")
        return "shown once"

    def find(self) -> str:
        began = time.monotonic()
        page = self._look_up("code", self.spoken)
        milliseconds = (time.monotonic() - began) * 1000
        must("/support/people/" in page.url, f"nobody was found: {page.url}")
        self.person = page.url
        again = self._look_up("code", self.spoken)
        must("Nobody was found" in again.text, "the code works twice")
        return f"{milliseconds:.0f} ms; the second try finds nobody"

    def see(self) -> str:
        page = self.agent.browser.get(self.person)
        connection = find_on_page(r'href="(/support/people/[^"]+/connections/[^"]+)"', page)
        details = self.agent.browser.get(connection)
        for shown in (page, details):
            text = html.unescape(shown.text)
            must(self.mark not in text, "content or an address is shown")
            must(self.owner.seeded["email"] not in text, "the sign-in address is shown")
        must("Up to date" in details.text, "the state of the mailbox is not shown")
        self.connection = details
        return "states, counts and times"

    def ask(self) -> str:
        page = self.agent.browser.get(f"{self.person}ask/")
        data = page.own_form().data(
            kind="message", reason=_REASON, text="Please open the newest message.", ticket=TICKET
        )
        page = self.agent.browser.submit(page, page.own_form(), data)
        must("/support/questions/" in page.url, f"the question led to {page.url}")
        self.question = page.url
        page = self.owner.browser.get("/settings/support/")
        question = find_on_page(r'href="(/settings/support/questions/[^"/]+/)"', page)
        page = self.owner.browser.get(question)
        page = self.owner.browser.get(find_on_page(rf'href="({question}messages/[^"]+)"', page))
        page = self.owner.confirm(self.owner.agree(page, hours="1"))
        must("Allowed" in page.text, "the page does not say that it is allowed")
        return "asked, and answered by its owner"

    def read(self) -> str:
        page = self.agent.browser.get(self.question)
        item = find_on_page(r'href="(/support/items/[^"]+)"', page)
        page = self.agent.browser.get(item)
        must(page.status == 200, f"reading was answered {page.status}")
        must(self.mark in page.text, "the message is not shown")
        page = self.owner.browser.get("/settings/support/")
        form = page.form("/settings/support/items/", "/stop/")
        self.owner.browser.submit(page, form, form.data())
        page = self.agent.browser.get(item)
        must(page.status == 403, f"taken back, it was answered {page.status}")
        must(self.mark not in page.text, "the refusal holds content")
        return "read once, then 403"

    def revoke(self) -> str:
        if self.connection is None:
            raise Failed("the page of the connection was not seen")
        link = find_on_page(r'href="([^"]+kind=revoke_integration[^"]+)"', self.connection)
        page = self.agent.browser.get(link)
        form = page.form("/act/")
        data = form.data(reason=_REASON, text=_TEXT, ticket=TICKET)
        page = self.agent.browser.submit(page, form, data)
        must("reauthenticate" in page.url, "no second factor was asked for")
        form = page.form("reauthenticate")
        began = time.monotonic()
        # Waiting for a fresh code is part of neither the service nor the figure.
        fresh = code(self.agent.seeded["totp_secret"])
        waited = time.monotonic() - began
        began = time.monotonic()
        page = self.agent.browser.submit(page, form, form.data(code=fresh))
        must("/support/acts/" in page.url, f"the order led to {page.url}")
        act = page.url
        eventually(
            lambda: ">Done<" in self.agent.browser.get(act).text, within=30, says="done", every=0.2
        )
        must(not self.owner.messages(), "messages still open")
        return f"{time.monotonic() - began:.1f} s to unreadable ({waited:.0f} s for a fresh code)"

    def check_receipt(self) -> str:
        receipt = eventually(
            lambda: self.receipts.next(self.owner), within=60, says="a receipt", every=0.2
        )
        status, said = self.receipts.verify(receipt)
        must(status == 0, said)
        body: dict[str, Any] = json.loads(receipt)["body"]
        must(body["trigger"] == "support", f"the receipt says {body['trigger']}")
        must(body["support_reason"] == _REASON, f"its reason is {body['support_reason']}")
        return f"trigger {body['trigger']}, reason {body['support_reason']}"

    def is_told(self) -> str:
        page = html.unescape(self.owner.browser.get("/settings/support/").text)
        for words in (_REASON_TEXT, _TEXT, TICKET, "A support agent"):
            must(words in page, f"the page does not say: {words}")
        said = eventually(self._find_mail, within=30, says="a mail to the person", every=0.2)
        must(_REASON_TEXT in said, "the mail does not say why")
        must(self.mark not in said, "the mail holds content")
        return "support agent, reason, text and ticket on the page; who and why in the mail"

    def settle_alarm(self) -> str:
        began, count = time.monotonic(), 0
        while not (alarm := self._find_alarm()):
            must(count < _MAX_LOOKUPS, f"no alarm after {count} look-ups")
            for _ in range(10):
                page = self._look_up("platform_id", _NOBODY)
                must("Nobody was found" in page.text, f"a look-up was answered {page.status}")
                count += 1
        page, form = alarm
        data = form.data(reason="The look-ups were a test.")
        page = self.operator.browser.submit(page, form, data)
        must("The alarm is settled" in page.text, "the page does not say so")
        must(self._find_alarm() is None, "the alarm is still open")
        return f"{_ALARM} after {count} look-ups of nobody, {time.monotonic() - began:.1f} s"

    def _look_up(self, means: str, value: str) -> Page:
        page = self.agent.browser.get("/support/")
        form = page.form("/support/")
        data = [pair for pair in form.data() if pair[0] not in {"means", "value", "reason"}]
        data += [("means", means), ("value", value), ("reason", _REASON)]
        return self.agent.browser.submit(page, form, data)

    def _find_alarm(self) -> tuple[Page, Any] | None:
        page = self.operator.browser.get("/operations/")
        must(page.status == 200, f"the operators' page was answered {page.status}")
        article = re.search(rf'<article[^>]+aria-labelledby="{re.escape(_ALARM)}".*?</article>',
                            page.text, re.DOTALL)  # fmt: skip
        if article is None:
            return None
        action = re.search(r'action="([^"]+)"', article[0])
        must(action, "the alarm has no form")
        return page, page.form(str(action[1]) if action else "")

    def _find_mail(self) -> str:
        """Return the text of the mail about the disconnect; "" if there is none yet."""
        for path in sorted(self.mail.glob("*")):
            for part in path.read_bytes().split(b"\n" + b"-" * 79 + b"\n"):
                message = BytesParser(policy=policy.default).parsebytes(part)
                body = message.get_body(("plain",))
                text = " ".join(body.get_content().split()) if body is not None else ""
                if "A support agent of Antares disconnected" in text:
                    must(self.owner.seeded["email"] in str(message["To"]), "another was told")
                    return text
        return ""


def _sign_in_with_code(person: SmokePerson) -> None:
    browser, seeded = person.browser, person.seeded
    page = browser.get("/accounts/login/")
    form = page.form("login")
    page = browser.submit(page, form, form.data(login=seeded["email"], password=seeded["password"]))
    must("mfa" in page.url, f"no second factor was asked for: {page.url}")
    form = page.form("")
    page = browser.submit(page, form, form.data(code=code(seeded["totp_secret"])))
    must("mfa" not in page.url, "the code was not taken")
