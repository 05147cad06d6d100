"""
Make the pictures of the README and of the reviewer's pages: ``python -m tests.browser.shots``.

Connected accounts, an inbox, a week, an event, the activity, and the steps of the consent flow, of
the real service, in WebP of at most 150 KB.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import expect

from config.embedded import demo_calendars, embedded_servers, postgres
from config.embedded import embedded_service as embedded
from config.embedded.demo_cast import CAST
from tests.browser import chromium
from tests.browser.test_calendar_writing import SERIES
from tests.browser.visitor import FAST, open_visitor
from tests.raw_feature import RawFeature
from tests.worlds.sandbox import Sandbox

PLACE = embedded.ROOT / "accounts" / "static" / "antares" / "shots"
MOST_BYTES = 150_000
# Of a whole page: the rest is cut off.
MOST_PIXELS = 1600
# What a card says of calendars that are all in.
SYNCED = re.compile("^(Connected|Up to date)")
RECEIPT = re.compile("receipt", re.IGNORECASE)
# PNG in, WebP out, by the browser that is here anyway.
ENCODE = """async ([png, quality]) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d').drawImage(image, 0, 0);
  const blob = await canvas.convertToBlob({type: 'image/webp', quality});
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, one => String.fromCharCode(one)).join(''));
}"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="antares-shots-") as folder:
        data = Path(folder)
        data.chmod(0o711)
        with (
            embedded_servers.run_servers(data, settings=postgres.THROWAWAY, environment={}) as urls,
            embedded.run_service(data, urls, extra=FAST) as service,
            chromium.run_browser() as browser,
        ):
            take_shots(browser, service, json.loads((data / "people.json").read_text()))
    return 0


def take_shots(browser, service, seeded) -> None:
    google = Sandbox(service.sandbox_url, service.control_url)
    alice = next(one for one in seeded["people"] if one["email"].startswith("alice"))
    size = {"width": 1120, "height": 720}
    google.dial(units_per_minute=0)
    account = CAST["alice"].email
    with open_visitor(browser, service, google, alice, account, viewport=size) as visitor:
        visitor.sign_in().connect()
        visitor.go("/settings/integrations/")
        keep(browser, visitor.page.screenshot(), PLACE / "settings.webp")
        visitor.go("/inbox/")
        keep(browser, visitor.page.screenshot(), PLACE / "inbox.webp")
        write_answer(visitor)
        keep(browser, visitor.page.screenshot(), PLACE / "compose.webp")
        visitor.go("/settings/notices/choices/")
        keep(browser, visitor.page.screenshot(), PLACE / "notices.webp")
        calendar(visitor)
        keep(browser, visitor.page.screenshot(), PLACE / "calendar.webp")
        visitor.page.set_viewport_size(size)
        visitor.go("/calendar/new/")
        visitor.page.get_by_label("Title").fill("Lunch with Ada")
        keep(browser, visitor.page.screenshot(), PLACE / "event.webp")
        client = next(one for one in seeded["clients"] if one["client_id"] == "campaigns")
        RawFeature(service.url, client).request_messages(client["delegation_id"], alice["id"])
        visitor.go("/settings/activity/")
        keep(browser, visitor.page.screenshot(), PLACE / "uses.webp")
    bob = next(one for one in seeded["people"] if one["email"].startswith("bob"))
    account = CAST["bob"].email
    with open_visitor(browser, service, google, bob, account, viewport=size) as visitor:
        take_flow_shots(browser, visitor.sign_in())
    google.close()


def take_flow_shots(browser, visitor) -> None:
    """Take each step of the consent flow; see `integrations.review.messages.flow`."""
    page = visitor.page
    product = "/settings/connect/google/?product=calendar"

    def take(name: str) -> None:
        # Without the focus of the button that led to the page.
        page.mouse.move(0, 0)
        height = min(page.evaluate("document.documentElement.scrollHeight"), MOST_PIXELS)
        clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
        picture = page.screenshot(full_page=True, clip=clip)
        keep(browser, picture, PLACE / f"flow-{name}.webp")

    visitor.go("/settings/integrations/")
    take("settings")
    visitor.go(product)
    take("disclosure")
    visitor.to_consent(product)
    take("provider")
    page.locator('input[name="scope"][value$="/calendar.events"]').uncheck()
    visitor.decide()
    disconnect = page.get_by_role("link", name="Disconnect").first
    expect(disconnect).to_be_visible()
    take("partial")
    missing = page.locator('main a[href*="product=calendar"][href*="connection="]').first
    visitor.to_consent(missing.get_attribute("href")).decide()
    expect(page.locator(".badge", has_text=SYNCED).first).to_be_visible()
    take("connected")
    disconnect.click()
    visitor.confirm()
    expect(page.locator("form .button.danger")).to_be_visible()
    take("disconnect")
    page.locator("form .button.danger").click()
    expect(page.get_by_role("link", name=RECEIPT).first).to_be_visible()
    take("receipt")


def write_answer(visitor) -> None:
    """Answer the newest conversation, and allow Antares to send."""
    page = visitor.page
    page.locator('a[href*="/inbox/threads/"]').first.click()
    page.get_by_role("link", name=re.compile("^Reply")).first.click()
    page.locator("main input[name=agree]").check()
    page.locator("main form button[type=submit]").first.click()
    page.get_by_role("button", name="Allow", exact=True).click()
    page.get_by_label("Text", exact=True).fill("Thank you. I will call you tomorrow at ten.")


def calendar(visitor) -> None:
    """Add calendars to the account, begin one that lives here, and look at the week."""
    page = visitor.page
    visitor.go("/settings/integrations/")
    adding = visitor.card.get_by_role("link", name="Add calendar").get_attribute("href")
    visitor.to_consent(adding).decide()
    visitor.go("/settings/calendars/new/")
    page.get_by_label("Name", exact=True).fill("Choir")
    page.get_by_label("Time zone").select_option(demo_calendars.BERLIN)
    page.get_by_label("Colour").fill("#1f8a4c")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Create calendar").click()
    name, kind = "choir.ics", "text/calendar"
    file = SERIES.format(day=datetime.now(UTC).date()).encode()
    upload = {"name": name, "mimeType": kind, "buffer": file}
    page.locator('input[type="file"]').set_input_files(upload)
    page.get_by_role("button", name="Import").click()
    page.set_viewport_size({"width": 1280, "height": 860})
    visitor.go("/calendar/?view=week")
    expect(page.locator(".entry", has_text="Product review")).to_be_visible()


def keep(browser, png, path) -> None:
    page = browser.new_page()
    encoded = page.evaluate(ENCODE, [base64.b64encode(png).decode(), 0.9])
    page.close()
    picture = base64.b64decode(encoded)
    if len(picture) > MOST_BYTES:
        raise SystemExit(f"{path.name} is too large: {len(picture)} bytes")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(picture)
    sys.stdout.write(f"{path.relative_to(embedded.ROOT)}: {len(picture)} bytes\n")


if __name__ == "__main__":
    sys.exit(main())
