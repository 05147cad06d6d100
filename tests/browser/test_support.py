"""A support agent's way from an address to the cause of a problem, by keyboard."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser


@pytest.fixture
def sam(visit, service):
    """Return the person of support, signed in with password and code."""
    seeded = json.loads((service.logs.parent / "people.json").read_text())
    person = next(each for each in seeded["people"] if each["role"] == "support")
    with visit(person, url=service.staff_url) as visitor:
        yield visitor.sign_in_with_code()


class TestFindAndSee:
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.thorough("the walk from a code to a receipt leads over the same pages")
    def test_leads_from_an_address_to_the_state_of_a_connection(self, connected, sam):
        page, keyboard = sam.page, sam.page.keyboard
        sam.go("/support/")
        faults = violations(page)

        # The address is chosen already; an arrow key chooses another kind.
        sam.reach(page.get_by_label("Exact value"), key="End")
        keyboard.type(connected.account)
        keyboard.press("Tab")
        keyboard.type("Mail or")
        keyboard.press("Tab")
        keyboard.type("CASE-17")
        keyboard.press("Enter")

        expect(page.locator("h1")).to_have_text("Person")
        expect(page.locator("main")).to_contain_text("Found by: Email address")
        expect(page.locator("main")).to_contain_text("Google mail")
        faults += violations(page)
        for text in (page.url, page.content()):
            assert connected.account not in text

        sam.reach(page.locator("main").get_by_role("link", name="Details").first)
        expect(page.locator("h1")).to_have_text("Google connection")
        expect(page.locator("main")).to_contain_text("Cause and next step")
        faults += violations(page)
        assert connected.account not in page.content()

        sam.reach(page.locator(".crumbs").get_by_role("link", name="Support", exact=True))
        expect(page.locator("main")).to_contain_text("CASE-17")
        assert faults == []

    @pytest.mark.thorough("tests over HTTP compare the answers")
    def test_says_that_nobody_was_found(self, sam):
        page = sam.page
        sam.go("/support/")
        sam.reach(page.get_by_label("Exact value"), key="End")
        page.keyboard.type("nobody@antares.example")
        page.get_by_label("Reason").select_option("other")
        sam.reach(page.get_by_role("button", name="Find"))

        expect(page.locator(".messages")).to_contain_text(
            "Nobody was found. The look-up was recorded."
        )
        assert "nobody@antares.example" not in page.content()
        assert violations(page) == []
