"""Calendars in a real browser: looked at by keyboard alone, on a phone, on paper, and by axe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import violations
from tests.browser.visitor import open_visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("the calendar's pages in a browser; tests over HTTP compare the answers"),
]
OVERRIDE = "\u202egpj.exe"
#: Whether the text of a title is inside its entry.
IS_WHOLE = """one => {
    const box = one.closest('.entry').getBoundingClientRect();
    const text = one.getBoundingClientRect();
    return text.bottom <= box.bottom + 1 && text.top >= box.top - 1
        && text.right <= box.right + 1 && one.scrollWidth <= one.clientWidth + 1;
}"""
HOSTILE = f"<img src=x onerror=alert(1)>{OVERRIDE}{'long' * 60}"


def event(start, hours, title, **more):
    end = start + timedelta(hours=hours)
    return {
        "summary": title,
        "start": {"dateTime": start.isoformat(), "timeZone": "UTC"},
        "end": {"dateTime": end.isoformat(), "timeZone": "UTC"},
        **more,
    }


def fill_calendars(google, account):
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    today, later = noon.date(), noon.date() + timedelta(days=2)
    for one in (
        event(noon, 1, "Review"),
        event(noon, 2, "Interview"),
        event(noon + timedelta(minutes=30), 1, "Maybe lunch", status="tentative"),
        event(noon - timedelta(hours=3), 1, HOSTILE),
        event(
            noon - timedelta(hours=5),
            0.25,
            "Standup of all",
            recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"],
            description="<b>Round</b> the table",
            location="Room 4",
        ),
        {
            "summary": "Fair",
            "start": {"date": today.isoformat()},
            "end": {"date": later.isoformat()},
        },
    ):
        google.put_event(account, **one)


def plan(visitor):
    """Connect a calendar that is filled, and wait until what is in it is here."""
    fill_calendars(visitor.google, visitor.account)
    visitor.to_consent("/settings/connect/google/?product=calendar").decide()
    visitor.go("/calendar/?view=day")
    expect(visitor.page.locator(".entry", has_text="Review")).to_be_visible()
    return visitor


@pytest.fixture(scope="module")
def planner(visit_at_any_size):
    """Return who has such a calendar, once for all who change nothing of it."""
    with visit_at_any_size() as one:
        plan(one.sign_in_by_http())
        return one.person, one.account, one.context.storage_state()


@pytest.fixture
def planned(browser, service, google, planner, screen):
    """Return a person whose calendar is connected, in a browser of the test's own."""
    person, account, cookies = planner
    options = {"storage_state": cookies, "viewport": screen}
    with open_visitor(browser, service, google, person, account, **options) as one:
        one.go("/calendar/?view=day")
        yield one


