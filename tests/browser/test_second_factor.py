"""Second factors in a real browser: staff are led to set one up, and a security key works."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def security_key():
    """Return how to plug a virtual security key into a page's browser."""

    def plug_in(page):
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return devtools

    return plug_in


class TestStaff:
    def test_are_led_to_setting_one_up_and_nowhere_else(self, visit, cast):
        with visit(cast["staff"]) as sam:
            sam.sign_in()

            for path in ("/settings/integrations/", "/inbox/"):
                sam.go(path)

                expect(sam.page).to_have_url(f"{sam.service.url}/accounts/mfa/")
                expect(sam.page.locator("main")).to_contain_text("on the staff site")


class TestSecurityKey:
    def test_is_added_and_then_asked_for(self, visitor, security_key):
        page = visitor.page
        security_key(page)
        visitor.go("/accounts/mfa/webauthn/add/")
        visitor.confirm()
        page.get_by_label("Name").fill("blue key")
        page.locator("main").get_by_role("button", name="Add").click()
        expect(page.locator(".messages")).to_contain_text("Security key added.")
        visitor.go("/")
        page.locator(".menu > summary").click()
        page.locator(".menu").get_by_role("button", name="Sign out").click()

        visitor.go("/accounts/login/")
        page.get_by_label("Email").fill(visitor.person["email"])
        page.get_by_label("Password").fill(visitor.person["password"])
        page.locator("main").get_by_role("button", name="Sign in").click()
        expect(page.locator("h1")).to_have_text("Two-factor authentication")
        page.get_by_role("button", name="Use a security key").click()

        expect(page.locator(".site-user")).to_contain_text(visitor.person["name"])
