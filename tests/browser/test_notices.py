"""A notice in the bell, read and routed by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.clause("AN-13"),
    pytest.mark.thorough("the pages of notices in a browser; tests over HTTP compare the answers"),
]


def test_is_counted_read_and_routed_by_keyboard_alone(connected):
    page, bell = connected.page, connected.page.locator("a.bell")
    expect(bell).to_have_accessible_name("Notices")
    connected.google.revoke_grant(connected.account)
    connected.google.expire_access(connected.account)
    expect(connected.card.locator(".badge")).to_have_text("Please reconnect")
    # The sweep comes every two seconds.
    for _ in range(30):
        page.reload()
        if bell.locator(".bell-count").count():
            break
        page.wait_for_timeout(1000)
    expect(bell).to_have_accessible_name("Notices, 1 unread")
    found = violations(page)
    connected.reach(bell)

    notice = page.locator(".notice")
    expect(notice).to_contain_text("Your Google account has to be reconnected")
    expect(notice.locator(".badge")).to_have_text("New")
    found += violations(page)
    page.reload()
    expect(bell).to_have_accessible_name("Notices")
    expect(notice.locator(".badge")).to_have_count(0)

    connected.reach(page.get_by_role("link", name="Choose where you receive notices"))
    owed = page.get_by_role("group", name="An account has to be reconnected")
    expect(owed.get_by_label("Off")).to_have_count(0)
    shared = page.get_by_role("group", name="A colleague shares a calendar with you")
    connected.reach(shared.get_by_label("On the page of notices"), key="ArrowUp")
    expect(shared.get_by_label("Off")).to_be_checked()
    found += violations(page)
    connected.reach(page.get_by_role("button", name="Save"))
    expect(page.locator(".messages")).to_contain_text("Saved.")
    expect(shared.get_by_label("Off")).to_be_checked()

    connected.go("/settings/notices/")
    connected.reach(notice.get_by_role("link", name="Reconnect"))
    expect(connected.card).to_be_visible()
    assert found == []
    assert connected.minded == []
    assert connected.foreign() == []
