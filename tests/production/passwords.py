"""A first password, set by a mailed link, as everybody does who was registered."""

from __future__ import annotations

from email.message import EmailMessage
from typing import NamedTuple

from tests.production.deployment import URL
from tests.production.mail import MailServer
from tests.production.report import wait_for
from tests.smoke.client import SmokeBrowser
from tests.smoke.person import find_on_page


class _Letter(NamedTuple):
    text: str
    url: str = "a mail"


def set_password(browser: SmokeBrowser, mail: MailServer, person: dict[str, str]) -> EmailMessage:
    """Ask for a link at the ordinary site, open it, and return the letter that it came in."""
    before = len(mail.letters)
    page = browser.get("/accounts/password/reset/")
    form = page.form("password/reset")
    browser.submit(page, form, form.data(email=person["email"]))
    wait_for(lambda: len(mail.letters) > before)
    [letter] = mail.letters[before:]
    assert mail.recipients[before:] == [person["email"]]
    page = browser.get(find_on_page(rf"({URL}/\S+)", _Letter(letter.get_content())))
    form = page.form("password/reset/key")
    new = {"password1": person["password"], "password2": person["password"]}
    assert browser.submit(page, form, form.data(**new)).status == 200
    return letter
