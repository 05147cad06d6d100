"""Invariant 12: the browser shares with no one, and mail cannot act."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Error, expect

from tests.browser.mail import HOSTILE, INVOICE, LINK, NEWSLETTER

pytestmark = [pytest.mark.browser, pytest.mark.invariant(12)]

OWN_PAGES = (
    "/",
    "/inbox/",
    "/inbox/?folder=sent",
    "/settings/integrations/",
    "/settings/connect/google/",
    "/data-use/",
    "/privacy/",
    "/session-replay/",
)


def _body(visitor, subject):
    """Open a message's own document by its address, as a tab of its own."""
    visitor.open_mail(subject)
    visitor.page.goto(visitor.page.locator("iframe.mail-body").first.evaluate("one => one.src"))
    return visitor.page


class TestPagesLoadNothingElsewhere:
    @pytest.mark.claim("data-use.no-remote", "replay.none")
    @pytest.mark.scenario("H1")
    @pytest.mark.scenario("H3")
    @pytest.mark.clause("OWN-PAGES", "AN-26")
    def test_load_nothing_from_anybody_else_whatever_the_mail_holds(self, looked_at):
        looked_at.requests.clear()

        for subject in (NEWSLETTER, HOSTILE, INVOICE):
            expect(looked_at.open_mail(subject).locator("body")).not_to_be_empty()
        for path in OWN_PAGES:
            looked_at.go(path)
        looked_at.page.wait_for_load_state("networkidle")

        assert looked_at.requests
        assert looked_at.foreign() == []
        assert looked_at.minded == []

    def test_keep_nothing_in_the_browser(self, looked_at):
        looked_at.open_mail(NEWSLETTER)
        looked_at.go("/settings/integrations/")

        kept = looked_at.page.evaluate(
            "async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length,"
            " (await indexedDB.databases()).length,"
            " (await navigator.serviceWorker.getRegistrations()).length]"
        )
        assert kept == [0, 0, 0, 0, 0]
        cookies = [one for one in looked_at.context.cookies() if one["domain"] == "localhost"]
        assert {one["sameSite"] for one in cookies} == {"Lax"}
        assert all(one["httpOnly"] for one in cookies if one["name"] == "sessionid")

    @pytest.mark.claim("cookies.only-these")
    def test_set_only_the_cookies_that_the_page_about_cookies_lists(self, looked_at):
        looked_at.open_mail(NEWSLETTER)
        for path in OWN_PAGES:
            looked_at.go(path)
        looked_at.go("/cookies/")
        listed = looked_at.page.locator("tbody td:first-child").all_inner_texts()

        # The consent page of the sandbox is another site, on another port of this host.
        set_cookies = {
            header["value"].partition("=")[0]
            for response in looked_at.responses
            if response.url.startswith(f"{looked_at.service.url}/")
            for header in response.headers_array()
            if header["name"].lower() == "set-cookie"
        }

        assert set_cookies
        assert set_cookies <= set(listed)

    def test_are_kept_by_no_cache_and_name_themselves_to_nobody(self, looked_at):
        looked_at.open_mail(NEWSLETTER)
        for path in OWN_PAGES[1:5]:
            looked_at.go(path)

        ours = [
            one
            for one in looked_at.responses
            if one.url.startswith(f"{looked_at.service.url}/") and "/static/" not in one.url
        ]
        shown = [one for one in ours if "/inbox/" in one.url or "/settings/" in one.url]
        assert shown
        assert [one.url for one in shown if "no-store" not in one.headers["cache-control"]] == []
        assert {one.headers["referrer-policy"] for one in ours} <= {"same-origin", "no-referrer"}

    @pytest.mark.claim("replay.csp")
    def test_are_under_a_policy_without_exceptions(self, looked_at):
        looked_at.go("/inbox/")

        policy = looked_at.page.request.get(looked_at.page.url).headers["content-security-policy"]
        assert "unsafe-inline" not in policy
        assert "unsafe-eval" not in policy
        assert "default-src 'none'" in policy


class TestMail:
    @pytest.mark.scenario("H2")
    def test_stays_in_its_frame(self, looked_at):
        frame = looked_at.open_mail(HOSTILE)

        expect(frame.locator("body")).to_contain_text("Session expired")
        box = looked_at.page.locator("iframe.mail-body").first.bounding_box()
        assert box["y"] > looked_at.page.locator(".site-head").bounding_box()["height"]
        assert frame.locator("[style*=fixed]").count() == 0
        assert (
            frame.locator("body :is(script, form, iframe, object, embed, svg, style)").count() == 0
        )

    def test_opened_directly_has_no_origin_and_runs_nothing(self, looked_at):
        page = _body(looked_at, HOSTILE)

        # As if the sanitiser had let a script pass.
        page.evaluate(
            "() => { const one = document.createElement('script'); one.textContent = 'ran = 1';"
            " document.body.append(one) }"
        )

        assert page.evaluate("self.origin") == "null"
        assert page.evaluate("typeof ran") == "undefined"
        with pytest.raises(Error, match="SecurityError"):
            page.evaluate("document.cookie")

    def test_opened_directly_submits_no_form(self, looked_at):
        page = _body(looked_at, HOSTILE)
        before = page.url
        looked_at.requests.clear()

        # As if the sanitiser had let a form pass.
        page.evaluate(
            "() => { const one = document.createElement('form'); one.method = 'post';"
            " one.action = '/accounts/logout/'; one.id = 'trap';"
            " const button = document.createElement('button'); button.textContent = 'Go';"
            " one.append(button); document.body.append(one) }"
        )
        page.get_by_role("button", name="Go").click()

        assert page.url == before
        assert looked_at.requests == []

    def test_answers_with_a_sandbox_of_its_own(self, looked_at):
        looked_at.open_mail(NEWSLETTER)
        address = looked_at.page.locator("iframe.mail-body").first.evaluate("one => one.src")

        headers = looked_at.page.request.get(address).headers

        policy = headers["content-security-policy"]
        assert re.search(r"sandbox [^;]*allow-popups", policy)
        assert "allow-scripts" not in policy
        assert "allow-same-origin" not in policy
        assert "default-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "no-store" in headers["cache-control"]

    def test_opens_links_without_a_way_back(self, looked_at):
        looked_at.context.route(f"{LINK}*", lambda route: route.fulfill(body="a shop"))
        frame = looked_at.open_mail(NEWSLETTER)

        with looked_at.context.expect_page() as opened:
            frame.get_by_role("link", name="our offer").click()

        shop = opened.value
        shop.wait_for_load_state()
        assert shop.url == LINK
        assert shop.evaluate("window.opener") is None
        assert shop.evaluate("document.referrer") == ""

    def test_attachments_are_never_shown_from_our_origin(self, looked_at):
        looked_at.open_mail(INVOICE)
        address = looked_at.page.locator("a.attachment").evaluate("one => one.href")

        headers = looked_at.page.request.get(address).headers

        assert headers["content-disposition"].startswith("attachment")
        assert headers["content-type"] == "application/octet-stream"
        assert headers["x-content-type-options"] == "nosniff"
