"""A reviewer in a real browser: the first ten minutes, and from a sentence to its proof."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from limited_use.ledger.signed_notes import VerifierKey
from limited_use.verify import verifier
from tests.browser.test_accessibility import violations
from tests.raw_feature import RawFeature
from tests.review.conftest import make_run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.clause("LU-4.1"),
    pytest.mark.thorough("the reviewer's walk in a browser; tests over HTTP compare the answers"),
]

PATHS = (
    "/review/", "/review/domains/", "/review/privacy/", "/review/scopes/", "/review/consent-flow/",
    "/review/deletion/", "/review/human-access/", "/review/assessment/", "/review/clauses/",
    "/review/clauses/?q=no+such+clause", "/review/policy/", "/review/refusals/",
    "/review/clauses/WSEC-KEY/",
)  # fmt: skip


@pytest.fixture
def seeded(service):
    return json.loads((service.logs.parent / "people.json").read_text())


@pytest.fixture
def results(service):
    """Return the file that the service reads test results from, which does not exist yet."""
    file = Path(service.environment["TEST_RESULTS"])
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture
def rita(visit, service, seeded):
    """Return the reviewer, signed in with password and code."""
    person = next(person for person in seeded["people"] if person["role"] == "reviewer")
    with visit(person, url=service.staff_url) as visitor:
        yield visitor.sign_in_with_code()


def reload_until_shown(visitor, path, shown):
    """Load a page until what workers do every few seconds stands on it."""
    for _ in range(60):
        visitor.go(path)
        if visitor.page.get_by_text(shown).count():
            return
        visitor.page.wait_for_timeout(1000)
    raise AssertionError(f"{shown} did not appear on {path}")


def reload_until_gone(page, shown):
    """Load the page until what workers do every few seconds has removed a text from it."""
    for _ in range(60):
        page.goto(page.url)
        if not page.get_by_text(shown).count():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(f"{shown} stayed on {page.url}")


class TestAReviewer:
    # One sign-in: a code serves once.
    @pytest.mark.clause("LU-4.2", "LU-4.3", "WLU-4.4", "SCOPE-MIN", "SCOPE-CTX")
    def test_goes_from_a_sentence_to_its_proof_and_takes_the_evidence_home(
        self, rita, service, seeded, results
    ):
        [client] = [each for each in seeded["clients"] if each["client_id"] == "campaigns"]
        alice = seeded["people"][0]["id"]
        answer = RawFeature(service.url, client).request_messages(client["delegation_id"], alice)
        assert answer.status_code == 403
        page = rita.page

        reload_until_shown(rita, "/review/refusals/", "campaigns")
        page.get_by_role("link", name="Clauses", exact=True).click()
        page.get_by_role("searchbox").fill("lu-4.1")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("status")).to_contain_text("1 of ")
        page.get_by_role("link", name="LU-4.1", exact=True).click()
        expect(page.locator("#enforced + p")).to_contain_text("rules of the policy")
        expect(page.locator("#rule-never-market")).to_contain_text("never used for marketing")
        expect(page.locator("#tests + .alert")).to_contain_text("Test results are missing")
        found = violations(page)
        results.write_bytes(make_run())
        page.reload()
        expect(page.locator("main")).to_contain_text("a campaign cannot be registered")
        expect(page.locator("#tests + p")).to_contain_text("tests, 0 failed.")
        found += violations(page)
        page.locator('#applied ~ .table-wrap a[href*="/review/entries/"]').first.click()
        expect(page.locator("h1")).to_contain_text("Ledger entry")
        found += violations(page)
        with page.expect_download() as proof:
            page.get_by_role("link", name="Download proof").click()
        for path in PATHS:
            rita.go(path)
            found += violations(page)
            found += list_minor_violations(page)
        found += self.run_forbidden_uses(rita)
        rita.go("/review/evidence/")
        page.get_by_role("button", name="Make the evidence now").click()
        expect(page.locator(".messages")).to_contain_text("is being made")
        reload_until_shown(rita, "/review/evidence/", "WSEC-KEY")
        found += violations(page)
        with page.expect_download() as evidence:
            page.locator("a[download]").first.click()
        shown = page.locator("pre.key").inner_text()

        assert "c2sp.org/tlog-proof@v1" in proof.value.path().read_text()
        rita.go("/review/human-access/")
        found += violations(page)
        rita.go("/review/deletion/")
        expect(page.locator("#late + p")).to_contain_text("No removal was late")
        found += violations(page)
        keys = [VerifierKey.parse(text) for text in shown.split("'")[1::2]]
        assert verifier.check_signed_document(evidence.value.path().read_bytes(), keys)
        assert found == []
        assert rita.foreign() == []
        assert rita.minded == []

    def run_forbidden_uses(self, rita):
        """Run them from the start page, and follow one refusal to its proof."""
        page = rita.page
        rita.go("/review/")
        page.get_by_role("button", name="Run the forbidden uses").click()
        expect(page.locator("h1 + .badge")).to_have_text("all refused")
        group = page.locator("details", has_text="never-advertise").first
        group.locator("summary").click()
        expect(group.get_by_role("link", name="LU-4.2", exact=True)).to_be_visible()
        found = violations(page)
        reload_until_gone(page, "Proof not ready yet")
        page.locator("details", has_text="never-advertise").first.locator("summary").click()
        with page.expect_download() as proof:
            page.get_by_role("link", name="Download proof").filter(visible=True).first.click()
        assert '"event":"use.refused"' in _read_payload(proof.value.path().read_text())
        return found


def list_minor_violations(page):
    """Return what axe finds of any impact, such as two landmarks of one name."""
    results = page.evaluate("() => axe.run({resultTypes: ['violations']})")
    return [
        f"{page.url}: {found['id']}: {node['html'][:160]}"
        for found in results["violations"]
        for node in found["nodes"]
    ]


def _read_payload(proof):
    """Return the entry of a C2SP tlog-proof, whose second line has it in Base64."""
    [extra] = [line for line in proof.splitlines() if line.startswith("extra ")]
    return base64.b64decode(extra.removeprefix("extra ")).decode()
