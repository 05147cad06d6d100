"""Withdrawing the agreement to Calendar, with a calendar that is stored only in Antares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import violations
from tests.browser.test_calendar import plan
from tests.browser.test_calendar_writing import SERIES, ics

pytestmark = [
    pytest.mark.browser,
    pytest.mark.clause("AN-2", "AN-9"),
    pytest.mark.thorough("a withdrawal in a browser; tests over HTTP walk the same way"),
]


def create_calendar(visitor):
    """Create a local calendar with one event, and return the address of its page."""
    page = visitor.page
    visitor.go("/settings/calendars/new/")
    page.get_by_label("Name", exact=True).fill("Choir")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Create calendar").click()
    expect(page.locator("h1")).to_have_text("Choir")
    file = SERIES.format(day=datetime.now(UTC).date() - timedelta(days=7))
    page.locator('input[type="file"]').set_input_files(ics("choir.ics", file))
    page.get_by_role("button", name="Import").click()
    expect(page.locator(".messages")).to_contain_text("1 added")
    return page.url


def test_says_what_goes_and_leaves_the_local_calendar_as_it_is(visitor):
    page = visitor.page
    plan(visitor)
    own_page = create_calendar(visitor)

    visitor.go("/settings/features/calendar/withdraw/")
    main = page.locator("main")
    expect(main).to_contain_text("disconnects 1 account")
    expect(main).to_contain_text(f"“{visitor.account}”: 6 events")
    stays = page.get_by_role("region", name="Your Antares calendars stay")
    expect(stays).to_contain_text("“Choir”: 1 event")
    found = violations(page)
    with page.expect_download() as given:
        stays.get_by_role("link", name="Download as a file").click()
    assert "SUMMARY:Choir practice" in given.value.path().read_text()
    page.get_by_role("button", name="Withdraw and disconnect").click()
    visitor.confirm()
    expect(page.get_by_role("link", name="Download receipt")).to_be_visible()

    visitor.go("/calendar/?view=month")
    expect(page.locator(".entry", has_text="Choir practice").first).to_be_visible()
    expect(page.locator(".entry", has_text="Review")).to_have_count(0)
    page.goto(own_page)
    with page.expect_download() as given:
        page.get_by_role("link", name="Download as a file").click()
    assert "SUMMARY:Choir practice" in given.value.path().read_text()
    visitor.go("/settings/integrations/")
    page.get_by_role("link", name="Remove all").click()
    expect(page.locator("main")).to_contain_text("“Choir”: 1 event")
    found += violations(page)
    # Nothing goes by a click on the button alone.
    page.get_by_role("button", name="Remove all").click()
    assert page.evaluate("document.querySelector(':invalid') !== null")
    page.get_by_label("I have the files").check()
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("link", name="Download receipt")).to_be_visible()
    assert found == []
    assert visitor.minded == []


@pytest.mark.scenario("A3")
def test_an_outcome_is_dismissed_by_a_button(visitor):
    page = visitor.page
    visitor.to_consent().decide("Cancel")
    alert = page.locator(".alert", has_text="Nothing was connected.")
    expect(alert).to_contain_text("Disappears by itself")
    found = violations(page)

    alert.get_by_role("button", name="Dismiss").click()

    expect(alert).to_have_count(0)
    page.reload()
    expect(alert).to_have_count(0)
    assert found == []
