"""The head of every page, by keyboard and by pointer."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("menus and focus in a browser"),
]


class TestAccountMenu:
    @pytest.fixture
    def menu(self, visitor):
        visitor.go("/settings/integrations/")
        return visitor.page.locator("details.menu")

    @staticmethod
    def open_by_keyboard(menu):
        menu.locator("summary").focus()
        menu.page.keyboard.press("Enter")
        expect(menu.get_by_role("button", name="Sign out")).to_be_visible()

    def test_closes_on_escape_and_gives_focus_back(self, menu):
        self.open_by_keyboard(menu)
        menu.page.keyboard.press("Tab")
        expect(menu.get_by_role("link", name="Profile")).to_be_focused()

        menu.page.keyboard.press("Escape")

        expect(menu.get_by_role("button", name="Sign out")).to_be_hidden()
        expect(menu.locator("summary")).to_be_focused()

    def test_closes_when_focus_leaves_it(self, menu):
        self.open_by_keyboard(menu)

        menu.page.locator("main a, main button").first.focus()

        expect(menu.get_by_role("button", name="Sign out")).to_be_hidden()

    def test_closes_on_a_click_elsewhere(self, menu):
        menu.locator("summary").click()
        expect(menu.get_by_role("button", name="Sign out")).to_be_visible()

        # On a phone, the open menu covers the middle of the heading.
        menu.page.locator("h1").click(position={"x": 5, "y": 5})

        expect(menu.get_by_role("button", name="Sign out")).to_be_hidden()

    def test_stays_closed_on_escape_without_moving_focus(self, menu):
        link = menu.page.locator("main a").first
        link.focus()

        menu.page.keyboard.press("Escape")

        expect(link).to_be_focused()


class TestFirstSignIn:
    def test_shows_times_in_the_zone_of_the_browser(self, visit):
        with visit(timezone_id="Asia/Tokyo", locale="en-US") as visitor:
            visitor.sign_in()
            expect(visitor.page).to_have_url(f"{visitor.url}/settings/integrations/")
            visitor.go("/accounts/profile/")
            page = visitor.page

            expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
            expect(page.get_by_label("Dec 31, 2026, 5:05 PM")).to_be_checked()
            expect(page.locator("main time")).to_have_attribute(
                "title", re.compile(r"\(Asia/Tokyo\)$")
            )


class TestFocus:
    def test_goes_to_the_message_after_a_form(self, visitor):
        page = visitor.page
        visitor.go("/accounts/profile/")
        page.get_by_label("2026-12-31 17:05").check()
        visitor.reach(page.get_by_role("button", name="Save changes"))

        messages = page.locator(".messages")
        expect(messages).to_contain_text("Your changes are saved.")
        expect(messages).to_be_focused()
        # The next stop is what comes after the message.
        page.keyboard.press("Tab")
        expect(page.get_by_label("Time zone")).to_be_focused()

    def test_goes_to_the_first_field_with_an_error(self, visitor):
        page = visitor.page
        visitor.go("/accounts/password/change/")
        fields = page.locator("main input[type=password]")
        for number in range(fields.count()):
            fields.nth(number).fill("not the password")
        visitor.reach(page.get_by_role("button", name="Change password"))

        expect(page.locator("main [aria-invalid=true]").first).to_be_focused()

    def test_stays_at_the_top_of_a_page_that_was_opened(self, visitor):
        visitor.go("/settings/integrations/")
        visitor.page.keyboard.press("Tab")

        expect(visitor.page.locator(".skip")).to_be_focused()


class TestRefusedPage:
    def test_of_staff_leads_to_the_pages_of_the_role_by_keyboard(self, visit, service):
        seeded = json.loads((service.logs.parent / "people.json").read_text())
        person = next(one for one in seeded["people"] if one["role"] == "support")
        with visit(person, url=service.staff_url) as sam:
            sam.sign_in_with_code()
            answer = sam.go("/review/")

            assert answer.status == 403
            expect(sam.page.locator("h1")).to_have_text("You cannot open this page")
            expect(sam.page.locator("main")).to_contain_text("for Antares reviewers")
            assert violations(sam.page) == []
            sam.reach(
                sam.page.locator("main").get_by_role("link", name="Go to Support", exact=True)
            )
            expect(sam.page.locator("h1")).to_have_text("Support")
