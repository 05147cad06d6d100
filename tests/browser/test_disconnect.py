"""Disconnecting in a real browser: what goes is said, it goes, and the receipt proves it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from config.embedded.embedded_service import ROOT
from tests.browser.mail import NEWSLETTER

pytestmark = pytest.mark.browser


def _disconnect_and_wait(visitor):
    """Press the button, confirm who it is, and wait for the receipt."""
    visitor.card.get_by_role("link", name="Disconnect").click()
    visitor.page.get_by_role("button", name="Disconnect and remove everything").click()
    visitor.confirm()
    expect(visitor.page.get_by_role("link", name="Download receipt")).to_be_visible()


class TestDisconnectInBrowser:
    @pytest.mark.clause("WDEL")
    def test_says_exactly_what_goes_before_it_goes(self, connected):
        connected.card.get_by_role("link", name="Disconnect").click()

        expect(connected.page.locator("main")).to_contain_text(
            "Antares removes 3 messages in 3 conversations"
        )
        expect(connected.page.locator("main")).to_contain_text("Your data at Google stays as it is")

    def test_asks_who_it_is_after_that_and_says_for_what(self, connected):
        page = connected.page
        connected.card.get_by_role("link", name="Disconnect").click()
        page.get_by_role("button", name="Disconnect and remove everything").click()

        expect(page.locator("h1")).to_have_text("Confirm that it is you")
        expect(page.locator("main")).to_contain_text(
            "To continue with: Disconnect, and remove its data from Antares"
        )

    @pytest.mark.invariant(6)
    def test_ends_with_a_receipt_that_verifies(self, connected, tmp_path):
        connected.open_mail(NEWSLETTER)
        conversation = connected.page.url
        connected.go("/settings/integrations/")
        _disconnect_and_wait(connected)
        page = connected.page

        with page.expect_download() as saved:
            page.get_by_role("link", name="Download receipt").click()
        receipt = tmp_path / "receipt.json"
        saved.value.save_as(receipt)
        keys = page.request.get(f"{connected.service.url}/keys/?format=text").text().split()

        given = [part for key in keys for part in ("--key", key)]
        command = [sys.executable, "-m", "limited_use.verify", *given, str(receipt)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert json.loads(receipt.read_bytes())
        assert page.goto(conversation).status == 404
        connected.go("/inbox/")
        expect(page.locator(".empty")).to_contain_text("No mailbox connected")

    @pytest.mark.claim("receipt.check-offline", "verify.offline", "keys.offline")
    def test_gives_a_page_that_checks_the_receipt_without_network(
        self, connected, browser, tmp_path
    ):
        _disconnect_and_wait(connected)
        for name in ("receipt", "verify.html"):
            with connected.page.expect_download() as saved:
                connected.page.get_by_role("link", name=f"Download {name}").click()
            saved.value.save_as(tmp_path / name)

        context = browser.new_context(offline=True)
        asked = []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto((tmp_path / "verify.html").as_uri())
        page.get_by_label("Choose the receipt").set_input_files(tmp_path / "receipt")

        expect(page.locator("#result h2")).to_have_text("The receipt is genuine")
        expect(page.locator("#result")).to_contain_text("3 messages in 3 conversations")
        assert asked == [(tmp_path / "verify.html").as_uri()]
        context.close()

    def test_offers_a_next_step_when_all_is_gone(self, connected):
        _disconnect_and_wait(connected)
        page = connected.page

        expect(page.locator(".sentences > li")).to_have_count(5)
        expect(page.locator("#purge details[open]")).to_have_count(0)
        page.get_by_role("link", name="Connect Google mail again").click()
        expect(page.get_by_role("button", name="Continue to Google")).to_be_visible()
        page.go_back()
        page.get_by_role("link", name="Back to settings").click()
        expect(page).to_have_url(f"{connected.service.url}/settings/integrations/")

    def test_leaves_the_receipt_in_settings(self, connected):
        _disconnect_and_wait(connected)

        connected.go("/settings/integrations/")

        row = connected.page.locator("#receipts + .table-wrap tbody tr")
        expect(row).to_contain_text("Removed")
        expect(row.get_by_role("link", name="Download receipt")).to_be_visible()
        expect(connected.card).to_have_count(0)

    def test_keeps_everything_for_who_thinks_better_of_it(self, connected):
        connected.card.get_by_role("link", name="Disconnect").click()

        connected.page.get_by_role("link", name="Keep it").click()

        expect(connected.card.locator(".badge")).to_have_text("Connected")

    def test_goes_by_keyboard_alone(self, connected):
        page = connected.page
        connected.reach(connected.card.get_by_role("link", name="Disconnect"))
        connected.reach(page.get_by_role("button", name="Disconnect and remove everything"))
        page.get_by_label("Password").focus()
        page.keyboard.type(connected.person["password"])
        page.keyboard.press("Enter")

        download = page.get_by_role("link", name="Download receipt")
        expect(download).to_be_visible()
        with page.expect_download():
            connected.reach(download)

    def test_removes_a_connection_that_brought_nothing_in(self, visitor):
        visitor.to_consent().decide(untick=("gmail.readonly",))

        visitor.card.get_by_role("button", name="Remove connection").click()
        visitor.confirm()

        visitor.go("/settings/integrations/")
        expect(visitor.page.get_by_role("heading", name="Connect an account")).to_be_visible()
