"""Support in a real browser, across both sites: from a spoken code to a receipt, by keyboard."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.factor import code
from tests.browser.test_accessibility import violations
from tests.browser.test_review import reload_until_shown

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("a revocation in a browser; tests over HTTP walk the same way"),
]

TEXT = "The laptop was left on a train."
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def sam(visit, service):
    """Return the support agent, signed in with password and code."""
    people = json.loads((service.logs.parent / "people.json").read_text())["people"]
    person = next(person for person in people if person["role"] == "support")
    with visit(person, url=service.staff_url) as visitor:
        yield visitor.sign_in_with_code()


def check(visitor, found):
    """Add what axe finds on the page, in light and dark."""
    page = visitor.page
    found += violations(page)
    page.emulate_media(color_scheme="dark")
    found += violations(page)
    page.emulate_media(color_scheme="light")


class TestFromACodeToAReceipt:
    def test_goes_by_keyboard_and_both_people_see_it(self, connected, sam):
        self.walk(connected, sam)

    @pytest.mark.thorough("the same walk on a phone")
    def test_goes_on_a_phone(self, connected, sam):
        for visitor in (connected, sam):
            visitor.page.set_viewport_size(PHONE)
        self.walk(connected, sam)

    def walk(self, owner, sam):
        found = []
        spoken = self.create_code(owner, found)
        self.find(sam, spoken, found)
        self.disconnect(sam, found)
        self.read_receipt(owner, found)

        assert found == []
        assert owner.foreign() == sam.foreign() == []
        assert owner.minded == sam.minded == []

    def create_code(self, owner, found):
        page = owner.page
        owner.go("/settings/support/")
        owner.reach(page.get_by_role("button", name="Create a code to read out"))
        expect(page.locator(".spoken-code")).to_be_visible()
        check(owner, found)
        return "".join(page.locator(".spoken-code .nowrap").all_inner_texts())

    def find(self, sam, spoken, found):
        page = sam.page
        sam.go("/support/")
        sam.reach(page.get_by_label("Email address"), key="ArrowUp")
        expect(page.get_by_label("Support code")).to_be_checked()
        sam.reach(page.get_by_label("Exact value"), key="End")
        page.keyboard.type(spoken)
        sam.reach(page.get_by_label("Reason"), key="A")
        page.get_by_label("Reason").select_option("device_lost")
        check(sam, found)
        sam.reach(page.get_by_role("button", name="Find"))
        expect(page.locator("h1")).to_have_text("Person")
        check(sam, found)

    def disconnect(self, sam, found):
        page = sam.page
        sam.reach(page.get_by_role("link", name=re.compile("^Details.*Google")).first)
        expect(page.locator("h1")).to_have_text("Google connection")
        check(sam, found)
        sam.reach(page.get_by_role("link", name="Disconnect Google mail"))
        expect(page.locator("h1")).to_have_text("Disconnect one product")
        check(sam, found)
        page.get_by_label("Reason").select_option("device_lost")
        sam.reach(page.get_by_label("The case, in your words"), key="End")
        page.keyboard.type(TEXT)
        sam.reach(page.get_by_label("Ticket"), key="End")
        page.keyboard.type("CASE-7")
        sam.reach(page.get_by_role("button", name="Disconnect one product"))
        expect(page.locator("h1")).to_have_text("Confirm that it is you")
        page.get_by_label("Code").first.fill(code(sam.person["totp_secret"]))
        page.keyboard.press("Enter")
        # The form that waited for the code is sent, and the page follows the worker by itself.
        expect(page.locator("#act .badge")).to_have_text("Done")
        expect(page.locator("#act td code")).to_have_count(1, timeout=60_000)
        check(sam, found)

    def read_receipt(self, owner, found):
        page = owner.page
        reload_until_shown(owner, "/settings/support/", "Removal and receipt")
        row = page.get_by_role("row").filter(has_text=TEXT)
        expect(row).to_contain_text("A device is lost or stolen.")
        expect(row).to_contain_text("CASE-7")
        owner.reach(row.get_by_role("link", name="Removal and receipt"))
        expect(page.locator("main")).to_contain_text("A device is lost or stolen.")
        expect(page.get_by_role("link", name="Download receipt")).to_be_visible()
        check(owner, found)
