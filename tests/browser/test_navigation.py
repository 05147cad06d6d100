"""The head of every page, by keyboard and by pointer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


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

        menu.page.locator("h1").click()

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
