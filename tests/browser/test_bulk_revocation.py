"""A bulk revocation in a real browser: one agent proposes, an operator approves and follows it."""

from __future__ import annotations

import csv
import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.factor import code
from tests.browser.test_accessibility import violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("a bulk revocation in a browser; tests over HTTP walk the same way"),
]

#: Nobody else of this organisation connects anything in these tests.
ORGANISATION = "platform-other"


@pytest.fixture
def people(service):
    found = json.loads((service.logs.parent / "people.json").read_text())["people"]
    return {person["name"].split()[0]: person for person in found} | {
        person["role"]: person for person in found if person["role"] != "member"
    }


def sign_in_to(visitor, path):
    """Sign in on the way to a page: an operator's start page is a file of metrics."""
    page = visitor.page
    visitor.go(path)
    page.get_by_label("Email").fill(visitor.person["email"])
    page.get_by_label("Password").fill(visitor.person["password"])
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").first.fill(code(visitor.person["totp_secret"]))
    page.keyboard.press("Enter")
    expect(page.locator(".site-user")).to_contain_text(visitor.person["name"])


def confirm_with_code(visitor):
    """Confirm with the authenticator app, where the page asks for it."""
    expect(visitor.page).to_have_url(re.compile("/reauthenticate/"))
    visitor.page.get_by_label("Code").first.fill(code(visitor.person["totp_secret"]))
    visitor.page.keyboard.press("Enter")


class TestTwoPeople:
    @pytest.mark.thorough("the pages have tests over HTTP")
    def test_disconnect_what_matches_and_see_receipts_without_names(self, visit, service, people):
        with (
            visit(people["Mallory"]) as mallory,
            visit(people["support"], url=service.staff_url) as agent,
            visit(people["operator"], url=service.staff_url) as operator,
        ):
            mallory.sign_in_by_http().connect_by_http()
            found = self.propose(agent.sign_in_with_code())
            address = agent.page.url.removeprefix(service.staff_url)
            found += self.approve(operator, address)
            self.follow(operator, people["Mallory"])
            found += violations(operator.page)
            mallory.go("/settings/integrations/")
            expect(mallory.page.locator(".badge", has_text="Connected")).to_have_count(0)

            assert found == []
            assert agent.foreign() == operator.foreign() == []
            assert agent.minded == operator.minded == []

    def propose(self, agent):
        """By keyboard alone."""
        page = agent.page
        agent.go("/support/bulk/")
        agent.reach(page.get_by_role("link", name="Propose a bulk revocation"))
        expect(page.locator("h1")).to_have_text("Propose a bulk revocation")
        found = violations(page)
        for label, text in (
            ("Organisation", ORGANISATION),
            ("Explanation", "The provider reported stolen tokens."),
            ("Ticket", "INC-4711"),
        ):
            agent.reach(page.get_by_label(label), key="End")
            page.keyboard.type(text)
        agent.reach(page.get_by_role("button", name="Propose, and count"))
        # The page loads itself when the worker has counted.
        expect(page.locator("h1 .badge")).to_have_text("Waiting for a second person")
        expect(page.locator("main")).to_contain_text("Another support agent or an operator")
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        return found + violations(page)

    def approve(self, operator, address):
        page = operator.page
        sign_in_to(operator, address)
        found = violations(page)
        operator.reach(page.get_by_role("button", name="Approve, and disconnect 1 account"))
        confirm_with_code(operator)
        expect(page.locator("main")).to_contain_text("You approved it.")
        return found

    def follow(self, operator, person):
        page = operator.page
        expect(page.locator("h1 .badge")).to_have_text("Done")
        for _ in range(60):
            page.goto(page.url)
            if page.locator("td code").count():
                break
            page.wait_for_timeout(1000)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download as CSV").click()
        with download.value.path().open() as file:
            receipts = [row["receipt"] for row in csv.DictReader(file)]
        assert receipts == page.locator("td code").all_inner_texts()
        assert receipts
        text = page.locator("main").inner_text()
        assert person["name"] not in text
        assert person["email"] not in text
