"""What an owner lets out, in a real browser: items to support, and a copy for themself."""

from __future__ import annotations

import json
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.mail import INVOICE
from tests.browser.test_accessibility import violations
from tests.browser.test_calendar import plan

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("what an owner sees in a browser, page by page"),
]


@pytest.fixture
def sam(visit, service):
    """Return the person of support, signed in with password and code."""
    seeded = json.loads((service.logs.parent / "people.json").read_text())
    person = next(one for one in seeded["people"] if one["role"] == "support")
    with visit(person, url=service.staff_url) as one:
        yield one.sign_in_with_code()


class TestAMessageForSupport:
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("WLU-3.1")
    def test_is_read_from_the_owners_click_until_they_take_it_back(self, connected, sam):
        page, found = connected.page, []
        connected.open_mail(INVOICE)
        page.get_by_role("link", name="Let support read this message").click()
        found += violations(page)

        # Nothing is chosen or agreed to beforehand.
        page.get_by_role("button", name="Allow access").click()
        expect(page.locator("h1")).to_have_text("Let a support agent read this message?")
        page.get_by_label("24 hours").check()
        page.get_by_label("I agree that").check()
        page.get_by_role("button", name="Allow access").click()
        connected.confirm()
        expect(page.locator(".message-support")).to_contain_text("Support can read this until")
        found += violations(page)

        sam.go("/support/items/")
        found += violations(sam.page)
        sam.page.get_by_role("link", name="Read message").click()
        expect(sam.page.locator("h1")).to_have_text(INVOICE)
        expect(sam.page.locator("main")).to_contain_text("The invoice is attached.")
        found += violations(sam.page)
        address = sam.page.url

        page.get_by_role("button", name="Stop sharing").click()
        expect(page.locator(".messages")).to_contain_text("Stopped sharing")
        answer = sam.page.goto(address)
        assert answer.status == 403
        expect(sam.page.locator("h1")).to_have_text(
            "You do not have access to this message or event"
        )
        found += violations(sam.page)

        assert found == []
        assert sam.foreign() == []

    def test_is_agreed_to_by_keyboard_alone(self, connected):
        page = connected.page
        connected.open_mail(INVOICE)
        connected.reach(page.get_by_role("link", name="Let support read this message"))
        expect(page.locator("h1")).to_have_text("Let a support agent read this message?")

        connected.reach(page.get_by_label("1 hour"), "Space")
        connected.reach(page.get_by_label("I agree that"), "Space")
        connected.reach(page.get_by_role("button", name="Allow access"))
        page.wait_for_url("**/reauthenticate/**")
        connected.confirm()

        expect(page.locator(".message-support")).to_contain_text("Support can read this until")

        connected.reach(page.get_by_role("button", name="Stop sharing"))
        expect(page.locator(".messages")).to_contain_text("Stopped sharing")


class TestAnEventForSupport:
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("WLU-3.1")
    def test_is_seen_from_the_owners_click_until_they_take_it_back(self, visitor, sam):
        plan(visitor)
        page, found = visitor.page, []
        page.locator(".entry", has_text="Standup of all").click()
        page.get_by_role("link", name="Let support see this event").click()
        expect(page.locator("h1")).to_have_text("Let a support agent see this series?")
        found += violations(page)
        page.get_by_label("1 hour").check()
        page.get_by_label("I agree that").check()
        page.get_by_role("button", name="Allow access").click()
        visitor.confirm()
        expect(page.locator(".event-support")).to_contain_text("Support can see this until")
        found += violations(page)

        sam.go("/support/items/")
        sam.page.get_by_role("link", name="Read event").first.click()
        expect(sam.page.locator("h1")).to_have_text("Standup of all")
        expect(sam.page.locator("main")).to_contain_text("Round the table")
        expect(sam.page.locator("main")).to_contain_text("every week on")
        expect(sam.page.locator("main")).to_contain_text("Room 4")
        found += violations(sam.page)
        address = sam.page.url

        page.get_by_role("button", name="Stop sharing").click()
        expect(page.locator(".messages")).to_contain_text("Stopped sharing")
        assert sam.page.goto(address).status == 403
        found += violations(sam.page)

        assert found == []
        assert sam.foreign() == []


class TestAQuestionAboutAnEvent:
    @pytest.mark.clause("LU-3.1")
    def test_is_answered_by_keyboard_alone_and_taken_back(self, visitor, sam):
        plan(visitor)
        found = self.ask(sam, visitor.person)
        page = visitor.page
        visitor.go("/settings/support/")
        visitor.reach(page.get_by_role("link", name="Answer").first)
        expect(page.locator("h1")).to_contain_text("A support agent asks to see a calendar event")
        found += violations(page)
        visitor.reach(page.locator(".mail-row", has_text="Standup of all"))
        expect(page.locator("h1")).to_have_text("Let a support agent see this series?")
        expect(page.locator("main")).to_contain_text("Room 4")
        found += violations(page)

        visitor.reach(page.get_by_label("1 hour"), "Space")
        visitor.reach(page.get_by_label("I agree that"), "Space")
        visitor.reach(page.get_by_role("button", name="Allow access"))
        page.wait_for_url("**/reauthenticate/**")
        visitor.confirm()
        expect(page.locator(".messages")).to_contain_text("Allowed.")

        sam.page.reload()
        sam.reach(sam.page.get_by_role("link", name="Read the event"))
        expect(sam.page.locator("h1")).to_have_text("Standup of all")
        address = sam.page.url
        page.reload()
        expect(page.locator("main")).to_contain_text("A support agent read it:")
        found += violations(page)

        visitor.reach(page.get_by_role("button", name="Stop sharing"))
        expect(page.locator(".messages")).to_contain_text("no longer see this event")
        assert sam.page.goto(address).status == 403
        assert found == []
        assert sam.foreign() == []

    @staticmethod
    def ask(sam, person):
        """Find the person and ask for an event; return what is not accessible."""
        page = sam.page
        sam.go("/support/")
        page.get_by_label("Email address").check()
        page.get_by_label("Exact value").fill(person["email"])
        page.get_by_label("Reason").select_option("owner_asked")
        page.get_by_role("button", name="Find", exact=True).click()
        page.get_by_role("link", name="Ask to see an item").click()
        page.get_by_label("A calendar event").check()
        page.get_by_label("Why?").select_option("sync_problem")
        page.get_by_label("What is it about?").fill("Please open your standup.")
        found: list[str] = violations(page)
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator("main")).to_contain_text("Waiting for an answer")
        return found + violations(page)


class TestMailboxExportInBrowser:
    @pytest.mark.clause("AN-23")
    def test_is_downloaded_and_opens(self, connected, tmp_path):
        page = connected.page
        connected.go("/settings/integrations/")
        connected.card.get_by_role("link", name="Download a copy").click()
        found = violations(page)

        page.get_by_role("button", name="Download the copy").click()
        expect(page.locator("main")).to_contain_text("Download a copy of your mail")
        found += violations(page)
        # The download continues after the password, and its page shows the progress.
        with page.expect_download() as begun:
            connected.confirm()
        expect(page.locator("[data-export-starts]")).to_be_visible()
        expect(page.locator("#exports")).to_contain_text("Complete")
        begun.value.save_as(tmp_path / "copy.zip")

        assert begun.value.failure() is None
        with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
            mail = archive.read("mail.mbox")
        assert f"Subject: {INVOICE}".encode() in mail
        assert connected.account.encode() in mail
        assert b"This export is complete" in mail
        page.reload()
        expect(page.locator("main")).to_contain_text("Complete")
        found += violations(page)
        assert found == []
        assert connected.minded == []
