"""Events and Antares calendars, written in a real browser: by keyboard, and by axe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import violations
from tests.browser.test_calendar import event, plan

pytestmark = [
    pytest.mark.browser,
    pytest.mark.clause("AN-6"),
    pytest.mark.thorough("events written in a browser; tests over HTTP write the same"),
]

SERIES = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Kestrel//EN\r
BEGIN:VEVENT\r
UID:choir@kestrel.example\r
DTSTAMP:20260101T000000Z\r
DTSTART;TZID=W. Europe Standard Time:{day:%Y%m%d}T180000\r
DURATION:PT90M\r
RRULE:FREQ=WEEKLY;COUNT=10\r
SUMMARY:Choir practice\r
END:VEVENT\r
END:VCALENDAR\r
"""


def ics(name, text):
    return {"name": name, "mimeType": "text/calendar", "buffer": text.encode()}


@pytest.fixture
def planned(visitor):
    return plan(visitor)


class TestEventForm:
    @pytest.mark.scenario("C3")
    def test_is_written_changed_and_deleted_by_keyboard_alone(self, planned):
        page = planned.page
        planned.go("/calendar/?view=day")

        page.keyboard.press("n")
        expect(page.locator("h1")).to_have_text("New event")
        found = violations(page)
        planned.reach(page.get_by_label("Title"), "T")
        page.keyboard.type("ea with Bo")
        page.keyboard.press("Enter")

        expect(page.locator("h1")).to_have_text("Tea with Bo")
        planned.reach(page.get_by_role("link", name="Edit", exact=True))
        expect(page.locator("h1")).to_have_text("Edit event")
        found += violations(page)
        planned.reach(page.get_by_label("Title"), "End")
        page.keyboard.type("b")
        page.keyboard.press("Enter")

        expect(page.locator("h1")).to_have_text("Tea with Bob")
        there = planned.google.calendar(planned.account)["events"]
        assert [one["summary"] for one in there].count("Tea with Bob") == 1
        planned.reach(page.get_by_role("link", name="Delete", exact=True))
        expect(page.locator("h1")).to_have_text("Delete Tea with Bob?")
        found += violations(page)
        planned.reach(page.get_by_role("button", name="Delete"))

        expect(page.locator(".messages")).to_contain_text("Event deleted.")
        expect(page.locator(".entry", has_text="Tea with")).to_have_count(0)
        assert found == []
        assert planned.minded == []

    def test_that_makes_no_sense_stays_as_it_was_typed(self, planned):
        page = planned.page
        planned.go("/calendar/new/")
        page.get_by_label("Title").fill("Backwards")
        page.get_by_label("End", exact=True).fill("2020-01-01")

        page.get_by_role("button", name="Save", exact=True).click()

        expect(page.get_by_label("End", exact=True)).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Title")).to_have_value("Backwards")
        assert violations(page) == []

    def test_that_one_is_invited_to_is_declined(self, visitor):
        page, google = visitor.page, visitor.google
        noon = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0)
        me = {"email": visitor.account, "self": True, "responseStatus": "needsAction"}
        organizer = {"email": "boss@mail.example"}
        asked = event(noon, 1, "Offsite", attendees=[me], organizer=organizer)
        google.put_event(visitor.account, **asked)
        plan(visitor).go("/calendar/?view=day")
        page.locator(".entry", has_text="Offsite").click()

        page.get_by_role("button", name="Not going", exact=True).click()

        expect(page.locator(".messages")).to_contain_text("Your answer: Not going")
        [there] = [
            one
            for one in google.calendar(visitor.account)["events"]
            if one.get("summary") == "Offsite"
        ]
        assert there["attendees"][0]["responseStatus"] == "declined"
        assert violations(page) == []


class TestAntaresCalendar:
    @pytest.mark.clause("AN-9")
    def test_is_begun_filled_given_and_removed(self, visitor):
        page = visitor.page
        file = SERIES.format(day=datetime.now(UTC).date() - timedelta(days=7))
        visitor.go("/settings/calendars/new/")
        found = violations(page)
        page.get_by_label("Name", exact=True).fill("Choir")
        page.get_by_label("Time zone").select_option("Europe/Berlin")
        page.get_by_label("I agree").check()
        page.get_by_role("button", name="Create calendar").click()
        expect(page.locator("h1")).to_have_text("Choir")

        broken = ics("broken.ics", file.replace("FREQ=WEEKLY", "FREQ=OFTEN"))
        page.locator('input[type="file"]').set_input_files(broken)
        page.get_by_role("button", name="Import").click()
        expect(page.locator("table")).to_contain_text("FREQ is missing or unknown")
        expect(page.locator(".lead")).to_contain_text("0 events")
        found += violations(page)
        assert [one for one in visitor.minded if "422" not in one] == []

        page.locator('input[type="file"]').set_input_files(ics("choir.ics", file))
        page.get_by_role("button", name="Import").click()
        expect(page.locator(".messages")).to_contain_text("1 added")
        with page.expect_download() as given:
            page.get_by_role("link", name="Download as a file").click()
        assert "SUMMARY:Choir practice" in given.value.path().read_text()

        visitor.go("/calendar/?view=month")
        expect(page.locator(".entry", has_text="Choir practice").first).to_be_visible()
        page.go_back()
        page.get_by_role("link", name="Remove this calendar").click()
        found += violations(page)
        page.get_by_role("button", name="Remove it for good").click()
        expect(page.locator(".messages")).to_contain_text("Calendar removed, with 1 event.")
        assert found == []
        assert visitor.foreign() == []
