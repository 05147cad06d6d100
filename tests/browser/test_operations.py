"""An operator in a real browser: from an alarm to its settlement, and the figures beside it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from config.embedded import embedded_service
from integrations.operations import alarm_guide
from tests.browser.test_accessibility import violations
from tests.browser.test_review import list_minor_violations, reload_until_gone

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("the operators' pages in a browser; tests over HTTP compare the answers"),
]

KIND = "provider.push_silent"
_RAISE = f"""
from uuid import UUID
from django.utils import timezone
from accounts import alarms
for window in ("one", "two"):
    alarms.raise_alarm(
        kind={KIND!r}, about=UUID(int=7), window=window, body={{"provider": "google"}},
        at=timezone.now(),
    )
"""


@pytest.fixture
def alarms(service):
    """Raise two alarms in the running service."""
    subprocess.run(
        [sys.executable, "manage.py", "shell", "--command", _RAISE],
        env=service.environment,
        cwd=embedded_service.ROOT,
        capture_output=True,
        check=True,
    )


@pytest.fixture
def otto(visit, service):
    """Return the operator, signed in with password and code."""
    people = json.loads((service.logs.parent / "people.json").read_text())["people"]
    person = next(person for person in people if person["role"] == "operator")
    with visit(person, url=service.staff_url) as visitor:
        yield visitor.sign_in_with_code()


class TestAnOperator:
    # One sign-in: a code serves once.
    def test_goes_from_an_alarm_to_its_settlement(self, otto, alarms):
        page = otto.page
        otto.go("/")
        expect(page).to_have_url(f"{otto.url}/operations/")
        card = page.get_by_role("article").filter(has_text=KIND)
        expect(card).to_contain_text(str(alarm_guide.TITLES[KIND]))
        expect(card).to_contain_text(str(alarm_guide.NEXT_STEPS[KIND]))
        expect(card.locator(".open-alarms > li")).to_have_count(2)
        found = violations(page)

        # By keyboard alone: open the form, leave the reason blank, then give one.
        summary = card.locator("summary").first
        summary.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        reason = card.get_by_label("Reason").first
        expect(reason).to_be_focused()
        page.keyboard.type("   ")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("Enter a reason.")
        expect(reason).to_be_focused()
        found += violations(page)
        page.keyboard.type("the subscription was renewed")
        page.keyboard.press("Enter")

        expect(page.locator(".messages")).to_contain_text("The alarm is settled")
        expect(card.locator(".open-alarms > li")).to_have_count(1)
        reload_until_gone(page, "The figures are missing")
        expect(page.locator("main")).not_to_contain_text("The measuring task does not run")
        expect(page.get_by_role("row").filter(has_text="antares_queue_length")).to_have_count(2)
        expect(page.locator(".badge.good", has_text="running")).to_have_count(3)
        expect(page.locator("tr", has_text='queue="purge"')).not_to_contain_text("unknown")
        found += violations(page)
        found += list_minor_violations(page)
        # The form without a reason was answered with 400.
        assert [line for line in otto.minded if "400" not in line] == []
        # Beside a text, Chromium asks for an icon that the site does not have.
        page.get_by_role("link", name="Raw metrics").click()
        expect(page.locator("body")).to_contain_text(f'antares_alarms_open{{kind="{KIND}"}}')
        assert found == []
        assert otto.foreign() == []
