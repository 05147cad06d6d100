"""What support does: find, see, ask, read, order, propose in bulk; and what it may not show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from tests.canaries.cast import confirm_with_code
from tests.canaries.journey import Journey
from tests.canaries.marks import MALLORY, ORIGINS
from tests.canaries.needles import Needles
from tests.canaries.secrets_seen import SecretsSeen
from tests.smoke.client import Page, SmokeBrowser
from tests.smoke.person import find_on_page
from tests.smoke.walk import eventually, must

#: Whom support helps: her mail is not disconnected in any other way.
OWNER: Final = MALLORY
_ORGANISATION: Final = "platform-other"
# What an agent writes is kept as it is written, and shown to the person: no canary.
_REASON: Final = {"reason": "device_lost", "ticket": "CASE-20"}
_TEXT: Final = "The laptop was left on a train."
#: Where agents see states and counts, never content.
_CONSOLE: Final = re.compile(r"^/support/(people/|acts/|questions/|bulk/|$)|^/operations/")


@dataclass
class CanarySupport:
    journey: Journey
    person: str = field(default="", init=False)

    @property
    def agent(self) -> SmokeBrowser:
        return self.journey.cast["sam"].browser

    @property
    def secrets(self) -> SecretsSeen:
        return self.journey.cast.secrets

    def find(self) -> str:
        """By a code and by the account's address; wrong text finds no person."""
        marks, typed = self.journey.marks, self.journey.marks.typed
        code = self._create_code()
        page = self._look_up("code", code)
        must("/support/people/" in page.url, "the code finds nobody")
        must("Nobody was found" in self._look_up("code", code).text, "a code works twice")
        page = self._look_up("address", marks.account(OWNER))
        must("/support/people/" in page.url, "the address of the account finds nobody")
        self.person = page.url.partition(self.agent.base_url)[2]
        for means, value in (
            ("address", f"{typed}-nobody@x.example"),
            ("address", f"{typed}-no-address"),
            ("platform_id", f"{typed}-platformid"),
            ("connection", f"{typed}-connection"),
            ("receipt", f"{typed}-receipt"),
            ("code", f"{typed}-code"),
        ):
            page = self._look_up(means, value)
            must("/support/people/" not in page.url, f"{means} found somebody")
        return "by a code and by the account's address; six others found nobody"

    def see(self) -> str:
        page = self.agent.get(self.person)
        connection = find_on_page(r'href="(/support/people/[^"]+/connections/[^"]+)"', page)
        must(self.agent.get(connection).status == 200, "no page of the connection")
        return f"{len(self._shown())} pages of the console so far, no content"

    def ask(self) -> str:
        """Ask to see a message, which is opened, read and taken back."""
        owner, mark = self.journey.cast[OWNER], self.journey.marks.of(OWNER)
        page = self.agent.get(f"{self.person}ask/")
        form = page.own_form()
        page = self.agent.submit(page, form, form.data(kind="message", text=_TEXT, **_REASON))
        question = page.url
        page = owner.browser.get("/settings/support/")
        question_path = find_on_page(r'href="(/settings/support/questions/[^"/]+/)"', page)
        page = owner.browser.get(question_path)
        page = owner.browser.get(find_on_page(rf'href="({question_path}messages/[^"]+)"', page))
        page = owner.confirm(owner.agree(page, hours="1"))
        must("Allowed" in page.text, "it was not allowed")
        item = find_on_page(r'href="(/support/items/[^"]+)"', self.agent.get(question))
        must(mark in self.agent.get(item).text, "support cannot read what was opened")
        page = owner.browser.get("/settings/support/")
        form = page.form("/settings/support/items/", "/stop/")
        owner.browser.submit(page, form, form.data())
        must(mark not in self.agent.get(item).text, "support reads what was taken back")
        return "one message, asked for, read and taken back"

    def repair(self) -> str:
        """Order a sync, with a second factor."""
        integration = self.journey.integration(OWNER)["id"]
        self._order("sync_now", integration)
        return "a sync, ordered and done"

    def propose(self) -> str:
        """Propose a bulk revocation, which a second person rejects."""
        typed = self.journey.marks.typed
        page = self.agent.get("/support/bulk/new/")
        form = page.own_form()
        data = {"text": _TEXT, **_REASON}
        wrong = form.data(organisation=f"{typed}-organisation", **data)
        must("/bulk/new/" in self.agent.submit(page, form, wrong).url, "no such organisation")
        page = self.agent.submit(page, form, form.data(organisation=_ORGANISATION, **data))
        proposal = page.url
        eventually(
            lambda: "Waiting for a second person" in self.agent.get(proposal).text,
            within=30,
            says="a counted proposal",
            every=0.3,
        )
        operator = self.journey.cast["otto"]
        page = operator.browser.get(proposal)
        form = page.form("/reject/")
        page = operator.browser.submit(page, form, form.data())
        page = confirm_with_code(operator, page, self.secrets)
        must("Rejected" in page.text, "it was not rejected")
        must(operator.browser.get("/operations/").status == 200, "no page of operations")
        return "counted, and rejected by an operator"

    def disconnect(self) -> str:
        """Disconnect a mailbox by support, and keep what leads to the receipt."""
        self._order("revoke_integration", self.journey.integration(OWNER)["id"])
        page = self.journey.cast[OWNER].browser.get("/settings/support/")
        removal = find_on_page(r'href="/settings/removals/([0-9a-f-]{36})/', page)
        self.journey.removals[OWNER] = removal
        must(not self.journey.messages(OWNER), "messages still open")
        count = len(self._shown())
        return f"by support; {count} pages of the console in all, no content"

    def _create_code(self) -> str:
        browser = self.journey.cast[OWNER].browser
        page = browser.get("/settings/support/")
        form = page.own_form()
        page = browser.submit(page, form, form.data())
        parts = re.findall(r'class="nowrap">([0-9A-HJKMNP-TV-Z]{5})<', page.text)
        must(len(parts) == 2, "no code is shown")
        for between in ("", "-"):
            self.secrets.add("support code", between.join(parts))
        return "-".join(parts)

    def _look_up(self, means: str, value: str) -> Page:
        page = self.agent.get("/support/")
        form = page.form("/support/")
        data = [pair for pair in form.data(**_REASON) if pair[0] not in {"means", "value"}]
        return self.agent.submit(page, form, [*data, ("means", means), ("value", value)])

    def _order(self, kind: str, integration: str) -> None:
        page = self.agent.get(f"{self.person}act/?kind={kind}&integration={integration}")
        form = page.form("/act/")
        page = self.agent.submit(page, form, form.data(text=_TEXT, **_REASON))
        page = confirm_with_code(self.journey.cast["sam"], page, self.secrets)
        must("/support/acts/" in page.url, f"the order led to {page.url}")
        act = page.url
        eventually(lambda: ">Done<" in self.agent.get(act).text, within=30, says="done", every=0.3)

    def _shown(self) -> list[str]:
        """Return the pages of the console so far. :raises Failed: if none, or one has content"""
        pages = [
            exchange
            for exchange in self.journey.cast.exchanges.all
            if exchange.actor in {"sam", "otto"} and _CONSOLE.match(exchange.path)
        ]
        must(pages, "no page of the console was recorded")
        needles = Needles({name: self.journey.marks.of(name) for name in ORIGINS})
        wrong = [page.line for page in pages if needles.found_in(page.answer)]
        must(not wrong, f"content on {', '.join(wrong)}")
        return [page.line for page in pages]
