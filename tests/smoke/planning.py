"""What an owner does with calendars at the pages and by the API, in the smoke and canary runs."""

from __future__ import annotations

from typing import Any

from tests.smoke.client import Page
from tests.smoke.person import SmokePerson, find_on_page


def share_calendar(person: SmokePerson, calendar_id: str, email: str) -> Page:
    """Let a colleague see what is in a calendar, until it is taken back."""
    page = person.browser.get(f"/settings/calendars/{calendar_id}/sharing/")
    return person.agree(page, email=email, level="details")


def take_back(person: SmokePerson, calendar_id: str) -> Page:
    """Take the first share of a calendar back."""
    page = person.browser.get(f"/settings/calendars/{calendar_id}/sharing/")
    form = page.form("/settings/shares/", "/end/")
    return person.browser.submit(page, form, form.data())


def erase(person: SmokePerson, place: str) -> Page:
    """Delete what is kept of the calendars whose page is `place`."""
    page = person.browser.get(f"{place}erase/")
    form = page.own_form()
    return person.browser.submit(page, form, form.data())


def ask_again(person: SmokePerson, place: str) -> Page:
    """Have the calendars whose page is `place` brought in again."""
    page = person.browser.get(place)
    form = page.form("calendars/again/")
    return person.browser.submit(page, form, form.data())


def create_local_calendar(person: SmokePerson, name: str) -> str:
    """Begin a calendar that lives here, and return its id."""
    page = person.browser.get("/settings/calendars/new/")
    page = person.agree(page, name=name, zone="Europe/Berlin")
    return find_on_page(r'action="/settings/calendars/([0-9a-f-]{36})/fill/"', page)


def import_file(person: SmokePerson, calendar_id: str, data: bytes) -> Any:
    """Return the answer to an .ics file for a calendar that lives here."""
    place = f"/calendars/{calendar_id}/import"
    return person.send("POST", place, content=data, content_type="text/calendar")
