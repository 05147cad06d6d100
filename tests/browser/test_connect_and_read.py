"""Connecting in a real browser, against the real service and a sandbox of Google."""

from __future__ import annotations

import psycopg
import pytest
from playwright.sync_api import expect

from tests.browser.mail import ATTACHED, HOSTILE, INVOICE, NEWSLETTER
from tests.browser.visitor import MAIL_SCOPE, search_elsewhere

pytestmark = pytest.mark.browser


class TestConnect:
    @pytest.mark.clause("GWDP-notice")
    def test_says_what_is_asked_before_going_there_and_needs_a_click(self, visitor):
        page = visitor.page

        visitor.go("/settings/connect/google/")
        said = page.locator("main").inner_text()
        page.get_by_role("button", name="Continue to Google").click()

        assert "Unified inbox" in said
        assert "gmail.readonly" in said
        # Unticked: the browser itself does not send the form.
        assert page.url.endswith("/settings/connect/google/")

    def test_shows_the_mail_it_brought_in_without_a_reload(self, visitor):
        visitor.connect()

        expect(visitor.card).to_contain_text("3 messages")
        assert "code=" not in visitor.page.url
        assert visitor.minded == []

    def test_says_that_mail_was_not_given_and_takes_it_later(self, visitor):
        visitor.to_consent().decide(untick=(MAIL_SCOPE,))

        expect(visitor.page.locator(".alert").first).to_contain_text(
            "The account is connected, but not its mail."
        )
        expect(visitor.card).to_contain_text("The account is connected, but not its mail")
        expect(visitor.card.locator(".button.primary")).to_have_count(1)

        visitor.card.get_by_role("link", name="Grant permission").click()
        visitor.page.get_by_label("I agree").check()
        visitor.page.get_by_role("button", name="Continue to Google").click()
        visitor.decide()

        expect(visitor.card.locator(".badge")).to_have_text("Connected")

    def test_says_no_with_the_person(self, visitor):
        visitor.to_consent().decide("Cancel")

        expect(visitor.page.locator(".alert")).to_contain_text("You declined at the provider")
        expect(visitor.page.get_by_role("heading", name="Connect an account")).to_be_visible()

    def test_does_nothing_twice_for_an_answer_that_comes_again(self, visitor):
        visitor.connect()
        came = next(url for url in visitor.requests if "/connect/google/callback" in url)

        visitor.page.goto(came)

        expect(visitor.page.locator(".alert")).to_contain_text("That link was used before.")
        expect(visitor.card).to_have_count(1)

    def test_refuses_an_attempt_that_began_in_another_browser(self, visitor, visit):
        visitor.to_consent()
        with visitor.page.expect_request("**/connect/google/callback**") as sent:
            visitor.page.route("**/connect/google/callback**", lambda route: route.abort())
            visitor.page.locator('input[name="account"]').first.check()
            visitor.page.get_by_role("button", name="Allow").click()

        with visit() as mallory:
            mallory.sign_in().page.goto(sent.value.url)

            expect(mallory.page.locator(".alert")).to_contain_text("did not start in this browser")
            expect(mallory.page.locator("article.card .products .badge.good")).to_have_count(0)

    def test_refuses_an_attempt_that_took_too_long(self, visitor, service):
        visitor.to_consent()
        # Stands for ten minutes of waiting.
        with psycopg.connect(service.environment["DATABASE_URL"]) as database:
            database.execute(
                "update integrations_connectattempt set began_at = began_at - interval '1 hour',"
                " expires_at = expires_at - interval '1 hour' where used_at is null"
            )

        visitor.decide()

        expect(visitor.page.locator(".alert")).to_contain_text("That took too long.")

    def test_goes_by_keyboard_alone(self, visitor):
        page = visitor.page
        visitor.go("/settings/integrations/")

        visitor.reach(page.get_by_role("link", name="Connect Google mail"))
        visitor.reach(page.get_by_label("I agree"), "Space")
        visitor.reach(page.get_by_role("button", name="Continue to Google"))
        page.wait_for_url(f"{visitor.service.sandbox_url}/**")
        visitor.decide()

        expect(visitor.card.locator(".badge")).to_have_text("Connected")


