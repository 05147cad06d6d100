"""What only Microsoft asks of the running service: its trial of our address, its administrators."""

from __future__ import annotations

from urllib.parse import unquote

import httpx
import pytest
from playwright.sync_api import expect

from tests.worlds.microsoft import MicrosoftSandbox

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("connecting Microsoft in a browser; the smoke test connects over HTTP"),
]

HOOK = "/webhooks/microsoft/channel"


@pytest.mark.scenario("P6")
def test_a_trial_of_our_address_is_said_back_as_text(service):
    token = "Validation: a+b/c= %41"

    answer = httpx.post(f"{service.url}{HOOK}", params={"validationToken": token})

    assert (answer.status_code, answer.text) == (200, token)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.scenario("A9")
def test_an_administrator_agrees_in_a_browser_of_their_own_and_the_person_connects(
    visitor, visit, screen
):
    entra = MicrosoftSandbox(visitor.google)
    # An organisation that agreed on one screen would not be asked on the other.
    domain = f"strict{screen['width']}.example"
    hers, boss = f"ada@{domain}", f"boss@{domain}"
    entra.seed(hers, size=0)
    entra.seed(boss, admin=True, mail=False, calendar=False)
    entra.control("microsoft/tenants", domain=domain, consent="admin")
    page = visitor.page
    visitor.go("/settings/connect/microsoft/")
    page.get_by_role("link", name="Make a link for your administrator").click()
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("pre.key code").inner_text()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    email = unquote(page.get_by_role("link", name="Email link").get_attribute("href"))
    assert email.startswith("mailto:?subject=Please allow Antares")
    assert link in email

    with visit() as other:
        other.page.goto(link)
        other.page.locator(f'input[name="account"][value="{boss}"]').check()
        other.page.get_by_role("button", name="Accept").click()
        expect(other.page.locator("h1")).to_contain_text("Thank you")
        assert other.page.url == f"{visitor.service.url}/connect/administrator/thanks/"

    visitor.go("/settings/integrations/")
    waiting = page.locator("article.card", has_text="Your administrator seems to have approved")
    waiting.get_by_role("link", name="Connect Microsoft mail").click()
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Continue to Microsoft").click()
    visitor.decide("Accept", account=hers)
    expect(page.locator(".alert").first).to_contain_text("Connected.")
    expect(waiting).to_have_count(0)
    assert visitor.minded == []
