"""axe-core on every page: light and dark, on a phone and on a desktop."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from tests.browser.mail import HOSTILE
from tests.browser.visitor import search_elsewhere

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("the contact sheets check every page and state for accessibility"),
]

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
# Redoc draws `/api/`, with a menu that axe finds fault with; the plain page has the same reference.
PUBLIC = (
    "/", "/data-use/", "/privacy/", "/disconnect-and-delete/", "/cookies/", "/session-replay/",
    "/children/", "/accessibility/", "/contact/", "/keys/", "/api/plain/", "/accounts/login/",
    "/accounts/password/reset/",
)  # fmt: skip
OWN = (
    "/settings/integrations/",
    "/settings/connect/google/",
    "/inbox/",
    "/inbox/?folder=drafts",
    "/inbox/search/",
    "/settings/access/",
    "/settings/activity/",
    "/settings/features/inbox-widget/",
    "/accounts/mfa/",
    "/accounts/password/change/",
)
# All rules on a phone in the light and on a desktop in the dark; of the rest that for which the
# scheme matters.
ALL = "{resultTypes: ['violations']}"
COLOURS = "{resultTypes: ['violations'], runOnly: ['color-contrast']}"
RUNS = {"phone": {"light": ALL, "dark": COLOURS}, "desktop": {"light": COLOURS, "dark": ALL}}
# Two frames later the page is drawn as it was asked for.
DRAWN = "() => new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))"
# No link leads here, so it is opened directly.
LOST = ("/no/such/page/",)


def violations(page):
    """Return what axe finds serious or critical, as lines that say where."""
    found = []
    page.evaluate(AXE_SCRIPT)
    for size, viewport in SIZES.items():
        for scheme, asked in RUNS[size].items():
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
            page.evaluate(DRAWN)
            found += [
                f"{page.url} {size} {scheme}: {one['id']}: {node['target']} {node['html'][:160]}"
                for one in page.evaluate(f"() => axe.run({asked})")["violations"]
                if one["impact"] in {"serious", "critical"}
                for node in one["nodes"]
            ]
            wide = page.evaluate("document.documentElement.scrollWidth") - viewport["width"]
            if wide > 0:
                found.append(f"{page.url} {size} {scheme}: {wide} pixels too wide")
    return found


class TestEveryPage:
    def test_is_accessible_to_who_is_not_signed_in(self, visit):
        with visit() as visitor:
            found = []
            for path in (*PUBLIC, *LOST):
                visitor.go(path)
                found += violations(visitor.page)

        assert found == []

    def test_is_accessible_before_anything_is_connected(self, visitor):
        found = []
        for path in OWN:
            visitor.go(path)
            found += violations(visitor.page)

        assert found == []

    def test_is_accessible_with_mail_in_it(self, connected):
        page = connected.page
        found = []
        for path in (
            "/settings/integrations/",
            "/inbox/",
            "/settings/activity/",
            "/settings/activity/entries/",
        ):
            connected.go(path)
            found += violations(page)
        expect(connected.open_mail(HOSTILE).locator("body")).not_to_be_empty()
        found += violations(page)
        search_elsewhere(connected, "long ago")
        found += violations(page)
        page.locator(".mail-row").click()
        expect(page.locator("h1")).to_have_text("long ago")
        found += violations(page)
        connected.go("/settings/integrations/")
        connected.card.get_by_role("link", name="Details").click()
        expect(page.locator("#compared")).to_be_visible()
        found += violations(page)

        assert found == []

    def test_is_accessible_while_ending_it(self, connected):
        page = connected.page
        connected.card.get_by_role("link", name="Disconnect").click()
        found = violations(page)
        expect(page.locator("h1")).to_contain_text("Disconnect Google mail?")
        found += violations(page)
        connected.go("/settings/features/inbox/withdraw/")
        found += violations(page)
        page.get_by_role("button", name="Withdraw and disconnect").click()
        found += violations(page)
        connected.confirm()
        expect(page.get_by_role("link", name="Download receipt")).to_be_visible()
        page.get_by_text("Counted before and after").click()
        found += violations(page)
        page.get_by_role("button", name="Make a link").click()
        page.goto(page.locator("pre.key").first.inner_text())
        for summary in page.locator("article summary").all():
            summary.click()
        found += violations(page)
        connected.go("/settings/integrations/")
        found += violations(page)

        assert found == []
