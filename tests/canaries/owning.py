"""What owners do with their own: see who used it, take a copy, let support read one message."""

from __future__ import annotations

from dataclasses import dataclass

from tests.canaries.journey import Journey
from tests.canaries.marks import ALICE, BOB
from tests.smoke.client import Page
from tests.smoke.person import SmokePerson
from tests.smoke.walk import must


@dataclass
class Owning:
    journey: Journey

    def see_uses(self) -> str:
        """The pages Access and Activity, with filters, entries and downloads."""
        person = self.journey.cast[ALICE]
        typed = self.journey.marks.typed
        must(person.browser.get("/settings/access/").status == 200, "no page of access")
        names = [
            "purpose",
            "feature",
            "since",
            "until",
            "outcome",
            "by",
            "after",
            "before",
            "connection",
        ]
        places = ("", "entries/", "activity.csv", "activity.json")
        for name in names:
            for place in places:
                person.browser.get(f"/settings/activity/{place}?{name}={typed}-uses")
        for place in places:
            page = person.browser.get(f"/settings/activity/{place}")
            must(page.status == 200, f"no {place}")
        return f"{page.text.count('entry_id')} entries"

    def export(self) -> str:
        person = self.journey.cast[ALICE]
        answer = export(person, self.journey.integration(ALICE)["id"])
        must(self.journey.marks.of(ALICE) in answer.text, "the copy is empty")
        return f"{len(answer.text):,} characters"

    def support(self) -> str:
        """Open one message to support, have it read, and take it back."""
        cast, mark = self.journey.cast, self.journey.marks.of(BOB)
        message = next(one for one in cast[BOB].messages(limit=50) if mark in one["subject"])
        before = cast["sam"].browser.get(f"/support/items/{message['id']}/")
        must(mark not in before.text, "support read what nobody opened")
        open_to_support(cast[BOB], message["id"])
        cast["sam"].browser.get("/support/items/")
        shown = cast["sam"].browser.get(f"/support/items/{message['id']}/")
        must(mark in shown.text, "support cannot read what was opened")
        page = cast[BOB].browser.get(f"/inbox/messages/{message['id']}/support/")
        form = page.form("/support/close/")
        cast[BOB].browser.submit(page, form, form.data())
        after = cast["sam"].browser.get(f"/support/items/{message['id']}/")
        must(mark not in after.text, "support reads what was taken back")
        return "one message, read and taken back"


def open_to_support(person: SmokePerson, message_id: str) -> Page:
    """Let support read that message for an hour."""
    page = person.browser.get(f"/inbox/messages/{message_id}/support/")
    return person.confirm(person.agree(page, hours="1"))


def export(person: SmokePerson, integration_id: str) -> Page:
    """Return the copy of everything that is kept of that mailbox."""
    page = person.browser.get(f"/settings/integrations/{integration_id}/export/")
    form = page.own_form()
    answer = person.browser.submit(page, form, form.data())
    if "reauthenticate" not in answer.url:
        return answer
    # After the confirmation the page is there again, and the form is sent from it.
    page = person.confirm(answer)
    form = page.own_form()
    return person.browser.submit(page, form, form.data())
