"""Support asks for a message: asked, allowed, read and taken back, in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from config.embedded import embedded_service as embedded
from tests.browser.mail import INVOICE
from tests.browser.test_accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.clause("LU-3.1")]

TEXT = "Please open the invoice whose text is empty."


@pytest.fixture
def agent(service):
    seeded = json.loads((service.logs.parent / "people.json").read_text())
    return next(person for person in seeded["people"] if person["role"] == "support")


@pytest.fixture
def sam(visit, service, agent):
    """Return the person of support, signed in with password and code."""
    with visit(agent, url=service.staff_url) as visitor:
        yield visitor.sign_in_with_code()


def look_up(service, agent, visitor):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.browser.support_lookup",
            agent["email"],
            visitor.person["email"],
        ],
        env=service.environment,
        cwd=embedded.ROOT,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def ask(sam, service, agent, visitor):
    """Fill in the form by keyboard alone; return its violations."""
    sam.go(f"/support/people/{look_up(service, agent, visitor)}/ask/")
    faults = violations(sam.page)
    sam.page.get_by_label("a message").check()
    sam.page.get_by_label("Why?").select_option(label="The person asked for help.")
    sam.page.get_by_label("What is it about?").fill(TEXT)
    sam.reach(sam.page.get_by_role("button", name="Ask", exact=True))
    expect(sam.page.locator("main")).to_contain_text("Waiting for an answer")
    return faults + violations(sam.page)


@pytest.mark.thorough("a test over HTTP walks from the question to the end of access")
def test_a_question_is_allowed_read_and_taken_back(connected, sam, service, agent):
    page = connected.page
    faults = ask(sam, service, agent, connected)
    question_address = sam.page.url

    # The notice comes from a worker.
    bell = page.locator("a.bell")
    for _ in range(60):
        connected.go("/settings/support/")
        if bell.locator(".bell-count").count():
            break
        page.wait_for_timeout(1000)
    expect(bell).to_have_accessible_name("Notices, 1 unread")
    faults += violations(page)
    connected.reach(page.get_by_role("link", name="Answer"))
    expect(page.locator("main")).to_contain_text(TEXT)
    faults += violations(page)
    connected.reach(page.locator(".mail-row", has_text=INVOICE))
    expect(page.locator("h1")).to_have_text("Let a support agent read this message?")
    faults += violations(page)
    connected.reach(page.get_by_label("1 hour"), "Space")
    connected.reach(page.get_by_label("I agree that"), "Space")
    connected.reach(page.get_by_role("button", name="Allow access"))
    page.wait_for_url("**/reauthenticate/**")
    connected.confirm()
    expect(page.locator("main")).to_contain_text("No support agent has read it")
    expect(bell).to_have_accessible_name("Notices")

    sam.page.goto(question_address)
    sam.reach(sam.page.get_by_role("link", name="Read the message"))
    expect(sam.page.locator("h1")).to_have_text(INVOICE)
    item_address = sam.page.url

    page.reload()
    expect(page.locator("main")).to_contain_text("A support agent read it:")
    faults += violations(page)
    connected.reach(page.get_by_role("button", name="Stop sharing"))
    expect(page.locator(".messages")).to_contain_text("Stopped sharing")

    # From the page that was opened before.
    assert sam.page.reload().status == 403
    assert sam.page.goto(item_address).status == 403
    assert faults == []
    assert connected.foreign() == []
    assert sam.foreign() == []


@pytest.mark.thorough("the parts have tests over HTTP")
def test_a_code_is_created_by_keyboard_and_a_question_declined(connected, sam, service, agent):
    page = connected.page
    connected.go("/settings/integrations/")
    connected.reach(page.get_by_role("link", name="Open support"))
    connected.reach(page.get_by_role("button", name="Create a code to read out"))
    expect(page.locator(".spoken-code .nowrap")).to_have_count(2)
    faults = violations(page)

    ask(sam, service, agent, connected)
    connected.go("/settings/support/")
    connected.reach(page.get_by_role("link", name="Answer"))
    connected.reach(page.get_by_role("button", name="Decline"))
    expect(page.locator(".messages")).to_contain_text("Declined.")
    sam.page.reload()
    expect(sam.page.locator("main .badge")).to_have_text("Declined")
    faults += violations(sam.page)
    assert faults == []
    assert connected.minded == []