class TestCalendarsInBrowser:
    @pytest.mark.parametrize("view", ["month", "week", "day", "agenda"])
    def test_are_accessible_and_fit(self, planned, view):
        planned.go(f"/calendar/?view={view}")

        assert violations(planned.page) == []
        assert planned.minded == []

    def test_are_walked_by_keyboard_alone(self, visitor):
        # Which calendars show is kept, so not with those who share one.
        planned = plan(visitor)
        page = planned.page
        planned.go("/calendar/?view=day")
        title = page.locator("h1").inner_text()

        planned.reach(page.get_by_role("link", name="Later"))
        expect(page.locator("h1")).not_to_have_text(title)
        page.keyboard.press("t")
        expect(page.locator("h1")).to_have_text(title)
        page.keyboard.press("m")
        expect(page.locator(".month")).to_be_visible()
        planned.reach(page.locator(".legend button").first)
        expect(page.locator('.legend [aria-pressed="false"]')).to_have_count(1)

        assert planned.minded == []

    def test_have_no_letters_where_they_were_switched_off(self, visitor):
        planned = plan(visitor)
        page = planned.page
        planned.go("/calendar/look/")
        page.get_by_label("Keyboard shortcuts").uncheck()
        page.get_by_role("button", name="Save", exact=True).click()
        planned.go("/calendar/?view=day")

        page.keyboard.press("m")

        expect(page.locator(".days")).to_be_visible()
        assert page.locator("script[src*=keys]").count() == 0

    def test_show_hostile_words_as_text_and_ask_nobody_else(self, planned):
        planned.go("/calendar/?view=agenda")

        expect(planned.page.locator(".entry", has_text="<img src=x")).to_have_count(1)
        assert planned.page.locator("main img").count() == 0
        assert not [url for url in planned.foreign() if "127.0.0.1" not in url]

    def test_are_printed_without_what_is_for_the_screen(self, planned):
        page = planned.page
        planned.go("/calendar/?view=week")

        page.emulate_media(media="print")

        expect(page.locator(".entry", has_text="Review").first).to_be_visible()
        expect(page.get_by_role("link", name="Later")).to_be_hidden()
        expect(page.locator(".site-head")).to_be_hidden()

    def test_that_overlap_stand_beside_each_other(self, planned):
        planned.page.set_viewport_size({"width": 1280, "height": 900})
        planned.go("/calendar/?view=day")

        boxes = [
            planned.page.locator(".hours .entry", has_text=title).bounding_box()
            for title in ("Review", "Interview", "Maybe lunch")
        ]

        spans = sorted((one["x"], one["x"] + one["width"]) for one in boxes)
        assert all(end <= start + 1 for (_, end), (start, _) in pairwise(spans))

    def test_that_are_six_at_once_are_readable_in_a_week(self, visitor, screen):
        at = datetime.now(UTC).replace(hour=16, minute=0, second=0, microsecond=0)
        for number in range(6):
            visitor.google.put_event(visitor.account, **event(at, 1, f"Clash {number}"))
        page = plan(visitor).page
        visitor.go("/calendar/?view=week")
        is_wide = screen["width"] > 1000
        clashes = page.locator(".hours .entry:visible", has_text="Clash")

        expect(clashes).to_have_count(2 if is_wide else 6)
        widths = [one.bounding_box()["width"] for one in clashes.all()]
        assert min(widths) >= (50 if is_wide else 300)
        titles = page.locator(".hours .entry-title:visible", has_text="Clash")
        assert [one.evaluate(IS_WHOLE) for one in titles.all()] == [True] * len(widths)
        if is_wide:
            # Of the three at noon, one has no lane either.
            page.get_by_role("link", name="5 more at the same time").click()
            expect(page.locator(".entry", has_text="Clash")).to_have_count(6)

    @pytest.mark.parametrize("width", [375, 1280])
    def test_show_the_title_of_a_short_event_whole_and_on_one_line(self, planned, width):
        planned.page.set_viewport_size({"width": width, "height": 900})
        planned.go("/calendar/?view=day")

        title = planned.page.locator(".hours .entry-title", has_text="Standup of all")

        assert title.evaluate(IS_WHOLE)

    def test_are_gone_through_by_arrows(self, planned):
        page = planned.page
        planned.go("/calendar/?view=agenda")
        page.locator("a.entry").first.focus()

        page.keyboard.press("ArrowDown")
        expect(page.locator("a.entry").nth(1)).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(page.locator("a.entry").first).to_be_focused()
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**day=*")

        assert planned.minded == []


class TestOneEvent:
    @pytest.mark.parametrize("width", [375, 1280])
    def test_is_accessible_and_fits(self, planned, width):
        page = planned.page
        page.set_viewport_size({"width": width, "height": 900})
        planned.go("/calendar/?view=day")

        planned.reach(page.locator("a.entry", has_text="Standup of all"))

        expect(page.locator("h1")).to_have_text("Standup of all")
        expect(page.locator(".event-head")).to_contain_text("every week on")
        frame = page.frame_locator("iframe.mail-body")
        expect(frame.locator("b")).to_have_text("Round")
        # Before axe looks, which it does at widths of its own.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        assert planned.minded == []
        assert not [url for url in planned.foreign() if "127.0.0.1" not in url]

    def test_of_hostile_words_breaks_nothing(self, planned):
        page = planned.page
        page.set_viewport_size({"width": 375, "height": 900})
        planned.go("/calendar/?view=day")
        page.locator("a.entry", has_text="<img src=x").click()

        expect(page.locator("h1")).to_contain_text("<img src=x")
        assert page.locator("main img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
