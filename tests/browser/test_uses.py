"""The page "Who may use my data, and who did" in a real browser, with real clients of features."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from config.embedded.embedded_service import ROOT
from config.embedded.feature_client import FeatureClient

pytestmark = pytest.mark.browser
USES = "/settings/uses/"


@pytest.fixture(scope="module")
def seeded(service):
    """Return the demo's people and clients; Alice has Campaigns planted by hand."""
    kept = Path(service.environment["KEYRING_DIR"]).parent / "people.json"
    return json.loads(kept.read_text())


@pytest.fixture
def alice(visit, seeded):
    with visit(seeded["people"][0]) as one:
        yield one.sign_in_by_http().connect_by_http()


def feature(service, seeded, name):
    client = next(one for one in seeded["clients"] if one["client_id"] == name)
    return client, FeatureClient(service.url, client)


def first_row(visitor):
    return visitor.page.locator("table.record tbody tr").first


class TestHerPage:
    @pytest.mark.clause("LU-4", "AN-11", "AN-23")
    @pytest.mark.clause("AN-2")
    @pytest.mark.invariant(1, 3, 5)
    def test_shows_a_refusal_and_a_reading_and_switches_the_reader_off(
        self, alice, service, seeded, tmp_path
    ):
        page, her_id = alice.page, seeded["people"][0]["id"]
        client, campaigns = feature(service, seeded, "campaigns")
        assert campaigns.request_messages(client["delegation_id"], her_id).status_code == 403

        alice.go(USES)
        expect(first_row(alice)).to_contain_text("Campaigns")
        expect(first_row(alice)).to_contain_text("Marketing")
        expect(first_row(alice)).to_contain_text("Refused")

        token = self._switch_on(alice, service, seeded)
        read = httpx.get(
            f"{service.url}/v1/users/{her_id}/messages",
            headers={"authorization": f"Bearer {token}"},
        )
        assert read.status_code == 200
        alice.go(USES)
        expect(first_row(alice)).to_contain_text("Inbox widget")
        expect(first_row(alice)).to_contain_text("Permitted")

        page.get_by_text("Choose what is shown").click()
        page.get_by_label("Outcome").select_option("refused")
        page.get_by_role("button", name="Show", exact=True).click()
        badges = page.locator("table.record .badge")
        expect(badges.first).to_have_text("Refused")
        assert set(badges.all_text_contents()) == {"Refused"}

        with page.expect_download() as saved:
            page.get_by_role("link", name="Download as CSV").click()
        saved.value.save_as(tmp_path / "record.csv")
        rows = list(csv.DictReader((tmp_path / "record.csv").read_text().splitlines()))
        assert {row["outcome"] for row in rows} == {"refused"}
        assert rows[0]["purpose"] == "marketing"

        alice.go(USES)
        card = page.locator("article.card", has_text="Inbox widget")
        card.get_by_role("button", name="Switch off").click()
        expect(card.locator(".badge")).to_have_text("Off")
        after = httpx.get(
            f"{service.url}/v1/users/{her_id}/messages",
            headers={"authorization": f"Bearer {token}"},
        )
        assert after.status_code == 401
        assert alice.minded == []

    def _switch_on(self, visitor, service, seeded):
        page = visitor.page
        card = page.locator("article.card", has_text="Inbox widget")
        card.get_by_role("link", name="Switch on").click()
        expect(page.locator("main")).to_contain_text("It keeps nothing")
        page.get_by_label("I agree").check()
        page.get_by_role("button", name="Switch on").click()
        expect(card.locator(".badge")).to_have_text("On")
        delegation = card.locator('input[name="delegation"]').get_attribute("value")
        _, widget = feature(service, seeded, "inbox-widget")
        answer = widget.request_token(delegation)
        answer.raise_for_status()
        return answer.json()["access_token"]

    @pytest.mark.claim("uses.within-seconds", "uses.pseudonym")
    @pytest.mark.invariant(3)
    def test_proves_an_entry_within_seconds(self, connected, tmp_path):
        page = connected.page
        connected.go("/inbox/")
        connected.go(USES)
        proof = first_row(connected).get_by_role("link", name="Proof")
        for _ in range(20):
            if proof.count():
                break
            page.wait_for_timeout(500)
            page.reload()

        with page.expect_download() as saved:
            proof.click()
        file = tmp_path / "entry.tlog-proof"
        saved.value.save_as(file)
        keys = page.request.get(f"{connected.service.url}/keys/?format=text").text().split()

        given = [part for key in keys for part in ("--key", key)]
        command = [sys.executable, "-m", "limited_use.verify", *given, str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()
        assert b"inbox.display" in done.stdout

    @pytest.mark.clause("WDEL", "AN-2")
    def test_says_what_goes_with_an_agreement_and_lets_it_go(self, connected):
        page = connected.page
        connected.go(USES)
        card = page.locator("article.card", has_text="Unified inbox")

        card.get_by_role("link", name="Withdraw").click()
        expect(page.locator("main")).to_contain_text("3 messages in 3 conversations")
        page.get_by_role("button", name="Withdraw and disconnect").click()
        connected.confirm()

        expect(page.get_by_role("link", name="Download receipt")).to_be_visible()
        connected.go(USES)
        expect(card.locator(".badge")).to_have_text("Off")