class TestRead:
    def test_opens_a_conversation_with_its_text(self, looked_at):
        frame = looked_at.open_mail(NEWSLETTER)

        expect(frame.locator("body")).to_contain_text("warm words")
        expect(looked_at.page.locator("h1")).to_have_text(NEWSLETTER)

    def test_hands_over_an_attachment_as_a_download(self, looked_at):
        looked_at.open_mail(INVOICE)

        with looked_at.page.expect_download() as saved:
            looked_at.page.locator("a.attachment").click()

        assert saved.value.path().read_text() == ATTACHED

    def test_shows_a_hostile_name_as_text_and_within_its_place(self, looked_at):
        page = looked_at.page
        page.set_viewport_size({"width": 390, "height": 844})

        looked_at.go("/inbox/")

        expect(page.locator(".mail-row", has_text=HOSTILE)).to_contain_text("very very long name")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

    def test_pages_back_to_older_conversations(self, visit):
        with visit(size=160) as visitor:
            visitor.sign_in().connect()
            page = visitor.page
            visitor.go("/inbox/?folder=all")
            newest = page.locator(".mail-row").first.get_attribute("href")

            page.get_by_role("link", name="Older", exact=True).click()

            expect(page.get_by_role("link", name="Newest")).to_be_visible()
            assert page.locator(f'.mail-row[href="{newest}"]').count() == 0

    def test_finds_what_was_delivered_meanwhile(self, connected, google):
        google.deliver(connected.account, subject="Just now", text="hello")

        connected.go("/settings/integrations/")
        connected.card.get_by_role("button", name="Sync now").click()
        expect(connected.page.locator(".messages")).to_contain_text("Checking for new mail now.")

        expect(connected.card.locator(".progress-words")).to_contain_text("4 messages")
        connected.go("/inbox/")
        expect(connected.page.locator(".mail-row").first).to_contain_text("Just now")


class TestSearch:
    @pytest.mark.invariant(11)
    @pytest.mark.invariant(12)
    def test_finds_and_shows_what_is_not_kept_here(self, connected):
        page = connected.page
        connected.requests.clear()

        search_elsewhere(connected, "Summer")
        expect(page.locator(".mail-row")).to_contain_text("At Google")
        assert page.url.endswith("/inbox/search/")
        page.locator(".mail-row").click()

        expect(page.locator("main")).to_contain_text("Antares does not store this message")
        body = page.frame_locator("iframe.mail-body").locator("body")
        expect(body).to_contain_text("Summer, at the lake")
        connected.go("/inbox/?folder=all")
        expect(page.locator(".mail-row", has_text="Summer")).to_have_count(0)
        assert connected.foreign() == []
        assert connected.minded == []

    def test_leads_to_the_conversation_that_is_here(self, connected):
        page = connected.page

        connected.go("/inbox/")
        page.get_by_role("searchbox").fill(f'subject:"{INVOICE}"')
        page.get_by_role("searchbox").press("Enter")
        page.locator(".mail-row").click()

        expect(page.locator("h1")).to_have_text(INVOICE)
        assert "/inbox/threads/" in page.url


class TestSettings:
    def test_switches_a_feature_on_and_off(self, visitor):
        page = visitor.page
        card = page.locator("article.card", has_text="Inbox widget")
        visitor.go("/settings/access/")

        card.get_by_role("link", name="Switch on").click()
        page.get_by_label("I agree").check()
        page.get_by_role("button", name="Switch on").click()
        expect(card.locator(".badge")).to_have_text("On")
        card.get_by_role("button", name="Switch off").click()

        expect(card.locator(".badge")).to_have_text("Off")

    def test_keeps_the_length_that_was_chosen(self, connected):
        page = connected.page
        connected.card.get_by_role("link", name="Details").click()
        page.get_by_label("Store", exact=True).select_option("30")

        page.get_by_role("button", name="Save").click()

        expect(page.get_by_label("Store", exact=True)).to_have_value("30")
        expect(page.locator("main")).to_contain_text("the mail of the last 30 days")

    def test_details_show_permissions_and_comparisons(self, looked_at):
        looked_at.go("/settings/integrations/")
        looked_at.card.get_by_role("link", name="Details").click()

        expect(looked_at.page.locator("#permissions + .table-wrap")).to_contain_text("Granted")
        expect(looked_at.page.get_by_role("heading", name="Compared with Google")).to_be_visible()


class TestReconnect:
    @pytest.mark.scenario("X4")
    @pytest.mark.invariant(6)
    def test_is_offered_first_and_loses_nothing(self, connected, google):
        google.revoke_grant(connected.account)
        google.expire_access(connected.account)

        expect(connected.card.locator(".badge")).to_have_text("Please reconnect")
        expect(connected.card.locator(".button.primary")).to_contain_text("Reconnect")
        connected.go("/settings/integrations/")
        expect(connected.card).to_contain_text("Reconnect before")

        connected.card.get_by_role("link", name="Disconnect").click()
        expect(connected.page.locator(".button").first).to_have_text("Reconnect")
        expect(connected.page.locator("main")).to_contain_text("removes 3 messages in 3")

        connected.page.get_by_role("link", name="Reconnect").click()
        connected.page.get_by_label("I agree").check()
        connected.page.get_by_role("button", name="Continue to Google").click()
        connected.decide()

        expect(connected.card.locator(".badge")).to_have_text("Connected")
        expect(connected.card).to_contain_text("3 messages")
