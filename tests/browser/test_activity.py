"""The pages Access and Activity in a real browser, with real clients of features."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from config.embedded.embedded_service import ROOT
from tests.browser.conftest import SCREENS
from tests.browser.test_accessibility import violations
from tests.raw_feature import RawFeature

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("the pages of activity in a browser; tests over HTTP compare the answers"),
]
ACCESS = "/settings/access/"
ACTIVITY = "/settings/activity/"
ENTRIES = "/settings/activity/entries/"


@pytest.fixture(scope="module")
def seeded(service):
    """Return the demo's people and clients; Alice has Campaigns planted by hand."""
    folder = Path(service.environment["KEYRING_DIR"]).parent
    return json.loads((folder / "people.json").read_text())


@pytest.fixture
def alice(visit, seeded):
    with visit(seeded["people"][0]) as visitor:
        yield visitor.sign_in_by_http().connect_by_http()


def get_client(service, seeded, name):
    client = next(client for client in seeded["clients"] if client["client_id"] == name)
    return client, RawFeature(service.url, client)


def get_first_entry(visitor):
    return visitor.page.locator("ul.entries > li").first


class TestAccessAndActivity:
    @pytest.mark.clause("LU-4", "AN-11", "AN-23")
    @pytest.mark.clause("AN-2")
    @pytest.mark.invariant(1, 3, 5)
    def test_show_a_refusal_and_a_reading_and_switch_the_reader_off(
        self, alice, service, seeded, tmp_path
    ):
        page, her_id = alice.page, seeded["people"][0]["id"]
        client, campaigns = get_client(service, seeded, "campaigns")
        assert campaigns.request_messages(client["delegation_id"], her_id).status_code == 403

        alice.go(ACTIVITY)
        refusal = page.locator(".refusal").first
        expect(refusal).to_contain_text("Campaigns asked for")
        expect(refusal).to_contain_text("Purpose: Marketing.")
        expect(refusal).to_contain_text("never used for marketing")

        token = self._switch_on(alice, service, seeded)
        messages = f"{service.url}/v1/users/{her_id}/messages"
        headers = {"authorization": f"Bearer {token}"}
        assert httpx.get(messages, headers=headers).status_code == 200
        alice.go(ACTIVITY)
        line = page.locator(".activity-day details", has_text="Inbox widget read your mail").first
        line.locator("summary").click()
        # She may have had it read before, on another screen.
        expect(line).to_contain_text(re.compile(r"Read your mail [1-9]\d* times?"))
        line.get_by_role("link", name="Show").click()
        expect(get_first_entry(alice)).to_contain_text("Inbox widget")
        expect(get_first_entry(alice)).to_contain_text("Allowed")

        alice.go(ACTIVITY)
        page.get_by_text("Filter", exact=True).click()
        page.get_by_label("Outcome").select_option("refused")
        page.get_by_role("button", name="Apply").click()
        badges = page.locator(".activity-day .badge")
        expect(badges.first).to_have_text("Refused")
        assert set(badges.all_text_contents()) == {"Refused"}
        expect(page.locator(".activity-day")).not_to_contain_text("Inbox widget")

        page.get_by_text("Download", exact=True).click()
        with page.expect_download() as saved:
            page.get_by_role("link", name="Download as CSV").click()
        saved.value.save_as(tmp_path / "activity.csv")
        rows = list(csv.DictReader((tmp_path / "activity.csv").read_text().splitlines()))
        assert {row["outcome"] for row in rows} == {"Refused"}
        assert rows[0]["what"] == "Marketing"

        alice.go(ACCESS)
        card = page.locator("article.card", has_text="Inbox widget")
        card.get_by_role("button", name="Switch off").click()
        expect(card.locator(".badge")).to_have_text("Off")
        assert httpx.get(messages, headers=headers).status_code == 401
        assert alice.minded == []

    def _switch_on(self, visitor, service, seeded):
        page = visitor.page
        page.get_by_role("link", name="Access", exact=True).click()
        card = page.locator("article.card", has_text="Inbox widget")
        card.get_by_role("link", name="Switch on").click()
        expect(page.locator("main")).to_contain_text("It keeps nothing")
        page.get_by_label("I agree").check()
        page.get_by_role("button", name="Switch on").click()
        expect(card.locator(".badge")).to_have_text("On")
        delegation = card.locator('input[name="delegation"]').get_attribute("value")
        _, widget = get_client(service, seeded, "inbox-widget")
        answer = widget.request_token(delegation)
        answer.raise_for_status()
        return answer.json()["access_token"]

    @pytest.mark.claim("uses.within-seconds", "uses.pseudonym")
    @pytest.mark.invariant(3)
    def test_prove_an_entry_within_seconds(self, connected, tmp_path):
        page = connected.page
        connected.go("/inbox/")
        connected.go(f"{ENTRIES}?by=owner&purpose=inbox.display")
        entry = get_first_entry(connected)
        proof = entry.get_by_role("link", name="Download proof")
        for _ in range(20):
            entry.locator("summary").click()
            if proof.count():
                break
            page.wait_for_timeout(500)
            page.reload()

        entry_id = proof.get_attribute("href").split("/")[-2]
        with page.expect_download() as saved:
            proof.click()
        file = tmp_path / "entry.tlog-proof"
        saved.value.save_as(file)
        keys = page.request.get(f"{connected.service.url}/keys/?format=text").text().split()

        given = [part for key in keys for part in ("--key", key)]
        command = [sys.executable, "-m", "limited_use.verify", *given, str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()
        assert entry_id.encode() in done.stdout
        assert b"inbox.display" in done.stdout

    @pytest.mark.clause("WDEL", "AN-2")
    def test_list_the_data_that_goes_with_an_agreement_and_end_it(self, connected):
        page = connected.page
        connected.go(ACCESS)
        card = page.locator("article.card", has_text="Unified inbox")

        card.get_by_role("link", name="Withdraw").click()
        expect(page.locator("main")).to_contain_text("3 messages in 3 conversations")
        page.get_by_role("button", name="Withdraw and disconnect").click()
        connected.confirm()

        expect(page.get_by_role("link", name="Download receipt")).to_be_visible()
        connected.go(ACCESS)
        expect(card.locator(".badge")).to_have_text("Off")


class TestAMonthOfActivity:
    @pytest.fixture
    def usual(self, visit_at_any_size, service):
        """Return a person with a usual month behind them, on a phone."""
        with visit_at_any_size(viewport=SCREENS["phone"]) as visitor:
            visitor.sign_in_by_http().connect_by_http()
            command = [sys.executable, "-m", "tests.browser.history", visitor.person["email"]]
            subprocess.run(command, cwd=ROOT, env=service.environment, check=True)
            yield visitor

    def test_takes_at_most_three_screens_of_a_phone(self, usual):
        page, height = usual.page, SCREENS["phone"]["height"]

        heights = {}
        for path in (ACTIVITY, ENTRIES, f"{ACTIVITY}?outcome=refused", ACCESS):
            usual.go(path)
            heights[path] = page.evaluate("document.documentElement.scrollHeight")
            assert page.evaluate("document.documentElement.scrollWidth") == 390
        usual.go(ACTIVITY)
        expect(page.locator(".activity-day")).to_have_count(7)
        expect(page.get_by_role("region", name="Last 30 days")).to_contain_text(
            "Inbox widget read your mail"
        )
        found = violations(page)
        page.get_by_role("link", name="Older").click()
        expect(page.locator(".activity-day")).to_have_count(7)
        heights["older"] = page.evaluate("document.documentElement.scrollHeight")

        # A card for each feature.
        heights[ACCESS] -= height
        assert {path: tall for path, tall in heights.items() if tall > 3 * height} == {}
        assert found == []
        assert usual.minded == []
