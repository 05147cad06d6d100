"""A reviewer in a real browser: from a sentence to the rule, the tests, the entry and its proof."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from config.embedded.feature_client import FeatureClient
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.verify import verifier
from tests.browser.test_accessibility import violations
from tests.review.conftest import make_run

pytestmark = [pytest.mark.browser, pytest.mark.clause("LU-4.1")]

PATHS = ("/review/", "/review/policy/", "/review/refusals/", "/review/clauses/WSEC-KEY/")


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
    person = next(one for one in seeded["people"] if one["role"] == "reviewer")
    with visit(person, url=service.staff_url) as one:
        yield one.sign_in_with_code()


def reload_until_shown(visitor, path, shown):
    """Load a page until what workers do every few seconds stands on it."""
    for _ in range(60):
        visitor.go(path)
        if visitor.page.get_by_text(shown).count():
            return
        visitor.page.wait_for_timeout(1000)
    raise AssertionError(f"{shown} did not appear on {path}")


class TestAReviewer:
    # One sign-in: a code serves once.
    def test_goes_from_a_sentence_to_its_proof_and_takes_the_evidence_home(
        self, rita, service, seeded, results
    ):
        client = next(one for one in seeded["clients"] if one["client_id"] == "campaigns")
        alice = seeded["people"][0]["id"]
        answer = FeatureClient(service.url, client).request_messages(client["delegation_id"], alice)
        assert answer.status_code == 403
        page = rita.page

        reload_until_shown(rita, "/review/refusals/", "campaigns")
        page.get_by_role("link", name="Clauses").click()
        page.get_by_role("link", name="LU-4.1", exact=True).click()
        expect(page.locator("#enforced + p")).to_contain_text("rules of the policy")
        expect(page.locator("#rule-never-market")).to_contain_text("never used for marketing")
        expect(page.locator("#tests + .alert")).to_contain_text("Test results are missing")
        found = violations(page)
        results.write_bytes(make_run())
        page.reload()
        expect(page.locator("main")).to_contain_text("a campaign cannot be registered")
        expect(page.locator("#tests + p")).to_contain_text("of which 0 failed.")
        found += violations(page)
        page.locator("#applied ~ .table-wrap a").first.click()
        expect(page.locator("h1")).to_contain_text("Ledger entry")
        found += violations(page)
        with page.expect_download() as proof:
            page.get_by_role("link", name="Download the proof").click()
        for path in PATHS:
            rita.go(path)
            found += violations(page)
        rita.go("/review/evidence/")
        page.get_by_role("button", name="Make one now").click()
        expect(page.locator(".messages")).to_contain_text("is being made")
        reload_until_shown(rita, "/review/evidence/", "WSEC-KEY")
        found += violations(page)
        with page.expect_download() as evidence:
            page.locator("a[download]").first.click()
        shown = page.locator("pre.key").inner_text()

        assert "c2sp.org/tlog-proof@v1" in proof.value.path().read_text()
        keys = [VerifierKey.parse(text) for text in shown.split("'")[1::2]]
        assert verifier.check_signed_document(evidence.value.path().read_bytes(), keys)
        assert found == []
        assert rita.foreign() == []
        assert rita.minded == []
